/* Downloads from tests/http-server, which does to an answer what happens to answers. */
#include "base/fs.h"
#include "base/proc.h"
#include "builder/fetch.h"
#include "tests/unit/http_fixture.h"

#define SIZE 300000
static char root[64], home[80], hex[HASH_HEX_SIZE];
static struct server server;
static struct config config;

/* Bytes that say where they are: a file glued together wrongly has another hash. */
static void write_big(const char *name, unsigned seed)
{
    struct err *err = NULL;
    _cleanup_(buf_release) struct buf data = BUF_INIT;
    _cleanup_free_ char *path = path_join(root, name);
    for (unsigned i = 0; data.len < SIZE; i++)
        buf_add_le32(&data, i * 2654435761u + seed);
    assert_ok(fs_write(path, data.data, data.len, 0644, &err), &err);
    hash_bytes(data.data, data.len, hex);
}

static int setup(void **state)
{
    (void)state;
    strcpy(root, "/tmp/firn-test-fetch.XXXXXX");
    if (!mkdtemp(root))
        return -1;
    snprintf(home, sizeof(home), "%s/home", root);
    unsetenv("http_proxy");
    server_start(&server, (const char *const[]){"http-server", root, NULL});
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    struct err *err = NULL;
    server_stop(&server);
    return fs_remove_tree(root, &err) ? 0 : -1;
}

/* An empty home, a new file and no requests yet. */
static int afresh(void **state)
{
    (void)state;
    struct err *err = NULL;
    _cleanup_free_ char *requests = path_join(root, "requests");
    config = (struct config){.home = home};
    write_big("big", 1);
    return fs_remove_tree(home, &err) && fs_remove_tree(requests, &err) && fs_mkdirs(home, &err)
               ? 0
               : -1;
}

static struct fetch request(const char *url, const char *sha256)
{
    return (struct fetch){.config = &config,
                          .name = "the file",
                          .phase = "fetch",
                          .url = url,
                          .sha256 = sha256,
                          .patience = {5, 2, 1, 3}};
}

static char *url_of(const char *path)
{
    return xasprintf("%s%s", server.url, path);
}

static bool get(const char *path, const char *sha256, struct fetched *got, struct err **err)
{
    _cleanup_free_ char *url = url_of(path);
    const struct fetch what = request(url, sha256);
    fetched_release(got);
    return fetch_get(&what, NULL, got, err);
}

static void assert_gets(const char *path, const char *sha256)
{
    _cleanup_(fetched_release) struct fetched got = FETCHED_INIT;
    struct err *err = NULL;
    char actual[HASH_HEX_SIZE];
    assert_ok(get(path, sha256, &got, &err), &err);
    assert_string_equal(got.sha256, hex);
    assert_string_equal(path_basename(got.path), hex);
    assert_ok(hash_file(got.path, actual, &err), &err);
    assert_string_equal(actual, hex);
}

static void assert_fails(const char *path, const char *sha256, const char *part)
{
    _cleanup_(fetched_release) struct fetched got = FETCHED_INIT;
    struct err *err = NULL;
    assert_false(get(path, sha256, &got, &err));
    assert_error(&err, ERR_FETCH, part);
}

/* What the server was asked, a line a request. The caller frees. */
static char *requests(void)
{
    struct err *err = NULL;
    struct buf text = BUF_INIT;
    _cleanup_free_ char *path = path_join(root, "requests");
    if (fs_exists(path))
        assert_ok(fs_read(path, 100000, &text, &err), &err);
    return buf_detach(&text, NULL);
}

static size_t count_requests(void)
{
    _cleanup_free_ char *text = requests();
    size_t count = 0;
    for (const char *p = text; *p; p++)
        count += *p == '\n';
    return count;
}

static void assert_requested(const char *line)
{
    _cleanup_free_ char *text = requests();
    assert_contains(text, line);
}

/* No part, no record, no lock that is held: what downloads/ holds but for lock files and pins. */
static size_t count_kept(const char *suffix)
{
    struct err *err = NULL;
    _cleanup_free_ char *dir = path_join(home, "downloads");
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    size_t count = 0;
    assert_ok(fs_list(dir, &names, &err), &err);
    for (size_t i = 0; i < names.count; i++) {
        size_t len = strlen(names.items[i]), end = strlen(suffix);
        count += len >= end && !strcmp(names.items[i] + len - end, suffix);
    }
    return count;
}

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

/* ---- parts ---- */

static void disturb(void *data, const json_t *event)
{
    const char *kind = json_string_value(json_object_get(event, "event"));
    int *number = data;
    if (!kind || strcmp(kind, "progress") != 0 || !*number)
        return;
    int once = *number;
    *number = 0; /* a second SIGINT would end the process at once */
    raise(once);
}

