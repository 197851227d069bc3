/*
 * A plan: which sectors of a board have to be erased for an image, and what is written where.
 *
 * A sector can only be erased whole. What it holds beside the image's bytes is somebody's data (the
 * file system of a PYBV11 lies between two parts of its firmware), so it is read first; unless it
 * is blank the whole sector is written again with that data in it ("kept").
 *
 *     struct plan plan = PLAN_INIT;
 *     plan_make(&plan, &image, memories, count, &err)   which sectors, all of them usable?
 *     plan_old_content(&plan, i, bytes)                 for each with plan_needs_old_content()
 *     plan_finish(&plan, transfer_size)                 the runs to write
 *     plan_release(&plan);
 *
 * Pure: it knows the image and the layouts, and is told what is in the memory. The image is
 * borrowed until plan_finish().
 */
#ifndef FIRN_FLASHER_PLAN_H
#define FIRN_FLASHER_PLAN_H

#include "flasher/layout.h"
#include "image/image.h"

/* All touched sectors; more than any board with a DfuSe layout has. */
#define PLAN_MAX_BYTES (256u * 1024 * 1024)
#define PLAN_MAX_SECTORS 65536

/* A memory of the board: an alternate setting and its layout, borrowed. */
struct plan_memory {
    uint8_t alt;
    const struct layout *layout;
};

/* A sector that the image touches. */
struct plan_sector {
    uint8_t alt;
    uint32_t address;
    uint32_t size;
    uint32_t first, end;  /* the image's bytes in it lie in these offsets, perhaps with gaps */
    uint32_t image_bytes; /* how many they are */
    bool keep;            /* it holds other data, which is written back */
    uint8_t *content;     /* size bytes: what it holds in the end; 0xFF where nobody cares */
};

/* Contiguous bytes to write. */
struct plan_run {
    uint8_t alt;
    uint32_t address;
    bool keep;     /* contains data that was in the board before */
    uint8_t *data; /* size bytes */
    size_t size;
};

struct plan {
    const struct image *image;
    struct plan_sector *sectors; /* sorted by alt and address */
    size_t sector_count;
    size_t sector_bytes;   /* of all sectors */
    struct plan_run *runs; /* sorted by alt and address; may be none */
    size_t run_count;
    /* The block with the image's first byte, where the vector table is. It is in none of the runs:
     * it is written after all of them, so that an interrupted board does not start half a program.
     */
    struct plan_run vector;
};
#define PLAN_INIT                                                                                  \
    {                                                                                              \
        NULL, NULL, 0, 0, NULL, 0,                                                                 \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

/* Which sectors does the image touch? Fails (ERR_DEVICE) where it has data for an alternate setting
 * that is not in memories, outside of the layout, or in a sector that cannot be read, erased and
 * written: the error names the address and the sector. The image has one segment at least. */
bool plan_make(struct plan *plan, const struct image *image, const struct plan_memory *memories,
               size_t count, struct err **err) MUST_CHECK;
/* Is there room in the sector for data that is not the image's? */
bool plan_needs_old_content(const struct plan_sector *sector);
/* Tell what sector `index` holds now (its size in bytes). Returns whether there is data to keep. */
bool plan_old_content(struct plan *plan, size_t index, const uint8_t *old);
/* Lay out the runs. A run begins and ends at a multiple of transfer_size from its sector's begin
 * (or at the sector's end), so that no part of a sector is programmed twice and blocks stay whole.
 */
void plan_finish(struct plan *plan, uint16_t transfer_size);
void plan_release(struct plan *plan);

/* Bytes of the sectors that are read beforehand. */
size_t plan_old_bytes(const struct plan *plan);
/* Bytes of the runs, the vector block included. */
size_t plan_write_bytes(const struct plan *plan);
/* Bytes that are kept: everything but the image in sectors with `keep`. */
size_t plan_kept_bytes(const struct plan *plan);

/* For people: one line for each sector, then one for each run in the order of writing. */
void plan_format(const struct plan *plan, struct buf *out);

#endif
