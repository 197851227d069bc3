#include "cli/json_lines.h"

#include <string.h>

static bool flush(struct json_lines *lines, struct err **err)
{
    json_error_t error;
    json_t *object =
        json_loadb(lines->partial.data, lines->partial.len, JSON_REJECT_DUPLICATES, &error);

    lines->count++;
    buf_clear(&lines->partial);
    if (json_is_object(object))
        return lines->take(lines->data, object, err);
    json_decref(object);
    return err_set(err, ERR_FAILED, "line %llu is no JSON object%s%s",
                   (unsigned long long)lines->count, object ? "" : ": ", object ? "" : error.text);
}

bool json_lines_add(struct json_lines *lines, const char *bytes, size_t len, struct err **err)
{
    while (len) {
        const char *newline = memchr(bytes, '\n', len);
        size_t part = newline ? (size_t)(newline - bytes) : len;

        if (part > JSON_LINE_MAX - lines->partial.len)
            return err_set(err, ERR_FAILED, "line %llu is longer than 16 MiB",
                           (unsigned long long)lines->count + 1);
        buf_add(&lines->partial, bytes, part);
        if (newline && lines->partial.len && !flush(lines, err))
            return false;
        part += newline != NULL;
        bytes += part;
        len -= part;
    }
    return true;
}

bool json_lines_end(const struct json_lines *lines, struct err **err)
{
    return !lines->partial.len || err_set(err, ERR_FAILED, "line %llu is cut off: it has no end",
                                          (unsigned long long)lines->count + 1);
}

void json_lines_release(struct json_lines *lines)
{
    buf_release(&lines->partial);
}
