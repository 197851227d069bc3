/* What a hostile page, a hostile client or a broken one sends, over real sockets. */
#include "station/http.h"

#include "tests/unit/http_server_fixture.h"

#define OWN "Origin: http://localhost\r\n"
#define COOKIE(token) "Cookie: a=b; firn_session=" token "\r\n"

static int handled; /* how often a handler was called */

static void get_who(void *app, const struct http_request *request, struct http_response *r)
{
    static const char *const via[] = {"nobody", "socket", "token", "cookie"};
    (void)app;
    handled++;
    http_json(r, 200,
              json_pack("{s:s, s:s, s:s}", "name", request->who.name, "role",
                        role_name(request->who.role), "via", via[request->who.via]));
}

static void get_path(void *app, const struct http_request *request, struct http_response *r)
{
    (void)app;
    handled++;
    http_json(r, 200, json_pack("[s, s]", request->params[0], request->params[1]));
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
    {"GET", "/open", ROLE_NONE, get_who, ROUTE_OPEN},
    {"GET", "/v1/who", ROLE_VIEW, get_who, 0},
    {"DELETE", "/v1/who", ROLE_ENGINEER, get_who, 0},
    {"POST", "/v1/echo", ROLE_OPERATE, get_who, ROUTE_BODY_JSON},
    {"POST", "/v1/kick", ROLE_OPERATE, get_who, 0},
    {"GET", "/v1/things/{name}/files/{path*}", ROLE_VIEW, get_path, 0},
    {"POST", "/v1/session", ROLE_NONE, post_session, ROUTE_OPEN | ROUTE_BODY_JSON},
    {"DELETE", "/v1/session", ROLE_NONE, delete_session, ROUTE_OPEN},
    {.method = NULL},
};

static int prepare(void **state)
{
    struct site *site = xmalloc(sizeof(*site));
    site_init(site);
    handled = 0;
    *state = site;
    return 0;
}

static int begin(void **state)
{
    prepare(state);
    site_start(*state, routes);
    return 0;
}

static int end(void **state)
{
    site_end(*state);
    free(*state);
    return 0;
}

static struct http_counts counts_of(const struct site *site)
{
    struct http_counts counts;
    http_server_counts(site->server, &counts);
    return counts;
}

/* A name of the attacker's that points to 127.0.0.1: the browser sends it as Host, and would let
 * his page read the answer. */
static void dns_rebinding(void **state)
{
    static const char *const wrong[] = {"evil.example",    "evil.example:8350",
                                        "localhost.evil",  "localhost@evil.example",
                                        "127.0.0.1.evil",  "127.0.0.2",
                                        "localhost:x",     "",
                                        "localhost, evil", "[::1"};
    static const char *const right[] = {"localhost", "LOCALHOST:8350", "127.0.0.1:1", "[::1]:80"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        _cleanup_free_ char *fields = xasprintf("Host: %s\r\n" AS(ENGINEER), wrong[i]);
        assert_answer(ask(*state, "GET", "/v1/who", fields, NULL), 421, "wrong-host");
        assert_status(ask(*state, "GET", "/open", fields, NULL), 421);
        assert_int_equal(counts_of(*state).refused_host, 2 * (i + 1));
    }
    assert_int_equal(handled, 0);
    for (size_t i = 0; i < ARRAY_SIZE(right); i++) {
        _cleanup_free_ char *fields = xasprintf("Host: %s\r\n" AS(VIEWER), right[i]);
        assert_status(ask(*state, "GET", "/v1/who", fields, NULL), 200);
    }
    assert_status(ask_raw(*state, "GET /open HTTP/1.0\r\n\r\n"), 400);
    assert_status(ask_socket(*state, "GET", "/v1/who", "Host: evil.example\r\n", NULL), 200);
}

