/*
 * A memory layout: what the name of a DfuSe alternate setting says about its memory
 * (UM0424, 4.3.2).
 *
 *     @Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg
 *
 * is a name and one zone or more, each an address and groups of equal sectors. It is text from a
 * device and is read with patience: leading zeros, spaces before the access letter, a string that
 * the device cut short and garbage at its end are all seen on real parts. The groups that were
 * complete before it count, and `incomplete` says that there may be more.
 *
 *     struct layout layout = LAYOUT_INIT;
 *     if (!layout_parse(text, strlen(text), &layout, &err)) ...
 *     layout_release(&layout);
 */
#ifndef FIRN_FLASHER_LAYOUT_H
#define FIRN_FLASHER_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* More than any part has; a string descriptor holds 126 characters. */
#define LAYOUT_MAX_GROUPS 32

/* The three low bits of the access letter, 'a' (1) to 'g' (7). */
enum layout_access {
    LAYOUT_READABLE = 1,
    LAYOUT_ERASABLE = 2,
    LAYOUT_WRITEABLE = 4,
};

/* Equal sectors, one after the other. */
struct layout_group {
    uint32_t address;     /* of the first sector */
    uint32_t count;       /* sectors, at least 1 */
    uint32_t sector_size; /* bytes, at least 1; the group ends at 2^32 or before */
    uint8_t access;       /* enum layout_access */
};

struct layout {
    char *name;                                    /* trimmed, printable; never NULL once parsed */
    struct layout_group groups[LAYOUT_MAX_GROUPS]; /* sorted by address, without overlaps */
    size_t group_count;                            /* at least 1 */
    bool incomplete;                               /* cut short or garbled after these groups */
};
#define LAYOUT_INIT                                                                                \
    {                                                                                              \
        .name = NULL                                                                               \
    }

struct layout_sector {
    uint32_t address;
    uint32_t size;
    uint8_t access;
    uint32_t group_address; /* of the first sector of its group */
};

/* Read a layout of at most `len` bytes. Fails (ERR_DEVICE, with the text) when it does not begin
 * with '@', has no complete group, overlaps itself, runs past 2^32 or has more than
 * LAYOUT_MAX_GROUPS. */
bool layout_parse(const char *text, size_t len, struct layout *layout, struct err **err) MUST_CHECK;
void layout_release(struct layout *layout);

/* The sector that holds an address; false if none does. */
bool layout_sector_at(const struct layout *layout, uint32_t address, struct layout_sector *sector);
/* Bytes in all sectors together. */
uint64_t layout_size(const struct layout *layout);
size_t layout_sector_count(const struct layout *layout);

/* "readable, erasable", "nothing". */
void layout_add_access(uint8_t access, struct buf *out);
/* One line a group: "0x08000000  4 x 16384  readable, erasable, writeable". */
void layout_format(const struct layout *layout, struct buf *out);
/* For people: "4 x 16 KiB, 1 x 64 KiB, 7 x 128 KiB". */
void layout_add_groups(const struct layout *layout, struct buf *out);

#endif
