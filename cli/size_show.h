/*
 * The size of an image, from the report in its sidecar (docs/size.md): as tables for a person, held
 * against another one, and as a page with a treemap.
 */
#ifndef FIRN_CLI_SIZE_SHOW_H
#define FIRN_CLI_SIZE_SHOW_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

/* Tables of memories, frozen modules, C modules and objects; of the latter only the largest, unless
 * all. name: "greeter 1.4.0 for NETDUINO2". */
void size_show(const json_t *size, const char *name, bool all, struct buf *out);

/* What differs: {"flash": {"before": N, "now": N}, "ram": ..., "sections": [...], "modules": [...],
 * "c_modules": [...], "objects": [...]}, each list of {"name", "before", "now"} in bytes of flash,
 * with "ram_before" and "ram_now" where that differs; the largest difference first. Yours. */
json_t *size_diff(const json_t *before, const json_t *now);
void size_diff_show(const json_t *diff, const char *before, const char *now, bool all,
                    struct buf *out);

/* One line for each entry of size_history_load(): when, version, flash, RAM, what changed most. */
void size_history_show(const json_t *history, struct buf *out);

/* Write a page that needs nothing else. */
bool size_page_write(const json_t *size, const char *name, const char *path,
                     struct err **err) MUST_CHECK;

#endif
