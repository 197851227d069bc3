#include "simulator/bench.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "simulator/hub.h"
#include "simulator/port.h"
#include "simulator/setting.h"

/* From a device's last transfer to its disconnection: time for the host to read the answer. */
#define LEAVE_US 1000

struct plugged_hub {
    struct hub hub;
    struct port_path path;
    struct plugged_hub *next;
};

struct bench {
    struct loop *loop;
    struct bus bus;
    struct topology topology;
    struct plugged_hub *hubs;
    struct port *ports[BENCH_BOARDS];
    unsigned count;
};

static bool plug(struct port *port, struct err **err)
{
    struct bench *bench = port->owner;
    clock_cancel(loop_clock(bench->loop), port);
    if (port->plugged)
        return true;
    port_power_on(port);
    if (!bench->bus.plug(bench->bus.data, &port->path, &port->device, err))
        return false;
    port->plugged = true;
    return true;
}

/* Where there is nobody to answer: tell the person at the terminal. */
static void report(struct err *err)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    err_format(err, &text);
    fprintf(stderr, "%s", text.data);
    err_free(err);
}

static void plug_later(void *arg)
{
    struct err *err = NULL;
    if (!plug(arg, &err))
        report(err);
}

/* replug_ms 0: it stays away. */
static bool unplug(struct port *port, uint32_t replug_ms, struct err **err)
{
    struct bench *bench = port->owner;
    const struct sim_clock *clock = loop_clock(bench->loop);
    clock_cancel(clock, port);
    if (!bench->bus.unplug(bench->bus.data, &port->path, err))
        return false;
    port->plugged = false;
    if (replug_ms)
        clock_after(clock, replug_ms * UINT64_C(1000), plug_later, port);
    return true;
}

static void unplug_later(void *arg)
{
    struct port *port = arg;
    struct err *err = NULL;
    if (!unplug(port, port->replug_ms, &err))
        report(err);
}

static void leave(void *arg)
{
    struct port *port = arg;
    unplug_later(port);
    port->running = true;
}

static void on_event(void *data, enum usb_event event, uint32_t event_ms)
{
    struct port *port = data;
    struct bench *bench = port->owner;
    const struct sim_clock *clock = loop_clock(bench->loop);
    port->replug_ms = event_ms;
    if (event == USB_UNPLUGGED)
        unplug_later(port);
    else
        clock_after(clock, LEAVE_US, event == USB_LEAVES ? leave : unplug_later, port);
}

struct bench *bench_new(struct loop *loop, const struct bus *bus)
{
    struct bench *bench = xcalloc(1, sizeof(*bench));
    bench->loop = loop;
    bench->bus = *bus;
    return bench;
}

void bench_set_topology(struct bench *bench, const struct topology *topology)
{
    bench->topology = *topology;
}

void bench_free(struct bench *bench)
{
    if (!bench)
        return;
    bench->bus.free(bench->bus.data);
    for (unsigned i = 0; i < bench->count; i++) {
        clock_cancel(loop_clock(bench->loop), bench->ports[i]);
        port_release(bench->ports[i]);
        free(bench->ports[i]);
    }
    while (bench->hubs) {
        struct plugged_hub *next = bench->hubs->next;
        free(bench->hubs);
        bench->hubs = next;
    }
    free(bench);
}

/* The hub at this path, and those above it, unless they are there. */
static bool plug_hubs(struct bench *bench, const struct port_path *path, struct err **err)
{
    for (const struct plugged_hub *hub = bench->hubs; hub; hub = hub->next)
        if (port_path_equal(&hub->path, path))
            return true;
    if (path->depth > 0) {
        const struct port_path parent = port_path_parent(path);
        if (!plug_hubs(bench, &parent, err))
            return false;
    }
    struct plugged_hub *hub = xcalloc(1, sizeof(*hub));
    hub_init(&hub->hub, topology_hub_ports(&bench->topology, path), path->depth == 0);
    hub->path = *path;
    hub->next = bench->hubs;
    bench->hubs = hub;
    return bench->bus.plug(bench->bus.data, path, &hub->hub.device, err);
}

bool bench_add_board(struct bench *bench, const struct board_model *model,
                     enum board_timing_kind timing, const char *flash_path, struct err **err)
{
    if (bench->count == BENCH_BOARDS)
        return err_set(err, ERR_USAGE, "there are %d boards, which is all there can be",
                       BENCH_BOARDS);
    struct port *port = xcalloc(1, sizeof(*port));
    port_init(port, bench->count, model, timing, loop_clock(bench->loop));
    port->owner = bench;
    port->device.event = on_event;
    port->path = topology_place(&bench->topology, port->index);
    bench->ports[bench->count++] = port;
    const struct port_path hub = port_path_parent(&port->path);
    return port_open(port, flash_path, err) && plug_hubs(bench, &hub, err) && plug(port, err);
}

