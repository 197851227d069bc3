/*
 * What a program that uses libusb gets to see of a simulated board: results of listed calls,
 * printed. Run inside `firn sim`; the same program runs on the mock bus and on the kernel's
 * (tests/guest/run).
 */
#include <libusb.h>
#include <string.h>
#include <time.h>

#include "tests/guest/transcript.h"

#define VENDOR 0x0483
#define PRODUCT 0xDF11
#define TIMEOUT_MS 5000
#define EVENT_TIMEOUT_S 20

static libusb_context *context;
static libusb_device_handle *board;
static int arrivals, departures;

static void result(const char *what, int code)
{
    if (code >= 0)
        say(what, "%d", code);
    else
        say(what, "%s", libusb_error_name(code));
}

static void __attribute__((noreturn)) give_up(const char *what)
{
    say(what, "gave up");
    exit(1);
}

/* ---- control transfers ---------------------------------------------------------------------- */

struct request {
    const char *name;
    uint8_t type, request;
    uint16_t value, index, length;
};

static void control_to(libusb_device_handle *handle, const struct request *r, unsigned timeout_ms)
{
    uint8_t data[4096] = {0x21, 0x00, 0x40, 0x00, 0x08}; /* OUT: set the address 0x08004000 */
    int code = libusb_control_transfer(handle, r->type, r->request, r->value, r->index, data,
                                       r->length, timeout_ms);
    if (code > 0 && (r->type & LIBUSB_ENDPOINT_IN))
        say_bytes(r->name, data, (size_t)code);
    else
        result(r->name, code);
}

static void control(const struct request *request)
{
    control_to(board, request, TIMEOUT_MS);
}

#define GET_STATUS(name) (&(struct request){name, 0xA1, 3, 0, 0, 6})
#define GET_INTERFACE(name) (&(struct request){name, 0x81, 10, 0, 0, 1})

/* ---- coming and going ----------------------------------------------------------------------- */

static int on_hotplug(libusb_context *ctx, libusb_device *device, libusb_hotplug_event event,
                      void *data)
{
    (void)ctx, (void)device, (void)data;
    if (event == LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED)
        arrivals++;
    else
        departures++;
    return 0;
}

static void handle_events(void)
{
    struct timeval some = {0, 50000};
    libusb_handle_events_timeout_completed(context, &some, NULL);
}

static void await(const char *what, const int *counter, int value)
{
    time_t end = time(NULL) + EVENT_TIMEOUT_S;
    while (*counter < value) {
        if (time(NULL) > end)
            give_up(what);
        handle_events();
    }
    say(what, "%d arrived, %d left", arrivals, departures);
}

/* Linux announces a device a moment before it is configured. */
static void open_board(void)
{
    time_t end = time(NULL) + EVENT_TIMEOUT_S;
    int configuration = 0;
    while (configuration == 0) {
        if (time(NULL) > end)
            give_up("open the board");
        board = libusb_open_device_with_vid_pid(context, VENDOR, PRODUCT);
        if (board && libusb_get_configuration(board, &configuration) == 0 && configuration)
            break;
        libusb_close(board);
        handle_events();
    }
    say("open the board", "configuration %d", configuration);
}

static int count_boards(void)
{
    libusb_device **list;
    ssize_t count = libusb_get_device_list(context, &list);
    int boards = 0;
    for (ssize_t i = 0; i < count; i++) {
        struct libusb_device_descriptor descriptor;
        libusb_get_device_descriptor(list[i], &descriptor);
        boards += descriptor.idVendor == VENDOR;
    }
    libusb_free_device_list(list, 1);
    return boards;
}

/* ---- several transfers at once -------------------------------------------------------------- */

struct flight {
    struct libusb_transfer *transfer;
    int done, place; /* place: first, second ... to end */
    uint8_t buffer[LIBUSB_CONTROL_SETUP_SIZE + 64];
};

static int landed;

static void LIBUSB_CALL on_done(struct libusb_transfer *transfer)
{
    struct flight *flight = transfer->user_data;
    flight->done = 1;
    flight->place = ++landed;
}

static void take_off(const char *what, struct flight *flight, const struct request *r,
                     unsigned timeout_ms)
{
    *flight = (struct flight){.transfer = libusb_alloc_transfer(0)};
    libusb_fill_control_setup(flight->buffer, r->type, r->request, r->value, r->index, r->length);
    libusb_fill_control_transfer(flight->transfer, board, flight->buffer, on_done, flight,
                                 timeout_ms);
    result(what, libusb_submit_transfer(flight->transfer));
}

