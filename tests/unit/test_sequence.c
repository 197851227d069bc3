#include "fake_board.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/proc.h"
#include "flasher/sequence.h"

struct fixture {
    struct fake_board board;
    struct dfu dfu;
    struct layout layout;
    struct plan_memory memory;
    struct image image;
    struct flash_options options;
    struct flash_result result;
    struct events *events;
    struct buf seen; /* "begin find", "end find ok", "warning: ..." */
    uint64_t last_done, last_total;
};

static void take_event(void *data, const json_t *event)
{
    struct fixture *f = data;
    const char *kind = json_string_value(json_object_get(event, "event"));
    const char *phase = json_string_value(json_object_get(event, "phase"));
    const char *state = json_string_value(json_object_get(event, "state"));
    if (strcmp(kind, "phase") == 0) {
        buf_addf(&f->seen, "%s %s%s\n", state, phase,
                 json_is_false(json_object_get(event, "ok")) ? " failed" : "");
    } else if (strcmp(kind, "progress") == 0) {
        f->last_done = (uint64_t)json_integer_value(json_object_get(event, "done"));
        f->last_total = (uint64_t)json_integer_value(json_object_get(event, "total"));
        assert_true(f->last_done <= f->last_total);
        assert_string_equal(json_string_value(json_object_get(event, "unit")), "bytes");
    } else {
        buf_addf(&f->seen, "%s\n", json_string_value(json_object_get(event, "text")));
    }
}

static void add(struct fixture *f, uint32_t address, size_t size)
{
    struct err *err = NULL;
    _cleanup_free_ uint8_t *data = xmalloc(size);
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(i * 5 + i / 256 + 1);
    assert_ok(image_add(&f->image, 0, address, data, size, &err), &err);
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    struct err *err = NULL;
    *f = (struct fixture){.image = IMAGE_INIT,
                          .result = FLASH_RESULT_INIT,
                          .options = {.verify = true, .leave = true},
                          .seen = BUF_INIT};
    fake_board_init(&f->board);
    f->dfu = fake_dfu(&f->board);
    assert_ok(layout_parse(FAKE_LAYOUT, strlen(FAKE_LAYOUT), &f->layout, &err), &err);
    f->memory = (struct plan_memory){0, &f->layout};
    f->events = events_new();
    events_add_sink(f->events, take_event, f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    flash_result_release(&f->result);
    image_release(&f->image);
    layout_release(&f->layout);
    events_free(f->events);
    buf_release(&f->seen);
    buf_release(&f->board.log);
    free(f);
    return 0;
}

static bool flash(struct fixture *f, struct err **err)
{
    flash_result_release(&f->result);
    return sequence_run(&f->dfu, &f->memory, 1, &f->image, &f->options, f->events, &f->result, err);
}

static void assert_holds_image(const struct fixture *f)
{
    for (size_t i = 0; i < f->image.count; i++) {
        const struct segment *s = &f->image.segments[i];
        assert_memory_equal(f->board.memory + (s->address - FAKE_BASE), s->data, s->size);
    }
}

/* The same board with power again, in its bootloader, holding what it held. */
static void power_cycle(struct fixture *f)
{
    _cleanup_free_ uint8_t *memory = xmalloc(FAKE_SIZE);
    memcpy(memory, f->board.memory, FAKE_SIZE);
    buf_release(&f->board.log);
    fake_board_init(&f->board);
    memcpy(f->board.memory, memory, FAKE_SIZE);
    f->dfu = fake_dfu(&f->board);
}

static void whole_way(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x14321);
    memset(f->board.memory, 0, 0x10000); /* an old program; the last sector is blank */
    assert_ok(flash(f, &err), &err);
    assert_holds_image(f);
    assert_true(f->board.left);
    assert_int_equal(f->board.alt, 0);
    assert_true(f->result.verified && f->result.left);
    assert_int_equal(f->result.sectors_erased, 5);
    assert_int_equal(f->result.bytes_written, 0x14800);
    assert_string_equal(f->seen.data, "begin plan\nend plan\nbegin erase\nend erase\nbegin write\n"
                                      "end write\nbegin verify\nend verify\nbegin leave\n"
                                      "end leave\n");
    assert_int_equal(f->last_done, f->last_total);
}

/* Where in the log does this line begin, at or after `from`? */
static size_t position(const struct fixture *f, const char *line, size_t from)
{
    const char *found = strstr(f->board.log.data + from, line);
    if (!found)
        fail_msg("no '%s' in: %s", line, f->board.log.data + from);
    return (size_t)(found - f->board.log.data);
}

