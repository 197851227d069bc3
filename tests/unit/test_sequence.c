#include "fake_board.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"
#include "flasher/sequence.h"
#include "image/dfuse_file.h"

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
    char *dir;                   /* for rescue files */
    uint8_t expected[FAKE_SIZE]; /* what the board holds in the end */
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
    assert_ok(fs_temp_dir(fs_is_dir("/dev/shm") ? "/dev/shm" : "/tmp", &f->dir, &err), &err);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    assert_ok(fs_remove_tree(f->dir, &err), &err);
    assert_int_equal(f->board.early_polls, 0);
    flash_result_release(&f->result);
    image_release(&f->image);
    layout_release(&f->layout);
    events_free(f->events);
    buf_release(&f->seen);
    buf_release(&f->board.log);
    free(f->dir);
    free(f);
    return 0;
}

static bool flash(struct fixture *f, struct err **err)
{
    flash_result_release(&f->result);
    f->result.path = xstrdup("1-1.4");
    f->result.serial = xstrdup("3569 FE");
    return sequence_run(&f->dfu, &f->memory, 1, &f->image, &f->options, f->events, &f->result, err);
}

/* Forget what was counted and written down. */
static void forget(struct fixture *f)
{
    buf_clear(&f->seen);
    buf_clear(&f->board.log);
    f->board.transfers = f->board.erases = f->board.uploads = f->board.downloads = 0;
}

/* The board holds this byte everywhere, as its own data; a flash leaves it but for the image. */
static void fill(struct fixture *f, uint8_t byte)
{
    memset(f->board.memory, byte, FAKE_SIZE);
    memset(f->expected, byte, FAKE_SIZE);
    for (size_t i = 0; i < f->image.count; i++) {
        const struct segment *s = &f->image.segments[i];
        memcpy(f->expected + (s->address - FAKE_BASE), s->data, s->size);
    }
}

/* The image is in the board already, but for these bytes. */
static void hold_image(struct fixture *f, uint8_t other, uint32_t from, size_t size)
{
    fill(f, other);
    memcpy(f->board.memory, f->expected, FAKE_SIZE);
    memset(f->board.memory + (from - FAKE_BASE), 0x11, size);
}

static void assert_as_expected(const struct fixture *f)
{
    bool same = memcmp(f->board.memory, f->expected, FAKE_SIZE) == 0;
    for (size_t i = 0; i < FAKE_SIZE && !same; i++)
        if (f->board.memory[i] != f->expected[i])
            fail_msg("0x%08zx holds 0x%02x instead of 0x%02x", FAKE_BASE + i, f->board.memory[i],
                     f->expected[i]);
    assert_int_equal(f->board.overwritten, 0);
}

static size_t rescue_files(const struct fixture *f)
{
    struct err *err = NULL;
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    assert_ok(fs_list(f->dir, &names, &err), &err);
    return names.count;
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

/* Numbers of transfers, exactly: docs/flasher.md has the same. */
static void blank_board(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x14321);
    fill(f, 0xff);
    assert_ok(flash(f, &err), &err);
    assert_as_expected(f);
    assert_true(f->board.left);
    assert_int_equal(f->board.alt, 0);
    assert_true(f->result.verified && f->result.left);
    assert_int_equal(f->result.sectors_erased, 0);
    assert_int_equal(f->result.bytes_written, 0x14800);
    assert_string_equal(f->seen.data, "begin plan\nend plan\nbegin write\nend write\n"
                                      "begin verify\nend verify\nbegin leave\nend leave\n");
    assert_int_equal(f->last_done, f->last_total);
    unsigned blocks = 0x14800 / FAKE_BLOCK;
    assert_int_equal(f->board.downloads, blocks);
    assert_int_equal(f->board.uploads, 2 * blocks); /* compared, read back */
    /* 5 = a run that is read, 3 = a run that is written */
    assert_int_equal(f->board.transfers, 3 * blocks + 2 * blocks + 1 /* is it idle? */ +
                                             5 /* compare */ + 3 /* write */ + 5 /* read back */ +
                                             3 + 5 /* the vector table's block */ + 5 /* leave */);
}

/* Another program is in it: its first block in each sector is enough to know. */
static void old_program(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x20000);
    fill(f, 0x00);
    assert_ok(flash(f, &err), &err);
    assert_as_expected(f);
    unsigned blocks = 0x20000 / FAKE_BLOCK, sectors = 5;
    assert_int_equal(f->result.sectors_erased, sectors);
    assert_int_equal(f->result.bytes_compared, sectors * FAKE_BLOCK);
    assert_int_equal(f->board.uploads, sectors + blocks);
    assert_int_equal(f->board.transfers, 3 * blocks + blocks + sectors + 1 + 5 /* compare */ +
                                             sectors * (3 + 3) /* erase, write */ +
                                             5 /* read back */ + 3 + 5 /* the vector table */ + 5);
}