static const char *status_name(int status)
{
    static const char *const names[] = {"completed", "error",     "timed out", "cancelled",
                                        "stall",     "no device", "overflow"};
    return names[status];
}

static void land(const char *what, struct flight *flight)
{
    time_t end = time(NULL) + EVENT_TIMEOUT_S;
    while (!flight->done) {
        if (time(NULL) > end)
            give_up(what);
        handle_events();
    }
    say(what, "%s, %d bytes, number %d", status_name(flight->transfer->status),
        flight->transfer->actual_length, flight->place);
    libusb_free_transfer(flight->transfer);
}

/* ---- the sections --------------------------------------------------------------------------- */

static void strings(void)
{
    section("strings");
    for (uint8_t i = 0; i < 10; i++) {
        char name[32];
        unsigned char text[256] = "";
        snprintf(name, sizeof(name), "string %d", i);
        int code = libusb_get_string_descriptor_ascii(board, i, text, sizeof(text));
        if (code > 0)
            say(name, "%d '%s'", code, text);
        else
            result(name, code);
    }
}

static void descriptors(void)
{
    section("descriptors");
    struct libusb_device_descriptor d;
    libusb_device *device = libusb_get_device(board);
    result("device descriptor", libusb_get_device_descriptor(device, &d));
    say("device", "usb %04x class %d/%d/%d packet %d %04x:%04x %04x strings %d %d %d config %d",
        d.bcdUSB, d.bDeviceClass, d.bDeviceSubClass, d.bDeviceProtocol, d.bMaxPacketSize0,
        d.idVendor, d.idProduct, d.bcdDevice, d.iManufacturer, d.iProduct, d.iSerialNumber,
        d.bNumConfigurations);
    say("speed", "%d", libusb_get_device_speed(device));
    uint8_t ports[8] = {0};
    result("depth", libusb_get_port_numbers(device, ports, sizeof(ports)));
    say("bus and port", "%d %d", libusb_get_bus_number(device), ports[0]);
    say("parent", "%s", libusb_get_parent(device) ? "a hub" : "none");

    struct libusb_config_descriptor *config;
    result("active configuration", libusb_get_active_config_descriptor(device, &config));
    say("configuration", "value %d interfaces %d attributes %02x power %d total %d extra %d",
        config->bConfigurationValue, config->bNumInterfaces, config->bmAttributes, config->MaxPower,
        config->wTotalLength, config->extra_length);
    for (int i = 0; i < config->interface[0].num_altsetting; i++) {
        const struct libusb_interface_descriptor *alt = &config->interface[0].altsetting[i];
        say("alternate setting", "%d: %02x/%d/%d string %d endpoints %d extra %d",
            alt->bAlternateSetting, alt->bInterfaceClass, alt->bInterfaceSubClass,
            alt->bInterfaceProtocol, alt->iInterface, alt->bNumEndpoints, alt->extra_length);
    }
    libusb_free_config_descriptor(config);
    result("configuration 1", libusb_get_config_descriptor(device, 1, &config));
    result("configuration by value 2", libusb_get_config_descriptor_by_value(device, 2, &config));
}

static void standard_requests(void)
{
    static const struct request requests[] = {
        {"status of the device", 0x80, 0, 0, 0, 2},
        {"status of the interface", 0x81, 0, 0, 0, 2},
        {"status of interface 1", 0x81, 0, 0, 1, 2},
        {"status of endpoint 0", 0x82, 0, 0, 0, 2},
        {"status of endpoint 0x81", 0x82, 0, 0, 0x81, 2},
        {"status, too long", 0x80, 0, 0, 0, 64},
        {"configuration", 0x80, 8, 0, 0, 1},
        {"interface", 0x81, 10, 0, 0, 1},
        {"device descriptor", 0x80, 6, 0x0100, 0, 18},
        {"device descriptor, 8 bytes", 0x80, 6, 0x0100, 0, 8},
        {"device descriptor, no bytes", 0x80, 6, 0x0100, 0, 0},
        {"device descriptor 1", 0x80, 6, 0x0101, 0, 18},
        {"configuration descriptor", 0x80, 6, 0x0200, 0, 255},
        {"configuration descriptor 1", 0x80, 6, 0x0201, 0, 255},
        {"languages", 0x80, 6, 0x0300, 0, 255},
        {"product in English", 0x80, 6, 0x0302, 0x0409, 255},
        {"product in German", 0x80, 6, 0x0302, 0x0407, 255},
        {"device qualifier", 0x80, 6, 0x0600, 0, 10},
        {"BOS", 0x80, 6, 0x0F00, 0, 5},
        {"DFU descriptor", 0x81, 6, 0x2100, 0, 9},
        {"unknown request", 0x80, 0x33, 0, 0, 1},
        {"unknown request out", 0x00, 0x33, 0, 0, 0},
        {"synch frame", 0x82, 12, 0, 0, 2},
        {"set descriptor", 0x00, 7, 0x0100, 0, 5},
        {"set remote wakeup", 0x00, 3, 1, 0, 0},
        {"clear remote wakeup", 0x00, 1, 1, 0, 0},
        {"clear halt of endpoint 0", 0x02, 1, 0, 0, 0},
        {"test mode", 0x00, 3, 2, 0x0100, 0},
    };
    section("standard requests");
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
        control(&requests[i]);
}