/* Vector's sector erased first; the vector written behind the last byte that was verified. */
static void vector_table_last(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x8000);
    assert_ok(flash(f, &err), &err);
    size_t at = position(f, "dnload 41 08000000", 0);
    at = position(f, "dnload 41 08004000", at);
    at = position(f, "dnload 21 08000800", at); /* write */
    at = position(f, "dnload 2 2048", at);
    at = position(f, "dnload 21 08000800", at); /* read back */
    at = position(f, "upload 2 2048", at);
    at = position(f, "dnload 21 08000000", at); /* the vector's block */
    at = position(f, "dnload 2 2048", at);
    at = position(f, "dnload 21 08000000", at);
    at = position(f, "upload 2 2048", at);
    at = position(f, "dnload 0 0", at);
}

/* 3 transfers a block written, 1 a block read, and no more than a few dozen beside them. */
static void few_transfers(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x20000);
    assert_ok(flash(f, &err), &err);
    unsigned blocks = 0x20000 / FAKE_BLOCK;
    assert_in_range(f->board.transfers, 4 * blocks, 4 * blocks + 60);
}

static void keeps_other_data(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08004100, 0x4000); /* parts of two sectors */
    memset(f->board.memory, 0xa5, FAKE_SIZE);
    assert_ok(flash(f, &err), &err);
    assert_holds_image(f);
    for (size_t i = 0; i < FAKE_SIZE; i++)
        if (i < 0x4100 || i >= 0x8100)
            assert_int_equal(f->board.memory[i], 0xa5);
    assert_int_equal(plan_kept_bytes(&f->result.plan), 0x4000);
}

/* Two memories: the setting is changed between them, from dfuIDLE only, and the program is started
 * in the first. */
static void two_memories(void **state)
{
    static const char text[] = "@Other /0x08020000/01*128Kg";
    struct fixture *f = *state;
    struct err *err = NULL;
    uint8_t byte = 0x3c;
    _cleanup_(layout_release) struct layout other = LAYOUT_INIT;
    assert_ok(layout_parse(text, strlen(text), &other, &err), &err);
    const struct plan_memory memories[] = {f->memory, {1, &other}};
    add(f, 0x08000000, 0x4000);
    assert_ok(image_add(&f->image, 1, 0x08020000, &byte, 1, &err), &err);
    assert_ok(
        sequence_run(&f->dfu, memories, 2, &f->image, &f->options, f->events, &f->result, &err),
        &err);
    assert_holds_image(f);
    size_t at = position(f, "alt 1\ndnload 21 08020000", 0); /* what is there */
    at = position(f, "abort\ngetstatus\ngetstatus\nalt 0\ndnload 41 08000000", at);
    at = position(f, "abort\ngetstatus\nalt 1\ndnload 41 08020000", at);
    at = position(f, "alt 0\ndnload 21 08000000", at); /* the vector's block, after reading back */
    position(f, "dnload 21 08000000\ngetstatus\ngetstatus\ndnload 0 0", at);
    assert_int_equal(f->board.alt, 0);
}

static void out_of_error(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 100);
    f->board.state = DFU_STATE_ERROR;
    f->board.code = DFU_STATUS_ERR_FIRMWARE;
    assert_ok(flash(f, &err), &err);
    assert_holds_image(f);
}

static void dry_run(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x4100);
    memset(f->board.memory, 0x5a, FAKE_SIZE);
    f->options.dry_run = true;
    assert_ok(flash(f, &err), &err);
    for (size_t i = 0; i < FAKE_SIZE; i++)
        assert_int_equal(f->board.memory[i], 0x5a);
    assert_null(strstr(f->board.log.data, "dnload 41"));
    assert_true(f->result.plan.sectors[1].keep);
    assert_false(f->result.verified);
}

static void no_verify_no_leave(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x4000);
    f->options.verify = f->options.leave = false;
    assert_ok(flash(f, &err), &err);
    assert_holds_image(f);
    assert_false(f->result.verified || f->result.left || f->board.left);
    assert_null(strstr(f->board.log.data, "upload"));
    assert_contains(f->seen.data, "not verified, as --no-verify asks");
}

static void wrong_read_back(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x8000);
    f->board.corrupt_read = 0x08006123;
    assert_false(flash(f, &err));
    assert_error(&err, ERR_DEVICE, "verification failed at 0x08006123: wrote 0x");
    assert_false(f->result.verified);
    assert_false(f->board.left);
    /* It cannot start: the vector table was not written. */
    for (size_t i = 0; i < FAKE_BLOCK; i++)
        assert_int_equal(f->board.memory[i], 0xff);
}