static void names_of_the_configuration(void **state)
{
    static const char *const hosts[] = {"bench.example", "192.0.2.7", NULL};
    struct site *site = *state;
    site->settings.hosts = hosts;
    site->settings.reverse_proxy = "https://firn.example.org";
    site_start(site, routes);
    assert_status(ask(site, "GET", "/open", "Host: bench.example:8350\r\n", NULL), 200);
    assert_status(ask(site, "GET", "/open", "Host: 192.0.2.7\r\n", NULL), 200);
    assert_status(ask(site, "GET", "/open", "Host: firn.example.org\r\n", NULL), 200);
    assert_status(ask(site, "GET", "/open", "Host: evil.example\r\n", NULL), 421);
    /* the page's own requests come with the proxy's origin, whatever Host it passes on */
    assert_status(ask(site, "POST", "/v1/kick",
                      COOKIE(OPERATOR) "Origin: https://firn.example.org\r\n", NULL),
                  200);
    assert_status(
        ask(site, "POST", "/v1/kick", COOKIE(OPERATOR) "Origin: http://firn.example.org\r\n", NULL),
        403);
    assert_answer(ask(site, "POST", "/v1/session", JSON, "{\"token\":\"" VIEWER "\"}"), 200,
                  "; Secure\r\n");
}

/* fetch("http://localhost:8350/v1/kick", {method: "POST", credentials: "include"}) at evil.example;
 * the token is there so that nothing else refuses it. */
static void writes_of_other_pages(void **state)
{
    static const char *const wrong[] = {
        "Origin: http://evil.example\r\n",
        "Origin: null\r\n",
        "Origin: https://localhost\r\n",
        "Origin: http://localhost:8351\r\n",
        "Origin: http://localhost.evil.example\r\n",
        "Origin: http://localhost/\r\n",
        "Origin: \r\n",
        OWN "Sec-Fetch-Site: cross-site\r\n",
        OWN "Sec-Fetch-Site: same-site\r\n",
        OWN "Sec-Fetch-Site: Same-Origin\r\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        _cleanup_free_ char *fields = xasprintf(AS(OPERATOR) JSON "%s", wrong[i]);
        assert_answer(ask(*state, "POST", "/v1/echo", fields, "{}"), 403, "foreign-origin");
        assert_answer(ask_socket(*state, "POST", "/v1/echo", fields, "{}"), 403, "foreign-origin");
        assert_int_equal(counts_of(*state).refused_origin, 2 * (i + 1));
    }
    assert_int_equal(handled, 0);
    assert_status(ask(*state, "POST", "/v1/echo", AS(OPERATOR) JSON, "{}"), 200);
    assert_status(ask(*state, "POST", "/v1/echo",
                      AS(OPERATOR) JSON OWN "Sec-Fetch-Site: same-origin\r\n", "{}"),
                  200);
    assert_status(ask(*state, "POST", "/v1/kick",
                      "Host: localhost:8350\r\nOrigin: http://localhost:8350\r\n" AS(OPERATOR),
                      NULL),
                  200);
}

/* Through `ssh -L 8350:firnd.sock` a browser reaches the socket; there Host is not looked at, so
 * that an attacker's name in both is no proof. */
static void rebinding_through_a_tunnel_to_the_socket(void **state)
{
    assert_status(ask_socket(*state, "POST", "/v1/kick",
                             "Host: evil.example:8350\r\nOrigin: http://evil.example:8350\r\n",
                             NULL),
                  403);
    assert_status(ask_socket(*state, "POST", "/v1/kick",
                             "Host: localhost:8350\r\nOrigin: http://localhost:8350\r\n", NULL),
                  200);
}

/* <form method=post enctype=text/plain> with a body that is JSON. */
static void forms_of_other_sites(void **state)
{
    static const char *const types[] = {"text/plain", "application/x-www-form-urlencoded",
                                        "multipart/form-data; boundary=x", "application/jsonx",
                                        "text/json"};
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        _cleanup_free_ char *fields = xasprintf(AS(OPERATOR) "Content-Type: %s\r\n", types[i]);
        assert_answer(ask(*state, "POST", "/v1/echo", fields, "{}"), 415, "not-json");
        assert_status(ask(*state, "POST", "/v1/kick", fields, NULL), 415);
        assert_status(ask_socket(*state, "POST", "/v1/echo", fields, "{}"), 415);
    }
    assert_status(ask(*state, "POST", "/v1/echo", AS(OPERATOR), "{}"), 415);
    assert_int_equal(handled, 0);
    assert_status(ask(*state, "POST", "/v1/echo",
                      AS(OPERATOR) "Content-Type: application/json; charset=utf-8\r\n", "{}"),
                  200);
}