static void claims(void)
{
    libusb_device_handle *other;
    section("claims");
    result("kernel driver", libusb_kernel_driver_active(board, 0));
    result("kernel driver of interface 1", libusb_kernel_driver_active(board, 1));
    result("detach", libusb_detach_kernel_driver(board, 0));
    result("attach", libusb_attach_kernel_driver(board, 0));
    result("detach interface 1", libusb_detach_kernel_driver(board, 1));
    result("release before claim", libusb_release_interface(board, 0));
    result("alternate setting before claim", libusb_set_interface_alt_setting(board, 0, 1));
    result("claim 1", libusb_claim_interface(board, 1));
    result("claim 31", libusb_claim_interface(board, 31));
    result("claim", libusb_claim_interface(board, 0));
    result("claim again", libusb_claim_interface(board, 0));
    result("kernel driver when claimed", libusb_kernel_driver_active(board, 0));
    result("attach when claimed", libusb_attach_kernel_driver(board, 0));
    for (int alt = 0; alt < 5; alt++) {
        result("alternate setting", libusb_set_interface_alt_setting(board, 0, alt));
        control(GET_INTERFACE("is"));
    }
    result("alternate setting 255", libusb_set_interface_alt_setting(board, 0, 255));
    result("set configuration when claimed", libusb_set_configuration(board, 1));

    result("open again", libusb_open(libusb_get_device(board), &other));
    result("claim from there", libusb_claim_interface(other, 0));
    result("kernel driver from there", libusb_kernel_driver_active(other, 0));
    result("detach from there", libusb_detach_kernel_driver(other, 0));
    control_to(other, GET_STATUS("DFU status from there"), TIMEOUT_MS);
    control_to(other, &(struct request){"device status from there", 0x80, 0, 0, 0, 2}, TIMEOUT_MS);
    result("release", libusb_release_interface(board, 0));
    result("claim from there, free", libusb_claim_interface(other, 0));
    control(GET_STATUS("DFU status from here"));
    result("claim from here", libusb_claim_interface(board, 0));
    libusb_close(other);
    control(GET_INTERFACE("alternate setting after close"));
    result("claim from here, free", libusb_claim_interface(board, 0));
    control(GET_INTERFACE("alternate setting after claim"));
    result("release", libusb_release_interface(board, 0));
    result("release again", libusb_release_interface(board, 0));
}

static void configurations(void)
{
    section("configurations");
    result("set configuration 1", libusb_set_configuration(board, 1));
    result("set configuration 2", libusb_set_configuration(board, 2));
    control(&(struct request){"configuration", 0x80, 8, 0, 0, 1});
    result("unconfigure", libusb_set_configuration(board, -1));
    int configuration = -1;
    result("get configuration", libusb_get_configuration(board, &configuration));
    say("it is", "%d", configuration);
    result("claim, unconfigured", libusb_claim_interface(board, 0));
    control(GET_STATUS("DFU status, unconfigured"));
    result("set configuration 1", libusb_set_configuration(board, 1));
    result("get configuration", libusb_get_configuration(board, &configuration));
    say("it is", "%d", configuration);
}