static void writes_that_do_nothing(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x4000);
    f->board.ignore_writes = true;
    assert_false(flash(f, &err));
    assert_error(&err, ERR_DEVICE, "(14280 of 14336 bytes from 0x08000800 on differ)");
}

static void lost_data_is_named(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x100);
    memset(f->board.memory, 0xa5, FAKE_SIZE);
    f->board.fail_write = DFU_STATUS_ERR_WRITE;
    assert_false(flash(f, &err));
    assert_error(&err, ERR_DEVICE, "cannot write at 0x08000800: the memory could not be written");
    assert_contains(f->seen.data, "16128 bytes in the board");
}

static void left_before_told(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 100);
    assert_ok(flash(f, &err), &err);
    int leave = (int)f->board.transfers - 5; /* SET_ADDRESS, 2 status, DNLOAD, status */
    power_cycle(f);
    f->board.unplug_before = leave;
    assert_ok(flash(f, &err), &err);
    assert_true(f->result.verified);
    power_cycle(f);
    /* The same without a verified image is a failure. */
    f->options.verify = false;
    f->board.silent_leave = true;
    assert_ok(flash(f, &err), &err);
    leave = (int)f->board.transfers - 4;
    power_cycle(f);
    f->board.unplug_before = leave;
    assert_false(flash(f, &err));
    assert_error(&err, ERR_DEVICE,
                 "the image is written, but: cannot leave the bootloader: the board is gone\n"
                 "  reset the board to start it");
}

/* Pull the cable before or after each transfer: never a success unless everything was verified, and
 * running it again always mends it. */
static void unplug_everywhere(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x4100);
    f->options.leave = false;
    assert_ok(flash(f, &err), &err);
    int transfers = (int)f->board.transfers;
    for (int point = 0; point < 2 * transfers; point++) {
        power_cycle(f);
        memset(f->board.memory, 0xa5, FAKE_SIZE);
        f->board.unplug_before = point % 2 ? FAKE_NEVER : point / 2;
        f->board.unplug_after = point % 2 ? point / 2 : FAKE_NEVER;
        if (flash(f, &err))
            fail_msg("success though unplugged at %d of %d", point / 2, transfers);
        assert_error(&err, ERR_DEVICE, "run the command again");
        power_cycle(f);
        assert_ok(flash(f, &err), &err);
        assert_true(f->result.verified);
        assert_holds_image(f);
    }
}

/* Interrupt at each transfer, in a process of its own as the flag stays. */
static void interrupt_at(struct fixture *f, int point)
{
    struct err *err = NULL;
    interrupt_install();
    power_cycle(f);
    memset(f->board.memory, 0xa5, FAKE_SIZE);
    f->board.interrupt_at = point;
    bool ok = flash(f, &err);
    if (!ok && err->code != ERR_INTERRUPTED)
        fail_msg("interrupted at %d: %s", point, err->message);
    /* Finished or not, what is not the image's is still there. */
    for (size_t i = 0x4100; i < FAKE_SIZE; i++)
        assert_int_equal(f->board.memory[i], 0xa5);
    if (ok)
        assert_holds_image(f);
    else if (f->result.sectors_erased)
        assert_int_equal(f->board.memory[0], 0xff);
    _exit(ok ? 0 : err_exit_status(err));
}

static void interrupt_everywhere(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    unsigned stopped = 0, finished = 0;
    add(f, 0x08000000, 0x4100);
    f->options.leave = false;
    memset(f->board.memory, 0xa5, FAKE_SIZE);
    assert_ok(flash(f, &err), &err);
    for (int point = 0; point < (int)f->board.transfers; point++) {
        int status;
        pid_t child = fork();
        if (child == 0)
            interrupt_at(f, point);
        assert_int_equal(waitpid(child, &status, 0), child);
        if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 130))
            fail_msg("interrupt at transfer %d: status %d", point, status);
        stopped += WEXITSTATUS(status) == 130;
        finished += WEXITSTATUS(status) == 0;
    }
    assert_in_range(stopped, 20, 1000);
    assert_in_range(finished, 5, 20); /* from the last block on */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whole_way),
        TEST(vector_table_last),
        TEST(few_transfers),
        TEST(keeps_other_data),
        TEST(two_memories),
        TEST(out_of_error),
        TEST(dry_run),
        TEST(no_verify_no_leave),
        TEST(wrong_read_back),
        TEST(writes_that_do_nothing),
        TEST(lost_data_is_named),
        TEST(left_before_told),
        TEST(unplug_everywhere),
        TEST(interrupt_everywhere),
    };
    return cmocka_run_group_tests_name("sequence", tests, NULL, NULL);
}