static void bodies_that_are_no_object(void **state)
{
    static const char *const bodies[] = {"",          "[]", "1", "{", "{\"a\":1,\"a\":2}",
                                         "{\"\xff\"", "{}x"};
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
        assert_answer(ask(*state, "POST", "/v1/echo", AS(OPERATOR) JSON, bodies[i]), 400,
                      "not-json");
    assert_int_equal(handled, 0);
    assert_status(ask(*state, "GET", "/v1/who", AS(OPERATOR) JSON, "{}"), 400);
}

static void who_asks_by_token(void **state)
{
    assert_answer(ask(*state, "GET", "/v1/who", "", NULL), 401,
                  "WWW-Authenticate: Bearer realm=\"firnd\"\r\n");
    assert_status(ask(*state, "GET", "/v1/who", AS(UNKNOWN), NULL), 401);
    assert_status(ask(*state, "GET", "/v1/who", "Authorization: Basic YTpi\r\n", NULL), 401);
    assert_answer(ask(*state, "GET", "/v1/who", AS(VIEWER), NULL), 200, "\"via\":\"token\"");
    assert_answer(ask(*state, "GET", "/v1/who", COOKIE(VIEWER), NULL), 200, "\"via\":\"cookie\"");
    assert_status(ask(*state, "GET", "/v1/who", COOKIE(UNKNOWN), NULL), 401);
    /* the header counts, also if it is wrong */
    assert_answer(ask(*state, "GET", "/v1/who", COOKIE(ENGINEER) AS(VIEWER), NULL), 200, "view");
    assert_status(ask(*state, "GET", "/v1/who", COOKIE(ENGINEER) AS(UNKNOWN), NULL), 401);
    assert_answer(ask(*state, "POST", "/v1/kick", AS(VIEWER), NULL), 403, "role-too-small");
    assert_status(ask(*state, "DELETE", "/v1/who", AS(OPERATOR), NULL), 403);
    assert_status(ask(*state, "DELETE", "/v1/who", AS(ENGINEER), NULL), 200);
    assert_int_equal(counts_of(*state).refused_token, 4);
}

/* SameSite is the browser's promise; this is ours. */
static void a_cookie_alone_writes_nothing(void **state)
{
    assert_answer(ask(*state, "POST", "/v1/kick", COOKIE(OPERATOR), NULL), 403, "foreign-origin");
    assert_status(
        ask(*state, "POST", "/v1/kick", COOKIE(OPERATOR) "Origin: http://e.example\r\n", NULL),
        403);
    assert_status(ask(*state, "POST", "/v1/kick",
                      COOKIE(OPERATOR) OWN "Sec-Fetch-Site: cross-site\r\n", NULL),
                  403);
    assert_int_equal(handled, 0);
    assert_status(ask(*state, "POST", "/v1/kick", COOKIE(OPERATOR) OWN, NULL), 200);
}

static void sessions(void **state)
{
    assert_answer(ask(*state, "POST", "/v1/session", JSON, "{\"token\":\"" VIEWER "\"}"), 200,
                  "Set-Cookie: firn_session=" VIEWER "; Path=/; HttpOnly; SameSite=Strict\r\n");
    assert_answer(ask(*state, "DELETE", "/v1/session", "", NULL), 204,
                  "Set-Cookie: firn_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0\r\n");
    _cleanup_free_ char *wrong =
        ask(*state, "POST", "/v1/session", JSON, "{\"token\":\"" UNKNOWN "\"}");
    assert_int_equal(status_of(wrong), 401);
    assert_null(strstr(wrong, "Set-Cookie"));
}

