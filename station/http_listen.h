/*
 * Sockets that listen: made here, or handed over by systemd (sd_listen_fds(3)).
 */
#ifndef FIRN_STATION_HTTP_LISTEN_H
#define FIRN_STATION_HTTP_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* A Unix socket with the mode 0660 and that group (NULL = ours). A socket file that nobody listens
 * on any more is replaced; one that somebody listens on, or another file of that name, is not. */
bool http_listen_socket(const char *path, const char *group, int *fd, struct err **err) MUST_CHECK;
/* "127.0.0.1:8350", "[::1]:8350", "localhost:8350". closed: it must be
 * loopback, and this is what would open it; NULL: it need not be. */
bool http_listen_address(const char *address, const char *closed, int *fd,
                         struct err **err) MUST_CHECK;
struct http_settings;
/* Why a server listens on loopback only, as what to do about it; NULL: it need not. */
const char *http_closed_hint(const struct http_settings *settings);
/* Can it be listened at, by its form and by who could reach it? Opens nothing. */
bool http_listen_check(const char *address, const char *closed, struct err **err) MUST_CHECK;
/* What systemd handed over, at most max of them; *count = how many. As by closed they may be
 * refused. They are handed over once. */
bool http_listen_activated(int *fds, size_t max, const char *closed, size_t *count,
                           struct err **err) MUST_CHECK;
bool http_listen_is_unix(int fd);

#endif
