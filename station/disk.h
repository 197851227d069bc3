/*
 * Room on the disk: below the floor no new work is taken; logs and images beyond their quota are
 * removed, those that were used least recently first. A released image is never removed. firn's own
 * caches have their quotas in config.yaml: `firn clean` is run for them when room is short, and
 * each day.
 */
#ifndef FIRN_STATION_DISK_H
#define FIRN_STATION_DISK_H

#include "station/station.h"

struct disk;

struct disk *disk_new(struct station *station, struct err **err) MUST_CHECK;
void disk_free(struct disk *disk);
/* Bytes that are free, as of a moment ago. */
uint64_t disk_free_bytes(const struct disk *disk);
/* Is there too little? */
bool disk_is_low(const struct disk *disk);

#endif
