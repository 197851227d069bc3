#include "station/http.h"

#include "tests/unit/http_server_fixture.h"

static void get_open(void *app, const struct http_request *request, struct http_response *r)
{
    (void)app;
    http_json(r, 200, json_pack("{s:b, s:s}", "ok", true, "who", request->who.name));
}

static void get_who(void *app, const struct http_request *request, struct http_response *r)
{
    (void)app;
    http_json(r, 200,
              json_pack("{s:s, s:s, s:i}", "name", request->who.name, "role",
                        role_name(request->who.role), "via", (int)request->who.via));
}

static void post_echo(void *app, const struct http_request *request, struct http_response *r)
{
    (void)app;
    http_json(r, 201, json_deep_copy(request->json));
}

static void get_file(void *app, const struct http_request *request, struct http_response *r)
{
    const struct site *site = app;
    http_file(request, r, open(site->file, O_RDONLY | O_CLOEXEC), "text/plain", "a \"file\".txt");
}

static void get_path(void *app, const struct http_request *request, struct http_response *r)
{
    (void)app;
    http_json(r, 200, json_pack("[s, s]", request->params[0], request->params[1]));
}

static void get_number(void *app, const struct http_request *request, struct http_response *r)
{
    int64_t value = 50;
    (void)app;
    if (http_query_int(request, r, "limit", 1, 500, &value))
        http_json(r, 200, json_pack("{s:I}", "limit", (json_int_t)value));
}

static void get_etag(void *app, const struct http_request *request, struct http_response *r)
{
    (void)app;
    http_json_etag(request, r, json_pack("{s:i, s:i}", "b", 1, "a", 2));
}

static void add_chunk(void *data, struct buf *out, bool *end)
{
    int *left = data;
    buf_fill(out, 'x', 100000);
    *end = --*left == 0;
}

static void get_chunks(void *app, const struct http_request *request, struct http_response *r)
{
    int *left = xmalloc(sizeof(*left));
    (void)app;
    (void)request;
    *left = 10;
    http_chunks(r, "text/plain", add_chunk, free, left);
}

static void get_error(void *app, const struct http_request *request, struct http_response *r)
{
    struct err *err = NULL;
    (void)app;
    (void)request;
    err_set(&err, ERR_NOT_FOUND, "there is no job %d", 7);
    err_hint(&err, "list them");
    http_error(r, &err);
}

static void post_session(void *app, const struct http_request *request, struct http_response *r)
{
    const char *token = json_string_value(json_object_get(request->json, "token"));
    struct principal who;
    (void)app;
    if (!http_check_token(request, r, token ? token : "", &who))
        return;
    http_json(r, 200, json_pack("{s:s}", "name", who.name));
    http_set_session(request, r, token);
}

static void delete_session(void *app, const struct http_request *request, struct http_response *r)
{
    (void)app;
    http_text(r, 204, NULL, "", 0);
    http_clear_session(request, r);
}

static const struct http_route routes[] = {
    {"GET", "/open", ROLE_NONE, get_open, ROUTE_OPEN},
    {"GET", "/v1/who", ROLE_VIEW, get_who, 0},
    {"POST", "/v1/echo", ROLE_OPERATE, post_echo, ROUTE_BODY_JSON},
    {"POST", "/v1/kick", ROLE_OPERATE, get_who, 0},
    {"DELETE", "/v1/who", ROLE_ENGINEER, get_who, 0},
    {"GET", "/v1/file", ROLE_VIEW, get_file, 0},
    {"GET", "/v1/things/{name}/files/{path*}", ROLE_VIEW, get_path, 0},
    {"GET", "/v1/number", ROLE_VIEW, get_number, 0},
    {"GET", "/v1/etag", ROLE_VIEW, get_etag, 0},
    {"GET", "/v1/chunks", ROLE_VIEW, get_chunks, 0},
    {"GET", "/v1/error", ROLE_VIEW, get_error, 0},
    {"POST", "/v1/session", ROLE_NONE, post_session, ROUTE_OPEN | ROUTE_BODY_JSON},
    {"DELETE", "/v1/session", ROLE_NONE, delete_session, ROUTE_OPEN},
    {.method = NULL},
};

static int begin(void **state)
{
    struct site *site = xmalloc(sizeof(*site));
    struct err *err = NULL;
    site_init(site);
    assert_ok(fs_write(site->file, "0123456789", 10, 0644, &err), &err);
    site_start(site, routes);
    *state = site;
    return 0;
}

static int end(void **state)
{
    site_end(*state);
    free(*state);
    return 0;
}

