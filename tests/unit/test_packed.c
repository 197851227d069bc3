#include "fake_mboot.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/proc.h"
#include "flasher/packed.h"

#define CHUNK_BYTES 4096 /* of firmware in a chunk */
#define FIRMWARE 10000   /* three chunks */

struct fixture {
    struct fake_mboot board;
    struct dfu dfu;
    struct image image;
    struct flash_options options;
    struct flash_result result;
    struct events *events;
    struct buf seen; /* "end write: 1000", warnings */
    uint8_t firmware[FIRMWARE];
};

static void take_event(void *data, const json_t *event)
{
    struct fixture *f = data;
    const char *kind = json_string_value(json_object_get(event, "event"));
    const char *detail = json_string_value(json_object_get(event, "detail"));
    if (strcmp(kind, "phase") == 0) {
        buf_addf(&f->seen, "%s %s%s", json_string_value(json_object_get(event, "state")),
                 json_string_value(json_object_get(event, "phase")),
                 json_is_false(json_object_get(event, "ok")) ? " failed" : "");
        buf_addf(&f->seen, detail ? ": %s\n" : "\n", detail);
    } else if (strcmp(kind, "log") == 0) {
        buf_addf(&f->seen, "%s: %s\n", json_string_value(json_object_get(event, "level")),
                 json_string_value(json_object_get(event, "text")));
    }
}

/* MicroPython's mboot_pack_dfu.py, pack_chunk(). */
static void add_chunk(struct fixture *f, uint8_t format, uint32_t address, const struct buf *data)
{
    _cleanup_(buf_release) struct buf chunk = BUF_INIT;
    struct err *err = NULL;
    buf_addc(&chunk, 1);
    buf_addc(&chunk, (char)format);
    buf_add_le16(&chunk, 0);
    buf_add_le32(&chunk, address);
    buf_add_le32(&chunk, (uint32_t)data->len);
    buf_add(&chunk, data->data, data->len);
    buf_fill(&chunk, (char)FAKE_MBOOT_SIGNATURE, 64);
    buf_fill(&chunk, 0, (8 - chunk.len % 8) % 8);
    assert_ok(image_add_chunk(&f->image, 0, address, chunk.data, chunk.len, &err), &err);
}

static void pack(struct fixture *f, uint32_t base)
{
    uint32_t address = base;
    image_release(&f->image);
    f->image = (struct image)IMAGE_INIT;
    for (size_t at = 0; at < FIRMWARE; at += CHUNK_BYTES, address += CHUNK_BYTES) {
        _cleanup_(buf_release) struct buf data = BUF_INIT;
        buf_fill(&data, 'x', 36);
        buf_add(&data, f->firmware + at, FIRMWARE - at < CHUNK_BYTES ? FIRMWARE - at : CHUNK_BYTES);
        add_chunk(f, 2, address, &data);
    }
    _cleanup_(buf_release) struct buf data = BUF_INIT;
    buf_add_le32(&data, base);
    buf_add_le32(&data, FIRMWARE);
    buf_fill(&data, (char)FAKE_MBOOT_SIGNATURE, 64);
    add_chunk(f, 1, address, &data);
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    *f = (struct fixture){.image = IMAGE_INIT,
                          .result = FLASH_RESULT_INIT,
                          .options = {.verify = true, .leave = true},
                          .seen = BUF_INIT};
    for (size_t i = 0; i < FIRMWARE; i++)
        f->firmware[i] = (uint8_t)(i * 11 + i / 256);
    fake_mboot_init(&f->board, true);
    pack(f, FAKE_MBOOT_BASE);
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
    events_free(f->events);
    buf_release(&f->seen);
    buf_release(&f->board.log);
    free(f);
    return 0;
}

/* What flash.c does. */
static bool run(struct fixture *f, struct err **err)
{
    flash_result_release(&f->result);
    buf_clear(&f->seen);
    f->dfu = fake_mboot_dfu(&f->board);
    return packed_check(&f->dfu, FAKE_MBOOT_BASE, &f->image, err) &&
           packed_run(&f->dfu, &f->image, &f->options, f->events, &f->result, err);
}

static bool holds_firmware(const struct fixture *f)
{
    return memcmp(f->board.memory, f->firmware, FIRMWARE) == 0;
}

