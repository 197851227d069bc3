/*
 * A fleet: find the boards that are meant, bring them into their bootloader, and do something to
 * all of them at the same time, one task (task.h) a board.
 *
 *     static bool flash_one(void *data, struct fleet_board *board, struct err **err) ...
 *
 *     struct fleet_options options = FLEET_OPTIONS_INIT;
 *     struct fleet_result result = FLEET_RESULT_INIT;
 *     if (!fleet_run(&options, flash_one, &image, events, &result, &err)) ...
 *     fleet_result_release(&result);
 *
 * One board's failure stops no other. With several boards the events of each carry its port path as
 * "job", within a phase "board".
 */
#ifndef FIRN_FLASHER_FLEET_H
#define FIRN_FLASHER_FLEET_H

#include "flasher/choose.h"
#include "flasher/flash.h"

#define FLEET_WAIT_FOREVER (-1)

struct fleet_options {
    struct choose_match match;
    bool all;                /* every board that matches; else it has to be one */
    int wait_s;              /* for the first board that matches; FLEET_WAIT_FOREVER; 0 = not */
    enum enter_method enter; /* what to do with a board that runs its program */
    unsigned jobs;           /* boards at the same time; 0 = all */
    unsigned jobs_per_hub;   /* behind one hub; 0 = all */
};
#define FLEET_OPTIONS_INIT                                                                         \
    {                                                                                              \
        .match = CHOOSE_MATCH_ANY, .enter = ENTER_AUTO                                             \
    }

/* One board, for as long as its function runs. */
struct fleet_board {
    struct usb *usb;
    const struct usb_list *before; /* all that was plugged in when the boards were found */
    struct device *device;         /* in DFU mode, not open */
    struct events *events;         /* its own */
    struct flash_result *result;   /* path and serial are filled; path names it */
};

/* Runs as a task. False: *err says why, without the port path, which is added. */
typedef bool (*fleet_fn)(void *data, struct fleet_board *board, struct err **err);

struct fleet_result {
    struct flash_result *boards; /* in order of port path */
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
bool fleet_run(const struct fleet_options *options, fleet_fn fn, void *data, struct events *events,
               struct fleet_result *result, struct err **err) MUST_CHECK;
void fleet_result_release(struct fleet_result *result);

#endif
