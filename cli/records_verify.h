/*
 * Is a daemon's chain of records whole? (base/chain.h)
 */
#ifndef FIRN_CLI_RECORDS_VERIFY_H
#define FIRN_CLI_RECORDS_VERIFY_H

#include "base/chain.h"
#include "cli/client_http.h"

/* Read all of them, from a daemon or (client NULL) from a file of JSON Lines, and hold each to the
 * one before it. *chain is the last good one. ERR_AUTHENTIC says which record is wrong. */
bool records_verify(struct client *client, const char *path, struct chain *chain,
                    struct err **err) MUST_CHECK;

#endif
