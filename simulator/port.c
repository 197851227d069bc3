#include "simulator/port.h"

#include <stdio.h>
#include <string.h>

#include "simulator/usb_standard.h"

/* The faults that keep the device from seeing the transfer. False: it is not one of those. */
static bool intercept(const struct fault *fault, struct usb_reply *reply)
{
    switch (fault->action) {
    case FAULT_STALL:
        *reply = (struct usb_reply){.outcome = USB_STALL};
        return true;
    case FAULT_PROTOCOL:
        *reply = (struct usb_reply){.outcome = USB_BROKEN};
        return true;
    case FAULT_HANG:
        *reply = (struct usb_reply){.outcome = USB_SILENT};
        return true;
    case FAULT_UNPLUG:
        *reply = (struct usb_reply){
            .outcome = USB_SILENT, .event = USB_UNPLUGGED, .event_ms = fault->ms};
        return true;
    default:
        return false;
    }
}

/* The faults that change what the bootloader does. */
static void prepare(struct dfu_device *dfu, enum fault_on what, const struct fault *fault)
{
    bool work = what <= FAULT_ON_MASS_ERASE;
    struct dfu_sabotage *sabotage = &dfu->sabotage;
    sabotage->ignore = fault->action == FAULT_IGNORE;
    sabotage->corrupt = work && fault->action == FAULT_CORRUPT;
    sabotage->stuck = fault->action == FAULT_BUSY;
    sabotage->announce = fault->action == FAULT_POLL;
    sabotage->announce_ms = fault->ms;
    if (fault->action != FAULT_STATUS)
        return;
    if (work)
        sabotage->status = fault->status;
    else
        dfu_device_fail(dfu, (enum dfu_status)fault->status);
}

/* The faults that change the answer. */
static void spoil(const struct fault *fault, const struct usb_setup *setup, uint8_t *in,
                  struct usb_reply *reply)
{
    bool sends = (setup->request_type & USB_DIR_IN) && reply->length > 0;
    if (fault->action == FAULT_DELAY)
        reply->delay_us += fault->ms * UINT64_C(1000);
    else if (fault->action == FAULT_SHORT)
        reply->length /= 2;
    else if (fault->action == FAULT_CORRUPT && sends)
        in[reply->length / 2] ^= 0x55;
}

static void serve(struct port *port, const struct usb_setup *setup, const uint8_t *out, uint8_t *in,
                  struct usb_reply *reply)
{
    if (port->running)
        runtime_control(&port->runtime, setup, out, in, reply);
    else
        dfu_device_control(&port->dfu, setup, out, in, reply);
}

static void control(void *data, const struct usb_setup *setup, const uint8_t *out, uint8_t *in,
                    struct usb_reply *reply)
{
    struct port *port = data;
    struct fault fault;
    enum fault_on what = fault_classify(setup, out, port->board.model->dialect != BOARD_PLAIN);
    port->transfers++;
    if (!faults_take(&port->faults, what, setup, &fault)) {
        serve(port, setup, out, in, reply);
        return;
    }
    if (intercept(&fault, reply))
        return;
    if (!port->running)
        prepare(&port->dfu, what, &fault);
    serve(port, setup, out, in, reply);
    spoil(&fault, setup, in, reply);
}

static bool string(void *data, uint8_t index, struct buf *out)
{
    const struct port *port = data;
    return !port->dfu.crashed && usb_add_text(&port->dfu, index, out);
}

static void bus_reset(void *data)
{
    struct port *port = data;
    enum usb_event event = dfu_device_bus_reset(&port->dfu);
    if (event != USB_STAYS && port->device.event)
        port->device.event(port->device.data, event, 0);
}

/* ---- what runs ------------------------------------------------------------------------------ */

static void on_runtime_event(void *data, enum usb_event event)
{
    struct port *port = data;
    port->runtime_device.event(port, event, 0);
}

static void runtime_reset(void *data)
{
    struct port *port = data;
    runtime_bus_reset(&port->runtime);
}

static void bulk_out(void *data, uint8_t endpoint, const uint8_t *bytes, size_t len)
{
    struct port *port = data;
    runtime_bulk_out(&port->runtime, endpoint, bytes, len);
}

static size_t bulk_in(void *data, uint8_t endpoint, uint8_t *bytes, size_t room)
{
    struct port *port = data;
    return runtime_bulk_in(&port->runtime, endpoint, bytes, room);
}

static void listen(void *data, void (*fn)(void *arg), void *arg)
{
    struct port *port = data;
    runtime_listen(&port->runtime, fn, arg);
}

void port_configure(struct port *port, const struct runtime_options *options)
{
    struct runtime *runtime = &port->runtime;
    runtime_configure(runtime, port->board.model, options);
    port->runtime_device = (struct usb_device){
        .control = control,
        .bus_reset = runtime_reset,
        .event = port->device.event,
        .bulk_out = bulk_out,
        .bulk_in = bulk_in,
        .listen = listen,
        .data = port,
        .descriptors = (const uint8_t *)runtime->descriptors.data,
        .descriptors_len = runtime->descriptors.len,
        .manufacturer = runtime->identity.strings[0],
        .product = runtime->identity.strings[1],
        .serial = port->board.serial,
    };
}

/* ---- life ----------------------------------------------------------------------------------- */

