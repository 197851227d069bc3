#include "simulator/runtime.h"

#include <stdio.h>
#include <string.h>

#include "simulator/dfu_device.h"
#include "simulator/runtime_descriptors.h"

#define TOUCH_BAUD 1200
#define SETTLE_US 8000 /* from DTR to the first byte: eight frames in MicroPython */

/* CDC PSTN 1.2, 6.3. */
enum cdc_request { SET_LINE_CODING = 0x20, GET_LINE_CODING = 0x21, SET_CONTROL_LINE_STATE = 0x22 };
#define LINE_DTR 1

static const uint8_t first_coding[7] = {0x80, 0x25, 0, 0, 0, 0, 8}; /* 9600 8N1 */

bool runtime_kind_parse(const char *name, enum runtime_kind *kind)
{
    static const char *const names[] = {"none", "cdc", "dfu", "both"};
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            *kind = (enum runtime_kind)i;
            return true;
        }
    }
    return false;
}

void runtime_init(struct runtime *runtime, const struct board_model *model, const char *serial,
                  const struct sim_clock *clock, runtime_event_fn on_event, void *data)
{
    *runtime = (struct runtime){
        .clock = clock, .on_event = on_event, .data = data, .descriptors = BUF_INIT};
    board_repl_init(&runtime->repl);
    runtime->identity.strings[2] = serial;
    const struct runtime_options none = {RUNTIME_NONE, false};
    runtime_configure(runtime, model, &none);
}

void runtime_configure(struct runtime *runtime, const struct board_model *model,
                       const struct runtime_options *options)
{
    bool cdc = options->kind == RUNTIME_CDC || options->kind == RUNTIME_BOTH;
    runtime->options = *options;
    buf_clear(&runtime->descriptors);
    runtime_add_descriptors(model, options, &runtime->descriptors);
    runtime->identity.descriptors = (const uint8_t *)runtime->descriptors.data;
    runtime->identity.descriptors_len = runtime->descriptors.len;
    runtime->identity.strings[0] = cdc ? "MicroPython" : model->manufacturer;
    runtime->identity.strings[1] =
        cdc ? "Pyboard Virtual Comm Port in FS Mode" : "simulated device in runtime mode";
}

void runtime_release(struct runtime *runtime)
{
    runtime_stop(runtime);
    board_repl_release(&runtime->repl);
    buf_release(&runtime->descriptors);
}

static void stop_emulator(struct runtime *runtime)
{
    board_emulator_stop(runtime->emulator);
    runtime->emulator = NULL;
}

/* ---- what the board says -------------------------------------------------------------------- */

static void announce(struct runtime *runtime)
{
    if (runtime->may_talk && runtime->repl.out.len > 0 && runtime->readable)
        runtime->readable(runtime->readable_arg);
}

static void tick(void *arg)
{
    struct runtime *runtime = arg;
    board_repl_tick(&runtime->repl);
    announce(runtime);
    clock_after(runtime->clock, BOARD_REPL_TICK_MS * UINT64_C(1000), tick, runtime);
}

/* Its own address as the timer's argument, so that it can be cancelled alone. */
static void settled(void *arg)
{
    struct runtime *runtime = (struct runtime *)((char *)arg - offsetof(struct runtime, dtr));
    runtime->may_talk = true;
    announce(runtime);
}

/* What it says while no host listens is lost. At its end the board leaves the bus, as at a reset.
 */
static void pump(void *arg)
{
    struct runtime *runtime = arg;
    bool runs = board_emulator_receive(runtime->emulator, &runtime->repl.out, BOARD_REPL_OUT_MAX);
    if (!runtime->dtr)
        buf_clear(&runtime->repl.out);
    announce(runtime);
    if (runs)
        clock_after(runtime->clock, BOARD_EMULATOR_POLL_US, pump, runtime);
    else
        runtime->on_event(runtime->data, USB_RESTARTS);
}

static void start_flashed(struct runtime *runtime)
{
    _cleanup_err_ struct err *err = NULL;
    const struct nor *flash = runtime->flash;
    if (board_emulator_start(runtime->machine, flash->bytes, flash->size, &runtime->emulator, &err))
        pump(runtime);
    else
        fprintf(stderr, "warning: what was flashed does not run: %s\n", err->message);
}

static void start_program(struct runtime *runtime)
{
    clock_cancel(runtime->clock, runtime);
    stop_emulator(runtime);
    board_repl_boot(&runtime->repl);
    if (runtime->repl.program == BOARD_PROGRAM_FLASHED) {
        start_flashed(runtime);
        return;
    }
    announce(runtime);
    if (runtime->repl.program != BOARD_PROGRAM_REPL &&
        runtime->repl.program != BOARD_PROGRAM_SILENT)
        tick(runtime);
}

void runtime_boot(struct runtime *runtime)
{
    runtime_stop(runtime);
    runtime->identity.configuration = 0;
    memcpy(runtime->line_coding, first_coding, sizeof(first_coding));
    start_program(runtime);
}

void runtime_set_program(struct runtime *runtime, enum board_program program, bool started)
{
    runtime->repl.program = program;
    if (started)
        start_program(runtime);
}

void runtime_stop(struct runtime *runtime)
{
    clock_cancel(runtime->clock, runtime);
    clock_cancel(runtime->clock, &runtime->dtr);
    stop_emulator(runtime);
    runtime->dtr = runtime->may_talk = runtime->detaching = false;
}

void runtime_listen(struct runtime *runtime, void (*fn)(void *arg), void *arg)
{
    runtime->readable = fn;
    runtime->readable_arg = arg;
}

