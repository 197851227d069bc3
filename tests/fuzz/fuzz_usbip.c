/* A USB/IP connection: the input is what the host sends, until it closes its end. */
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

#include "simulator/usbip.h"
#include "simulator/usbip_message.h"

#define REQUESTS_MAX 200
#define INPUT_MAX 16384 /* fits a socket's buffer, and so do the answers */
#define ECHO 0x01       /* the endpoint, both ways, that says what it hears */
#define ECHO_IN 0x81
#define SILENT_IN 0x82 /* the one that never says anything */

static const uint8_t descriptors[] = {
    18, 1, 0,    2, 0,  0,    0, 64,   0,  0,       0, 0,  0, 0, 0, 0, 0,         1, /* device */
    9,  2, 39,   0, 1,  1,    0, 0x80, 50, /* the configuration's */
    9,  4, 0,    0, 3,  0xFF, 0, 0,    0,  /* the interface's */
    7,  5, ECHO, 2, 64, 0,    0, 7,    5,  ECHO_IN, 2, 64, 0, 0, 7, 5, SILENT_IN, 3, 8, 0, 32,
};

static struct buf heard;
static size_t said;
static void (*listener)(void *arg);
static void *listener_arg;

/* The setup packet says how the device answers it. */
static void answer(void *data, const struct usb_setup *setup, const uint8_t *out, uint8_t *in,
                   struct usb_reply *reply)
{
    (void)data;
    CHECK(setup->length <= USB_CONTROL_MAX);
    reply->outcome = (enum usb_outcome)(setup->index % 4);
    reply->length = setup->value % (setup->length + 1u);
    if (setup->request_type & USB_DIR_IN)
        memset(in, 0x5a, reply->length);
    else if (setup->length)
        CHECK(out[setup->length - 1] + out[0] >= 0);
}

static void bulk_out(void *data, uint8_t endpoint, const uint8_t *bytes, size_t len)
{
    (void)data;
    CHECK(endpoint == ECHO && listener);
    buf_add(&heard, bytes, len);
    listener(listener_arg);
}

static size_t bulk_in(void *data, uint8_t endpoint, uint8_t *bytes, size_t room)
{
    (void)data;
    CHECK(endpoint == ECHO_IN || endpoint == SILENT_IN);
    size_t len = endpoint == ECHO_IN ? heard.len - said : 0;
    len = len < room ? len : room;
    if (len)
        memcpy(bytes, heard.data + said, len);
    said += len;
    return len;
}

static void on_listen(void *data, void (*fn)(void *arg), void *arg)
{
    (void)data;
    listener = fn;
    listener_arg = arg;
}

static void bus_reset(void *data)
{
    (void)data;
}

static void on_event(void *data, enum usb_event event, uint32_t event_ms)
{
    (void)data;
    (void)event;
    (void)event_ms;
}

static void on_configured(void *data)
{
    (void)data;
}

static void on_closed(void *data, const struct err *reason)
{
    if (reason)
        CHECK(fuzz_is_printable(reason->message, strlen(reason->message), ""));
    loop_stop(data);
}

