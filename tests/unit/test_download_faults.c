/* Something goes wrong at every transfer of a download. */
#include "download_board.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/proc.h"

static unsigned transfers_of_a_run(struct fixture *f)
{
    struct err *err = NULL;
    f->board.write_ms = f->board.manifest_ms = 3; /* so that it is busy on the way */
    fake_dfu11_power_cycle(&f->board);
    assert_ok(run(f, &err), &err);
    return f->board.transfers;
}

/* A run with the fault that the board has now: a success is one that was earned, and the next run
 * mends whatever it was. Returns whether it failed. */
static bool fails_and_recovers(struct fixture *f, int point)
{
    struct err *err = NULL;
    f->board.at = point;
    memset(f->board.memory, 0, FAKE11_SIZE);
    bool ok = run(f, &err);
    if (ok != (err == NULL))
        fail_msg("at %d: result and error disagree", point);
    if (ok && !(f->result.verified && holds_image(f)))
        fail_msg("at %d with fault %d: a success that was not earned", point, f->board.fault);
    if (!ok && err->code != ERR_DEVICE)
        fail_msg("at %d: code %d", point, err->code);
    err_free_ptr(&err);
    assert_second_run_verifies(f);
    fake_dfu11_power_cycle(&f->board);
    return !ok;
}

static void fault_everywhere(void **state)
{
    static const enum fake11_fault faults[] = {FAKE11_UNPLUG_BEFORE, FAKE11_UNPLUG_AFTER,
                                               FAKE11_STALL,         FAKE11_TIMEOUT,
                                               FAKE11_BREAK,         FAKE11_SHORT_READ};
    struct fixture *f = *state;
    unsigned count = transfers_of_a_run(f), failed = 0;
    fake_dfu11_power_cycle(&f->board);
    assert_in_range(count, 60, 100);
    for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
        for (unsigned point = 0; point < count; point++) {
            f->board.fault = faults[i];
            failed += fails_and_recovers(f, (int)point);
        }
    assert_in_range(failed, 5 * count, 6 * count);
}

static void every_status_everywhere(void **state)
{
    struct fixture *f = *state;
    unsigned count = transfers_of_a_run(f), failed = 0;
    fake_dfu11_power_cycle(&f->board);
    for (uint8_t status = DFU_STATUS_ERR_TARGET; status <= DFU_STATUS_ERR_STALLEDPKT; status++)
        for (unsigned point = 0; point < count; point++) {
            f->board.fault = FAKE11_STATUS;
            f->board.fault_status = status;
            failed += fails_and_recovers(f, (int)point);
        }
    /* Only the state before the first block may be anything. */
    assert_int_equal(failed, 15 * (count - 1));
}

/* For a device that is not tolerant: never "verified", and no success before it has all. */
static void unplugged_without_read_back(void **state)
{
    struct fixture *f = *state;
    f->board.attributes = NOT_TOLERANT;
    unsigned count = transfers_of_a_run(f), succeeded = 0;
    for (unsigned point = 0; point < 2 * count; point++) {
        struct err *err = NULL;
        fake_dfu11_power_cycle(&f->board);
        memset(f->board.memory, 0, FAKE11_SIZE);
        f->board.fault = point % 2 ? FAKE11_UNPLUG_AFTER : FAKE11_UNPLUG_BEFORE;
        f->board.at = (int)(point / 2);
        bool ok = run(f, &err);
        err_free_ptr(&err);
        assert_false(f->result.verified);
        succeeded += ok;
        if (ok)
            assert_true(holds_image(f));
        if (ok)
            assert_contains(f->seen.data, "warning: sent, not verified");
    }
    assert_int_equal(succeeded, 2); /* before and after the last GETSTATUS */
}

/* In a process of its own: a request to stop is never taken back. */
static void interrupt_at(struct fixture *f, int point)
{
    struct err *err = NULL;
    interrupt_install();
    fake_dfu11_power_cycle(&f->board);
    memset(f->board.memory, 0, FAKE11_SIZE);
    f->board.fault = FAKE11_INTERRUPT;
    f->board.at = point;
    bool ok = run(f, &err);
    if (!ok && err->code != ERR_INTERRUPTED)
        fail_msg("interrupted at %d: %s", point, err->message);
    if (!ok && f->board.state != DFU_STATE_IDLE && f->board.state != DFU_STATE_DNLOAD_IDLE &&
        f->board.state != DFU_STATE_UPLOAD_IDLE)
        fail_msg("interrupted at %d: left in state %u", point, f->board.state);
    if (ok && !(f->result.verified && holds_image(f)))
        fail_msg("interrupted at %d: not earned", point);
    _exit(ok ? 0 : err_exit_status(err));
}

static void interrupt_everywhere(void **state)
{
    struct fixture *f = *state;
    unsigned count = transfers_of_a_run(f), stopped = 0;
    for (unsigned point = 0; point < count; point++) {
        int status;
        pid_t child = fork();
        if (child == 0)
            interrupt_at(f, (int)point);
        assert_int_equal(waitpid(child, &status, 0), child);
        if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 130))
            fail_msg("interrupt at transfer %u: status %d", point, status);
        stopped += WEXITSTATUS(status) == 130;
    }
    assert_in_range(stopped, count - 5, count);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fault_everywhere),
        TEST(every_status_everywhere),
        TEST(unplugged_without_read_back),
        TEST(interrupt_everywhere),
    };
    return cmocka_run_group_tests_name("download_faults", tests, NULL, NULL);
}
