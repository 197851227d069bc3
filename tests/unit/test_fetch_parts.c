/* Downloads that break off, and how they are gone on with. */
#include "tests/unit/fetch_fixture.h"

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

/* ---- ended in the middle ---- */

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
        TEST(interrupted_keeps_what_came),
        TEST(killed_goes_on_too),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
