#include "simulator/usbip_message.h"

#include <string.h>

#define DIRECTION_OUT 0
#define DIRECTION_IN 1
#define ENDPOINT_MAX 15
#define NO_PACKETS 0xFFFFFFFF /* how some hosts say that a transfer is not isochronous */
#define SETUP_OFFSET 40
#define HEADER_WORDS (SETUP_OFFSET / 4)

/* The header's 32-bit words before the setup packet. */
enum word {
    WORD_COMMAND,
    WORD_SEQNUM,
    WORD_DEVID,
    WORD_DIRECTION,
    WORD_ENDPOINT,
    WORD_FLAGS, /* from here on: of USBIP_CMD_SUBMIT */
    WORD_LENGTH,
    WORD_START_FRAME,
    WORD_PACKETS,
    WORD_INTERVAL,
    WORD_UNLINK_SEQNUM = WORD_FLAGS,
};

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint16_t le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static struct usb_setup read_setup(const uint8_t *p)
{
    return (struct usb_setup){p[0], p[1], le16(p + 2), le16(p + 4), le16(p + 6)};
}

/* On endpoint 0 the setup packet says the same as the header, or one of them lies. */
static bool check_setup(const struct usbip_request *request, struct err **err)
{
    const struct usb_setup *setup = &request->setup;
    bool in = setup->request_type & USB_DIR_IN;
    if (setup->length != request->length || (setup->length > 0 && in != request->in))
        return err_set(
            err, ERR_DEVICE, "USB/IP: a setup packet for %u bytes %s in a message for %u bytes %s",
            setup->length, in ? "in" : "out", request->length, request->in ? "in" : "out");
    return true;
}

static bool parse_submit(const uint8_t *header, const uint32_t *words,
                         struct usbip_request *request, struct err **err)
{
    if (words[WORD_DIRECTION] > DIRECTION_IN || words[WORD_ENDPOINT] > ENDPOINT_MAX)
        return err_set(err, ERR_DEVICE, "USB/IP: there is no endpoint %u in direction %u",
                       words[WORD_ENDPOINT], words[WORD_DIRECTION]);
    if (words[WORD_LENGTH] > USBIP_PAYLOAD_MAX)
        return err_set(err, ERR_DEVICE, "USB/IP: a transfer of %u bytes, more than %d",
                       words[WORD_LENGTH], USBIP_PAYLOAD_MAX);
    if (words[WORD_PACKETS] != 0 && words[WORD_PACKETS] != NO_PACKETS)
        return err_set(err, ERR_DEVICE, "USB/IP: an isochronous transfer");
    request->endpoint = words[WORD_ENDPOINT];
    request->in = words[WORD_DIRECTION] == DIRECTION_IN;
    request->length = words[WORD_LENGTH];
    request->setup = read_setup(header + SETUP_OFFSET);
    return request->endpoint != 0 || check_setup(request, err);
}

bool usbip_parse(const uint8_t header[USBIP_HEADER_SIZE], struct usbip_request *request,
                 struct err **err)
{
    uint32_t words[HEADER_WORDS];
    for (size_t i = 0; i < HEADER_WORDS; i++)
        words[i] = be32(header + 4 * i);
    *request = (struct usbip_request){.seqnum = words[WORD_SEQNUM]};
    switch (words[WORD_COMMAND]) {
    case USBIP_CMD_SUBMIT:
        request->command = USBIP_CMD_SUBMIT;
        return parse_submit(header, words, request, err);
    case USBIP_CMD_UNLINK:
        request->command = USBIP_CMD_UNLINK;
        request->unlink_seqnum = words[WORD_UNLINK_SEQNUM];
        return true;
    default:
        return err_set(err, ERR_DEVICE, "USB/IP: unknown command 0x%08x", words[WORD_COMMAND]);
    }
}

size_t usbip_payload(const struct usbip_request *request)
{
    return request->command == USBIP_CMD_SUBMIT && !request->in ? request->length : 0;
}

static void add_be32(struct buf *out, uint32_t value)
{
    const uint8_t bytes[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                             (uint8_t)value};
    buf_add(out, bytes, sizeof(bytes));
}

/* An answer names neither device nor direction nor endpoint: the sequence number is enough. */
static void add_answer(enum usbip_command command, uint32_t seqnum, int status, size_t actual,
                       struct buf *out)
{
    const uint32_t words[USBIP_HEADER_SIZE / 4] = {command,          seqnum,          0, 0, 0,
                                                   (uint32_t)status, (uint32_t)actual};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        add_be32(out, words[i]);
}

void usbip_add_ret_submit(const struct usbip_request *request, int status, const uint8_t *data,
                          size_t actual, struct buf *out)
{
    add_answer(USBIP_RET_SUBMIT, request->seqnum, status, actual, out);
    if (request->in && actual > 0)
        buf_add(out, data, actual);
}

void usbip_add_ret_unlink(const struct usbip_request *request, int status, struct buf *out)
{
    add_answer(USBIP_RET_UNLINK, request->seqnum, status, 0, out);
}
