/*
 * The boards on this daemon's USB, as `firn devices` sees them: looked for when somebody asks, at
 * most every 2 s. The daemon itself opens no device.
 */
#ifndef FIRN_STATION_DEVICES_H
#define FIRN_STATION_DEVICES_H

#include "station/station.h"

struct device_list;

struct device_list *devices_new(struct station *station);
void devices_free(struct device_list *devices);
/* Look again, unless that was done just now. Clients get an event when something is different. */
void devices_look(struct device_list *devices);
/* GET /v1/devices; yours. */
json_t *devices_to_json(const struct device_list *devices);

#endif