static void answers(void **state)
{
    assert_answer(ask(*state, "GET", "/open", "", NULL), 200, "{\"ok\":true,\"who\":\"\"}\n");
    assert_answer(ask(*state, "GET", "/v1/who", AS(VIEWER), NULL), 200,
                  "{\"name\":\"token 0\",\"role\":\"view\",\"via\":2}");
    assert_answer(ask(*state, "POST", "/v1/echo", AS(OPERATOR) JSON, "{\"a\":[1]}"), 201,
                  "{\"a\":[1]}\n");
    assert_answer(ask(*state, "GET", "/v1/number?limit=7&limit=8", AS(VIEWER), NULL), 200,
                  "{\"limit\":7}");
    assert_answer(ask(*state, "GET", "/v1/number", AS(VIEWER), NULL), 200, "{\"limit\":50}");
    assert_answer(ask(*state, "GET", "/v1/number?limit=501", AS(VIEWER), NULL), 400,
                  "limit is '501', not a whole number from 1 to 500");
    assert_answer(ask(*state, "GET", "/v1/error", AS(VIEWER), NULL), 404,
                  "\"detail\":\"there is no job 7\",\"action\":\"list them\"");
}

/* Whatever the answer is. */
static void every_answer_has_the_headers_of_a_browser(void **state)
{
    static const char *const paths[] = {"/open", "/none", "/v1/who", "/v1/../x", "/v1/file"};
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        _cleanup_free_ char *answer = ask(*state, "GET", paths[i], "", NULL);
        assert_contains(answer,
                        "Content-Security-Policy: default-src 'self'; frame-ancestors 'none'; "
                        "base-uri 'none'; form-action 'self'\r\n");
        assert_contains(answer, "X-Content-Type-Options: nosniff\r\n");
        assert_contains(answer, "Referrer-Policy: no-referrer\r\n");
        assert_contains(answer, "Cross-Origin-Resource-Policy: same-origin\r\n");
        assert_contains(answer, "Cache-Control: no-store\r\n");
        assert_contains(answer, "Date: ");
        assert_null(strcasestr(answer, "Access-Control-"));
    }
}

static void methods(void **state)
{
    assert_answer(ask(*state, "PUT", "/v1/who", "", NULL), 405, "Allow: GET, HEAD, DELETE\r\n");
    assert_answer(ask(*state, "OPTIONS", "/v1/who",
                      "Origin: http://evil.example\r\nAccess-Control-Request-Method: GET\r\n",
                      NULL),
                  403, "foreign-origin");
    assert_answer(ask(*state, "OPTIONS", "/v1/who", "", NULL), 405, "Allow: ");
    assert_answer(ask(*state, "TRACE", "/v1/who", "", NULL), 405, "Allow: ");
    assert_answer(ask(*state, "GET", "/v1/none", "", NULL), 404,
                  "Content-Type: application/problem+json\r\n");
}

static void head_is_get_without_a_body(void **state)
{
    _cleanup_free_ char *get = ask(*state, "GET", "/v1/who", AS(VIEWER), NULL);
    _cleanup_free_ char *head = ask(*state, "HEAD", "/v1/who", AS(VIEWER), NULL);
    assert_int_equal(status_of(head), 200);
    assert_string_equal(body_of(head), "");
    assert_contains(head, "Content-Length: 41\r\n");
    assert_contains(get, "Content-Length: 41\r\n");
    assert_string_equal(body_of(get), "{\"name\":\"token 0\",\"role\":\"view\",\"via\":2}\n");
    _cleanup_free_ char *chunks = ask(*state, "HEAD", "/v1/chunks", AS(VIEWER), NULL);
    assert_int_equal(status_of(chunks), 200);
    assert_string_equal(body_of(chunks), "");
    assert_null(strstr(chunks, "Content-Length"));
}

static void several_requests_on_one_connection(void **state)
{
    _cleanup_(buf_release) struct buf heard = BUF_INIT;
    int fd = site_dial(*state);
    for (int i = 0; i < 3; i++) {
        buf_clear(&heard);
        says(fd, "GET /open HTTP/1.1\r\nHost: localhost\r\n\r\n");
        hear_text(*state, fd, &heard, "}\n");
        assert_int_equal(status_of(heard.data), 200);
    }
    /* and two at once */
    buf_clear(&heard);
    says(fd, "GET /open HTTP/1.1\r\nHost: localhost\r\n\r\n"
             "GET /v1/none HTTP/1.1\r\nHost: localhost\r\n\r\n");
    hear_text(*state, fd, &heard, "no-such-path");
    assert_int_equal(status_of(heard.data), 200);
    close(fd);
}

