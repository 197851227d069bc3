/*
 * JSON Lines as they arrive: one object a line, handed on whole.
 *
 *     struct json_lines lines = JSON_LINES_INIT(take, data);
 *     while (...)
 *         if (!json_lines_add(&lines, block, len, err)) ...
 *     json_lines_end(&lines, err);
 */
#ifndef FIRN_CLI_JSON_LINES_H
#define FIRN_CLI_JSON_LINES_H

#include <jansson.h>

#include "base/err.h"

#define JSON_LINE_MAX (16u * 1024 * 1024)

struct json_lines {
    /* Takes the object. False ends the reading. */
    bool (*take)(void *data, json_t *object, struct err **err);
    void *data;
    struct buf partial;
    uint64_t count; /* lines so far */
};
#define JSON_LINES_INIT(take, data)                                                                \
    {                                                                                              \
        (take), (data), BUF_INIT, 0                                                                \
    }

bool json_lines_add(struct json_lines *lines, const char *bytes, size_t len,
                    struct err **err) MUST_CHECK;
/* No more will come: a line that was cut off is an error. */
bool json_lines_end(const struct json_lines *lines, struct err **err) MUST_CHECK;
void json_lines_release(struct json_lines *lines);

#endif
