/*
 * The catalogue: the products of the manifests directory, watched.
 *
 *     manifests/greeter.yaml           a product that somebody keeps there, with the files it names
 *     manifests/logger/manifest.yaml   another; all files of its directory are its
 *     manifests/logger/.submitted      ... which came by the API, and may be changed by it
 *
 * A change (inotify, and a look each minute for file systems without it) is noticed, the product's
 * files are put into the store as a bundle, and `firn validate` says whether it is right: the
 * product is `checking` meanwhile. Then it may build by itself. Single-threaded.
 */
#ifndef FIRN_STATION_CATALOGUE_H
#define FIRN_STATION_CATALOGUE_H

#include "base/bundle.h"
#include "station/station.h"

#define PRODUCT_NAME_MAX 64

struct catalogue;

/* Looks for the first time when the loop runs. */
struct catalogue *catalogue_new(struct station *station, struct err **err) MUST_CHECK;
void catalogue_free(struct catalogue *catalogue);
/* [a-z0-9][a-z0-9._-]{0,63}, and no name of a file with ".yaml" at its end. */
bool catalogue_is_name(const char *name);

/* What the API shows of a product: all but `job` and `image`. Borrowed until the loop goes on;
 * NULL: there is none. */
const json_t *catalogue_get(const struct catalogue *catalogue, const char *name);
/* Calls for each, by name. */
void catalogue_each(const struct catalogue *catalogue,
                    void (*each)(void *data, const json_t *product), void *data);

/* Put these files in place of a submitted product's, or make a new one; then it is checked.
 * `build`: and built for `by` when it is valid. ERR_USAGE: it is not a submitted one. */
bool catalogue_put(struct catalogue *catalogue, const char *name, const struct bundle *bundle,
                   bool build, const char *by, struct err **err) MUST_CHECK;
/* ERR_NOT_FOUND, ERR_USAGE as above. */
bool catalogue_remove(struct catalogue *catalogue, const char *name, struct err **err) MUST_CHECK;

/* The store is back: write what it did not take. */
void catalogue_retry(struct catalogue *catalogue);
/* A follow job of the product went well: this is its result event. What has moved is told against
 * the product's lock, or against the commit that was built last, or else seen first. */
void catalogue_followed(struct catalogue *catalogue, const char *name, const json_t *result);
/* It was built from this commit. */
void catalogue_built(struct catalogue *catalogue, const char *name, const char *commit);

/* A job for the product as it is now, not added yet. Kind build or follow. *job is uninitialised.
 */
bool catalogue_job(const struct catalogue *catalogue, const char *name, enum job_kind kind,
                   struct job *job, struct err **err) MUST_CHECK;

/* As in lists of the API: with `job` and `image`, without files, errors and warnings. Yours. */
json_t *product_shown(struct station *station, const json_t *product, bool in_full);

#endif
