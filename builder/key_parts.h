/*
 * A key in parts: everything that can change a byte, by name, so that it can be said what changed.
 *
 * Each part counts into the key; those of the base count into the base's key as well. The parts of
 * a product's last build are kept, and `firn explain` compares.
 */
#ifndef FIRN_BUILDER_KEY_PARTS_H
#define FIRN_BUILDER_KEY_PARTS_H

#include <jansson.h>

#include "base/hash.h"

enum key_scope {
    KEY_PRODUCT, /* only this product's */
    KEY_BASE,    /* what the base is made of */
    KEY_HOST,    /* of the base, too, but this machine's: the programs that run the build. Their
                    output does not depend on them, as long as they have no faults; a lock leaves
                    them out, or it would be good for one machine only */
};

struct key_part {
    enum key_scope scope;
    char *name;  /* "frozen main.py", "define MICROPY_PY_THREAD" */
    char *value; /* as it is if it is short, else its SHA-256 */
};

struct key_parts {
    struct key_part *items; /* in the order in which they were added */
    size_t count, size;
};
#define KEY_PARTS_INIT                                                                             \
    {                                                                                              \
        NULL, 0, 0                                                                                 \
    }

/* Names need not be unique; the order counts. */
void key_add(struct key_parts *parts, enum key_scope scope, const char *name, const char *value);
void key_add_bytes(struct key_parts *parts, enum key_scope scope, const char *name,
                   const void *data, size_t len);
/* A SHA-256 that is known already, in hex. */
void key_add_digest(struct key_parts *parts, enum key_scope scope, const char *name,
                    const char *hex);
/* As a lock or a record has it; the scope is not known (KEY_PRODUCT). */
void key_add_verbatim(struct key_parts *parts, const char *name, const char *value);
/* Over the parts of the base (with the host's) only, or over all. */
void key_hash(const struct key_parts *parts, enum key_scope scope, char hex[HASH_HEX_SIZE]);
/* The first of that name, or NULL. Borrowed. */
const char *key_get(const struct key_parts *parts, const char *name);
/* Is it what key_add() would make of this text? */
bool key_is(const struct key_parts *parts, const char *name, const char *value);
/* [{"name":, "value":, "scope":}, ...]. Yours. */
json_t *key_to_json(const struct key_parts *parts);
bool key_from_json(const json_t *json, struct key_parts *parts);
void key_parts_release(struct key_parts *parts);

#endif