/* ---- commands ------------------------------------------------------------------------------- */

static bool command_fault(struct port *port, const char *rest, struct buf *answer, struct err **err)
{
    struct fault fault;
    if (!fault_parse(rest, &fault, err) || !faults_add(&port->faults, &fault, err))
        return false;
    buf_adds(answer, "ok");
    return true;
}

static bool command_unplug(struct port *port, const char *rest, struct buf *answer,
                           struct err **err)
{
    (void)rest;
    buf_adds(answer, "ok");
    return unplug(port, 0, err);
}

static bool command_replug(struct port *port, const char *rest, struct buf *answer,
                           struct err **err)
{
    (void)rest;
    buf_adds(answer, "ok");
    return unplug(port, 0, err) && plug(port, err);
}

/* A board that nobody has talked to yet starts in error at once. */
static bool command_set(struct port *port, const char *rest, struct buf *answer, struct err **err)
{
    if (!setting_apply(&port->board, rest, err))
        return false;
    if (!port->dfu.used && (port->board.quirks & BOARD_STARTS_IN_ERROR))
        dfu_device_fail(&port->dfu, DFU_STATUS_FIRMWARE);
    buf_adds(answer, "ok");
    return true;
}

static bool command_reset_counters(struct port *port, const char *rest, struct buf *answer,
                                   struct err **err)
{
    (void)rest;
    (void)err;
    port_reset_counters(port);
    buf_adds(answer, "ok");
    return true;
}

static const struct bench_verb {
    const char *name;
    bool takes_more;
    bool (*run)(struct port *port, const char *rest, struct buf *answer, struct err **err);
} verbs[] = {
    {"fault", true, command_fault},
    {"unplug", false, command_unplug},
    {"replug", false, command_replug},
    {"set", true, command_set},
    {"reset-counters", false, command_reset_counters},
};

static void add_status(const struct bench *bench, struct buf *answer)
{
    json_t *boards = json_array();
    for (unsigned i = 0; i < bench->count; i++)
        json_array_append_new(boards, port_status(bench->ports[i]));
    json_t *status = json_pack("{s:o}", "boards", boards);
    char *text = json_dumps(status, JSON_COMPACT);
    buf_adds(answer, text);
    free(text);
    json_decref(status);
}

static bool unknown_verb(const char *name, struct err **err)
{
    static const char *const names[] = {"fault",          "unplug", "replug", "set",
                                        "reset-counters", "status", NULL};
    err_set(err, ERR_USAGE, "there is no command '%s'", name);
    const char *nearest = text_nearest(name, names);
    return nearest
               ? err_hint(err, "did you mean '%s'?", nearest)
               : err_hint(err, "there are fault, unplug, replug, set, reset-counters and status");
}

static bool find_board(const struct bench *bench, const char *verb, const char *number,
                       struct port **port, struct err **err)
{
    uint32_t index;
    if (!number)
        return err_set(err, ERR_USAGE, "%s needs the number of a board", verb);
    if (!text_parse_u32(number, &index) || index >= bench->count)
        return err_set(err, ERR_USAGE, "there is no board '%s': they are numbered 0 to %u", number,
                       bench->count - 1);
    *port = bench->ports[index];
    return true;
}

bool bench_command(struct bench *bench, const char *line, struct buf *answer, struct err **err)
{
    char *save = NULL;
    _cleanup_free_ char *copy = xstrdup(line);
    const char *name = strtok_r(copy, " \t", &save);
    const char *number = name ? strtok_r(NULL, " \t", &save) : NULL;
    const char *rest = number ? strtok_r(NULL, "", &save) : NULL;
    struct port *port = NULL;
    if (!name)
        return unknown_verb("", err);
    if (strcmp(name, "status") == 0) {
        add_status(bench, answer);
        return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        if (strcmp(name, verbs[i].name) != 0)
            continue;
        if (!find_board(bench, name, number, &port, err))
            return false;
        if (!verbs[i].takes_more && rest)
            return err_set(err, ERR_USAGE, "%s: '%s' is too much", name, rest);
        return verbs[i].run(port, rest ? rest : "", answer, err);
    }
    return unknown_verb(name, err);
}
