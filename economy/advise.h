/*
 * Where a module takes more RAM than it has to: findings at file:line, each with the reason of
 * MicroPython's documentation ("MicroPython on microcontrollers") and what it would save.
 *
 * Python's own parser reads the sources (economy/advise.py, run by python3, which MicroPython's
 * build needs anyway); nothing of them is run.
 */
#ifndef FIRN_ECONOMY_ADVISE_H
#define FIRN_ECONOMY_ADVISE_H

#include <jansson.h>

#include "base/err.h"

/* The modules that are looked at together: what one of them takes of another counts. */
struct advice_request {
    json_t *modules; /* of {"name", "path", "source", "form", "opt"} */
};

struct advice_request advice_request_new(void);
/* name: as import has it; path: for messages; form and opt as in frozen.h. False: it is no UTF-8.
 */
bool advice_request_add(struct advice_request *request, const char *name, const char *path,
                        const char *source, size_t len, const char *form, int opt);
void advice_request_release(struct advice_request *request);

/* *advice: {"findings": [...], "errors": [{"path", "message"}]} (docs/economy.md), yours. */
bool advise(const struct advice_request *request, json_t **advice, struct err **err) MUST_CHECK;

/* The text with the fixes of these findings of one file; *count of them could be made. */
void advice_fix(const char *text, const json_t *findings, const char *path, struct buf *out,
                size_t *count);

#endif