static void unchanged(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x20000);
    hold_image(f, 0xa5, 0x08000000, 0);
    assert_ok(flash(f, &err), &err);
    assert_as_expected(f);
    assert_true(f->result.verified && f->result.left);
    assert_int_equal(f->result.bytes_written, 0);
    assert_int_equal(f->result.bytes_unchanged, 0x20000);
    assert_string_equal(f->seen.data, "begin plan\nend plan\nbegin leave\nend leave\n");
    assert_int_equal(f->board.transfers, 0x20000 / FAKE_BLOCK + 1 + 5 + 5);
}

/* One sector changes: that one and the vector table's are erased, the rest is left alone. */
static void one_sector_changed(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x20000);
    hold_image(f, 0xa5, 0x08009000, 1);
    assert_ok(flash(f, &err), &err);
    assert_as_expected(f);
    assert_int_equal(f->board.erases, 2);
    assert_int_equal(f->result.bytes_written, 0x8000);
    assert_int_equal(f->result.bytes_unchanged, 0x20000 - 0x8000);
}

static void vector_sector_changed(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x20000);
    hold_image(f, 0xa5, 0x08000123, 1);
    assert_ok(flash(f, &err), &err);
    assert_as_expected(f);
    assert_int_equal(f->board.erases, 1);
    assert_int_equal(f->result.bytes_written, 0x4000);
}

/* What an interrupted run left blank is programmed without another erase. */
static void blank_is_not_erased(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x20000);
    hold_image(f, 0xff, 0x08000000, 0);
    memset(f->board.memory, 0xff, FAKE_BLOCK);
    memset(f->board.memory + 0x18000, 0xff, 0x8000);
    assert_ok(flash(f, &err), &err);
    assert_as_expected(f);
    assert_int_equal(f->board.erases, 0);
    assert_int_equal(f->result.bytes_written, 0x8800);
}

/* Blocks of the image that are like erased memory are not written, but read back. */
static void blank_blocks_are_skipped(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    _cleanup_free_ uint8_t *data = xcalloc(1, 0x10000);
    memset(data + 0x5000, 0xff, 0x6000);
    assert_ok(image_add(&f->image, 0, 0x08000000, data, 0x10000, &err), &err);
    fill(f, 0x55);
    assert_ok(flash(f, &err), &err);
    assert_as_expected(f);
    assert_int_equal(f->result.bytes_written, 0xa000);
    assert_int_equal(f->board.uploads, 0x10000 / FAKE_BLOCK + 4);
    /* An erase that does nothing and says nothing: a protected sector. */
    fill(f, 0x55);
    f->board.state = DFU_STATE_IDLE;
    f->board.gone = false;
    forget(f);
    assert_ok(flash(f, &err), &err);
    int third = (int)(strstr(f->board.log.data, "dnload 41 08008000") - f->board.log.data), at = 0;
    for (int i = 0; i < third; i++)
        at += f->board.log.data[i] == '\n';
    fill(f, 0x55);
    f->board.state = DFU_STATE_IDLE;
    f->board.gone = false;
    forget(f);
    f->board.fault_at = at - 1; /* the log has a line for the alternate setting */
    f->board.fault = FAKE_IGNORE;
    assert_false(flash(f, &err));
    assert_error(&err, ERR_DEVICE, "verification failed at 0x08008000: wrote 0xff, read back 0x55");
    f->board.overwritten = 0;
}

/* The first block too, which nothing else is read back for. */
static void blank_vector_is_read_back(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    uint8_t data[FAKE_BLOCK];
    memset(data, 0xff, sizeof(data));
    assert_ok(image_add(&f->image, 0, 0x08000000, data, sizeof(data), &err), &err);
    f->options.erase = FLASH_ERASE_ALL;
    f->options.discard = true; /* so that nothing is read before */
    fill(f, 0x55);
    f->board.ignore_work = true; /* the erase */
    assert_false(flash(f, &err));
    assert_error(&err, ERR_DEVICE, "verification failed at 0x08000000: wrote 0xff, read back 0x55");
    assert_false(f->result.verified);
}

static void erases_to_zero(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x4100);
    f->board.blank = 0;
    f->dfu.quirks.flags = QUIRK_ERASES_TO_ZERO;
    fill(f, 0xff);
    assert_ok(flash(f, &err), &err);
    assert_as_expected(f);
    assert_int_equal(f->board.erases, 2);
}

