/*
 * What an entry of $FIRN_HOME is, as far as it says so itself: an image's sidecar, a base's
 * base.json, a checkout's source.json, a mirror's firn-url.
 */
#ifndef FIRN_BUILDER_CACHE_ABOUT_H
#define FIRN_BUILDER_CACHE_ABOUT_H

#include <jansson.h>

#include "builder/cache.h"

/* In a mirror: the URL that it was made for, without a password. */
#define CACHE_URL_FILE "firn-url"

/* The JSON object that lies in an entry; NULL if there is none that can be read. Yours. */
json_t *cache_record(const struct config *config, enum cache_id kind, const char *name);
/* One line for people: "greeter 1.4.0 for qemu/NETDUINO2"; "" where nothing is known. The caller
 * frees. May hold control characters. */
char *cache_about(const struct config *config, enum cache_id kind, const char *name);

#endif
