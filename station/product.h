/*
 * One product of the catalogue: where its files lie, what was found out about it.
 */
#ifndef FIRN_STATION_PRODUCT_H
#define FIRN_STATION_PRODUCT_H

#include "base/bundle.h"
#include "station/child.h"

struct product {
    char *name;
    char *dir;      /* that its paths are relative to */
    char *manifest; /* its name in there: "manifest.yaml", "greeter.yaml" */
    bool submitted;
    bool flat;                     /* one of several in the directory: only what it names is its */
    json_t *json;                  /* docs/api.md, but job and image; also need, commit */
    char signature[HASH_HEX_SIZE]; /* of its files' names, sizes and times, when they were read */
    bool seen;                     /* in this look at the directory */
    bool waits;                    /* to be checked */
    struct child *check;           /* firn validate, while it runs */
    json_t *errors, *warnings;     /* that it has said so far */
    json_t *result;
    bool changed;   /* other files than when it was checked last */
    bool build;     /* asked for, when it is valid */
    char *build_by; /* by whom */
    struct catalogue *catalogue;
    struct product *next;
};

/* dir absolute. */
struct product *product_new(const char *name, const char *dir, const char *manifest, bool flat);
void product_free(struct product *product);

/* What its files look like from outside. Of a flat one: those that it named last. */
void product_signature(const struct product *product, char hex[HASH_HEX_SIZE]);
/* All its files, the manifest under the name BUNDLE_MANIFEST. */
bool product_read(const struct product *product, struct bundle *bundle,
                  struct err **err) MUST_CHECK;
/* It is `checking`, with these files. */
void product_set_bundle(struct product *product, const struct bundle *bundle, const char *digest);
/* What firn validate said: its events one by one, then the end. */
void product_take_event(struct product *product, const json_t *event);
void product_checked(struct product *product);

#endif
