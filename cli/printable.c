#include "cli/printable.h"

#include <string.h>

#include "base/json_get.h"
#include "base/text.h"

void printable_add_lines(struct buf *out, const char *text, size_t len)
{
    while (len) {
        size_t part = 0;

        while (part < len && text[part] != '\n' && text[part] != '\t')
            part++;
        text_add_printable(out, text, part);
        if (part < len)
            buf_addc(out, text[part++]);
        text += part;
        len -= part;
    }
}

static void string_in_place(json_t *string)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;

    printable_add_lines(&text, json_string_value(string), json_string_length(string));
    json_string_setn(string, text.data, text.len);
}

/* The depth is bounded by the parser's. */
void printable_json(json_t *value)
{
    const char *key;
    json_t *item;
    size_t i;

    if (json_is_string(value))
        string_in_place(value);
    json_array_foreach(value, i, item) printable_json(item);
    json_object_foreach(value, key, item) printable_json(item);
}

char *printable_field(const json_t *object, const char *name)
{
    const char *value = json_get_text(object, name);
    struct buf text = BUF_INIT;

    text_add_printable(&text, *value ? value : "-", strlen(*value ? value : "-"));
    return buf_detach(&text, NULL);
}
