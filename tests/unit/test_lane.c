/* lane.h: which build may begin. */
#include "station/lane.h"
#include "unit.h"

#define GIB (1024ull * 1024 * 1024)

static const struct lane IDLE = {.jobs_max = 2, .cores = 4, .available = 4 * GIB};

static void check(struct lane lane, uint64_t memory, int cores, const char *reason)
{
    _cleanup_(buf_release) struct buf said = BUF_INIT;
    bool admitted = lane_admits(&lane, memory, cores, &said);
    assert_string_equal(said.data, reason ? reason : "");
    assert_int_equal(admitted, !reason);
}

static void the_first_one_always_runs(void **state)
{
    (void)state;
    check(IDLE, GIB, 1, NULL);
    check(IDLE, 100 * GIB, 64, NULL);
}

static void others_wait_for_a_place(void **state)
{
    (void)state;
    struct lane lane = IDLE;
    lane.jobs = 2;
    check(lane, 1, 1, "2 of 2 builds run");
    lane.jobs = 1;
    check(lane, 1, 1, NULL);
}

static void others_wait_for_cores(void **state)
{
    (void)state;
    struct lane lane = IDLE;
    lane.jobs = 1;
    lane.cores_used = 3;
    check(lane, 1, 1, NULL);
    check(lane, 1, 2, "3 of 4 cores are taken, it needs 2");
}

static void others_wait_for_memory(void **state)
{
    (void)state;
    struct lane lane = IDLE;
    lane.jobs = 1;
    check(lane, 4 * GIB, 1, NULL);
    check(lane, 4 * GIB + 1, 1, "4.0 GiB of memory are free, it needs 4.0 GiB");
    lane.claimed = 3 * GIB;
    check(lane, 2 * GIB, 1, "1.0 GiB of memory are free, it needs 2.0 GiB");
    lane.claimed = 5 * GIB;
    check(lane, GIB, 1, "0 B of memory are free, it needs 1.0 GiB");
    lane.available = 0; /* not known */
    check(lane, GIB, 1, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_one_always_runs),
        cmocka_unit_test(others_wait_for_a_place),
        cmocka_unit_test(others_wait_for_cores),
        cmocka_unit_test(others_wait_for_memory),
    };
    return cmocka_run_group_tests_name("lane", tests, NULL, NULL);
}