static void erase_all(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x4100);
    hold_image(f, 0xa5, 0x08000000, 0);
    f->options.erase = FLASH_ERASE_ALL;
    assert_ok(flash(f, &err), &err);
    assert_as_expected(f);
    assert_int_equal(f->board.erases, 2);
    assert_int_equal(f->result.bytes_kept, 0x3f00);
}

static void mass_erase(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x4100);
    f->options.erase = FLASH_ERASE_MASS;
    fill(f, 0xff);
    memset(f->board.memory, 0xa5, FAKE_SIZE);
    assert_ok(flash(f, &err), &err);
    assert_as_expected(f);
    assert_int_equal(f->result.bytes_compared, 0);
    assert_int_equal(f->result.sectors_erased, 6);
    assert_contains(f->seen.data, "--erase=mass: all 256.0 KiB of the flash are erased");
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
    fill(f, 0xa5);
    assert_ok(flash(f, &err), &err);
    size_t at = position(f, "dnload 41 08000000", 0);
    at = position(f, "dnload 21 08000800", at); /* write */
    at = position(f, "dnload 2 2048", at);
    at = position(f, "dnload 41 08004000", at);
    at = position(f, "dnload 21 08004000", at);
    at = position(f, "dnload 21 08000800", at); /* read back */
    at = position(f, "upload 2 2048", at);
    at = position(f, "dnload 21 08000000", at); /* the vector's block */
    at = position(f, "dnload 2 2048", at);
    at = position(f, "dnload 21 08000000", at);
    at = position(f, "upload 2 2048", at);
    at = position(f, "dnload 0 0", at);
}

static void keeps_other_data(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08004100, 0x4000); /* parts of two sectors */
    fill(f, 0xa5);
    f->options.rescue_dir = f->dir;
    assert_ok(flash(f, &err), &err);
    assert_as_expected(f);
    assert_int_equal(f->result.bytes_kept, 0x4000);
    assert_null(f->result.rescue);
    assert_int_equal(rescue_files(f), 0);
}

static void discards_other_data(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08004100, 0x4000);
    fill(f, 0xa5);
    memset(f->expected + 0x4000, 0xff, 0x100);
    memset(f->expected + 0x8100, 0xff, 0x3f00);
    f->options.discard = true;
    assert_ok(flash(f, &err), &err);
    assert_as_expected(f);
    assert_int_equal(f->result.bytes_kept, 0);
}

/* What is to be kept is read twice: a wrong byte would be written back for good. */
static void unsteady_read(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x100);
    fill(f, 0xa5);
    f->board.fault_at = 8; /* idle?, SET_ADDRESS, ABORT, first block, second */
    f->board.fault = FAKE_CORRUPT;
    assert_false(flash(f, &err));
    assert_error(&err, ERR_DEVICE,
                 "0x08001803 reads 0xff, then 0xa5: other data there cannot be "
                 "kept safely\n  nothing of it was erased");
    assert_int_equal(f->board.erases, 0);
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
    memset(f->board.memory, 0xa5, FAKE_SIZE);
    assert_ok(image_add(&f->image, 1, 0x08020000, &byte, 1, &err), &err);
    assert_ok(
        sequence_run(&f->dfu, memories, 2, &f->image, &f->options, f->events, &f->result, &err),
        &err);
    assert_holds_image(f);
    size_t at = position(f, "alt 0\ndnload 21 08000000", 0); /* what is there */
    at = position(f, "getstatus\nabort\ngetstatus\nalt 1\ndnload 21 08020000", at);
    at = position(f, "abort\ndnload 21 08020000", at); /* what is kept, once more */
    at = position(f, "getstatus\nabort\ngetstatus\nalt 0\ndnload 41 08000000", at);
    at = position(f, "getstatus\nabort\ngetstatus\nalt 1\ndnload 41 08020000", at);
    at = position(f, "getstatus\nabort\ngetstatus\nalt 0\ndnload 21 08000800", at); /* read back */
    at = position(f, "alt 0\ndnload 21 08000000", at); /* the vector's block */
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
    assert_true(plan_keeps(&f->result.plan.sectors[1]));
    assert_false(f->result.verified);
    assert_true(f->result.expected_seconds > 1 && f->result.expected_seconds < 2);
    assert_int_equal(f->board.state, DFU_STATE_IDLE);
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
    assert_int_equal(f->board.uploads, 0x4000 / FAKE_BLOCK); /* compared */
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
    assert_error(&err, ERR_DEVICE, "(2040 of 2048 bytes from 0x08000800 on differ)");
}

