/*
 * A sequence on a fake board: an image, what the board holds before and is to hold afterwards, and
 * what was said on the way. A test that includes this uses setup() and teardown().
 */
#ifndef FIRN_TESTS_UNIT_SEQUENCE_BOARD_H
#define FIRN_TESTS_UNIT_SEQUENCE_BOARD_H

#include "fake_board.h"

#include "base/fs.h"
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
    char *dir;                   /* for rescue files */
    uint8_t expected[FAKE_SIZE]; /* what the board holds in the end */
};

static inline void take_event(void *data, const json_t *event)
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

static inline void add(struct fixture *f, uint32_t address, size_t size)
{
    struct err *err = NULL;
    _cleanup_free_ uint8_t *data = xmalloc(size);
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(i * 5 + i / 256 + 1);
    assert_ok(image_add(&f->image, 0, address, data, size, &err), &err);
}

static inline int setup(void **state)
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

static inline int teardown(void **state)
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

static inline bool flash(struct fixture *f, struct err **err)
{
    flash_result_release(&f->result);
    f->result.path = xstrdup("1-1.4");
    f->result.serial = xstrdup("3569 FE");
    return sequence_run(&f->dfu, &f->memory, 1, &f->image, &f->options, f->events, &f->result, err);
}

/* Forget what was counted and written down. */
static inline void forget(struct fixture *f)
{
    buf_clear(&f->seen);
    buf_clear(&f->board.log);
    f->board.transfers = f->board.erases = f->board.uploads = f->board.downloads = 0;
}

/* The board holds this byte everywhere, as its own data; a flash leaves it but for the image. */
static inline void fill(struct fixture *f, uint8_t byte)
{
    memset(f->board.memory, byte, FAKE_SIZE);
    memset(f->expected, byte, FAKE_SIZE);
    for (size_t i = 0; i < f->image.count; i++) {
        const struct segment *s = &f->image.segments[i];
        memcpy(f->expected + (s->address - FAKE_BASE), s->data, s->size);
    }
}

/* The image is in the board already, but for these bytes. */
static inline void hold_image(struct fixture *f, uint8_t other, uint32_t from, size_t size)
{
    fill(f, other);
    memcpy(f->board.memory, f->expected, FAKE_SIZE);
    memset(f->board.memory + (from - FAKE_BASE), 0x11, size);
}

static inline void assert_as_expected(const struct fixture *f)
{
    bool same = memcmp(f->board.memory, f->expected, FAKE_SIZE) == 0;
    for (size_t i = 0; i < FAKE_SIZE && !same; i++)
        if (f->board.memory[i] != f->expected[i])
            fail_msg("0x%08zx holds 0x%02x instead of 0x%02x", FAKE_BASE + i, f->board.memory[i],
                     f->expected[i]);
    assert_int_equal(f->board.overwritten, 0);
}

static inline size_t rescue_files(const struct fixture *f)
{
    struct err *err = NULL;
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    assert_ok(fs_list(f->dir, &names, &err), &err);
    return names.count;
}

static inline void assert_holds_image(const struct fixture *f)
{
    for (size_t i = 0; i < f->image.count; i++) {
        const struct segment *s = &f->image.segments[i];
        assert_memory_equal(f->board.memory + (s->address - FAKE_BASE), s->data, s->size);
    }
}

/* The same board with power again, in its bootloader, holding what it held. */
static inline void power_cycle(struct fixture *f)
{
    _cleanup_free_ uint8_t *memory = xmalloc(FAKE_SIZE);
    memcpy(memory, f->board.memory, FAKE_SIZE);
    buf_release(&f->board.log);
    fake_board_init(&f->board);
    memcpy(f->board.memory, memory, FAKE_SIZE);
    f->dfu = fake_dfu(&f->board);
}

/* Where in the log does this line begin, at or after `from`? */
static inline size_t position(const struct fixture *f, const char *line, size_t from)
{
    const char *found = strstr(f->board.log.data + from, line);
    if (!found)
        fail_msg("no '%s' in: %s", line, f->board.log.data + from);
    return (size_t)(found - f->board.log.data);
}

#endif