void runtime_bulk_out(struct runtime *runtime, uint8_t endpoint, const uint8_t *bytes, size_t len)
{
    if (endpoint != RUNTIME_ENDPOINT_OUT)
        return;
    if (runtime->repl.program == BOARD_PROGRAM_FLASHED) {
        if (runtime->emulator)
            board_emulator_send(runtime->emulator, bytes, len);
        return;
    }
    enum board_request request = board_repl_input(&runtime->repl, bytes, len);
    announce(runtime);
    if (request != BOARD_GOES_ON)
        runtime->on_event(runtime->data, request == BOARD_RESETS ? USB_RESTARTS : USB_DETACHES);
}

size_t runtime_bulk_in(struct runtime *runtime, uint8_t endpoint, uint8_t *bytes, size_t room)
{
    struct buf *out = &runtime->repl.out;
    if (endpoint != RUNTIME_ENDPOINT_IN || !runtime->may_talk || out->len == 0)
        return 0;
    size_t len = out->len < room ? out->len : room;
    memcpy(bytes, out->data, len);
    memmove(out->data, out->data + len, out->len - len);
    buf_truncate(out, out->len - len);
    return len;
}

/* ---- CDC ------------------------------------------------------------------------------------ */

static uint32_t baud(const struct runtime *runtime)
{
    const uint8_t *c = runtime->line_coding;
    return c[0] | (uint32_t)c[1] << 8 | (uint32_t)c[2] << 16 | (uint32_t)c[3] << 24;
}

static void set_line_state(struct runtime *runtime, bool dtr, struct usb_reply *reply)
{
    if (dtr == runtime->dtr)
        return;
    runtime->dtr = dtr;
    runtime->may_talk = false;
    clock_cancel(runtime->clock, &runtime->dtr);
    if (dtr)
        clock_after(runtime->clock, SETTLE_US, settled, &runtime->dtr);
    else if (baud(runtime) == TOUCH_BAUD)
        reply->event = USB_DETACHES;
}

static void cdc_request(struct runtime *runtime, const struct usb_setup *setup, const uint8_t *out,
                        uint8_t *in, struct usb_reply *reply)
{
    size_t len = sizeof(runtime->line_coding);
    if (setup->request == SET_LINE_CODING && setup->length == len) {
        memcpy(runtime->line_coding, out, len);
        reply->length = len;
    } else if (setup->request == GET_LINE_CODING) {
        reply->length = setup->length < len ? setup->length : len;
        memcpy(in, runtime->line_coding, reply->length);
    } else if (setup->request == SET_CONTROL_LINE_STATE) {
        set_line_state(runtime, setup->value & LINE_DTR, reply);
    } else {
        reply->outcome = USB_STALL;
    }
}

/* ---- DFU in runtime mode -------------------------------------------------------------------- */

/* appDETACH ends by itself when the host did not reset in time (DFU 1.1, A.1). */
static bool is_detaching(const struct runtime *runtime)
{
    return runtime->detaching && clock_now_us(runtime->clock) < runtime->detach_until_us;
}

static void detach(struct runtime *runtime, const struct usb_setup *setup, struct usb_reply *reply)
{
    runtime->detaching = true;
    runtime->detach_until_us = clock_now_us(runtime->clock) + setup->value * UINT64_C(1000);
    if (runtime->options.will_detach)
        reply->event = USB_DETACHES;
}

static void dfu_request(struct runtime *runtime, const struct usb_setup *setup, uint8_t *in,
                        struct usb_reply *reply)
{
    uint8_t state = is_detaching(runtime) ? DFU_STATE_APP_DETACH : DFU_STATE_APP_IDLE;
    const uint8_t status[] = {DFU_STATUS_OK, 0, 0, 0, state, 0};
    if (setup->request == DFU_DETACH && setup->length == 0) {
        detach(runtime, setup, reply);
    } else if (setup->request == DFU_GETSTATUS || setup->request == DFU_GETSTATE) {
        bool whole = setup->request == DFU_GETSTATUS;
        size_t len = whole ? sizeof(status) : 1;
        reply->length = setup->length < len ? setup->length : len;
        memcpy(in, whole ? status : &state, reply->length);
    } else {
        reply->outcome = USB_STALL;
    }
}

void runtime_bus_reset(struct runtime *runtime)
{
    bool detaching = is_detaching(runtime);
    runtime->detaching = false;
    runtime->identity.configuration = 0;
    if (detaching)
        runtime->on_event(runtime->data, USB_DETACHES);
}

const char *runtime_state(const struct runtime *runtime)
{
    return dfu_state_name(is_detaching(runtime) ? DFU_STATE_APP_DETACH : DFU_STATE_APP_IDLE);
}

/* ---- endpoint 0 ----------------------------------------------------------------------------- */

void runtime_control(struct runtime *runtime, const struct usb_setup *setup, const uint8_t *out,
                     uint8_t *in, struct usb_reply *reply)
{
    *reply = (struct usb_reply){.outcome = USB_DONE};
    bool to_interface = (setup->request_type & USB_RECIPIENT_MASK) == USB_RECIPIENT_INTERFACE;
    enum runtime_kind kind = runtime->options.kind;
    bool cdc = kind == RUNTIME_CDC || kind == RUNTIME_BOTH;
    bool dfu = kind == RUNTIME_DFU || kind == RUNTIME_BOTH;
    unsigned interface = setup->index & 0xFF;
    if ((setup->request_type & USB_TYPE_MASK) == USB_TYPE_STANDARD)
        usb_identity_control(&runtime->identity, setup, in, reply);
    else if (to_interface && cdc && interface == 0)
        cdc_request(runtime, setup, out, in, reply);
    else if (to_interface && dfu && interface == runtime_dfu_interface(&runtime->options))
        dfu_request(runtime, setup, in, reply);
    else
        reply->outcome = USB_STALL;
}
