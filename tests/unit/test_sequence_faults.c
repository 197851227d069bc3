/* Something goes wrong at every transfer of a sequence. */
#include "sequence_board.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/proc.h"
#include "image/dfuse_file.h"

struct scenario {
    const char *name;
    enum flash_erase erase;
    uint8_t other;                       /* 0xff: blank */
    bool held;                           /* it holds the image, but for... */
    uint32_t changed_from, changed_size; /* ... these bytes */
};

static const struct scenario scenarios[] = {
    {"blank", FLASH_ERASE_NEEDED, 0xff, false, 0, 0},
    {"old program, other data kept", FLASH_ERASE_NEEDED, 0xa5, false, 0, 0},
    {"one sector changed", FLASH_ERASE_NEEDED, 0xa5, true, 0x08004010, 1},
    {"vector table changed", FLASH_ERASE_NEEDED, 0xa5, true, 0x08000000, 1},
    {"nothing changed", FLASH_ERASE_NEEDED, 0xa5, true, 0x08000000, 0},
    {"every sector erased", FLASH_ERASE_ALL, 0xa5, true, 0x08000000, 0},
    {"mass erase", FLASH_ERASE_MASS, 0xa5, false, 0, 0},
};

static void prepare(struct fixture *f, const struct scenario *scenario)
{
    power_cycle(f);
    forget(f);
    f->options.erase = scenario->erase;
    if (scenario->held)
        hold_image(f, scenario->other, scenario->changed_from, scenario->changed_size);
    else
        fill(f, scenario->other);
    if (scenario->erase != FLASH_ERASE_MASS)
        return;
    uint8_t *before = xmalloc(FAKE_SIZE);
    memcpy(before, f->board.memory, FAKE_SIZE);
    fill(f, 0xff);
    memcpy(f->board.memory, before, FAKE_SIZE);
    free(before);
}

static void begin_scenarios(struct fixture *f)
{
    add(f, 0x08000000, 0x4100);
    f->options.leave = false;
    f->options.rescue_dir = f->dir;
}

static unsigned count_transfers(struct fixture *f, const struct scenario *scenario)
{
    struct err *err = NULL;
    prepare(f, scenario);
    assert_ok(flash(f, &err), &err);
    assert_as_expected(f);
    return f->board.transfers;
}

/* What the advice says: flash the rescue file. */
static void flash_rescue_file(struct fixture *f)
{
    struct err *err = NULL;
    _cleanup_(buf_release) struct buf bytes = BUF_INIT;
    _cleanup_(image_release) struct image saved = IMAGE_INIT;
    assert_ok(fs_read(f->result.rescue, 1 << 20, &bytes, &err) &&
                  dfuse_file_read(bytes.data, bytes.len, &saved, &err),
              &err);
    struct image image = f->image;
    f->image = saved;
    assert_ok(flash(f, &err), &err);
    f->image = image;
}

/* The board as it was left, in its bootloader again: the same flash, and all is as it shall be. */
static void mend(struct fixture *f, const char *what, unsigned at)
{
    struct err *err = NULL;
    power_cycle(f);
    if (!flash(f, &err))
        print_error("after %s at transfer %u\n", what, at);
    assert_ok(!err, &err);
    assert_true(f->result.verified);
    if (f->result.rescue) /* the board wrote in a wrong place */
        flash_rescue_file(f);
    f->board.overwritten = 0;
    assert_as_expected(f);
    assert_int_equal(rescue_files(f), 0);
}

/* Pull the cable before and after each transfer: never a success, and the same command again always
 * mends all of it, with what was the board's own. */
static void unplug_everywhere(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    unsigned points = 0;
    begin_scenarios(f);
    for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
        unsigned transfers = count_transfers(f, &scenarios[i]);
        for (unsigned point = 0; point < 2 * transfers; point++, points++) {
            prepare(f, &scenarios[i]);
            f->board.unplug_before = point % 2 ? FAKE_NEVER : (int)point / 2;
            f->board.unplug_after = point % 2 ? (int)point / 2 : FAKE_NEVER;
            if (flash(f, &err))
                fail_msg("%s: success though unplugged at %u of %u", scenarios[i].name, point / 2,
                         transfers);
            assert_error(&err, ERR_DEVICE, "run the command again");
            mend(f, scenarios[i].name, point / 2);
        }
    }
    print_message("unplugged at %u points\n", points);
}

