/*
 * What firnd.yaml leaves open: numbers before it is read, places that follow from the machine
 * after.
 */
#ifndef FIRN_STATION_SETTINGS_DEFAULT_H
#define FIRN_STATION_SETTINGS_DEFAULT_H

#include "station/settings.h"

void settings_set_numbers(struct settings *settings);
/* $FIRND_CONFIG, or what lies at the usual places; NULL = nothing does. Owned by the settings, or
 * by the environment. */
const char *settings_default_file(struct settings *settings);
/* Home, name, manifests, store, socket, firn. False: there is no place for the data. */
bool settings_set_rest(struct settings *settings, struct diags *diags) MUST_CHECK;

#endif
