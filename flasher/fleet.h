/*
 * A fleet: find the boards that are meant, bring them into their bootloader, flash all of them at
 * the same time, one image shared, one task (task.h) a board.
 *
 *     struct fleet_options options = FLEET_OPTIONS_INIT;
 *     struct fleet_result result = FLEET_RESULT_INIT;
 *     if (!fleet_flash(&image, &options, events, &result, &err)) ...
 *     fleet_result_release(&result);
 *
 * One board's failure stops no other. The events of each board carry its port path as "job" when
 * there are several.
 */
#ifndef FIRN_FLASHER_FLEET_H
#define FIRN_FLASHER_FLEET_H

#include "flasher/enter.h"
#include "flasher/flash.h"

#define FLEET_WAIT_FOREVER (-1)

struct fleet_options {
    struct device_match match;
    bool all;                /* every board that matches; else one has to be left */
    int wait_s;              /* for the first board that matches; FLEET_WAIT_FOREVER; 0 = not */
    enum enter_method enter; /* what to do with a board that runs its program */
    unsigned jobs;           /* boards at the same time; 0 = all */
    unsigned jobs_per_hub;   /* behind one hub; 0 = all */
    struct flash_options flash;
};
#define FLEET_OPTIONS_INIT                                                                         \
    {                                                                                              \
        .match = DEVICE_MATCH_ANY, .enter = ENTER_AUTO,                                            \
        .flash = {.verify = true, .leave = true, .return_ms = 5000},                               \
    }

struct fleet_result {
    char digest[HASH_HEX_SIZE];  /* image_digest() */
    struct flash_result *boards; /* sorted by port path; each has its own err */
    size_t count;
    size_t failed;
    double seconds; /* from find to the last board's end */
};
#define FLEET_RESULT_INIT                                                                          \
    {                                                                                              \
        .boards = NULL                                                                             \
    }

/* Fails (ERR_DEVICE, ERR_INTERRUPTED) when no board was found or the only one failed (its error is
 * moved to *err); with several boards when any failed, with an error that counts them. */
bool fleet_flash(const struct image *image, const struct fleet_options *options,
                 struct events *events, struct fleet_result *result, struct err **err) MUST_CHECK;
void fleet_result_release(struct fleet_result *result);

#endif