/* One fault at one transfer: a success only if it is one, an end in time, and mended by the next
 * run. */
static void try_fault(struct fixture *f, const struct scenario *scenario, enum fake_fault fault,
                      uint8_t code, unsigned at)
{
    _cleanup_err_ struct err *err = NULL;
    prepare(f, scenario);
    f->board.fault = fault;
    f->board.fault_code = code;
    f->board.fault_at = (int)at;
    bool ok = flash(f, &err);
    assert_true(ok == !err);
    assert_in_range(f->board.now_us, 0, 400 * 1000000LL);
    f->board.overwritten = 0; /* where an erase was ignored; found when it is read back */
    if (ok && memcmp(f->board.memory, f->expected, FAKE_SIZE) != 0)
        fail_msg("%s: success with fault %d at transfer %u", scenario->name, fault, at);
    if (!ok)
        assert_true(err->code == ERR_DEVICE);
    mend(f, scenario->name, at);
}

static void faults_everywhere(void **state)
{
    struct fixture *f = *state;
    unsigned points = 0;
    begin_scenarios(f);
    for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
        unsigned transfers = count_transfers(f, &scenarios[i]);
        for (unsigned at = 0; at < transfers; at++)
            for (int fault = 0; fault < FAKE_FAULTS; fault++, points++)
                try_fault(f, &scenarios[i], (enum fake_fault)fault, DFU_STATUS_ERR_UNKNOWN, at);
    }
    print_message("faults at %u points\n", points);
}

static void every_status_everywhere(void **state)
{
    struct fixture *f = *state;
    unsigned points = 0;
    begin_scenarios(f);
    for (size_t i = 1; i <= 2; i++) {
        unsigned transfers = count_transfers(f, &scenarios[i]);
        for (unsigned at = 0; at < transfers; at++)
            for (uint8_t code = 0; code <= DFU_STATUS_ERR_STALLEDPKT; code++, points++)
                try_fault(f, &scenarios[i], FAKE_STATUS, code, at);
    }
    print_message("status errors at %u points\n", points);
}

/* Interrupt at each transfer, in a process of its own as the flag stays. */
static void interrupt_at(struct fixture *f, int point)
{
    struct err *err = NULL;
    interrupt_install();
    prepare(f, &scenarios[1]);
    f->board.interrupt_at = point;
    bool ok = flash(f, &err);
    if (!ok && err->code != ERR_INTERRUPTED)
        fail_msg("interrupted at %d: %s", point, err->message);
    /* Finished or not, what is not the image's is still there, or in a file. */
    for (size_t i = 0x4100; i < FAKE_SIZE && !f->result.rescue; i++)
        assert_int_equal(f->board.memory[i], 0xa5);
    if (ok)
        assert_as_expected(f);
    else if (f->result.sectors_erased)
        assert_int_equal(f->board.memory[0], 0xff);
    _exit(ok ? 0 : err_exit_status(err));
}

/* Returns how many points were such that it went on to the end. */
static unsigned interrupt_each(struct fixture *f, unsigned transfers)
{
    unsigned finished = 0;
    for (unsigned point = 0; point < transfers; point++) {
        struct err *err = NULL;
        int status;
        pid_t child = fork();
        if (child == 0)
            interrupt_at(f, (int)point);
        assert_int_equal(waitpid(child, &status, 0), child);
        if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 130))
            fail_msg("interrupt at transfer %u: status %d", point, status);
        finished += WEXITSTATUS(status) == 0;
        assert_ok(fs_remove_tree(f->dir, &err), &err);
    }
    return finished;
}

static void interrupt_everywhere(void **state)
{
    struct fixture *f = *state;
    begin_scenarios(f);
    unsigned transfers = count_transfers(f, &scenarios[1]);
    /* From the last block on. */
    assert_in_range(interrupt_each(f, transfers), 5, 20);
    /* Without a file the data that is in memory only is written back first. */
    f->options.rescue_dir = NULL;
    assert_in_range(interrupt_each(f, transfers), 5, 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(unplug_everywhere),
        TEST(faults_everywhere),
        TEST(every_status_everywhere),
        TEST(interrupt_everywhere),
    };
    return cmocka_run_group_tests_name("sequence_faults", tests, NULL, NULL);
}
