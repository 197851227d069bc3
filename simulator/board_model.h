/*
 * Models of boards: everything that tells one bootloader from another, as data.
 *
 * A new family is a row in board_model.c (descriptors, dialect, memory areas, timings, what it does
 * wrong), not code. Each area of a model is one DFU alternate setting, whose string describes it to
 * the host (UM0424, 4.3.2). The first area is the flash; its bytes can live in a file.
 * docs/simulator.md says where the numbers come from.
 */
#ifndef FIRN_SIMULATOR_BOARD_MODEL_H
#define FIRN_SIMULATOR_BOARD_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define BOARD_AREAS 4      /* alternate settings of a model, at most */
#define BOARD_RUNS 6       /* runs of equal sectors in an area, at most */
#define BOARD_SECTORS 1024 /* sectors of a flash, at most */

/* `count` sectors of `size` bytes. */
struct sector_run {
    unsigned count;
    uint32_t size;
};

enum area_kind {
    AREA_FLASH,   /* NOR: erase, then program */
    AREA_OPTIONS, /* option bytes: writing replaces them and restarts the device */
    AREA_OTP,     /* programmed once, never erased */
    AREA_EEPROM,  /* writing replaces what is there */
    AREA_FEATURE, /* what the ROM says of itself; writing does nothing */
};

struct memory_area {
    enum area_kind kind;
    const char *name; /* as in the alternate setting's string, padding included */
    char access;      /* 'a'..'g': bit 0 readable, bit 1 erasable, bit 2 writeable; 0: no layout */
    uint32_t address;
    struct sector_run runs[BOARD_RUNS]; /* ends with count 0 or the array */
    const char *announced;              /* the whole string, where it is not made from the above */
};

/* Which protocol the bootloader speaks. */
enum board_dialect {
    BOARD_DFUSE, /* ST's ROM: AN3156 */
    BOARD_MBOOT, /* MicroPython's bootloader: DfuSe in its own way */
    BOARD_PLAIN, /* DFU 1.0 and 1.1: blocks of one image, no addresses */
};

/* bmAttributes of the DFU functional descriptor (DFU 1.1, 4.1.3). */
enum dfu_attribute {
    DFU_CAN_DOWNLOAD = 1,
    DFU_CAN_UPLOAD = 2,
    DFU_TOLERANT = 4,    /* answers after manifestation */
    DFU_WILL_DETACH = 8, /* leaves the bus by itself */
};

/* What some bootloaders do and others do not; setting.h changes them by name. */
enum board_quirk {
    BOARD_STALLS_EARLY_POLLS = 1 << 0, /* a GETSTATUS before the announced time stalls */
    BOARD_STALLS_CLRSTATUS = 1 << 1, /* outside dfuERROR, as DFU 1.1 has it (others: errUNKNOWN) */
    BOARD_STARTS_IN_ERROR = 1 << 2,  /* dfuERROR, errFIRMWARE at power-on */
    BOARD_LEAVES_AT_ONCE = 1 << 3,   /* at the empty DNLOAD, without a GETSTATUS */
    BOARD_WEDGES = 1 << 4,           /* an erase beyond 1 MiB ends in dfuDNBUSY for ever */
    BOARD_MEASURES_BLOCKS = 1 << 5,  /* address = pointer + (block - 2) * this transfer's length */
    BOARD_CUTS_STRINGS = 1 << 6,     /* string descriptors of more than 128 bytes come short */
    BOARD_UTF8_SERIAL = 1 << 7,      /* the serial number is UTF-8 where UTF-16 belongs */
    BOARD_PACKED = 1 << 8,           /* mboot that takes signed images only */
};

/* QUICK is X32 at five times its speed: a demonstration whose phases can be watched. */
enum board_timing_kind { BOARD_TIMING_ZERO, BOARD_TIMING_X8, BOARD_TIMING_X32, BOARD_TIMING_QUICK };

/* How long the flash takes at one width of programming, typical values of the data sheet. */
struct board_timing {
    uint32_t erase_ms[BOARD_RUNS]; /* a sector of each run of the flash area */
    uint32_t mass_erase_ms;        /* 0: the sum of the sectors */
    uint32_t program_ns_per_byte;
    uint32_t read_ns_per_byte;   /* an upload, its USB transfer included */
    uint32_t announced_erase_ms; /* the bwPollTimeout of any erase: less than it takes */
    uint32_t announced_write_ms; /* of a data block; 0: what it takes */
};

/* Where protection is in the option bytes. */
struct option_map {
    uint8_t rdp;  /* offset of the byte of read protection ... */
    uint8_t open; /* ... and what it holds when there is none; 0: the model knows no protection */
    uint8_t wrp;  /* offset of nWRP, a bit each for the first sectors; 0: none */
    uint8_t wrp_sectors;
};

struct board_model {
    const char *name;    /* "stm32f405" */
    const char *family;  /* "STM32F4" */
    const char *machine; /* QEMU's with this part; NULL: there is none */
    const char *manufacturer, *product;
    const char *serial; /* the same on each board; NULL: each has its own */
    uint16_t vendor_id, product_id, bcd_device, bcd_usb;
    enum board_dialect dialect;
    uint16_t bcd_dfu; /* 0x0100: a functional descriptor of 7 bytes, which does not tell */
    uint8_t attributes;
    uint16_t detach_timeout_ms;
    uint16_t transfer_size; /* wTransferSize, bytes */
    uint8_t erased;         /* an erased byte */
    uint8_t unit;           /* bytes programmed at once; a rest that does not fill one is lost */
    unsigned quirks;        /* enum board_quirk */
    uint32_t own_bytes;     /* mboot: the bootloader's, at the start of the flash */
    struct option_map options;
    struct memory_area areas[BOARD_AREAS];
    struct board_timing x8, x32;
};

/* NULL-terminated. */
extern const char *const board_model_names[];
/* NULL if there is none of that name. */
const struct board_model *board_model_find(const char *name);
/* "zero", "x8", "x32", "quick". */
bool board_timing_parse(const char *name, enum board_timing_kind *kind);
/* The timing of a model; all zero for BOARD_TIMING_ZERO. */
struct board_timing board_model_timing(const struct board_model *model,
                                       enum board_timing_kind kind);

/* What the area's alternate setting says: "@Internal Flash  /0x08000000/04*016Kg,01*064Kg" */
void area_add_layout(const struct memory_area *area, struct buf *out);
uint32_t area_size(const struct memory_area *area);
unsigned board_model_area_count(const struct board_model *model);
/* NULL: there is none of this kind. */
const struct memory_area *board_model_area(const struct board_model *model, enum area_kind kind);

#endif
