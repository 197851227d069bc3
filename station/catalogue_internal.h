/* What the files of the catalogue have in common. */
#ifndef FIRN_STATION_CATALOGUE_INTERNAL_H
#define FIRN_STATION_CATALOGUE_INTERNAL_H

#include "station/catalogue.h"
#include "station/product.h"

#define SUBMITTED_MARK ".submitted"
#define CHECKS_MAX 2 /* firn validate at a time */

struct catalogue {
    struct station *station;
    struct product *first; /* by name */
    size_t checks;         /* that run */
    sd_event_source *look; /* when the directory has been quiet for a moment, or each minute */
    int inotify_fd;
    sd_event_source *changes;
    int *watches; /* descriptors of inotify, sorted */
    size_t watch_count;
};

struct product *catalogue_find(const struct catalogue *catalogue, const char *name);
struct product *catalogue_add(struct catalogue *catalogue, const char *name, const char *dir,
                              const char *manifest, bool flat);
/* Forget it, here and in the store. */
void catalogue_drop(struct catalogue *catalogue, struct product *product);

/* catalogue_look.c: look at the whole directory, soon; and the watches on it. */
void catalogue_look_soon(struct catalogue *catalogue);
bool catalogue_watch(struct catalogue *catalogue, struct err **err) MUST_CHECK;
void catalogue_unwatch(struct catalogue *catalogue);

/* catalogue_check.c: its files have changed; or are to be checked in their turn. */
void catalogue_changed(struct catalogue *catalogue, struct product *product);
void catalogue_check_next(struct catalogue *catalogue);
/* Write what is known of it to the store, with a record if `record`. */
void catalogue_store(struct catalogue *catalogue, struct product *product, bool record);

#endif