/* In a process of its own, which gets the signal as the first bytes come; its exit status. */
static int fetch_disturbed(int signal, const char *path, const char *sha256)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        _cleanup_free_ char *url = url_of(path);
        const struct fetch what = request(url, sha256);
        struct fetched got = FETCHED_INIT;
        struct err *err = NULL;
        struct events *events = events_new();
        interrupt_install();
        events_add_sink(events, disturb, &signal);
        bool ok = fetch_get(&what, events, &got, &err);
        _exit(ok ? 1 : err->code == ERR_INTERRUPTED ? 0 : 2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* Is there a request for a range that got this status? */
static void assert_range_got(const char *status)
{
    _cleanup_free_ char *text = requests();
    _cleanup_free_ char *end = xasprintf(" %s\n", status);
    const char *range = strstr(text, " bytes=");
    assert_non_null(range);
    assert_contains(range, end);
}

static void a_broken_connection_is_gone_on_with(void **state)
{
    (void)state;
    assert_gets("cut/100000/big", hex);
    assert_requested("/cut/100000/big - 200\n");
    assert_requested("/cut/100000/big bytes=100000- 206\n");
    assert_int_equal(count_requests(), 2);
}

static void one_that_always_breaks_goes_on_as_long_as_something_comes(void **state)
{
    (void)state;
    assert_gets("cut-always/20000/big", hex);
    assert_int_equal(count_requests(), SIZE / 20000);
    assert_requested("bytes=280000- 206\n");
}

static void one_that_brings_nothing_is_given_up(void **state)
{
    (void)state;
    assert_fails("cut-always/0/big", hex, "cannot download http://127.0.0.1");
    assert_int_equal(count_requests(), 3);
}

static void a_stall_is_ended(void **state)
{
    (void)state;
    long long start = clock_ms();
    assert_gets("stall/5000/big", hex);
    assert_true(clock_ms() - start < 30000);
    assert_requested("bytes=5000- 206\n");
}

/* The part of an earlier process, and a server that now has another file. */
static void a_replaced_file_is_not_glued_to_the_old_part(void **state)
{
    (void)state;
    assert_int_equal(fetch_disturbed(SIGINT, "stall/90000/big", NULL), 0);
    assert_int_equal(count_kept(".part"), 1);
    write_big("big", 3);
    assert_gets("stall/90000/big", NULL);
    assert_range_got("200");
}

static void the_same_file_is_gone_on_with_by_another_process(void **state)
{
    (void)state;
    assert_int_equal(fetch_disturbed(SIGINT, "stall/90001/big", NULL), 0);
    assert_gets("stall/90001/big", NULL);
    assert_range_got("206");
}

/* Its last bytes may not have reached the disk, and no hash would tell. */
static void a_killed_one_without_a_hash_begins_again(void **state)
{
    (void)state;
    assert_true(WIFSIGNALED(fetch_disturbed(SIGKILL, "stall/90002/big", NULL)));
    assert_int_equal(count_kept(".part"), 1);
    assert_gets("stall/90002/big", NULL);
    _cleanup_free_ char *text = requests();
    assert_null(strstr(text, " bytes="));
}

/* Bytes that nobody vouches for: they may be another file's, or never have reached the disk. */
static void an_unknown_part_is_not_used(void **state)
{
    (void)state;
    struct err *err = NULL;
    char url_hex[HASH_HEX_SIZE];
    _cleanup_free_ char *url = url_of("plain/big");
    hash_bytes(url, strlen(url), url_hex);
    _cleanup_free_ char *dir = path_join(home, "downloads");
    _cleanup_free_ char *part = xasprintf("%s/url-%.40s.part", dir, url_hex);
    assert_ok(fs_mkdirs(dir, &err) && fs_write(part, "junk", 4, 0644, &err), &err);
    assert_gets("plain/big", NULL);
    assert_requested("/plain/big - 200\n");
}

/* A part of four bytes that look as if they were this URL's. */
static void put_junk(const char *of)
{
    struct err *err = NULL;
    _cleanup_free_ char *dir = path_join(home, "downloads"), *url = url_of(of);
    _cleanup_free_ char *part = xasprintf("%s/%s.part", dir, hex);
    _cleanup_free_ char *record = xasprintf("%s.json", part);
    _cleanup_free_ char *text = xasprintf("{\"url\": \"%s\", \"synced\": 4}", url);
    assert_ok(fs_mkdirs(dir, &err) && fs_write(part, "junk", 4, 0644, &err) &&
                  fs_write(record, text, strlen(text), 0644, &err),
              &err);
}

/* A server without validators: only the hash can tell, and if it says no, all is fetched again. */
static void a_part_that_does_not_fit_is_thrown_away(void **state)
{
    (void)state;
    put_junk("weak/big");
    assert_gets("weak/big", hex);
    assert_requested("/weak/big bytes=4- 206\n");
    assert_requested("/weak/big - 200\n");
}

static void ranges_that_are_ignored(void **state)
{
    (void)state;
    put_junk("whole/big");
    assert_gets("whole/big", hex);
    assert_requested("/whole/big bytes=4- 200\n");
    assert_int_equal(count_requests(), 1);
}

static void another_range_than_asked_for(void **state)
{
    (void)state;
    put_junk("odd-range/big");
    assert_gets("odd-range/big", hex);
    assert_requested("/odd-range/big - 200\n");
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

static void interrupted_keeps_what_came(void **state)
{
    (void)state;
    assert_int_equal(fetch_disturbed(SIGINT, "stall/70000/big", hex), 0);
    assert_int_equal(count_kept(".part"), 1);
    assert_gets("stall/70000/big", hex);
    assert_range_got("206");
}

static void killed_goes_on_too(void **state)
{
    (void)state;
    assert_true(WIFSIGNALED(fetch_disturbed(SIGKILL, "stall/70001/big", hex)));
    assert_int_equal(count_kept(".part"), 1);
    assert_gets("stall/70001/big", hex);
    assert_range_got("206");
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
        TEST(a_broken_connection_is_gone_on_with),
        TEST(one_that_always_breaks_goes_on_as_long_as_something_comes),
        TEST(one_that_brings_nothing_is_given_up),
        TEST(a_stall_is_ended),
        TEST(a_replaced_file_is_not_glued_to_the_old_part),
        TEST(the_same_file_is_gone_on_with_by_another_process),
        TEST(a_killed_one_without_a_hash_begins_again),
        TEST(an_unknown_part_is_not_used),
        TEST(a_part_that_does_not_fit_is_thrown_away),
        TEST(ranges_that_are_ignored),
        TEST(another_range_than_asked_for),
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
        TEST(interrupted_keeps_what_came),
        TEST(killed_goes_on_too),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
