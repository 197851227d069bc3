#include "simulator/port_path.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

#define BUSES 99 /* of a path that is given; how many there are is somebody else's to say */

/* A number up to max, then the separator or the end; moves *text behind it. */
static bool take_number(const char **text, char separator, unsigned max, unsigned *value)
{
    const char *p = *text;
    *value = 0;
    while (*p >= '0' && *p <= '9' && *value <= max)
        *value = *value * 10 + (unsigned)(*p++ - '0');
    bool ok = p > *text && **text != '0' && *value <= max && (*p == separator || *p == '\0');
    *text = *p ? p + 1 : p;
    return ok;
}

static bool parse(const char *text, struct port_path *path)
{
    const char *end = text + strlen(text);
    *path = (struct port_path){0};
    if (!strchr(text, '-') || !take_number(&text, '-', BUSES, &path->bus) || end[-1] == '.')
        return false;
    do {
        unsigned port;
        if (path->depth == PORT_PATH_DEPTH || !take_number(&text, '.', PORT_PATH_PORTS, &port))
            return false;
        path->port[path->depth++] = (uint8_t)port;
    } while (text < end);
    return true;
}

bool port_path_parse(const char *text, struct port_path *path, struct err **err)
{
    if (parse(text, path))
        return true;
    err_set(err, ERR_USAGE, "'%s' is not a port of the simulated bus", text);
    return err_hint(err, "ports are named like 1-3, or 1-3.2 below a hub");
}

static void add_ports(const struct port_path *path, struct buf *out)
{
    for (unsigned i = 0; i < path->depth; i++)
        buf_addf(out, "%s%u", i ? "." : "", path->port[i]);
}

static void add_name(const struct port_path *path, struct buf *out)
{
    buf_addf(out, path->depth ? "%u-" : "usb%u", path->bus);
    add_ports(path, out);
}

char *port_path_name(const struct port_path *path)
{
    struct buf out = BUF_INIT;
    add_name(path, &out);
    return buf_detach(&out, NULL);
}

char *port_path_directory(const struct port_path *path)
{
    struct buf out = BUF_INIT;
    struct port_path part = *path;
    for (part.depth = 0; part.depth <= path->depth; part.depth++) {
        buf_addc(&out, '/');
        add_name(&part, &out);
    }
    return buf_detach(&out, NULL);
}

char *port_path_ports(const struct port_path *path)
{
    struct buf out = BUF_INIT;
    if (path->depth)
        add_ports(path, &out);
    else
        buf_addc(&out, '0');
    return buf_detach(&out, NULL);
}

bool port_path_equal(const struct port_path *a, const struct port_path *b)
{
    return a->bus == b->bus && a->depth == b->depth && memcmp(a->port, b->port, a->depth) == 0;
}

struct port_path port_path_parent(const struct port_path *path)
{
    assert(path->depth > 0);
    struct port_path parent = *path;
    parent.port[--parent.depth] = 0;
    return parent;
}

struct port_path port_path_child(const struct port_path *hub, unsigned port)
{
    assert(hub->depth < PORT_PATH_DEPTH && port >= 1 && port <= PORT_PATH_PORTS);
    struct port_path child = *hub;
    child.port[child.depth++] = (uint8_t)port;
    return child;
}
