/*
 * What a daemon says went wrong, as an error: application/problem+json (RFC 9457), with firn's
 * member `action` for the next step. What is no such problem is told by its status alone.
 */
#ifndef FIRN_CLI_CLIENT_PROBLEM_H
#define FIRN_CLI_CLIENT_PROBLEM_H

#include "base/err.h"

/* Returns false. from: who answered, for messages. */
bool client_problem(long status, const char *body, size_t len, const char *from, struct err **err);

#endif