/* What the host sent, as far as it can be understood. */
static size_t read_requests(const uint8_t *data, size_t size, struct usbip_request *requests)
{
    size_t count = 0;
    while (size >= USBIP_HEADER_SIZE && count < REQUESTS_MAX) {
        struct err *err = NULL;
        if (!fuzz_check_result(usbip_parse(data, &requests[count], &err), &err))
            break;
        size_t len = USBIP_HEADER_SIZE + usbip_payload(&requests[count]);
        CHECK(requests[count].endpoint <= 15 && requests[count].length <= USBIP_PAYLOAD_MAX);
        if (len > size)
            break;
        data += len;
        size -= len;
        count++;
    }
    return count;
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The request that an answer belongs to. NULL: several have its number. */
static const struct usbip_request *find_request(const struct usbip_request *requests, size_t count,
                                                uint32_t seqnum)
{
    const struct usbip_request *found = NULL;
    for (size_t i = 0; i < count; i++) {
        if (requests[i].seqnum != seqnum)
            continue;
        if (found)
            return NULL;
        found = &requests[i];
    }
    CHECK(found);
    return found;
}

/* No request has two answers, and one that was unlinked in time has none but that. */
static void note_answer(bool *answered)
{
    CHECK(!*answered);
    *answered = true;
}

static void note_unlinked(const struct usbip_request *requests, size_t count, uint32_t seqnum,
                          bool *answered)
{
    const struct usbip_request *victim = find_request(requests, count, seqnum);
    if (victim)
        note_answer(&answered[victim - requests]);
}

/* The bytes from the endpoint are those that it heard, in order and without a gap. */
static void check_bytes(const struct usbip_request *request, const uint8_t *data, size_t actual,
                        size_t *echoed)
{
    if (!request->in || request->endpoint == 0 || actual == 0)
        return;
    CHECK(request->endpoint == ECHO && *echoed + actual <= heard.len);
    CHECK(memcmp(heard.data + *echoed, data, actual) == 0);
    *echoed += actual;
}

/* Is everything that came back an answer to a request, of a length that the host waits for? */
static void check_answers(const uint8_t *data, size_t size, const struct usbip_request *requests,
                          size_t count)
{
    bool answered[REQUESTS_MAX] = {false};
    size_t echoed = 0;
    while (size && count < REQUESTS_MAX) {
        CHECK(size >= USBIP_HEADER_SIZE);
        const struct usbip_request *request = find_request(requests, count, be32(data + 4));
        if (!request)
            return;
        note_answer(&answered[request - requests]);
        bool is_submit = request->command == USBIP_CMD_SUBMIT;
        CHECK(be32(data) == (is_submit ? USBIP_RET_SUBMIT : USBIP_RET_UNLINK));
        size_t actual = be32(data + 24);
        CHECK(actual <= (is_submit ? request->length : 0));
        size_t len = USBIP_HEADER_SIZE + (is_submit && request->in ? actual : 0);
        CHECK(len <= size);
        if (is_submit)
            check_bytes(request, data + USBIP_HEADER_SIZE, actual, &echoed);
        else if (be32(data + 20) != 0)
            note_unlinked(requests, count, request->unlink_seqnum, answered);
        data += len;
        size -= len;
    }
}

/* Everything that the device side sends before the connection ends. */
static size_t converse(const uint8_t *data, size_t size, uint8_t *answers, size_t room)
{
    static const struct usbip_ops ops = {on_configured, on_closed};
    static const struct usb_device device = {.control = answer,
                                             .bus_reset = bus_reset,
                                             .event = on_event,
                                             .bulk_out = bulk_out,
                                             .bulk_in = bulk_in,
                                             .listen = on_listen,
                                             .descriptors = descriptors,
                                             .descriptors_len = sizeof(descriptors)};
    struct loop *loop = loop_new();
    struct err *err = NULL;
    int ends[2];
    size_t len = 0;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    CHECK(send(ends[0], data, size, MSG_DONTWAIT) == (ssize_t)size && !shutdown(ends[0], SHUT_WR));
    struct usbip *usbip = usbip_new(loop, ends[1], &device, &ops, loop);
    CHECK(loop_run(loop, &err));
    usbip_free(usbip);
    CHECK(!listener);
    for (ssize_t n; (n = recv(ends[0], answers + len, room - len, MSG_DONTWAIT)) > 0;)
        len += (size_t)n;
    close(ends[0]);
    loop_free(loop);
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t answers[4 * 1024 * 1024];
    static struct usbip_request requests[REQUESTS_MAX];
    if (size > INPUT_MAX)
        return 0;
    buf_clear(&heard);
    said = 0;
    size_t count = read_requests(data, size, requests);
    size_t len = converse(data, size, answers, sizeof(answers));
    check_answers(answers, len, requests, count);
    return 0;
}
