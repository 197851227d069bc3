/*
 * Accepting jobs: from the API, from a product that builds by itself, from the clock.
 */
#ifndef FIRN_STATION_SUBMIT_H
#define FIRN_STATION_SUBMIT_H

#include "station/station.h"

/* Add a job (its strings as in store.h's struct job_request; submitted_by and the rest set).
 * Refused (ERR_FAILED) while the disk is full or the daemon stops. *added is uninitialised before,
 * yours on success for those `how` for which store_job_add() has one. */
bool submit_job(struct station *station, const struct job *job, const char *key,
                const char *request_hash, enum job_added *how, struct job *added,
                struct err **err) MUST_CHECK;
/* Build a product as it is now; what stands against it is logged. */
void submit_build(struct station *station, const char *product, const char *by);
/* Look whether the ref of a product has moved. */
void submit_follow(struct station *station, const char *product);

#endif
