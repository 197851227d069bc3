/*
 * Kept results of directives.h: one JSON file per request, valid while every file that the run read
 * and every directory that it listed is the same. Files of the checkout are not looked at again:
 * its directory's name, which is part of the request, says what is in it.
 */
#ifndef FIRN_BUILDER_DIRECTIVES_CACHE_H
#define FIRN_BUILDER_DIRECTIVES_CACHE_H

#include <jansson.h>

#include "builder/directives.h"

/* True: *answer is the kept one, yours. */
bool directives_cache_load(const struct evaluation_context *context, const json_t *request,
                           json_t **answer);
/* Keep an answer; its "opened" and "listed" arrays say what it depends on. */
bool directives_cache_save(const struct evaluation_context *context, const json_t *request,
                           json_t *answer, struct err **err) MUST_CHECK;

/* Where one is evaluated: under the request's lock, in a new directory that goes when it ends. */
struct evaluation_place {
    char *aside; /* removed by the next evaluation, should this process be killed */
    char *dir;   /* in it, of a new name each time: a killed run's program may still be ending */
    int lock;
};
#define EVALUATION_PLACE_INIT                                                                      \
    {                                                                                              \
        NULL, NULL, -1                                                                             \
    }
bool evaluation_place_open(struct evaluation_place *place, const struct evaluation_context *context,
                           const json_t *request, struct err **err) MUST_CHECK;
void evaluation_place_release(struct evaluation_place *place);

#endif
