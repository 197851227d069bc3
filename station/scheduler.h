/*
 * The scheduler: takes jobs from the store whenever there is room for them, and keeps the leases.
 *
 * Two lanes: builds (with `follow` among them) are admitted by cores and free memory (lane.h),
 * flashes by their number and their board. It never waits for a job that does not fit by taking a
 * later one: large builds would never have their turn.
 */
#ifndef FIRN_STATION_SCHEDULER_H
#define FIRN_STATION_SCHEDULER_H

#include "station/station.h"

struct scheduler;

/* Does nothing until scheduler_kick(). */
struct scheduler *scheduler_new(struct station *station, struct err **err) MUST_CHECK;
void scheduler_free(struct scheduler *scheduler);
/* Something has changed: look, soon. */
void scheduler_kick(struct scheduler *scheduler);
/* A job could not be started because of the machine: none is taken for some seconds. */
void scheduler_pause(struct scheduler *scheduler);
/* No job is taken any more. Leases are kept. */
void scheduler_stop(struct scheduler *scheduler);
/* Why this queued job is not begun: "2 of 2 builds run"; NULL = it is about to be. Yours. */
char *scheduler_waits_for(const struct scheduler *scheduler, const struct job *job);

#endif
