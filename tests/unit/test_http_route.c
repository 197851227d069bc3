#include "station/http_route.h"

#include "tests/unit/unit.h"

static void nothing(void *app, const struct http_request *request, struct http_response *r)
{
    (void)app;
    (void)request;
    (void)r;
}

static const struct http_route routes[] = {
    {"GET", "/", ROLE_NONE, nothing, 0},
    {"GET", "/v1/jobs", ROLE_VIEW, nothing, 0},
    {"POST", "/v1/jobs", ROLE_VIEW, nothing, 0},
    {"GET", "/v1/jobs/latest", ROLE_VIEW, nothing, 0},
    {"GET", "/v1/jobs/{id}", ROLE_VIEW, nothing, 0},
    {"DELETE", "/v1/jobs/{id}", ROLE_VIEW, nothing, 0},
    {"POST", "/v1/jobs/{id}/cancel", ROLE_VIEW, nothing, 0},
    {"GET", "/v1/products/{name}/files/{path*}", ROLE_VIEW, nothing, 0},
    {.method = NULL},
};

/* route -1: none. */
static void assert_route(const char *method, const char *path, int route, const char *first,
                         const char *second, const char *allow)
{
    struct http_target target;
    struct http_match match;
    const char *why;
    assert_true(http_target_parse(&target, path, &why));
    http_route_find(routes, method, &target, &match);
    assert_ptr_equal(match.route, route < 0 ? NULL : &routes[route]);
    assert_string_equal(match.allow, allow);
    assert_string_equal(match.params[0] ? match.params[0] : "", first);
    assert_string_equal(match.params[1] ? match.params[1] : "", second);
    http_target_release(&target);
}

static void found(void **state)
{
    (void)state;
    assert_route("GET", "/", 0, "", "", "GET, HEAD");
    assert_route("GET", "/v1/jobs", 1, "", "", "GET, HEAD, POST");
    assert_route("HEAD", "/v1/jobs", 1, "", "", "GET, HEAD, POST");
    assert_route("POST", "/v1/jobs", 2, "", "", "GET, HEAD, POST");
    assert_route("GET", "/v1/jobs/42", 4, "42", "", "GET, HEAD, DELETE");
    assert_route("DELETE", "/v1/jobs/42", 5, "42", "", "GET, HEAD, DELETE");
    assert_route("POST", "/v1/jobs/a%20b/cancel", 6, "a b", "", "POST");
    /* the first of the table */
    assert_route("GET", "/v1/jobs/latest", 3, "", "", "GET, HEAD, DELETE");
}

static void the_rest(void **state)
{
    (void)state;
    assert_route("GET", "/v1/products/x/files/a", 7, "x", "a", "GET, HEAD");
    assert_route("GET", "/v1/products/x/files/a/b%20c/d", 7, "x", "a/b c/d", "GET, HEAD");
    assert_route("GET", "/v1/products/x/files", -1, "", "", "");
}

static void not_found(void **state)
{
    (void)state;
    assert_route("GET", "/v1", -1, "", "", "");
    assert_route("GET", "/v1/job", -1, "", "", "");
    assert_route("GET", "/v1/jobsx", -1, "", "", "");
    assert_route("GET", "/v1/jobs/1/2", -1, "", "", "");
    assert_route("GET", "/V1/jobs", -1, "", "", "");
    assert_route("GET", "/v1/jobs/{id}/cancel", -1, "", "", "POST");
    assert_route("PUT", "/v1/jobs", -1, "", "", "GET, HEAD, POST");
    assert_route("get", "/v1/jobs", -1, "", "", "GET, HEAD, POST");
    assert_route("OPTIONS", "/v1/jobs/42", -1, "", "", "GET, HEAD, DELETE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found),
        cmocka_unit_test(the_rest),
        cmocka_unit_test(not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
