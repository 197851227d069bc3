/*
 * Where on the simulated USB a device is: the bus, then the ports down to it.
 *
 * As Linux names devices: "usb1" is the root hub of bus 1, "1-3" what is in its port 3, "1-3.2"
 * what is in port 2 of the hub there. Values, no life cycle.
 */
#ifndef FIRN_SIMULATOR_PORT_PATH_H
#define FIRN_SIMULATOR_PORT_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define PORT_PATH_DEPTH 6  /* a port of the root hub and of five hubs below it (USB 2.0, 4.1.1) */
#define PORT_PATH_PORTS 31 /* of one hub, as many as Linux allows (USB_MAXCHILDREN) */

struct port_path {
    unsigned bus;   /* from 1 */
    unsigned depth; /* 0: the root hub itself */
    uint8_t port[PORT_PATH_DEPTH];
};

/* "1-3.2". ERR_USAGE: it is not of that form; root hubs are not accepted. */
bool port_path_parse(const char *text, struct port_path *path, struct err **err) MUST_CHECK;

/* "1-3.2", "usb1"; the caller frees. */
char *port_path_name(const struct port_path *path);
/* "/usb1/1-3/1-3.2": the device's directory below its host controller's; the caller frees. */
char *port_path_directory(const struct port_path *path);
/* "3.2", for a root hub "0"; the caller frees. */
char *port_path_ports(const struct port_path *path);

bool port_path_equal(const struct port_path *a, const struct port_path *b);
/* The hub that the device is in; not for a root hub. */
struct port_path port_path_parent(const struct port_path *path);
/* The device in a port of the hub at this path, whose depth is less than PORT_PATH_DEPTH. */
struct port_path port_path_child(const struct port_path *hub, unsigned port);

#endif