static void who_asks_by_the_socket(void **state)
{
    struct site *site = *state;
    assert_answer(ask_socket(site, "GET", "/v1/who", "", NULL), 200,
                  "\"name\":\"alice\",\"role\":\"operate\",\"via\":\"socket\"");
    assert_int_equal(site->uid, getuid());
    assert_status(ask_socket(site, "DELETE", "/v1/who", "", NULL), 403);
    /* a token that is given counts */
    assert_answer(ask_socket(site, "DELETE", "/v1/who", AS(ENGINEER), NULL), 200, "token");
    /* a proxy is not who asks */
    assert_status(ask_socket(site, "GET", "/v1/who", "X-Forwarded-For: 192.0.2.1\r\n", NULL), 401);
    site->socket_is.role = ROLE_NONE;
    assert_status(ask_socket(site, "GET", "/v1/who", "", NULL), 401);
}

static void guessing_tokens(void **state)
{
    struct site *site = *state;
    for (int i = 0; i < 5; i++) {
        assert_status(ask(site, "GET", "/v1/who", AS(UNKNOWN), NULL), 401);
        assert_status(ask(site, "POST", "/v1/session", JSON, "{\"token\":\"x\"}"), 401);
    }
    int checks = site->token_checks;
    assert_answer(ask(site, "GET", "/v1/who", AS(UNKNOWN), NULL), 429, "Retry-After: ");
    assert_answer(ask(site, "GET", "/v1/who", AS(VIEWER), NULL), 429, "too-many-wrong-tokens");
    assert_status(ask(site, "GET", "/v1/who", COOKIE(VIEWER), NULL), 429);
    assert_status(ask(site, "POST", "/v1/session", JSON, "{\"token\":\"" VIEWER "\"}"), 429);
    /* nobody was asked whether these are right */
    assert_int_equal(site->token_checks, checks);
    /* others go on */
    assert_status(ask(site, "GET", "/open", "", NULL), 200);
    assert_status(ask_socket(site, "GET", "/v1/who", "", NULL), 200);
    assert_status(ask_socket(site, "GET", "/v1/who", AS(VIEWER), NULL), 200);
}

static void guessing_tokens_at_the_socket(void **state)
{
    for (int i = 0; i < 10; i++)
        assert_status(ask_socket(*state, "GET", "/v1/who", AS(UNKNOWN), NULL), 401);
    assert_answer(ask_socket(*state, "GET", "/v1/who", AS(VIEWER), NULL), 429, "came from user ");
    assert_status(ask(*state, "GET", "/v1/who", AS(VIEWER), NULL), 200);
}

/* Behind a proxy all come from one address; what the proxy has seen itself is the last in its
 * list, and what the client wrote before it does not count. */
static void guessing_through_a_proxy(void **state)
{
    struct site *site = *state;
    site->settings.reverse_proxy = "https://firn.example.org";
    site_start(site, routes);
    for (int i = 0; i < 10; i++) {
        _cleanup_free_ char *fields =
            xasprintf(AS(UNKNOWN) "X-Forwarded-For: 198.51.100.%d, 192.0.2.1\r\n", i);
        assert_status(ask(site, "GET", "/v1/who", fields, NULL), 401);
    }
    assert_status(ask(site, "GET", "/v1/who", AS(VIEWER) "X-Forwarded-For: 192.0.2.1\r\n", NULL),
                  429);
    assert_status(ask(site, "GET", "/v1/who", AS(VIEWER) "X-Forwarded-For: 192.0.2.2\r\n", NULL),
                  200);
}

/* Two readers of one request must not find two of them. */
static void smuggling(void **state)
{
    static const char *const fields[] = {
        "Host: localhost\r\nHost: evil.example\r\n",
        "Content-Length: 2\r\nContent-Length: 0\r\n",
        "Content-Length: 2, 2\r\n",
        "Content-Length: +2\r\n",
        "Content-Length: 0x2\r\n",
        "Content-Length: -1\r\n",
        "Content-Length : 2\r\n",
        "Authorization: Bearer x\r\n",
        "Authorization: Bearer y\r\n",
        "Cookie: a=b\r\nCookie: c=d\r\n",
        "A\001B: x\r\n",
        "A: x\001\r\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        _cleanup_free_ char *all = xasprintf(AS(OPERATOR) "Host: localhost\r\n%s", fields[i]);
        _cleanup_free_ char *answer = ask(*state, "POST", "/v1/kick", all, NULL);
        assert_int_equal(status_of(answer), 400);
    }
    assert_answer(
        ask(*state, "POST", "/v1/echo", AS(OPERATOR) JSON "Transfer-Encoding: chunked\r\n", NULL),
        411, "length-required");
    assert_status(ask(*state, "POST", "/v1/echo",
                      AS(OPERATOR) JSON "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
                      NULL),
                  411);
    assert_status(
        ask(*state, "POST", "/v1/echo", AS(OPERATOR) JSON "Transfer-Encoding: identity\r\n", NULL),
        411);
    assert_int_equal(handled, 0);
}

