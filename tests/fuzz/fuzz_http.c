/* A whole HTTP request, as bytes: its first line and header fields through the guard, the target,
 * the routes and everything that takes values of fields apart. */
#include <strings.h>

#include "tests/fuzz/fuzz.h"

#include "station/access.h"
#include "station/guard.h"
#include "station/http_field.h"
#include "station/http_route.h"

static void nothing(void *app, const struct http_request *request, struct http_response *r)
{
    (void)app;
    (void)request;
    (void)r;
}

static const struct http_route routes[] = {
    {"GET", "/", ROLE_NONE, nothing, ROUTE_OPEN},
    {"GET", "/v1/jobs", ROLE_VIEW, nothing, 0},
    {"POST", "/v1/jobs", ROLE_VIEW, nothing, ROUTE_BODY_JSON},
    {"GET", "/v1/jobs/{id}", ROLE_VIEW, nothing, 0},
    {"POST", "/v1/jobs/{id}/cancel", ROLE_VIEW, nothing, 0},
    {"GET", "/v1/products/{name}/files/{path*}", ROLE_VIEW, nothing, 0},
    {"DELETE", "/v1/products/{name}", ROLE_VIEW, nothing, 0},
    {"GET", "/v1/records.jsonl", ROLE_VIEW, nothing, 0},
    {.method = NULL},
};
static const char *const hosts[] = {"firn.example", NULL};
static const struct guard_site sites[] = {
    {.address = "127.0.0.1", .hosts = hosts, .body_max = 1000},
    {.by_socket = true, .body_max = 1000},
    {.tls = true, .address = "[::1]", .reverse_proxy = "https://firn.example", .body_max = 1000},
};

/* Up to the next end of line, which is overwritten. */
static char *take_line(char **at)
{
    char *line = *at;
    size_t len = strcspn(line, "\n");
    *at = line[len] ? line + len + 1 : line + len;
    if (len > 0 && line[len - 1] == '\r')
        line[len - 1] = '\0';
    line[len] = '\0';
    return line;
}

static char *take_word(char **at)
{
    char *word = *at;
    size_t len = strcspn(word, " ");
    *at = word[len] ? word + len + 1 : word + len;
    word[len] = '\0';
    return word;
}

static void check_target(const struct http_target *target)
{
    _cleanup_(buf_release) struct buf joined = BUF_INIT;
    CHECK(fuzz_is_printable(target->path, strlen(target->path), ""));
    for (size_t i = 0; i < target->segment_count; i++) {
        const struct http_segment *segment = &target->segments[i];
        CHECK(*segment->text && !strchr(segment->text, '/'));
        CHECK(strcmp(segment->text, ".") != 0 && strcmp(segment->text, "..") != 0);
        CHECK(strncmp(segment->rest, segment->text, strlen(segment->text)) == 0);
        buf_addf(&joined, "/%s", segment->text);
    }
    CHECK(strcmp(joined.len ? joined.data : "/", target->path) == 0);
    for (size_t i = 0; i < target->query_count; i++) {
        CHECK(fuzz_is_printable(target->query[i].name, strlen(target->query[i].name), ""));
        CHECK(fuzz_is_printable(target->query[i].value, strlen(target->query[i].value), ""));
        CHECK(http_target_query(target, target->query[i].name));
    }
}

static void check_route(const char *method, const struct http_target *target)
{
    struct http_match match;
    http_route_find(routes, method, target, &match);
    if (!match.route)
        return;
    const char *params = strchr(match.route->pattern, '{');
    CHECK(!params == !match.params[0]);
    CHECK(strstr(match.allow, match.route->method));
    if (match.params[1])
        CHECK(text_ends_with(target->path, match.params[1]));
}

static void try_target(const char *method, const char *raw)
{
    struct http_target target;
    const char *why = NULL;
    bool ok = http_target_parse(&target, raw, &why);
    CHECK(ok || (why && *why));
    if (ok) {
        check_target(&target);
        check_route(method, &target);
    }
    http_target_release(&target);
}

static void check_range(const char *value)
{
    static const uint64_t sizes[] = {0, 1, 1000, UINT64_MAX / 2};
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        uint64_t first = 0, count = 0;
        if (http_field_range(value, sizes[i], &first, &count) == RANGE_PART)
            CHECK(count > 0 && first < sizes[i] && count <= sizes[i] - first);
    }
}

static void try_value(const char *value)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    char cookie[32];
    uint64_t length;
    struct token token;
    check_range(value);
    if (http_field_cookie(value, "firn_session", cookie, sizeof(cookie)))
        CHECK(strlen(cookie) < sizeof(cookie) && !strchr(cookie, ';'));
    if (http_field_length(value, &length))
        CHECK(!value[strspn(value, "0123456789")]);
    size_t len = http_field_host_len(value);
    CHECK(len <= strlen(value));
    if (http_field_is_origin(value, "http", "localhost:8350"))
        CHECK(strcasecmp(value, "http://localhost:8350") == 0);
    (void)http_field_has_etag(value, "\"x\"", true);
    const char *bearer = http_field_bearer(value);
    if (bearer && token_parse(bearer, &token))
        CHECK(strlen(token.id) == 16 && strlen(token.secret) == 64);
    http_field_add_attachment(&out, value);
    CHECK(fuzz_is_printable(out.data, out.len, ""));
}

/* What has to hold for a request that was let through, said in another way. */
static void check_passed(const struct guard_site *site, const struct guard_request *request)
{
    const char *origin = guard_field(request, "Origin"), *host = guard_field(request, "Host");
    const char *type = guard_field(request, "Content-Type");
    CHECK(site->by_socket || host);
    CHECK(!guard_field(request, "Transfer-Encoding"));
    for (size_t i = 0; i < request->field_count; i++)
        CHECK(!strpbrk(request->fields[i].value, "\r\n\x7f"));
    if (!guard_is_write(request->method))
        return;
    CHECK(!type || strncasecmp(type, "application/json", 16) == 0);
    if (!origin)
        return;
    const char *authority = strstr(origin, "://");
    CHECK(authority && strncasecmp(origin, "http", 4) == 0);
    authority += 3;
    size_t len = strcspn(authority, ":");
    bool proxy = site->reverse_proxy && strncasecmp(authority, "firn.example", len) == 0;
    CHECK(proxy || (host && strncasecmp(authority, host, *authority == '[' ? 5 : len) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct guard_field fields[GUARD_FIELDS_MAX + 1];
    _cleanup_free_ char *text = xstrndup((const char *)data, size);
    char *at = text;
    char *line = take_line(&at);
    struct guard_request request = {.method = take_word(&line), .fields = fields};
    try_target(request.method, take_word(&line));
    while (*at && request.field_count < ARRAY_SIZE(fields)) {
        line = take_line(&at);
        char *colon = strchr(line, ':');
        if (!colon)
            break;
        *colon = '\0';
        colon += 1 + strspn(colon + 1, " \t");
        fields[request.field_count++] = (struct guard_field){line, colon};
        try_value(colon);
    }
    for (size_t i = 0; i < ARRAY_SIZE(sites); i++) {
        struct guard_refusal refusal = {.status = 0};
        if (guard_check(&sites[i], &request, &refusal))
            check_passed(&sites[i], &request);
        else
            CHECK(refusal.status >= 400 && refusal.status < 500 && *refusal.detail);
    }
    return 0;
}
