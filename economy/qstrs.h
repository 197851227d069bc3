/*
 * Which names end up in RAM when the product's modules are imported: what MicroPython's
 * documentation asks people to find with micropython.qstr_info(1) ("Storing strings in flash").
 */
#ifndef FIRN_ECONOMY_QSTRS_H
#define FIRN_ECONOMY_QSTRS_H

#include "base/event.h"
#include "builder/build.h"

/* A name in RAM. */
struct qstr_found {
    char *name;
    char *module;       /* that brings it; "" = none does by itself */
    const char *reason; /* why it cannot be kept in flash (a constant string), or NULL */
    size_t company;     /* how many modules that one's import imports */
};

struct qstrs_found {
    struct qstr_found *items; /* sorted by name */
    size_t count;
    uint64_t ram; /* bytes of heap that the imports take together */
};
#define QSTRS_FOUND_INIT                                                                           \
    {                                                                                              \
        NULL, 0, 0                                                                                 \
    }

/* Import all modules (but check.skip's) together in the product's emulator. ERR_FAILED: an import
 * does not work, or the names cannot be told apart. */
bool qstrs_find(struct qstrs_found *found, const struct build_result *product, int timeout_ms,
                struct events *events, struct err **err) MUST_CHECK;
void qstrs_found_release(struct qstrs_found *found);

#endif
