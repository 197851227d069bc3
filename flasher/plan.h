/*
 * A plan: what has to be done to each sector of a board that an image touches, block by block.
 *
 * A sector can only be erased whole. What it holds beside the image's bytes is somebody's data (the
 * file system of a PYBV11 lies between two parts of its firmware): unless it is to be discarded it
 * is read before and written back with the image ("kept").
 *
 *     struct plan plan = PLAN_INIT;
 *     plan_make(&plan, &image, memories, count, &rules, &err)   which sectors, all of them usable?
 *     ... compare.h: what is in the board, and what has to change
 *     plan_next(), plan_next_span()                             the blocks to write, to read back
 *     plan_release(&plan);
 *
 * A block is what one transfer carries, counted from its sector's begin; the last one of a sector
 * may be shorter. Pure: it is told what is in the memory. The image is borrowed until release.
 */
#ifndef FIRN_FLASHER_PLAN_H
#define FIRN_FLASHER_PLAN_H

#include "flasher/layout.h"
#include "image/image.h"

/* All touched sectors; more than any board with a DfuSe layout has. */
#define PLAN_MAX_BYTES (128u * 1024 * 1024)
#define PLAN_MAX_SECTORS 65536

/* A memory of the board: an alternate setting and its layout, borrowed. */
struct plan_memory {
    uint8_t alt;
    const struct layout *layout;
};

struct plan_rules {
    uint16_t block_size; /* transfer size, bytes */
    uint8_t blank;       /* what erased memory reads: 0xFF, 0x00 on some parts */
    bool erase_all;      /* every touched sector is erased, whatever is in it */
    bool mass;           /* by one command for the whole flash; nothing is kept */
    bool discard;        /* other data in sectors that are erased is not kept */
};

enum plan_flag {
    PLAN_IMAGE = 1 << 0,  /* the block has bytes of the image */
    PLAN_OTHER = 1 << 1,  /* it has bytes that are not the image's */
    PLAN_READ = 1 << 2,   /* its old content is known */
    PLAN_BLANK = 1 << 3,  /* ... and is erased memory */
    PLAN_SAME = 1 << 4,   /* ... and is what it shall be */
    PLAN_KEPT = 1 << 5,   /* ... and has other data, which is not blank */
    PLAN_WRITE = 1 << 6,  /* it is written */
    PLAN_VERIFY = 1 << 7, /* it is read back at the end */
};

/* What is erased together: a sector, or several small ones that fill a block. */
struct plan_sector {
    uint8_t alt;
    uint32_t address;
    uint32_t size;
    uint32_t erase_size;  /* of each sector in it */
    uint32_t window;      /* which of its memory's group, in units of erase_size or a block */
    uint32_t image_bytes; /* how many bytes of it are the image's */
    bool erase;           /* it has to be erased */
    bool restore;         /* other data of it is put back from a rescue file */
    uint8_t *content;     /* size bytes: what it holds in the end, as far as is known */
    bool *is_image;       /* for each of them: is it the image's? */
    uint8_t *blocks;      /* enum plan_flag of each block */
    size_t block_count;
};

struct plan {
    const struct image *image;
    struct plan_rules rules;
    struct plan_sector *sectors; /* sorted by alt and address */
    size_t sector_count;
    size_t sector_bytes;                 /* of all sectors */
    size_t memory_bytes, memory_sectors; /* all of alternate setting 0 */
    /* The block of the first sector with the image's first byte, where the vector table is: it is
     * written after everything else, so that an interrupted board does not start half a program. */
    size_t vector_block;
};
#define PLAN_INIT                                                                                  \
    {                                                                                              \
        .sectors = NULL                                                                            \
    }

/* Which sectors does the image touch? Fails (ERR_DEVICE) where it has data for an alternate setting
 * that is not in memories, outside of the layout, or in a sector that cannot be read, erased and
 * written: the error names the address and the sector. A mass erase is for alternate setting 0
 * alone. The image has one segment at least. */
bool plan_make(struct plan *plan, const struct image *image, const struct plan_memory *memories,
               size_t count, const struct plan_rules *rules, struct err **err) MUST_CHECK;
void plan_release(struct plan *plan);

/* Where a block begins in its sector, and its bytes. */
uint32_t plan_block_offset(const struct plan *plan, size_t block);
uint16_t plan_block_size(const struct plan *plan, const struct plan_sector *sector, size_t block);
/* Has the sector other data that is written back? */
bool plan_keeps(const struct plan_sector *sector);

/* Contiguous memory and what it holds in the end. */
struct plan_span {
    uint8_t alt;
    uint32_t address;
    size_t size;
    bool keep;           /* has other data of the board in it */
    const uint8_t *data; /* borrowed; of a span that crosses sectors only the first one's */
};
/* Where an iteration is; all zero: at the beginning. */
struct plan_at {
    size_t sector, block;
};
/* The next block with this flag in a sector (from *block on, which goes on), or in all of them, or
 * contiguous blocks as one span; in order of address, without the vector table's block. False: no
 * more. */
bool plan_next_in(const struct plan *plan, size_t sector, enum plan_flag flag, size_t *block,
                  struct plan_span *span);
bool plan_next(const struct plan *plan, enum plan_flag flag, struct plan_at *at,
               struct plan_span *block);
bool plan_next_span(const struct plan *plan, enum plan_flag flag, struct plan_at *at,
                    struct plan_span *span);
/* The vector table's block. False: it is not written. */
bool plan_vector(const struct plan *plan, struct plan_span *block);
/* The same. False: it is not read back; one that is to be blank is, without being written. */
bool plan_verifies_vector(const struct plan *plan, struct plan_span *block);

/* Sums: bytes of the blocks with a flag, the vector table's included; of the sectors that are
 * erased, and how many they are (a mass erase: the whole memory); of other data that is written
 * back, in one sector and in all; of the image that are in the board already. */
size_t plan_bytes(const struct plan *plan, enum plan_flag flag);
size_t plan_erase_bytes(const struct plan *plan);
size_t plan_erase_count(const struct plan *plan);
size_t plan_sector_kept_bytes(const struct plan *plan, const struct plan_sector *sector);
size_t plan_kept_bytes(const struct plan *plan);
size_t plan_unchanged_bytes(const struct plan *plan);
/* Is there nothing to do? */
bool plan_is_empty(const struct plan *plan);

#endif
