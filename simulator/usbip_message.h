/*
 * The messages of USB/IP's second phase, in which a device is used: headers to and from bytes.
 *
 * Pure. Every message begins with 48 bytes in network byte order; what is sent to a device, or
 * comes from one, follows (Linux, Documentation/usb/usbip_protocol). The first phase, in which
 * devices are listed and imported over TCP, is not needed here: simulator/vhci.h hands its socket
 * to the kernel.
 */
#ifndef FIRN_SIMULATOR_USBIP_MESSAGE_H
#define FIRN_SIMULATOR_USBIP_MESSAGE_H

#include "base/buf.h"
#include "base/err.h"
#include "simulator/usb.h"

#define USBIP_HEADER_SIZE 48
#define USBIP_PAYLOAD_MAX 65535 /* bytes of data in one message: as many as wLength can say */

enum usbip_command {
    USBIP_CMD_SUBMIT = 1,
    USBIP_CMD_UNLINK = 2,
    USBIP_RET_SUBMIT = 3,
    USBIP_RET_UNLINK = 4,
};

/* What a host sends. */
struct usbip_request {
    enum usbip_command command; /* USBIP_CMD_SUBMIT or USBIP_CMD_UNLINK */
    uint32_t seqnum;
    uint32_t unlink_seqnum; /* USBIP_CMD_UNLINK: which submission; the rest is USBIP_CMD_SUBMIT's */
    unsigned endpoint;      /* 0..15 */
    bool in;                /* from the device to the host */
    uint32_t length;        /* of the host's buffer, at most USBIP_PAYLOAD_MAX */
    struct usb_setup setup; /* endpoint 0; setup.length is `length` */
};

/* Read a header. ERR_DEVICE: this is no USB/IP, or asks for what no simulated device has; the
 * connection is of no use any more, as nobody knows where the next message begins. */
bool usbip_parse(const uint8_t header[USBIP_HEADER_SIZE], struct usbip_request *request,
                 struct err **err) MUST_CHECK;
/* Bytes of data that follow the header of a request. */
size_t usbip_payload(const struct usbip_request *request);

/* Append the answer to a submission. status: 0 or -errno; actual: bytes that went over the bus,
 * which are `data` if they went to the host. */
void usbip_add_ret_submit(const struct usbip_request *request, int status, const uint8_t *data,
                          size_t actual, struct buf *out);
/* Append the answer to an unlink. status: -ECONNRESET, or 0 if there was nothing left to unlink. */
void usbip_add_ret_unlink(const struct usbip_request *request, int status, struct buf *out);

#endif
