/*
 * What a job does: the command that it is, and what its end means. One handler a kind of job.
 *
 * A build works in <home>/station/work/<product>, always the same place for a product, since firn
 * keeps what it knows of earlier builds by the manifest's path; a second build of the product at
 * the same time gets <product>~2. The job's directory has a link to it.
 */
#ifndef FIRN_STATION_WORK_H
#define FIRN_STATION_WORK_H

#include "station/station.h"

/* A job that has ended. */
struct work_end {
    const struct job *job;
    const char *dir;      /* of the job */
    const json_t *result; /* its result event, or NULL: it ended without one */
    const json_t *phases; /* array */
};

/* What the store is to write beside the job itself. Released by work_outcome_release(). */
struct work_outcome {
    struct image_row image;
    bool has_image;
    struct record_new records[2];
    size_t record_count;
};
void work_outcome_release(struct work_outcome *outcome);

/* Put into the job's directory what the command needs; the command, and its working directory
 * (yours). An error fails the job. */
bool work_prepare(struct station *station, const struct job *job, const char *dir,
                  struct strv *argv, char **cwd, struct err **err) MUST_CHECK;
/* It went well: put in place what it made. May be called again for the same job. */
bool work_finish(struct station *station, const struct work_end *end, struct work_outcome *outcome,
                 struct err **err) MUST_CHECK;
/* Add the record of a job that has ended, in whatever way. */
void work_record(const struct work_end *end, const struct job_end *how,
                 struct work_outcome *outcome);
/* Remove what only the running job needed; its log stays. */
void work_clean(const char *dir);
/* Remove what killed daemons left: places where no running job works. */
void work_clean_leftovers(const struct station *station);

/* The directory of an image's files; yours. */
char *work_image_dir(const struct station *station, const char *digest);

/* ---- of each kind (work_build.c, work_flash.c) ---- */

bool work_build_prepare(struct station *station, const struct job *job, const char *dir,
                        struct strv *argv, char **cwd, struct err **err) MUST_CHECK;
bool work_build_finish(struct station *station, const struct work_end *end,
                       struct work_outcome *outcome, struct err **err) MUST_CHECK;
void work_build_record(const struct work_outcome *outcome, json_t *body);
bool work_flash_prepare(struct station *station, const struct job *job, const char *dir,
                        struct strv *argv, char **cwd, struct err **err) MUST_CHECK;
void work_flash_record(const struct work_end *end, json_t *body);

#endif
