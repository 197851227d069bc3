/*
 * firn check: does what is frozen work, and what does it take of the heap?
 *
 * Each frozen module is imported in a fresh interpreter of the product's own image in its emulator;
 * once more with all modules as .mpy files and as source files, which shows what freezing saves;
 * then the product's modules together. The report is JSON (docs/economy.md); a person's view is
 * drawn from that.
 */
#ifndef FIRN_ECONOMY_CHECK_H
#define FIRN_ECONOMY_CHECK_H

#include "base/event.h"
#include "builder/build.h"

#define CHECK_TIMEOUT_MS 10000

struct twin;

struct check_options {
    /* Where the product's modules are run instead: its twin's build, and what that one lacks; or
     * NULL. */
    const struct build_result *runs_on;
    const struct twin *twin;
    const char *port; /* or the serial port of a board that runs the product; NULL */
    int timeout_ms;   /* for one import; 0 = CHECK_TIMEOUT_MS */
    bool compare;     /* with modules as files, too */
};

/* *report is yours; its "ok" says whether all is well. False: the emulator could not be had, or a
 * signal. */
bool check_product(const struct build_result *product, const struct check_options *options,
                   struct events *events, json_t **report, struct err **err) MUST_CHECK;

#endif
