/*
 * Pins: what neither a quota nor `firn clean` removes.
 *
 * A pin is a file $FIRN_HOME/pins/<key>.json that names an entry, why it is kept, and what is kept
 * with it: of an image its checkout, its base and, as far as the caller names it, its toolchain, so
 * that a release can be built again. A pin that cannot be read pins every entry of its name.
 */
#ifndef FIRN_BUILDER_CACHE_PIN_H
#define FIRN_BUILDER_CACHE_PIN_H

#include "builder/cache.h"

struct cache_pin {
    char *key;
    char *reason;      /* "" = none was given, or it cannot be read */
    struct strv keeps; /* "images/<key>", "src/..."; empty: damaged */
};

struct cache_pins {
    struct cache_pin *items; /* sorted by key */
    size_t count;
};
#define CACHE_PINS_INIT                                                                            \
    {                                                                                              \
        NULL, 0                                                                                    \
    }

/* None if there is no directory of pins. */
bool cache_pins_load(struct cache_pins *pins, const struct config *config,
                     struct err **err) MUST_CHECK;
/* The pin that keeps an entry, or NULL. Borrowed. */
const struct cache_pin *cache_pins_find(const struct cache_pins *pins, enum cache_id kind,
                                        const char *name);
void cache_pins_mark(const struct cache_pins *pins, struct cache_list *list);
void cache_pins_release(struct cache_pins *pins);

/* Pin an entry (as cache_find() takes it); again: with another reason. `also` (ends with NULL, may
 * be NULL) are further entries to keep with it, as "toolchains/<name>". Waits for a firn that is
 * cleaning. */
bool cache_pin(const struct config *config, const char *key, const char *reason,
               const char *const *also, struct err **err) MUST_CHECK;
/* Remove a pin, by the name of its entry or its beginning. The entry stays, as any other. */
bool cache_unpin(const struct config *config, const char *key, struct err **err) MUST_CHECK;

/* The lock around every removal and every pin: $FIRN_HOME/clean.lock. */
char *cache_clean_lock(const struct config *config);

#endif
