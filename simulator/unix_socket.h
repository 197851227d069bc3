/*
 * Unix sockets by path. Descriptors are close-on-exec and the caller's to close.
 */
#ifndef FIRN_SIMULATOR_UNIX_SOCKET_H
#define FIRN_SIMULATOR_UNIX_SOCKET_H

#include "base/err.h"

/* A stream socket that listens (accept does not block). ERR_USAGE: the path is too long (107
 * bytes); on failure *fd is -1. */
bool unix_listen(const char *path, int *fd, struct err **err) MUST_CHECK;
/* Connect to a socket; type: SOCK_STREAM or SOCK_DGRAM, with SOCK_NONBLOCK if wanted. */
bool unix_connect(const char *path, int type, int *fd, struct err **err) MUST_CHECK;

#endif
