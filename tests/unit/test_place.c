/* Where one make runs: what is there, and what a program in it may write. */
#include "builder/build_job.h"
#include "tests/unit/sandbox_fixture.h"

/* A job whose source is dir/src; the caller releases its sandbox. */
static struct build_job job_with(bool sandboxed)
{
    struct err *err = NULL;
    struct build_job job = {.sandbox = SANDBOX_INIT};
    put("src/file", "source", 0644);
    put("cross/mpy-cross", "#!/bin/sh\necho crossed\n", 0755);
    job.source.dir = path_join(dir, "src");
    assert_ok(sandbox_init(&job.sandbox, sandboxed, &LIMITS, &err), &err);
    return job;
}

static void job_release(struct build_job *job)
{
    free(job->source.dir);
    sandbox_release(&job->sandbox);
}

static void open_place(struct place *place, const struct build_job *job, bool with_mpy_cross)
{
    struct err *err = NULL;
    _cleanup_free_ char *work = path_join(dir, "work"), *cross = path_join(dir, "cross/mpy-cross");
    assert_ok(place_open(place, job, work, with_mpy_cross ? cross : NULL, &err), &err);
}

static void assert_runs(const struct place *place, const char *script, const char *expected)
{
    int status;
    _cleanup_free_ char *said = run(&place->sandbox, script, &status);
    assert_string_equal(said, expected);
    assert_int_equal(status, 0);
}

static void it_is_new_and_empty(void **state)
{
    (void)state;
    _cleanup_(job_release) struct build_job job = job_with(false);
    _cleanup_(place_release) struct place place = PLACE_INIT;
    _cleanup_free_ char *old = path_join(dir, "work/build/old.o");
    put("work/build/old.o", "of an earlier run", 0644);
    put("work/product/old.py", "of an earlier run", 0644);
    open_place(&place, &job, false);
    assert_false(fs_exists(old));
    assert_true(fs_is_dir(place.build) && fs_is_dir(place.product));
    _cleanup_free_ char *product = path_join(dir, "work/product");
    assert_string_equal(place.product, product);
    assert_null(place.mpy_cross_at);
}

static void names_in_the_sandbox_are_fixed(void **state)
{
    (void)state;
    _cleanup_(job_release) struct build_job job = job_with(true);
    _cleanup_(place_release) struct place place = PLACE_INIT;
    open_place(&place, &job, true);
    put("work/product/main.py", "staged", 0644);
    assert_string_equal(place.src_at, "/src");
    assert_string_equal(place.product_at, "/product");
    assert_string_equal(place.build_at, "/build");
    assert_string_equal(place.mpy_cross_at, "/mpy-cross/mpy-cross");
    assert_runs(&place, "cat /src/file /product/main.py; /mpy-cross/mpy-cross",
                "sourcestagedcrossed\n");
}

static void only_the_build_is_written(void **state)
{
    (void)state;
    _cleanup_(job_release) struct build_job job = job_with(true);
    _cleanup_(place_release) struct place place = PLACE_INIT;
    open_place(&place, &job, true);
    assert_runs(&place,
                "for d in /src /product /mpy-cross /build; do"
                " (: >$d/new) 2>/dev/null && echo $d; done; rm -f /src/file 2>/dev/null; true",
                "/build\n");
    _cleanup_free_ char *made = path_join(place.build, "new"), *kept = path_join(dir, "src/file");
    assert_true(fs_is_file(made));
    assert_true(fs_is_file(kept));
}

/* Each place has its own view; the job's sandbox is not changed by any. */
static void places_do_not_see_each_other(void **state)
{
    (void)state;
    _cleanup_(job_release) struct build_job job = job_with(true);
    _cleanup_(place_release) struct place one = PLACE_INIT, two = PLACE_INIT;
    struct err *err = NULL;
    _cleanup_free_ char *other = path_join(dir, "other");
    open_place(&one, &job, true);
    assert_ok(place_open(&two, &job, other, NULL, &err), &err);
    assert_int_equal(job.sandbox.binds.count, 0);
    put("work/build/one.o", "1", 0644);
    assert_runs(&one, "ls /build", "one.o\n");
    assert_runs(&two, "ls /build; ls /mpy-cross 2>/dev/null; true", "");
}

static void without_a_sandbox_names_are_the_machines(void **state)
{
    (void)state;
    _cleanup_(job_release) struct build_job job = job_with(false);
    _cleanup_(place_release) struct place place = PLACE_INIT;
    open_place(&place, &job, true);
    _cleanup_free_ char *cross = path_join(dir, "cross/mpy-cross");
    assert_string_equal(place.src_at, job.source.dir);
    assert_string_equal(place.product_at, place.product);
    assert_string_equal(place.build_at, place.build);
    assert_string_equal(place.mpy_cross_at, cross);
}

static void a_place_that_cannot_be_made(void **state)
{
    (void)state;
    _cleanup_(job_release) struct build_job job = job_with(false);
    _cleanup_(place_release) struct place place = PLACE_INIT;
    struct err *err = NULL;
    _cleanup_free_ char *below_a_file = path_join(dir, "src/file/work");
    assert_false(place_open(&place, &job, below_a_file, NULL, &err));
    assert_error(&err, ERR_FAILED, "src/file");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(it_is_new_and_empty),
        TEST(names_in_the_sandbox_are_fixed),
        TEST(only_the_build_is_written),
        TEST(places_do_not_see_each_other),
        TEST(without_a_sandbox_names_are_the_machines),
        TEST(a_place_that_cannot_be_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