static void whole_way(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    assert_ok(run(f, &err), &err);
    assert_true(holds_firmware(f) && f->board.left && f->result.left);
    assert_false(f->result.verified);
    assert_int_equal(f->board.erases, 0);
    assert_int_equal(f->result.bytes_written, image_size(&f->image));
    assert_string_equal(f->board.log.data, "21 08020000\nread 2 64\n"
                                           "21 08020000\nwrite 2 2048\nwrite 3 2048\n"
                                           "21 08021000\nwrite 2 112\n"
                                           "21 08021000\nwrite 2 2048\nwrite 3 2048\n"
                                           "21 08022000\nwrite 2 112\n"
                                           "21 08022000\nwrite 2 1920\n"
                                           "21 08023000\nwrite 2 152\n"
                                           "21 08020000\nwrite 0 0\n");
    assert_string_equal(
        f->seen.data,
        "begin plan\nend plan: send 4 chunks, 10.2 KiB, that the board makes 9.8 KiB of firmware "
        "of, from 0x08020000 on\n"
        "begin write\nend write: 10.2 KiB\n"
        "warning: not read back: a board that takes packed images lets nobody read its flash; it "
        "has checked the signature of the whole firmware itself, and took it\n"
        "begin leave\nend leave: the board starts its program\n");
}

static void dry_run_and_options(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    f->options.dry_run = true;
    assert_ok(run(f, &err), &err);
    assert_string_equal(f->board.log.data, "21 08020000\nread 2 64\n");
    f->options.dry_run = false;
    f->options.leave = false;
    assert_ok(run(f, &err), &err);
    assert_true(holds_firmware(f) && !f->board.left && !f->result.left);
    f->options.erase = FLASH_ERASE_MASS;
    assert_false(run(f, &err));
    assert_error(&err, ERR_USAGE, "--erase is not for a packed image");
}

static void image_and_board(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    struct image plain = IMAGE_INIT;
    assert_ok(image_add(&plain, 0, FAKE_MBOOT_BASE, "abcd", 4, &err), &err);
    f->dfu = fake_mboot_dfu(&f->board);
    assert_false(packed_check(&f->dfu, FAKE_MBOOT_BASE, &plain, &err));
    assert_error(&err, ERR_DEVICE, "this board's mboot takes packed images only");
    assert_ok(packed_check(&f->dfu, FAKE_MBOOT_BASE, &f->image, &err), &err);
    assert_int_equal(f->board.state, DFU_STATE_IDLE);

    f->board.keys = false;
    assert_ok(packed_check(&f->dfu, FAKE_MBOOT_BASE, &plain, &err), &err);
    assert_int_equal(f->board.state, DFU_STATE_IDLE);
    assert_false(packed_check(&f->dfu, FAKE_MBOOT_BASE, &f->image, &err));
    assert_error(&err, ERR_DEVICE, "this board's bootloader (mboot) cannot unpack it");

    f->dfu.quirks = (struct quirks){.name = "ST DfuSe ROM"};
    f->board.transfers = 0;
    assert_ok(packed_check(&f->dfu, FAKE_MBOOT_BASE, &plain, &err), &err);
    assert_false(packed_check(&f->dfu, FAKE_MBOOT_BASE, &f->image, &err));
    assert_error(&err, ERR_DEVICE, "this board's bootloader (ST DfuSe ROM) cannot unpack it");
    assert_int_equal(f->board.transfers, 0);
    image_release(&plain);
}

static void bad_signatures(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < f->image.count; i++) {
        struct err *err = NULL;
        struct segment *s = &f->image.segments[i];
        size_t last = 12 + load_le32(s->data + 8) + 64 - 1;
        s->data[last] ^= 1;
        fake_mboot_power_cycle(&f->board);
        assert_false(run(f, &err));
        assert_error(&err, ERR_DEVICE, "errVERIFY");
        assert_true(memcmp(f->board.memory, f->firmware, FAKE_MBOOT_HEAD) != 0);
        assert_contains(f->seen.data, "end write failed\n");
        assert_null(strstr(f->seen.data, "took it"));
        s->data[last] ^= 1;
    }
    struct err *err = NULL;
    struct segment *whole = &f->image.segments[f->image.count - 1];
    whole->data[12 + 8] ^= 1; /* the signature of the whole firmware */
    assert_false(run(f, &err));
    assert_error(&err, ERR_DEVICE, "packed with other keys than this board's mboot was built with");
    assert_false(f->board.left);
}