static void class_requests(void)
{
    static const struct request requests[] = {
        {"state", 0xA1, 5, 0, 0, 1},
        {"status", 0xA1, 3, 0, 0, 6},
        {"status, too long", 0xA1, 3, 0, 0, 64},
        {"status, too short", 0xA1, 3, 0, 0, 3},
        {"status, no bytes", 0xA1, 3, 0, 0, 0},
        {"commands", 0xA1, 2, 0, 0, 2048},
        {"state", 0xA1, 5, 0, 0, 1},
        {"upload of 4096 bytes", 0xA1, 2, 2, 0, 4096},
        {"upload of 100 bytes", 0xA1, 2, 3, 0, 100},
        {"abort", 0x21, 6, 0, 0, 0},
        {"set address", 0x21, 1, 0, 0, 5},
        {"state", 0xA1, 5, 0, 0, 1},
        {"status", 0xA1, 3, 0, 0, 6},
        {"status", 0xA1, 3, 0, 0, 6},
        {"upload out of turn", 0xA1, 2, 2, 0, 64},
        {"status", 0xA1, 3, 0, 0, 6},
        {"clear status", 0x21, 4, 0, 0, 0},
        {"unknown request", 0x21, 0x55, 0, 0, 0},
        {"clear status", 0x21, 4, 0, 0, 0},
        {"download of 4096 bytes", 0x21, 1, 2, 0, 4096},
        {"clear status", 0x21, 4, 0, 0, 0},
        {"download in the wrong direction", 0xA1, 1, 2, 0, 64},
        {"state", 0xA1, 5, 0, 0, 1},
        {"interface 1", 0xA1, 3, 0, 1, 6},
        {"interface 0, high byte", 0xA1, 3, 0, 0x0100, 6},
        {"to the device", 0xA0, 3, 0, 0, 6},
        {"to endpoint 0", 0xA2, 3, 0, 0, 6},
        {"to endpoint 0x81", 0xA2, 3, 0, 0x81, 6},
        {"to something else", 0xA3, 3, 0, 0, 6},
        {"vendor request to interface 1", 0xC1, 3, 0, 1, 6},
        {"vendor request to the device", 0xC0, 3, 0, 0, 6},
        {"vendor request to endpoint 0x81", 0xC2, 3, 0, 0x81, 6},
        {"reserved request to interface 1", 0xE1, 3, 0, 1, 6},
        {"reserved request to interface 0", 0xE1, 3, 0, 0, 6},
        {"printer's odd request", 0xA1, 0, 0, 0x0100, 6},
        {"state", 0xA1, 5, 0, 0, 1},
    };
    section("class and vendor requests");
    result("claim", libusb_claim_interface(board, 0));
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
        control(&requests[i]);
    result("clear halt 0x81", libusb_clear_halt(board, 0x81));
    result("clear halt 0x00", libusb_clear_halt(board, 0x00));
    result("clear halt 0x71", libusb_clear_halt(board, 0x71));
    uint8_t data[64];
    int moved = 0;
    result("bulk in", libusb_bulk_transfer(board, 0x81, data, sizeof(data), &moved, 500));
    result("bulk out", libusb_bulk_transfer(board, 0x01, data, sizeof(data), &moved, 500));
    result("interrupt in", libusb_interrupt_transfer(board, 0x82, data, 8, &moved, 500));
}

static void faults(void)
{
    section("faults");
    tell("fault 0 on=getstatus,do=stall");
    control(GET_STATUS("stall"));
    tell("fault 0 on=getstatus,do=protocol");
    control(GET_STATUS("garbled"));
    tell("fault 0 on=getstatus,do=hang");
    control_to(board, GET_STATUS("hang"), 300);
    control(GET_STATUS("after it"));
    tell("fault 0 on=getstatus,do=delay,ms=200");
    control(GET_STATUS("delay"));
    tell("fault 0 on=upload,do=short");
    control(&(struct request){"short upload", 0xA1, 2, 2, 0, 64});
    control(&(struct request){"abort", 0x21, 6, 0, 0, 0});
}

