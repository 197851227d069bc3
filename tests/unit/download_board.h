/*
 * A download to a fake plain DFU device: an image, and what was said on the way. A test that
 * includes this uses setup() and teardown().
 */
#ifndef FIRN_TESTS_UNIT_DOWNLOAD_BOARD_H
#define FIRN_TESTS_UNIT_DOWNLOAD_BOARD_H

#include "fake_dfu11.h"

#include "flasher/download.h"

#define TOLERANT (DFU_CAN_DOWNLOAD | DFU_CAN_UPLOAD | DFU_MANIFESTATION_TOLERANT)
#define NOT_TOLERANT (DFU_CAN_DOWNLOAD | DFU_CAN_UPLOAD)
#define DETACHES (DFU_CAN_DOWNLOAD | DFU_WILL_DETACH)
#define SIZE 1000 /* 15 blocks and a part of one */

struct fixture {
    struct fake_dfu11 board;
    struct dfu dfu;
    struct dfu_functional functional;
    struct image image;
    struct flash_options options;
    struct flash_result result;
    struct events *events;
    struct buf seen; /* "begin write", "end write: 1000", warnings */
    uint64_t last_done, last_total;
};

static inline void take_event(void *data, const json_t *event)
{
    struct fixture *f = data;
    const char *kind = json_string_value(json_object_get(event, "event"));
    const char *detail = json_string_value(json_object_get(event, "detail"));
    if (strcmp(kind, "phase") == 0) {
        buf_addf(&f->seen, "%s %s%s", json_string_value(json_object_get(event, "state")),
                 json_string_value(json_object_get(event, "phase")),
                 json_is_false(json_object_get(event, "ok")) ? " failed" : "");
        buf_addf(&f->seen, detail ? ": %s\n" : "\n", detail);
    } else if (strcmp(kind, "progress") == 0) {
        f->last_done = (uint64_t)json_integer_value(json_object_get(event, "done"));
        f->last_total = (uint64_t)json_integer_value(json_object_get(event, "total"));
        assert_true(f->last_done <= f->last_total);
    } else {
        buf_addf(&f->seen, "%s: %s\n", json_string_value(json_object_get(event, "level")),
                 json_string_value(json_object_get(event, "text")));
    }
}

static inline void set_image(struct fixture *f, uint8_t alt, size_t size)
{
    struct err *err = NULL;
    _cleanup_free_ uint8_t *data = xmalloc(size);
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(i * 7 + i / 256 + 3);
    image_release(&f->image);
    f->image = (struct image)IMAGE_INIT;
    assert_ok(image_add(&f->image, alt, 0, data, size, &err), &err);
}

static inline int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    *f = (struct fixture){.image = IMAGE_INIT,
                          .result = FLASH_RESULT_INIT,
                          .options = {.verify = true, .leave = true},
                          .seen = BUF_INIT};
    fake_dfu11_init(&f->board, TOLERANT);
    set_image(f, 0, SIZE);
    f->events = events_new();
    events_add_sink(f->events, take_event, f);
    *state = f;
    return 0;
}

static inline int teardown(void **state)
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

static inline bool run_with(struct fixture *f, struct quirks quirks, struct err **err)
{
    flash_result_release(&f->result);
    buf_clear(&f->seen);
    f->functional =
        (struct dfu_functional){f->board.attributes, 1000, f->board.transfer_size, 0x0110};
    f->dfu = fake_dfu11_dfu(&f->board);
    f->dfu.quirks = quirks;
    return download_run(&f->dfu, &f->functional, &f->image, &f->options, f->events, &f->result,
                        err);
}

static inline bool run(struct fixture *f, struct err **err)
{
    return run_with(f, (struct quirks){0}, err);
}

static inline bool holds_image(const struct fixture *f)
{
    const struct segment *s = &f->image.segments[0];
    return f->board.used == s->size && memcmp(f->board.memory, s->data, s->size) == 0;
}

/* Nothing is wrong any more: running it again mends whatever was left behind. */
static inline void assert_second_run_verifies(struct fixture *f)
{
    struct err *err = NULL;
    fake_dfu11_power_cycle(&f->board);
    assert_ok(run(f, &err), &err);
    assert_true(f->result.verified && holds_image(f));
}

#endif