static void bad_addresses(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    pack(f, FAKE_MBOOT_BASE - 0x8000);
    assert_false(run(f, &err));
    assert_error(&err, ERR_DEVICE, "the image would overwrite mboot itself");
    pack(f, FAKE_MBOOT_BASE + FAKE_MBOOT_SIZE);
    fake_mboot_power_cycle(&f->board);
    assert_false(run(f, &err));
    assert_error(&err, ERR_DEVICE, "the image is for another board, or for one with more flash");
}

/* No chunk with the signature of the whole: it would be written and never started. */
static void not_signed(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    free(f->image.segments[--f->image.count].data);
    assert_false(run(f, &err));
    assert_error(&err, ERR_FAILED, "no chunk with the signature of the whole firmware");
    assert_null(strstr(f->board.log.data, "write"));
}

/* A success only when the board has taken all of it; and the next run mends whatever it was. */
static bool fails_and_recovers(struct fixture *f, int point, enum fake_mboot_fault fault)
{
    struct err *err = NULL;
    f->board.at = point;
    f->board.fault = fault;
    memset(f->board.memory, 0x11, FAKE_MBOOT_SIZE);
    bool ok = run(f, &err);
    if (ok && !holds_firmware(f))
        fail_msg("at %d with fault %d: a success that was not earned", point, fault);
    if (!ok && err->code != ERR_DEVICE)
        fail_msg("at %d: code %d", point, err->code);
    err_free_ptr(&err);
    fake_mboot_power_cycle(&f->board);
    assert_ok(run(f, &err), &err);
    assert_true(holds_firmware(f));
    fake_mboot_power_cycle(&f->board);
    return !ok;
}

static void fault_everywhere(void **state)
{
    static const enum fake_mboot_fault faults[] = {FAKE_MBOOT_UNPLUG_BEFORE,
                                                   FAKE_MBOOT_UNPLUG_AFTER, FAKE_MBOOT_STALL,
                                                   FAKE_MBOOT_TIMEOUT, FAKE_MBOOT_BREAK};
    struct fixture *f = *state;
    struct err *err = NULL;
    assert_ok(run(f, &err), &err);
    unsigned count = f->board.transfers, failed = 0;
    fake_mboot_power_cycle(&f->board);
    for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
        for (unsigned point = 0; point < count; point++)
            failed += fails_and_recovers(f, (int)point, faults[i]);
    assert_in_range(failed, 5 * (count - 2), 5 * count);
}

static void interrupt_at(struct fixture *f, int point)
{
    struct err *err = NULL;
    interrupt_install();
    f->board.fault = FAKE_MBOOT_INTERRUPT;
    f->board.at = point;
    memset(f->board.memory, 0x11, FAKE_MBOOT_SIZE);
    bool ok = run(f, &err);
    if (ok != holds_firmware(f) || (!ok && err->code != ERR_INTERRUPTED))
        fail_msg("interrupted at %d", point);
    _exit(ok ? 0 : err_exit_status(err));
}

static void interrupt_everywhere(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    unsigned stopped = 0;
    assert_ok(run(f, &err), &err);
    unsigned count = f->board.transfers;
    for (unsigned point = 0; point < count; point++) {
        int status;
        fake_mboot_power_cycle(&f->board);
        pid_t child = fork();
        if (child == 0)
            interrupt_at(f, (int)point);
        assert_int_equal(waitpid(child, &status, 0), child);
        if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 130))
            fail_msg("interrupt at transfer %u: status %d", point, status);
        stopped += WEXITSTATUS(status) == 130;
    }
    assert_in_range(stopped, count - 20, count - 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whole_way),        TEST(dry_run_and_options),  TEST(image_and_board),
        TEST(bad_signatures),   TEST(bad_addresses),        TEST(not_signed),
        TEST(fault_everywhere), TEST(interrupt_everywhere),
    };
    return cmocka_run_group_tests_name("packed", tests, NULL, NULL);
}
