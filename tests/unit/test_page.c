#include "station/page.h"

#include "tests/unit/http_server_fixture.h"

static const struct http_route routes[] = {PAGE_ROUTES, {.method = NULL}};

static int begin(void **state)
{
    struct site *site = xmalloc(sizeof(*site));
    site_init(site);
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

/* It is the file as it lies in the source, and the browser asks each time whether it still is. */
static void assert_file(const struct site *site, const char *path, const char *name,
                        const char *type)
{
    _cleanup_free_ char *source = xasprintf("%s/station/web/%s", FIRN_SOURCE_DIR, name);
    _cleanup_(buf_release) struct buf content = BUF_INIT;
    struct err *err = NULL;
    char etag[64] = "";
    assert_ok(fs_read(source, 1 << 20, &content, &err), &err);
    _cleanup_free_ char *answer = ask(site, "GET", path, "", NULL);
    assert_int_equal(status_of(answer), 200);
    assert_contains(answer, type);
    assert_contains(answer, "Cache-Control: no-cache\r\n");
    assert_string_equal(body_of(answer), content.data);
    assert_int_equal(sscanf(strstr(answer, "ETag: "), "ETag: %63[^\r]", etag), 1);
    _cleanup_free_ char *fields = xasprintf("If-None-Match: %s\r\n", etag);
    assert_status(ask(site, "GET", path, fields, NULL), 304);
}

static void files(void **state)
{
    assert_file(*state, "/", "index.html", "Content-Type: text/html; charset=utf-8\r\n");
    assert_file(*state, "/web/index.html", "index.html", "text/html");
    assert_file(*state, "/web/app.js", "app.js",
                "Content-Type: text/javascript; charset=utf-8\r\n");
    assert_file(*state, "/web/style.css", "style.css", "Content-Type: text/css; charset=utf-8\r\n");
}

static void no_others(void **state)
{
    assert_status(ask(*state, "GET", "/web/none.js", "", NULL), 404);
    assert_status(ask(*state, "GET", "/web/../main.c", "", NULL), 400);
    assert_status(ask(*state, "GET", "/web", "", NULL), 404);
    assert_status(ask(*state, "POST", "/", "", NULL), 405);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(files), TEST(no_others)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
