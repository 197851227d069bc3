/*
 * Flashing one board: put an image into it, and prove that it is there. fleet.h finds the boards
 * and runs this for each of them, many at a time.
 *
 * Which protocol: a DfuSe board (ST's ROM, mboot) has memory with addresses, and is flashed by
 * difference (sequence.h); a plain DFU 1.1 board takes a file (download.h).
 */
#ifndef FIRN_FLASHER_FLASH_H
#define FIRN_FLASHER_FLASH_H

#include "base/event.h"
#include "base/hash.h"
#include "flasher/device.h"
#include "flasher/plan.h"

/* Which sectors are erased. */
enum flash_erase {
    FLASH_ERASE_NEEDED, /* those whose content has to change and cannot be changed without */
    FLASH_ERASE_ALL,    /* every sector that the image touches */
    FLASH_ERASE_MASS,   /* the whole memory, with whatever is in it: asked for, never implied */
};

/* What is done to a board. */
#define FLASH_RETURN_MS 5000
struct flash_options {
    enum flash_erase erase;
    bool discard;       /* do not keep other data in sectors that are erased */
    bool verify;        /* read back and compare */
    bool leave;         /* start the program at the end */
    bool with_dfu_util; /* dfu-util writes (dfu_util.h); DfuSe boards only */
    const char *alt;    /* number or name of the memory to write, instead of the image's; NULL */
    unsigned return_ms; /* then wait this long for the board on the same port; 0 = do not */
    bool dry_run;       /* end after the plan; nothing is changed */
    const char *rescue_dir; /* other data is put here while only our memory holds it; NULL = not */
    /* Writes all blocks of a plan in the sequence's place; NULL = the sequence does. */
    bool (*write)(void *data, const struct plan *plan, struct err **err);
    void *write_data;
};
#define FLASH_OPTIONS_INIT                                                                         \
    {                                                                                              \
        .verify = true, .leave = true, .return_ms = FLASH_RETURN_MS                                \
    }

/* What became of it, filled as far as it went. */
struct flash_result {
    char *path;             /* port path of the board; NULL = none was found */
    char *serial;           /* printable; NULL = none */
    size_t bytes_image;     /* what the board was to hold */
    size_t bytes_compared;  /* read to find out what has to change */
    size_t bytes_written;   /* what the transfers carried: image, filled blocks, kept data */
    size_t bytes_kept;      /* of these, data that is not the image's */
    size_t bytes_unchanged; /* of the image, that were there already */
    size_t sectors_erased;
    bool verified;
    bool left;     /* the bootloader */
    bool returned; /* the board is back on its port and runs */
    double seconds;
    double expected_seconds; /* of a dry run: what it would take, estimated */
    char *summary;           /* for people: "flashed and verified 97.7 KiB"; NULL = not done */
    char *rescue;            /* the file with other data that could not be put back; NULL = none */
    struct image moved;      /* the image with another alternate setting (retarget.h), if so */
    struct plan plan;        /* borrows the image; empty where the board has no sectors: */
    char *sends;             /* "send 49 blocks ...": the plan then; NULL = there are sectors */
    char *failure;           /* what went wrong, one line; NULL = nothing */
    struct err *err;         /* the same with the next step; the fleet may pass it on (NULL then) */
};
#define FLASH_RESULT_INIT                                                                          \
    {                                                                                              \
        .plan = PLAN_INIT                                                                          \
    }

struct fleet_board;

/* Flash an image into a board of a fleet (fleet.h). Errors are ERR_DEVICE or ERR_INTERRUPTED; they
 * name the address, what happened there and the next step. */
bool flash_board(struct fleet_board *board, const struct image *image,
                 const struct flash_options *options, struct err **err) MUST_CHECK;
void flash_result_release(struct flash_result *result);

#endif