void port_init(struct port *port, unsigned index, const struct board_model *model,
               enum board_timing_kind timing, const struct sim_clock *clock)
{
    *port = (struct port){.index = index, .descriptors = BUF_INIT, .serial = BUF_INIT};
    sim_board_init(&port->board, model, timing, index);
    dfu_device_init(&port->dfu, &port->board, clock);
    usb_add_device_descriptor(model, &port->descriptors);
    usb_add_configuration_descriptor(model, &port->descriptors);
    usb_add_serial(&port->dfu, &port->serial);
    port->device = (struct usb_device){
        .control = control,
        .bus_reset = bus_reset,
        .string = string,
        .data = port,
        .descriptors = (const uint8_t *)port->descriptors.data,
        .descriptors_len = port->descriptors.len,
        .manufacturer = model->manufacturer,
        .product = model->product,
        .serial = port->serial.data,
    };
    runtime_init(&port->runtime, model, port->board.serial, clock, on_runtime_event, port);
}

bool port_open(struct port *port, const char *flash_path, struct err **err)
{
    if (!sim_board_open(&port->board, flash_path, err))
        return false;
    port->runtime.machine = port->board.model->machine;
    port->runtime.flash = &port->board.memory[0];
    return true;
}

void port_release(struct port *port)
{
    runtime_release(&port->runtime);
    dfu_device_release(&port->dfu);
    sim_board_release(&port->board);
    buf_release(&port->descriptors);
    buf_release(&port->serial);
}

void port_power_on(struct port *port)
{
    port->running = false;
    dfu_device_power_on(&port->dfu);
}

void port_run(struct port *port)
{
    port->running = true;
    runtime_boot(&port->runtime);
}

void port_power_off(struct port *port)
{
    runtime_stop(&port->runtime);
}

const struct usb_device *port_device(const struct port *port)
{
    if (!port->running)
        return &port->device;
    return port->runtime.options.kind == RUNTIME_NONE ? NULL : &port->runtime_device;
}

bool port_set_program(struct port *port, enum board_program program, struct err **err)
{
    const struct board_model *model = port->board.model;
    if (program == BOARD_PROGRAM_FLASHED && !model->machine) {
        err_set(err, ERR_USAGE, "QEMU has no machine for '%s': what was flashed cannot be run",
                model->name);
        return err_hint(err, "it has some for stm32f205 and stm32f405");
    }
    runtime_set_program(&port->runtime, program, port->running && port->plugged);
    return true;
}

bool port_has_program(const struct port *port, bool after_leave)
{
    const struct board_model *model = port->board.model;
    const uint8_t erased[4] = {model->erased, model->erased, model->erased, model->erased};
    bool addressed = after_leave && model->dialect == BOARD_DFUSE;
    uint32_t address = addressed ? port->dfu.pointer : model->areas[0].address + model->own_bytes;
    unsigned area;
    uint32_t offset;
    return sim_board_locate(&port->board, address, &area, &offset) && area == 0 &&
           offset + sizeof(erased) <= port->board.memory[0].size &&
           memcmp(port->board.memory[0].bytes + offset, erased, sizeof(erased)) != 0;
}

/* What a run needed: its transfers by kind and the time of bus and flash. */
static json_t *counters_json(const struct port *port)
{
    const struct dfu_counters *dfu = &port->dfu.counters;
    const struct board_counters *board = &port->board.counters;
    const struct sector_run *runs = port->board.model->areas[0].runs;
    json_t *sectors = json_object();
    for (unsigned i = 0; i < BOARD_RUNS; i++) {
        char size[16];
        snprintf(size, sizeof(size), "%u", (unsigned)runs[i].size);
        json_int_t before = json_integer_value(json_object_get(sectors, size));
        if (board->sectors[i])
            json_object_set_new(sectors, size,
                                json_integer(before + (json_int_t)board->sectors[i]));
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "commands",
                     (json_int_t)dfu->commands, "blocks", (json_int_t)dfu->blocks, "uploads",
                     (json_int_t)dfu->uploads, "getstatus", (json_int_t)dfu->getstatus, "others",
                     (json_int_t)dfu->others, "early_polls", (json_int_t)dfu->early_polls, "bus_us",
                     (json_int_t)dfu->bus_us, "erase_us", (json_int_t)board->erase_us, "program_us",
                     (json_int_t)board->program_us, "mass_erases", (json_int_t)board->mass_erases,
                     "erased_sectors", sectors);
}

json_t *port_status(const struct port *port)
{
    const struct dfu_device *dfu = &port->dfu;
    _cleanup_free_ char *path = port_path_name(&port->path);
    const char *state = dfu->crashed ? "crashed" : dfu_state_name(dfu->state);
    if (port->running && port->plugged)
        state = runtime_state(&port->runtime);
    return json_pack(
        "{s:i, s:s, s:s, s:s, s:b, s:b, s:s, s:i, s:b, s:I, s:I, s:I, s:I, s:I, s:i, s:o}", "board",
        (int)port->index, "model", port->board.model->name, "serial", port->board.serial, "path",
        path, "plugged", port->plugged, "running", port->running, "state", state, "status",
        (int)dfu->status, "protected", port->board.read_protected, "transfers",
        (json_int_t)port->transfers, "downloaded_bytes", (json_int_t)dfu->counters.downloaded_bytes,
        "uploaded_bytes", (json_int_t)dfu->counters.uploaded_bytes, "erases",
        (json_int_t)dfu->counters.erases, "overwritten_bytes",
        (json_int_t)port->board.memory[0].overwritten, "faults", (int)port->faults.count,
        "counters", counters_json(port));
}

void port_reset_counters(struct port *port)
{
    port->transfers = 0;
    port->dfu.counters = (struct dfu_counters){0};
    port->board.counters = (struct board_counters){0};
    port->board.memory[0].overwritten = 0;
}
