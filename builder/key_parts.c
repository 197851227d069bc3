#include "builder/key_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define SHORT_VALUE 64 /* bytes; longer ones, and what is no text, by their hash */

static void add(struct key_parts *parts, enum key_scope scope, const char *name, char *value)
{
    if (parts->count == parts->size) {
        parts->size = parts->size ? parts->size * 2 : 32;
        parts->items = xreallocarray(parts->items, parts->size, sizeof(*parts->items));
    }
    /* Names are printed and written to files; a file's name may hold anything. */
    _cleanup_(buf_release) struct buf printable = BUF_INIT;
    text_add_printable(&printable, name, strlen(name));
    parts->items[parts->count++] = (struct key_part){scope, buf_detach(&printable, NULL), value};
}

/* A hash is marked as one, so that no text can pose as it. */
static char *hashed(const void *data, size_t len)
{
    char hex[HASH_HEX_SIZE];
    hash_bytes(data, len, hex);
    return xasprintf("sha256 %s", hex);
}

static char *shortened(const char *value)
{
    size_t len = strlen(value);
    bool plain = len <= SHORT_VALUE && strncmp(value, "sha256 ", 7) != 0;
    for (size_t i = 0; plain && i < len; i++)
        plain = value[i] >= 0x20 && value[i] < 0x7f;
    return plain ? xstrdup(value) : hashed(value, len);
}

void key_add(struct key_parts *parts, enum key_scope scope, const char *name, const char *value)
{
    add(parts, scope, name, shortened(value));
}

void key_add_bytes(struct key_parts *parts, enum key_scope scope, const char *name,
                   const void *data, size_t len)
{
    add(parts, scope, name, hashed(data, len));
}

void key_add_digest(struct key_parts *parts, enum key_scope scope, const char *name,
                    const char *hex)
{
    add(parts, scope, name, xasprintf("sha256 %s", hex));
}

void key_add_verbatim(struct key_parts *parts, const char *name, const char *value)
{
    add(parts, KEY_PRODUCT, name, xstrdup(value));
}

void key_hash(const struct key_parts *parts, enum key_scope scope, char hex[HASH_HEX_SIZE])
{
    struct hash hash;
    hash_init(&hash);
    for (size_t i = 0; i < parts->count; i++) {
        const struct key_part *part = &parts->items[i];
        if (scope == KEY_BASE && part->scope == KEY_PRODUCT)
            continue;
        hash_field_str(&hash, part->name, part->value);
    }
    hash_final(&hash, hex);
}

const char *key_get(const struct key_parts *parts, const char *name)
{
    for (size_t i = 0; i < parts->count; i++) {
        if (!strcmp(parts->items[i].name, name))
            return parts->items[i].value;
    }
    return NULL;
}

bool key_is(const struct key_parts *parts, const char *name, const char *value)
{
    const char *kept = key_get(parts, name);
    _cleanup_free_ char *wanted = shortened(value);
    return kept && !strcmp(kept, wanted);
}

json_t *key_to_json(const struct key_parts *parts)
{
    json_t *list = json_array();
    for (size_t i = 0; i < parts->count; i++) {
        const struct key_part *part = &parts->items[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:i}", "name", part->name, "value",
                                              part->value, "scope", (int)part->scope));
    }
    return list;
}

bool key_from_json(const json_t *json, struct key_parts *parts)
{
    size_t i;
    json_t *item;
    json_array_foreach(json, i, item)
    {
        const char *name, *value;
        int scope;
        if (json_unpack(item, "{s:s, s:s, s:i}", "name", &name, "value", &value, "scope", &scope) !=
                0 ||
            scope < KEY_PRODUCT || scope > KEY_HOST)
            return false;
        add(parts, (enum key_scope)scope, name, xstrdup(value));
    }
    return json_is_array(json);
}

void key_parts_release(struct key_parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        free(parts->items[i].name);
        free(parts->items[i].value);
    }
    free(parts->items);
    *parts = (struct key_parts)KEY_PARTS_INIT;
}