static void etags(void **state)
{
    _cleanup_free_ char *first = ask(*state, "GET", "/v1/etag", AS(VIEWER), NULL);
    char etag[64] = "", fields[256];
    assert_int_equal(status_of(first), 200);
    assert_contains(first, "Cache-Control: no-cache\r\n");
    assert_int_equal(sscanf(strstr(first, "ETag: "), "ETag: %63[^\r]", etag), 1);
    snprintf(fields, sizeof(fields), AS(VIEWER) "If-None-Match: \"x\", W/%s\r\n", etag);
    _cleanup_free_ char *second = ask(*state, "GET", "/v1/etag", fields, NULL);
    assert_int_equal(status_of(second), 304);
    assert_contains(second, etag);
    assert_string_equal(body_of(second), "");
    assert_status(ask(*state, "GET", "/v1/etag", AS(VIEWER) "If-None-Match: \"x\"\r\n", NULL), 200);
}

static void ask_range(void **state, const char *range, int status, const char *content_range,
                      const char *body)
{
    _cleanup_free_ char *fields = xasprintf(AS(VIEWER) "Range: %s\r\n", range);
    _cleanup_free_ char *answer = ask(*state, "GET", "/v1/file", fields, NULL);
    assert_int_equal(status_of(answer), status);
    if (content_range)
        assert_contains(answer, content_range);
    else
        assert_null(strstr(answer, "Content-Range"));
    if (body)
        assert_string_equal(body_of(answer), body);
}

static void files_and_ranges(void **state)
{
    _cleanup_free_ char *answer = ask(*state, "GET", "/v1/file", AS(VIEWER), NULL);
    assert_contains(answer, "Accept-Ranges: bytes\r\n");
    assert_contains(answer, "Content-Disposition: attachment; filename=\"a _file_.txt\"; "
                            "filename*=UTF-8''a%20%22file%22.txt\r\n");
    assert_string_equal(body_of(answer), "0123456789");
    ask_range(state, "bytes=4-", 206, "Content-Range: bytes 4-9/10\r\n", "456789");
    ask_range(state, "bytes=4-5", 206, "Content-Range: bytes 4-5/10\r\n", "45");
    ask_range(state, "bytes=-3", 206, "Content-Range: bytes 7-9/10\r\n", "789");
    ask_range(state, "bytes=0-99999999999", 206, "Content-Range: bytes 0-9/10\r\n", "0123456789");
    ask_range(state, "bytes=10-", 416, "Content-Range: bytes */10\r\n", NULL);
    ask_range(state, "bytes=1-2,4-5", 200, NULL, "0123456789");
    ask_range(state, "bytes=5-4", 200, NULL, "0123456789");
    ask_range(state, "lines=1-", 200, NULL, "0123456789");
    assert_status(ask(*state, "HEAD", "/v1/file", AS(VIEWER) "Range: bytes=4-\r\n", NULL), 200);
    assert_status(
        ask(*state, "GET", "/v1/file", AS(VIEWER) "Range: bytes=4-\r\nIf-Range: \"x\"\r\n", NULL),
        200);
}

static void bodies_of_unknown_length(void **state)
{
    _cleanup_free_ char *answer =
        ask_raw(*state, "GET /v1/chunks HTTP/1.0\r\nHost: localhost\r\n" AS(VIEWER) "\r\n");
    const char *body = body_of(answer);
    assert_int_equal(strspn(body, "x"), 1000000);
    assert_int_equal(strlen(body), 1000000);
    assert_answer(ask(*state, "GET", "/v1/chunks", AS(VIEWER), NULL), 200,
                  "Transfer-Encoding: chunked\r\n");
}

static void counts(void **state)
{
    struct site *site = *state;
    struct http_counts c;
    assert_status(ask(site, "GET", "/open", "", NULL), 200);
    assert_status(ask(site, "GET", "/none", "", NULL), 404);
    http_server_counts(site->server, &c);
    assert_int_equal(c.requests[2], 1);
    assert_int_equal(c.requests[4], 1);
    int fd = site_dial(site);
    site_run(site, 20);
    http_server_counts(site->server, &c);
    assert_int_equal(c.connections, 1);
    close(fd);
    site_run(site, 20);
    http_server_counts(site->server, &c);
    assert_int_equal(c.connections, 0);
}

static void stopping(void **state)
{
    struct site *site = *state;
    int first = site_dial(site), second = site_dial(site);
    site_run(site, 20);
    http_server_stop(site->server);
    assert_false(fs_exists(site->socket));
    _cleanup_free_ char *get = make_request("GET", "/v1/who", AS(VIEWER), NULL);
    _cleanup_free_ char *post = make_request("POST", "/v1/kick", AS(OPERATOR), NULL);
    assert_status(tell(site, first, get, strlen(get)), 200);
    assert_answer(tell(site, second, post, strlen(post)), 503, "Retry-After: 5\r\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers),
        TEST(every_answer_has_the_headers_of_a_browser),
        TEST(methods),
        TEST(head_is_get_without_a_body),
        TEST(several_requests_on_one_connection),
        TEST(etags),
        TEST(files_and_ranges),
        TEST(bodies_of_unknown_length),
        TEST(counts),
        TEST(stopping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
