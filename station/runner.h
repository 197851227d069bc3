/*
 * The running jobs of this daemon: each is a child (child.h) with a directory of its own,
 * <home>/station/jobs/<id>.
 *
 * A job that is started was claimed before (store_job_claim()); how it ends is written to the store
 * with its fencing token. If that cannot be written (the disk is full), the job stays here and is
 * ended again when the store is back: nothing is forgotten. Children outlive a daemon that is
 * killed; runner_adopt() takes them over.
 */
#ifndef FIRN_STATION_RUNNER_H
#define FIRN_STATION_RUNNER_H

#include "station/station.h"

struct runner;

struct runner *runner_new(struct station *station);
/* Children that run go on, unwatched. */
void runner_free(struct runner *runner);

/* Run a job that was claimed. Takes *job. */
void runner_start(struct runner *runner, struct job *job);
/* What an earlier daemon of this name left running: goes on, or is ended as it ended; what was
 * never begun is queued again, what was cut off becomes interrupted. */
bool runner_adopt(struct runner *runner, struct err **err) MUST_CHECK;

/* Somebody wants it ended. False: it does not run here. */
bool runner_cancel(struct runner *runner, int64_t id);
/* The leases that this daemon still holds: a job that is not among them is ended, somebody else may
 * have it; one that somebody wants cancelled, too. */
void runner_check_leases(struct runner *runner, const struct lease *held, size_t count);
/* The daemon is about to end: builds are ended and queued again, flashes are left to finish. */
void runner_stop(struct runner *runner);
/* Try again to write what could not be written. */
void runner_retry(struct runner *runner);

size_t runner_count(const struct runner *runner, enum job_kind kind);
size_t runner_count_all(const struct runner *runner);
/* Cores that its running builds declared, and memory that those declared which began after this
 * time: what an older one takes shows in the machine's free memory. */
void runner_needs(const struct runner *runner, int64_t since_ms, uint64_t *memory, int *cores);
/* Where a job is, or NULL: not here, or between two phases. Borrowed. phases may be NULL. */
const json_t *runner_phase(const struct runner *runner, int64_t id, const json_t **phases);
/* The running flash on this port (NULL = any), or 0. */
int64_t runner_job_on(const struct runner *runner, const char *path);
/* Add the directory of each. */
void runner_each_dir(const struct runner *runner, struct strv *dirs);
/* The directory of a job's files; yours. */
char *runner_dir(const struct station *station, int64_t id);

#endif
