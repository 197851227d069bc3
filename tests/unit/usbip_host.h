/*
 * The host's side of USB/IP for tests: messages written by hand, apart from
 * simulator/usbip_message.
 */
#ifndef FIRN_TESTS_UNIT_USBIP_HOST_H
#define FIRN_TESTS_UNIT_USBIP_HOST_H

#include <stdint.h>
#include <string.h>

#define HOST_HEADER 48
#define HOST_IN 1
#define HOST_OUT 0

static inline void host_be32(uint8_t *p, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(value >> (24 - 8 * i));
}

static inline uint32_t host_read_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* USBIP_CMD_SUBMIT of a control transfer; setup: the eight bytes as they go over the wire. */
static inline void host_submit(uint8_t header[HOST_HEADER], uint32_t seqnum, uint32_t direction,
                               uint32_t length, const char setup[8])
{
    memset(header, 0, HOST_HEADER);
    host_be32(header, 1);
    host_be32(header + 4, seqnum);
    host_be32(header + 8, 0x00010002);
    host_be32(header + 12, direction);
    host_be32(header + 24, length);
    memcpy(header + 40, setup, 8);
}

/* USBIP_CMD_SUBMIT to another endpoint, by its number. */
static inline void host_submit_to(uint8_t header[HOST_HEADER], uint32_t seqnum, uint32_t direction,
                                  uint32_t endpoint, uint32_t length)
{
    static const char no_setup[8];
    host_submit(header, seqnum, direction, length, no_setup);
    host_be32(header + 16, endpoint);
}

static inline void host_unlink(uint8_t header[HOST_HEADER], uint32_t seqnum, uint32_t victim)
{
    memset(header, 0, HOST_HEADER);
    host_be32(header, 2);
    host_be32(header + 4, seqnum);
    host_be32(header + 8, 0x00010002);
    host_be32(header + 20, victim);
}

#endif