static void lost_data_is_named(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x100);
    fill(f, 0xa5);
    f->board.fail_write = DFU_STATUS_ERR_WRITE;
    assert_false(flash(f, &err));
    assert_error(&err, ERR_DEVICE, "cannot write at 0x08000800: the memory could not be written");
    assert_contains(f->seen.data, "16128 bytes in the board");
    assert_null(f->result.rescue);
}

/* With a place for it, it is not lost: it is in a file, and the next run puts it back. */
static void lost_data_is_rescued(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x100);
    fill(f, 0xa5);
    f->options.rescue_dir = f->dir;
    f->board.fail_write = DFU_STATUS_ERR_WRITE;
    assert_false(flash(f, &err));
    err_free_ptr(&err);
    _cleanup_free_ char *file = xasprintf("%s/rescue-1-1.4-3569_FE-0x08000000.dfu", f->dir);
    assert_string_equal(f->result.rescue, file);
    _cleanup_free_ char *advice =
        xasprintf("to put it back: firn flash '%s' --path 1-1.4 --no-leave", file);
    assert_contains(f->seen.data, advice);
    assert_int_equal(f->board.memory[0x200], 0xff);
    f->board.fail_write = 0;
    forget(f);
    assert_ok(flash(f, &err), &err);
    assert_as_expected(f);
    assert_contains(f->seen.data, "putting back 16128 bytes of other data at 0x08000100, saved in");
    assert_null(f->result.rescue);
    assert_int_equal(rescue_files(f), 0);
}

/* The board was used in between: its newer data is kept, the file stays and is named. */
static void newer_data_wins(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x100);
    fill(f, 0xa5);
    f->options.rescue_dir = f->dir;
    f->board.fail_write = DFU_STATUS_ERR_WRITE;
    assert_false(flash(f, &err));
    err_free_ptr(&err);
    fill(f, 0xb6);
    assert_false(flash(f, &err)); /* this one's data goes into a file of its own */
    err_free_ptr(&err);
    assert_int_equal(rescue_files(f), 2);
    f->board.fail_write = 0;
    forget(f);
    assert_ok(flash(f, &err), &err);
    assert_as_expected(f);
    assert_int_equal(rescue_files(f), 1);
    assert_contains(f->seen.data, "which now holds something else there; to put it back: firn");
    _cleanup_free_ char *file = xasprintf("%s/rescue-1-1.4-3569_FE-0x08000000.dfu", f->dir);
    assert_string_equal(f->result.rescue, file);
}

static void no_room_for_rescue(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x100);
    fill(f, 0xa5);
    f->options.rescue_dir = "/dev/null/nowhere";
    assert_false(flash(f, &err));
    assert_error(&err, ERR_FAILED,
                 "cannot save the other data in the sector at 0x08000000 before erasing it: ");
    assert_int_equal(f->board.erases, 0);
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
    /* The same without a verified image is a failure. */
    f->options.verify = false;
    for (int silent = 1; silent >= 0; silent--) {
        fill(f, 0x00);
        power_cycle(f);
        f->board.silent_leave = silent;
        f->board.unplug_before = silent ? FAKE_NEVER : leave;
        if (flash(f, &err))
            leave = (int)f->board.transfers - 4;
        else
            assert_error(&err, ERR_DEVICE,
                         "the image is written, but: cannot leave the bootloader: the board is "
                         "gone\n  reset the board to start it");
        assert_true(f->result.left == silent);
    }
}

/* What the board holds before, and how it is flashed. */
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
        TEST(blank_board),
        TEST(old_program),
        TEST(unchanged),
        TEST(one_sector_changed),
        TEST(vector_sector_changed),
        TEST(blank_is_not_erased),
        TEST(blank_blocks_are_skipped),
        TEST(blank_vector_is_read_back),
        TEST(erases_to_zero),
        TEST(erase_all),
        TEST(mass_erase),
        TEST(vector_table_last),
        TEST(keeps_other_data),
        TEST(discards_other_data),
        TEST(unsteady_read),
        TEST(two_memories),
        TEST(out_of_error),
        TEST(dry_run),
        TEST(no_verify_no_leave),
        TEST(wrong_read_back),
        TEST(writes_that_do_nothing),
        TEST(lost_data_is_named),
        TEST(lost_data_is_rescued),
        TEST(newer_data_wins),
        TEST(no_room_for_rescue),
        TEST(left_before_told),
        TEST(unplug_everywhere),
        TEST(faults_everywhere),
        TEST(every_status_everywhere),
        TEST(interrupt_everywhere),
    };
    return cmocka_run_group_tests_name("sequence", tests, NULL, NULL);
}
