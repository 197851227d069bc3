#include "simulator/bench.h"

#include <jansson.h>
#include <string.h>

#include "base/text.h"
#include "simulator/hub.h"
#include "simulator/plugging.h"
#include "simulator/setting.h"

struct plugged_hub {
    struct hub hub;
    struct port_path path;
    struct plugged_hub *next;
};

struct bench {
    struct loop *loop;
    struct plugging plugging;
    struct topology topology;
    struct bench_runtime runtime;
    struct plugged_hub *hubs;
    struct port *ports[BENCH_BOARDS];
    unsigned count;
};

struct bench *bench_new(struct loop *loop, const struct bus *bus)
{
    struct bench *bench = xcalloc(1, sizeof(*bench));
    bench->loop = loop;
    bench->plugging = (struct plugging){.clock = loop_clock(loop), .bus = *bus};
    return bench;
}

void bench_set_topology(struct bench *bench, const struct topology *topology)
{
    bench->topology = *topology;
}

void bench_set_runtime(struct bench *bench, const struct bench_runtime *runtime)
{
    bench->runtime = *runtime;
    bench->plugging.boot_us = runtime->boot_ms * UINT64_C(1000);
}

void bench_free(struct bench *bench)
{
    if (!bench)
        return;
    bench->plugging.bus.free(bench->plugging.bus.data);
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
    return bench->plugging.bus.plug(bench->plugging.bus.data, path, &hub->hub.device, err);
}

bool bench_add_board(struct bench *bench, const struct board_model *model,
                     enum board_timing_kind timing, const char *flash_path, struct err **err)
{
    if (bench->count == BENCH_BOARDS)
        return err_set(err, ERR_USAGE, "there are %d boards, which is all there can be",
                       BENCH_BOARDS);
    struct port *port = xcalloc(1, sizeof(*port));
    port_init(port, bench->count, model, timing, loop_clock(bench->loop));
    port->owner = &bench->plugging;
    port->device.event = plugging_on_event;
    port->running = bench->runtime.running;
    struct runtime_options options = bench->runtime.options;
    if (bench->runtime.by_model && model->dialect == BOARD_PLAIN)
        options.kind = RUNTIME_DFU;
    port_configure(port, &options);
    port->path = topology_place(&bench->topology, port->index);
    bench->ports[bench->count++] = port;
    const struct port_path hub = port_path_parent(&port->path);
    return port_open(port, flash_path, err) && plug_hubs(bench, &hub, err) &&
           plugging_plug(port, err);
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
    return plugging_unplug(port, err);
}

static bool command_replug(struct port *port, const char *rest, struct buf *answer,
                           struct err **err)
{
    (void)rest;
    buf_adds(answer, "ok");
    if (!plugging_unplug(port, err))
        return false;
    port->running = false;
    return plugging_plug(port, err);
}

static bool command_reset(struct port *port, const char *rest, struct buf *answer, struct err **err)
{
    (void)rest;
    buf_adds(answer, "ok");
    return plugging_reset(port, err);
}

static bool command_move(struct port *port, const char *rest, struct buf *answer, struct err **err)
{
    struct port_path path;
    buf_adds(answer, "ok");
    return port_path_parse(rest, &path, err) && plugging_move(port, &path, err);
}

static bool command_after_leave(struct port *port, const char *rest, struct buf *answer,
                                struct err **err)
{
    static const char *const names[] = {"run", "lost", "bootloader", NULL};
    buf_adds(answer, "ok");
    for (unsigned i = 0; names[i]; i++) {
        if (strcmp(rest, names[i]) == 0) {
            port->after_leave = (enum after_leave)i;
            return true;
        }
    }
    if (!port_path_parse(rest, &port->move_to, err))
        return err_hint(err, "after-leave takes run, lost, bootloader or a port");
    port->after_leave = AFTER_LEAVE_MOVE;
    return true;
}

static bool command_program(struct port *port, const char *rest, struct buf *answer,
                            struct err **err)
{
    buf_adds(answer, "ok");
    for (unsigned i = 0; board_program_names[i]; i++) {
        if (strcmp(rest, board_program_names[i]) == 0)
            return port_set_program(port, (enum board_program)i, err);
    }
    err_set(err, ERR_USAGE, "there is no program '%s'", rest);
    return err_hint(err, "there are repl, loop, busy, silent, garbage and flashed");
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
    {"reset", false, command_reset},
    {"move", true, command_move},
    {"after-leave", true, command_after_leave},
    {"program", true, command_program},
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
    static const char *const names[] = {
        "after-leave",    "fault", "move",   "program", "replug", "reset",
        "reset-counters", "set",   "unplug", "status",  NULL};
    err_set(err, ERR_USAGE, "there is no command '%s'", name);
    const char *nearest = text_nearest(name, names);
    return nearest
               ? err_hint(err, "did you mean '%s'?", nearest)
               : err_hint(
                     err,
                     "there are after-leave, fault, move, program, replug, reset, reset-counters, "
                     "set, status and unplug");
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
