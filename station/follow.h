/*
 * Looking whether upstream refs have moved, for products that ask for it (`firnd: {follow:
 * daily}`): a job of its own for each, daily at settings' time, or each hour.
 */
#ifndef FIRN_STATION_FOLLOW_H
#define FIRN_STATION_FOLLOW_H

#include "station/station.h"

struct follow;

struct follow *follow_new(struct station *station, struct err **err) MUST_CHECK;
void follow_free(struct follow *follow);
/* Milliseconds from `now_ms` (since the epoch) to the next time at this minute of the day, local
 * time. */
int64_t follow_next_ms(int64_t now_ms, int minute_of_day);

#endif
