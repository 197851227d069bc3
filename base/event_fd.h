/*
 * An event as a line of a descriptor: what --json and --events=FD write (events_add_fd()).
 */
#ifndef FIRN_BASE_EVENT_FD_H
#define FIRN_BASE_EVENT_FD_H

#include <jansson.h>
#include <stdbool.h>

/* In one piece, keys sorted. False: nobody reads any more, or it cannot be written. A pipe without
 * a reader raises no signal, here or in children. */
bool event_fd_write(int fd, const json_t *event);

#endif
