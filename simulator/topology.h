/*
 * Which board is in which port: a regular tree of hubs below the root hubs, filled from the left.
 *
 * Without hubs board 0 is in 1-1, board 1 in 1-2 and so on. With "4" a hub of four ports is in each
 * port of the root hub: 1-1.1 to 1-1.4, then 1-2.1. With "4,7" below those hubs of seven: 1-1.1.1.
 * When a bus has no addresses left for another such tree, the next bus begins.
 */
#ifndef FIRN_SIMULATOR_TOPOLOGY_H
#define FIRN_SIMULATOR_TOPOLOGY_H

#include "simulator/port_path.h"

/* Devices on one bus. There are 127 addresses; the rest is for devices that were unplugged while a
 * program had them open, and for those that boards come back with. */
#define TOPOLOGY_BUS_DEVICES 112

struct topology {
    unsigned levels; /* of hubs below the root hub; 0: none */
    unsigned ports[PORT_PATH_DEPTH - 1];
};

/* "4", "4,7": ports of the hubs of each level, 2..31, at most five levels. ERR_USAGE: it is not
 * that, or a bus has too few addresses for one such tree. */
bool topology_parse(const char *text, struct topology *topology, struct err **err) MUST_CHECK;

/* The port of board `index` (from 0). The hubs above it are the prefixes of its path. */
struct port_path topology_place(const struct topology *topology, unsigned index);

/* Ports of a hub at this path that the tree has there. */
unsigned topology_hub_ports(const struct topology *topology, const struct port_path *hub);

#endif
