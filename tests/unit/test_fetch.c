/* Downloads: whole files, servers that refuse, and where they may lead. */
#include "tests/unit/fetch_fixture.h"

/* ---- whole files ---- */

static void once_and_never_again(void **state)
{
    (void)state;
    assert_gets("plain/big", hex);
    assert_int_equal(count_requests(), 1);
    assert_gets("plain/big", hex);
    assert_gets("gone/big", hex); /* named by its hash: nobody is asked */
    assert_int_equal(count_requests(), 1);
    assert_int_equal(count_kept(".part") + count_kept(".part.json"), 0);
}

static void without_a_hash_the_first_is_recorded(void **state)
{
    (void)state;
    assert_gets("plain/big", NULL);
    assert_gets("plain/big", NULL);
    assert_int_equal(count_requests(), 1);
    assert_int_equal(count_kept(".json"), 1);
}

/* The record outlives the file: what comes later under the URL has to be the same. */
static void a_recorded_file_that_changed_is_refused(void **state)
{
    (void)state;
    struct err *err = NULL;
    assert_gets("plain/big", NULL);
    _cleanup_free_ char *file = xasprintf("%s/downloads/%s", home, hex);
    assert_ok(fs_remove_tree(file, &err), &err);
    assert_gets("plain/big", NULL);
    assert_ok(fs_remove_tree(file, &err), &err);
    write_big("big", 2);
    assert_fails("plain/big", NULL, "it changed since it was first fetched");
    assert_false(fs_exists(file));
}

static void an_empty_file(void **state)
{
    (void)state;
    struct err *err = NULL;
    _cleanup_free_ char *path = path_join(root, "empty");
    assert_ok(fs_write(path, "", 0, 0644, &err), &err);
    hash_bytes("", 0, hex);
    assert_gets("plain/empty", hex);
}

static void a_wrong_hash_names_both(void **state)
{
    (void)state;
    char other[HASH_HEX_SIZE];
    hash_bytes("x", 1, other);
    _cleanup_free_ char *said = xasprintf("sha256 %s expected, %s came", other, hex);
    assert_fails("plain/big", other, said);
    assert_int_equal(count_kept(".part") + count_kept(other) + count_kept(hex), 0);
    assert_gets("plain/big", hex);
}

static void a_damaged_file_is_fetched_again(void **state)
{
    (void)state;
    struct err *err = NULL;
    _cleanup_free_ char *file = xasprintf("%s/downloads/%s", home, hex);
    assert_gets("plain/big", hex);
    assert_ok(fs_write(file, "x", 1, 0644, &err), &err);
    assert_gets("plain/big", hex);
    assert_int_equal(count_requests(), 2);
}

/* ---- servers that do not answer as wished ---- */

static void not_there(void **state)
{
    (void)state;
    assert_fails("gone/big", hex, "the server answered 404 (not found)");
    assert_int_equal(count_requests(), 1);
    assert_int_equal(count_kept(".part"), 0);
}

static void busy_for_a_while(void **state)
{
    (void)state;
    assert_gets("busy/2/big", hex);
    assert_int_equal(count_requests(), 3);
}

static void busy_for_too_long(void **state)
{
    (void)state;
    assert_fails("busy/100/big", hex, "the server answered 503");
    assert_int_equal(count_requests(), 3);
}

static void nobody_there(void **state)
{
    (void)state;
    _cleanup_(fetched_release) struct fetched got = FETCHED_INIT;
    struct err *err = NULL;
    const struct fetch what = request("http://127.0.0.1:1/a", hex);
    assert_false(fetch_get(&what, NULL, &got, &err));
    assert_error(&err, ERR_FETCH, "the file: cannot download http://127.0.0.1:1/a");
}

static void more_than_is_taken(void **state)
{
    (void)state;
    _cleanup_free_ char *endless = url_of("bomb/"), *large = url_of("plain/big");
    struct fetch what = request(endless, NULL);
    _cleanup_(fetched_release) struct fetched got = FETCHED_INIT;
    struct err *err = NULL;
    what.max_bytes = SIZE - 1;
    assert_false(fetch_get(&what, NULL, &got, &err));
    assert_error(&err, ERR_FETCH, "the most that is taken");
    what.url = large;
    assert_false(fetch_get(&what, NULL, &got, &err));
    assert_error(&err, ERR_FETCH, "the most that is taken");
    what.max_bytes = SIZE;
    assert_ok(fetch_get(&what, NULL, &got, &err), &err);
}

/* ---- where to ---- */

static void a_redirect_to_the_same_server(void **state)
{
    (void)state;
    assert_gets("to//plain/big", hex);
    assert_requested("/plain/big - 200\n");
}