static void flights(void)
{
    struct flight a, b, c;
    section("several transfers at once");
    tell("fault 0 on=getstatus,do=delay,ms=200");
    take_off("slow", &a, GET_STATUS(""), TIMEOUT_MS);
    take_off("quick, behind it", &b, GET_INTERFACE(""), TIMEOUT_MS);
    take_off("refused, behind it", &c, &(struct request){"", 0x80, 0x33, 0, 0, 1}, TIMEOUT_MS);
    land("slow", &a);
    land("quick", &b);
    land("refused", &c);

    tell("fault 0 on=getstatus,do=hang");
    take_off("hanging", &a, GET_STATUS(""), 0);
    take_off("behind it", &b, GET_INTERFACE(""), TIMEOUT_MS);
    result("cancel the hanging one", libusb_cancel_transfer(a.transfer));
    land("hanging", &a);
    land("behind it", &b);

    tell("fault 0 on=getstatus,do=hang");
    take_off("hanging", &a, GET_STATUS(""), 0);
    take_off("behind it", &b, GET_INTERFACE(""), 300);
    land("behind it", &b);
    result("cancel", libusb_cancel_transfer(a.transfer));
    result("cancel again", libusb_cancel_transfer(a.transfer));
    land("hanging", &a);
    control(GET_STATUS("after all that"));
}

static void resets(void)
{
    section("bus reset");
    result("alternate setting 2", libusb_set_interface_alt_setting(board, 0, 2));
    control(&(struct request){"set address", 0x21, 1, 0, 0, 5});
    result("reset", libusb_reset_device(board));
    control(GET_INTERFACE("alternate setting"));
    control(&(struct request){"configuration", 0x80, 8, 0, 0, 1});
    control(&(struct request){"DFU state", 0xA1, 5, 0, 0, 1});
    result("claim", libusb_claim_interface(board, 0));
    result("alternate setting 0", libusb_set_interface_alt_setting(board, 0, 0));
    control(GET_INTERFACE("alternate setting"));
    result("release", libusb_release_interface(board, 0));
    result("reset, not claimed", libusb_reset_device(board));
    control(GET_STATUS("DFU status"));
}

static void unplugging(void)
{
    struct flight a, b;
    section("a pulled cable");
    result("claim", libusb_claim_interface(board, 0));
    tell("fault 0 on=getstatus,do=hang");
    take_off("hanging", &a, GET_STATUS(""), 0);
    take_off("behind it", &b, GET_INTERFACE(""), 0);
    tell("unplug 0");
    land("hanging", &a);
    land("behind it", &b);
    await("the board leaves", &departures, 1);
    say("boards", "%d", count_boards());
    control(GET_STATUS("transfer"));
    result("release", libusb_release_interface(board, 0));
    result("claim", libusb_claim_interface(board, 0));
    result("reset", libusb_reset_device(board));
    result("clear halt", libusb_clear_halt(board, 0x81));
    result("set configuration", libusb_set_configuration(board, 1));
    int configuration = -1;
    result("get configuration", libusb_get_configuration(board, &configuration));
    result("kernel driver", libusb_kernel_driver_active(board, 0));
    libusb_close(board);

    tell("replug 0");
    await("the board comes back", &arrivals, 1);
    open_board();
    say("boards", "%d", count_boards());
    control(GET_STATUS("DFU status"));

    section("a cable that is pulled in the middle of a transfer");
    tell("fault 0 on=getstatus,do=unplug,replug=300");
    control(GET_STATUS("transfer"));
    control(GET_STATUS("another"));
    libusb_close(board);
    await("the board has been away", &arrivals, 2);
    say("departures", "%d", departures);
    open_board();
    control(GET_STATUS("DFU status"));
    tell("replug 0");
    await("the board has been away", &arrivals, 3);
    control(GET_STATUS("the old handle"));
    libusb_close(board);
    open_board();
    control(GET_STATUS("the new handle"));
}

static void leaving(void)
{
    section("leaving the bootloader");
    result("claim", libusb_claim_interface(board, 0));
    control(&(struct request){"leave", 0x21, 1, 0, 0, 0});
    control(GET_STATUS("status"));
    await("the board leaves", &departures, 4);
    control(GET_STATUS("status"));
    result("release", libusb_release_interface(board, 0));
    libusb_close(board);
    say("boards", "%d", count_boards());
}

int main(void)
{
    libusb_init(&context);
    open_board();
    libusb_hotplug_register_callback(
        context, LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED | LIBUSB_HOTPLUG_EVENT_DEVICE_LEFT, 0, VENDOR,
        PRODUCT, LIBUSB_HOTPLUG_MATCH_ANY, on_hotplug, NULL, NULL);
    descriptors();
    strings();
    standard_requests();
    claims();
    configurations();
    class_requests();
    faults();
    flights();
    resets();
    unplugging();
    leaving();
    libusb_exit(context);
    return 0;
}
