/*
 * What is made once and then kept: a directory under a key, made by whoever needs it first while
 * others wait, aside, and published whole. A killed run leaves nothing under the name; what it left
 * aside goes with the next run.
 *
 *     const struct once once = {.dir = dir, .events = events, .data = &mine,
 *                               .waiting = "another firn is compiling the same base; waiting for
 * it", .take = take, .make = make}; return once_get(&once, err);
 */
#ifndef FIRN_BUILDER_ONCE_H
#define FIRN_BUILDER_ONCE_H

#include "base/event.h"

struct once {
    const char *dir; /* its name; <dir>.lock and <dir>.tmp stand beside it */
    const char *waiting;
    struct events *events;
    void *data;
    /* Is it there, and whole? Then use it. */
    bool (*take)(void *data);
    /* Make it in temp, a new empty directory, publish it as dir (fs_publish_dir()), and use it. */
    bool (*make)(void *data, const char *temp, struct err **err);
};

bool once_get(const struct once *once, struct err **err) MUST_CHECK;

#endif
