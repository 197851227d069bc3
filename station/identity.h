/*
 * Who asks, looked up: a user of this machine in firnd.yaml, a token in the store.
 */
#ifndef FIRN_STATION_IDENTITY_H
#define FIRN_STATION_IDENTITY_H

#include "station/access.h"

/* http_settings' socket_user and token_check; app is the station. */
const struct principal *identity_of_peer(void *app, unsigned uid, unsigned gid, int pid);
bool identity_of_token(void *app, const char *token, struct principal *who);

#endif