/* What follows a refused body is not taken for a request. */
static void a_refused_body_is_no_request(void **state)
{
    _cleanup_free_ char *answer =
        ask_raw(*state, "POST /v1/echo HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 60\r\n\r\n"
                        "GET /v1/who HTTP/1.1\r\nHost: localhost\r\n" AS(ENGINEER) "\r\n");
    assert_int_equal(status_of(answer), 421);
    assert_null(strstr(answer + 1, "HTTP/1.1 "));
    assert_int_equal(handled, 0);
}

static void paths(void **state)
{
    static const char *const wrong[] = {
        "/v1/things/x/files/../../../etc/passwd",
        "/v1/things/x/files/%2e%2e/%2e%2e/etc/passwd",
        "/v1/things/x/files/.%2e/a",
        "/v1/things/x/files/..%2fetc",
        "/v1/things/x/files/a//b",
        "/v1/things/x/files/./a",
        "/v1/things/../files/a",
        "/v1/things/a%2fb/files/a",
        "/v1/things/a%00/files/a",
        "/v1/things/a%0a/files/a",
        "/v1/things/a%0d%0aSet-Cookie:%20x/files/a",
        "/v1/things/%7f/files/a",
        "/v1/things/%c2%85/files/a",
        "/v1/things/%ff/files/a",
        "/v1/things/%c0%af/files/a",
        "/v1/things/%/files/a",
        "/v1/things/%4/files/a",
        "/v1/things/%zz/files/a",
        "/v1/who?a=%00",
        "/v1/who?a=%0a",
        "/v1/who?%=1",
        "//v1/who",
        "/v1/who/",
        "http://localhost/v1/who",
        "*",
    };
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_answer(ask(*state, "GET", wrong[i], AS(VIEWER), NULL), 400, "malformed-request");
    assert_int_equal(handled, 0);
    assert_answer(
        ask(*state, "GET", "/v1/things/a%20b/files/lib/..x/%c3%a4.py?x=..", AS(VIEWER), NULL), 200,
        "[\"a b\",\"lib/..x/\xc3\xa4.py\"]");
}

/* The text ends at the NUL; the line does not. */
static void a_nul_in_the_first_line(void **state)
{
    static const char request[] =
        "GET /v1/who\0/../../x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" AS(
            VIEWER) "\r\n";
    assert_answer(tell(*state, site_dial(*state), request, sizeof(request) - 1), 400,
                  "malformed-request");
    assert_int_equal(handled, 0);
}

static void lines_that_are_no_request(void **state)
{
    static const char *const lines[] = {
        "GET\r\n\r\n",
        "GET /open\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /open HTTP/9.9\r\nHost: localhost\r\n\r\n",
        "\x16\x03\x01\x02\x01\x01\xfc\x03\x03\r\n\r\n",
        "GET /open HTTP/1.1\r\nno colon\r\n\r\n",
        "GET /open HTTP/1.1\r\n\r\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        _cleanup_(buf_release) struct buf heard = BUF_INIT;
        int fd = site_dial(*state);
        says(fd, lines[i]);
        shutdown(fd, SHUT_WR);
        if (!hear(*state, fd, 3000, &heard) || strstr(heard.data, " 200 "))
            fail_msg("line %zu: %s", i, heard.data);
        close(fd);
    }
    assert_int_equal(handled, 0);
    assert_status(ask(*state, "GET", "/open", "", NULL), 200);
}