static void a_redirect_to_a_host_that_is_not_allowed(void **state)
{
    (void)state;
    assert_fails("to/http://example.org/big", hex, "that host is not allowed");
    assert_fails("to/file:///etc/passwd", hex, "no place for a download");
    config.allow = (const char *const[]){"files.org", NULL};
    assert_fails("to/https://example.org/big", hex, "that host is not allowed");
}

static void a_redirect_to_another_host_that_is(void **state)
{
    (void)state;
    const char *port = strrchr(server.url, ':') + 1;
    _cleanup_free_ char *path = xasprintf("to/http://localhost:%splain/big", port);
    assert_gets(path, hex);
}

static void a_redirect_without_end(void **state)
{
    (void)state;
    assert_fails("loop/", hex, "it redirects more than 8 times");
}

static bool get_url(const char *url, struct err **err)
{
    _cleanup_(fetched_release) struct fetched got = FETCHED_INIT;
    const struct fetch what = request(url, hex);
    return fetch_get(&what, NULL, &got, err);
}

static void hosts_that_are_not_allowed_are_not_asked(void **state)
{
    (void)state;
    struct err *err = NULL;
    assert_false(get_url("http://example.org/a", &err));
    assert_error(&err, ERR_FETCH, "http:// does not protect what it carries");
    assert_false(get_url("file:///etc/hostname", &err));
    assert_error(&err, ERR_FETCH, "add \"file://\" to allow:");
    assert_false(get_url("https://me:secret@example.org/a", &err));
    assert_error(&err, ERR_FETCH, "the file: https://example.org/a has a password in it");
    assert_false(get_url("https://me@example.org/a", &err));
    assert_error(&err, ERR_FETCH, "the file: https://example.org/a has a user's name in it");
    assert_false(get_url("a.tar.xz", &err));
    assert_error(&err, ERR_FETCH, "is not the URL of a download");
    config.allow = (const char *const[]){"files.org", NULL};
    assert_false(get_url("https://example.org/a", &err));
    assert_error(&err, ERR_FETCH, "add \"example.org\" to allow:");
}

static void mirrors_lead_anywhere(void **state)
{
    (void)state;
    struct mirror mirror = {"https://example.org/", root};
    struct err *err = NULL;
    _cleanup_free_ char *dir = xasprintf("%s/", root);
    config.mirrors = &mirror;
    config.mirror_count = 1;
    mirror.replacement = dir;
    assert_ok(get_url("https://example.org/big", &err), &err);
    assert_int_equal(afresh(NULL), 0);
    config.mirrors = &mirror;
    config.mirror_count = 1;
    _cleanup_free_ char *plain = url_of("plain/");
    mirror.replacement = plain;
    assert_ok(get_url("https://example.org/big", &err), &err);
    assert_int_equal(count_requests(), 1);
}

static void offline_is_what_is_here(void **state)
{
    (void)state;
    _cleanup_free_ char *url = url_of("plain/big");
    struct fetch what = request(url, hex);
    _cleanup_(fetched_release) struct fetched got = FETCHED_INIT;
    struct err *err = NULL;
    what.offline = true;
    assert_false(fetch_get(&what, NULL, &got, &err));
    assert_error(&err, ERR_FETCH, "--offline forbids");
    assert_gets("plain/big", hex);
    assert_ok(fetch_get(&what, NULL, &got, &err), &err);
    assert_int_equal(count_requests(), 1);
}

/* ---- processes ---- */

static void several_processes_fetch_it_once(void **state)
{
    (void)state;
    pid_t pids[4];
    for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            _cleanup_(fetched_release) struct fetched got = FETCHED_INIT;
            struct err *err = NULL;
            _exit(get("cut/150000/big", hex, &got, &err) ? 0 : 1);
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    assert_requested("/cut/150000/big ");
    assert_true(count_requests() <= 2);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, afresh)
    const struct CMUnitTest tests[] = {
        TEST(once_and_never_again),
        TEST(without_a_hash_the_first_is_recorded),
        TEST(a_recorded_file_that_changed_is_refused),
        TEST(an_empty_file),
        TEST(a_wrong_hash_names_both),
        TEST(a_damaged_file_is_fetched_again),
        TEST(not_there),
        TEST(busy_for_a_while),
        TEST(busy_for_too_long),
        TEST(nobody_there),
        TEST(more_than_is_taken),
        TEST(a_redirect_to_the_same_server),
        TEST(a_redirect_to_a_host_that_is_not_allowed),
        TEST(a_redirect_to_another_host_that_is),
        TEST(a_redirect_without_end),
        TEST(hosts_that_are_not_allowed_are_not_asked),
        TEST(mirrors_lead_anywhere),
        TEST(offline_is_what_is_here),
        TEST(several_processes_fetch_it_once),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
