#include "simulator/topology.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define HUB_PORTS_MIN 2

/* What one port of the root hub carries when it is full. */
struct tree {
    unsigned boards, hubs;
};

static struct tree measure(const struct topology *topology)
{
    struct tree tree = {.boards = 1, .hubs = 0};
    for (unsigned i = 0; i < topology->levels; i++) {
        tree.hubs += tree.boards;
        tree.boards *= topology->ports[i];
    }
    return tree;
}

/* Ports of each root hub that are used. */
static unsigned root_ports(struct tree tree)
{
    unsigned fit = (TOPOLOGY_BUS_DEVICES - 1) / (tree.boards + tree.hubs);
    return fit < PORT_PATH_PORTS ? fit : PORT_PATH_PORTS;
}

static bool add_level(struct topology *topology, const char *text, struct err **err)
{
    uint32_t ports;
    if (!text_parse_u32(text, &ports) || ports < HUB_PORTS_MIN || ports > PORT_PATH_PORTS)
        return err_set(err, ERR_USAGE, "'%s' is not the number of a hub's ports (%d to %d)", text,
                       HUB_PORTS_MIN, PORT_PATH_PORTS);
    if (topology->levels == ARRAY_SIZE(topology->ports))
        return err_set(err, ERR_USAGE, "more than %zu hubs, one below the other",
                       ARRAY_SIZE(topology->ports));
    topology->ports[topology->levels++] = ports;
    if (root_ports(measure(topology)) == 0)
        return err_set(err, ERR_USAGE,
                       "one such tree of hubs needs more than the %d devices of a bus",
                       TOPOLOGY_BUS_DEVICES);
    return true;
}

bool topology_parse(const char *text, struct topology *topology, struct err **err)
{
    *topology = (struct topology){0};
    _cleanup_free_ char *copy = xstrdup(text);
    char *save = copy, *level;
    while ((level = strsep(&save, ",")))
        if (!add_level(topology, level, err))
            return err_wrap(err, "hubs '%s'", text);
    return true;
}

struct port_path topology_place(const struct topology *topology, unsigned index)
{
    struct tree tree = measure(topology);
    unsigned bus_boards = root_ports(tree) * tree.boards;
    struct port_path path = {.bus = index / bus_boards + 1};
    unsigned rest = index % bus_boards;
    unsigned below = tree.boards; /* boards below one port of the hub that path is at */
    path = port_path_child(&path, rest / below + 1);
    for (unsigned i = 0; i < topology->levels; i++) {
        rest %= below;
        below /= topology->ports[i];
        path = port_path_child(&path, rest / below + 1);
    }
    return path;
}

unsigned topology_hub_ports(const struct topology *topology, const struct port_path *hub)
{
    return hub->depth == 0 ? PORT_PATH_PORTS : topology->ports[hub->depth - 1];
}