static void large_heads(void **state)
{
    _cleanup_(buf_release) struct buf fields = BUF_INIT;
    for (int i = 0; i < 70; i++)
        buf_addf(&fields, "X-%d: y\r\n", i);
    assert_answer(ask(*state, "GET", "/open", fields.data, NULL), 431, "header-too-large");
    buf_clear(&fields);
    buf_adds(&fields, "X: ");
    buf_fill(&fields, 'y', 20000);
    buf_adds(&fields, "\r\n");
    assert_answer(ask(*state, "GET", "/open", fields.data, NULL), 431, "header-too-large");
    assert_int_equal(counts_of(*state).refused_size, 2);
    /* beyond what a connection has memory for it is libmicrohttpd that refuses */
    buf_truncate(&fields, 3);
    buf_fill(&fields, 'y', 200000);
    buf_adds(&fields, "\r\n");
    assert_status(ask(*state, "GET", "/open", fields.data, NULL), 431);
    _cleanup_free_ char *path = xasprintf("/%s", fields.data + 191000);
    path[9000] = '\0';
    assert_answer(ask(*state, "GET", path, "", NULL), 400, "too long");
    assert_int_equal(handled, 0);
}

/* It is refused when the head has come, and the body is not waited for. */
static void large_bodies(void **state)
{
    assert_answer(
        ask(*state, "POST", "/v1/echo", AS(OPERATOR) JSON "Content-Length: 65537\r\n", NULL), 413,
        "body-too-large");
    assert_answer(ask(*state, "POST", "/v1/echo",
                      AS(OPERATOR) JSON "Expect: 100-continue\r\nContent-Length: 65537\r\n", NULL),
                  413, "HTTP/1.1 413");
    assert_status(ask(*state, "POST", "/v1/echo",
                      AS(OPERATOR) JSON "Content-Length: 99999999999999999999\r\n", NULL),
                  413);
    assert_int_equal(handled, 0);
    _cleanup_free_ char *most = xmalloc(65536 + 1);
    memset(most, ' ', 65536);
    memcpy(most, "{}", 2);
    most[65536] = '\0';
    assert_status(ask(*state, "POST", "/v1/echo", AS(OPERATOR) JSON, most), 200);
}

/* Who may not ask is told so before the body comes, too, and hears it although he sends on. */
static void bodies_of_nobody(void **state)
{
    static const struct {
        const char *path, *fields;
        size_t sent;
        int status;
    } cases[] = {
        {"/v1/echo", JSON "Content-Length: 60000\r\n", 0, 401},
        {"/v1/echo", JSON "Content-Length: 60000\r\n", 60000, 401},
        {"/v1/echo", AS(VIEWER) JSON "Content-Length: 60000\r\n", 30000, 403},
        {"/v1/none", AS(VIEWER) JSON "Content-Length: 60000\r\n", 60000, 404},
        {"/v1/session", JSON "Content-Length: 4097\r\n", 4097, 413},
        {"/v1/echo", AS(OPERATOR) JSON "Content-Length: 1000000\r\n", 1000000, 413},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_(buf_release) struct buf all = BUF_INIT;
        _cleanup_free_ char *head = make_request("POST", cases[i].path, cases[i].fields, NULL);
        buf_adds(&all, head);
        buf_fill(&all, 'x', cases[i].sent);
        assert_status(tell(*state, site_dial(*state), all.data, all.len), cases[i].status);
    }
    assert_int_equal(handled, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
#define TEST_CONFIGURED(f) cmocka_unit_test_setup_teardown(f, prepare, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(dns_rebinding),
        TEST_CONFIGURED(names_of_the_configuration),
        TEST(writes_of_other_pages),
        TEST(rebinding_through_a_tunnel_to_the_socket),
        TEST(forms_of_other_sites),
        TEST(bodies_that_are_no_object),
        TEST(who_asks_by_token),
        TEST(a_cookie_alone_writes_nothing),
        TEST(sessions),
        TEST(who_asks_by_the_socket),
        TEST(guessing_tokens),
        TEST(guessing_tokens_at_the_socket),
        TEST_CONFIGURED(guessing_through_a_proxy),
        TEST(smuggling),
        TEST(a_refused_body_is_no_request),
        TEST(paths),
        TEST(a_nul_in_the_first_line),
        TEST(lines_that_are_no_request),
        TEST(large_heads),
        TEST(large_bodies),
        TEST(bodies_of_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
