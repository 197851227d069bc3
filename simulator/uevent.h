/*
 * Uevents to every program of one root: what the kernel would multicast over netlink.
 *
 * The preload library turns a program's netlink socket into a datagram socket ROOT/event<fd>. Its
 * name is the descriptor's number, so a second program often takes the name from the first. We
 * connect to each socket as soon as it appears (inotify): a connection survives the loss of the
 * name, so several programs can live in one root. A program that must be sure that we did connects
 * to ROOT/sync, which is closed when we have (simulator/preload/hotplug.c).
 */
#ifndef FIRN_SIMULATOR_UEVENT_H
#define FIRN_SIMULATOR_UEVENT_H

#include "base/err.h"
#include "simulator/loop.h"

struct uevents;

/* Watch a root directory, in which "sync" is made. */
struct uevents *uevents_new(struct loop *loop, const char *root, struct err **err) MUST_CHECK;
void uevents_free(struct uevents *uevents);

/* Send a datagram to every program that listens. */
void uevents_send(struct uevents *uevents, const void *data, size_t len);

#endif
