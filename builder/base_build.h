/*
 * Bases: an interpreter compiled for a board, without frozen modules, that many products share.
 *
 *   $FIRN_HOME/bases/<key>/obj/        what make left, without what only make reads
 *                          replay.sh   how a product is finished on it (replay.h)
 *                          base.json   what it is, and which objects each product compiles anew
 *
 * The key covers everything that went in (build_key.c). A base is made aside, under its lock, tried
 * with an empty product, whose program has to equal make's, and published whole: a killed build
 * leaves nothing under its name, and a base that does not pass is kept as one that cannot be used,
 * with the reason; its products are then compiled from the beginning, each for itself.
 */
#ifndef FIRN_BUILDER_BASE_BUILD_H
#define FIRN_BUILDER_BASE_BUILD_H

#include "builder/build_job.h"

struct base {
    char *dir;           /* $FIRN_HOME/bases/<key> */
    bool usable;         /* products can be finished on it */
    char *why;           /* why not, or NULL */
    struct strv objects; /* relative to obj/: what each product compiles anew */
    double seconds;      /* what making it took */
};
#define BASE_INIT                                                                                  \
    {                                                                                              \
        NULL, false, NULL, STRV_INIT, 0                                                            \
    }

bool base_is_there(const struct build_job *job);
/* The base of job->base_key: loaded, waited for if another process makes it, or made. It does not
 * need the cross compiler. */
bool base_get(struct build_job *job, struct base *base, struct err **err) MUST_CHECK;
/* Finish the product that was staged and checked in `place` on a usable base: its program is then
 * in place->build. */
bool base_finish(struct build_job *job, const struct base *base, struct place *place,
                 struct err **err) MUST_CHECK;
/* Read base.json of a base that is there; false: there is none, or none that is whole. */
bool base_load(const char *dir, struct base *base);
void base_release(struct base *base);

#endif
