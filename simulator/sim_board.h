/*
 * A board as its bootloader sees it: a model out of a table, its memories, its speed.
 *
 * Models are data: a new family is a row in board.c (name, memory areas, timings), not code. Each
 * area of a model is one DFU alternate setting, whose string describes it to the host (UM0424,
 * 4.3.2). The first area is the flash; its bytes can live in a file.
 *
 *     struct sim_board board;
 *     sim_board_init(&board, board_model_find("stm32f405"), BOARD_TIMING_ZERO, 0);
 *     if (!sim_board_open(&board, "dir/board-0.flash", &err)) ...
 *     sim_board_release(&board);
 */
#ifndef FIRN_SIMULATOR_SIM_BOARD_H
#define FIRN_SIMULATOR_SIM_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "simulator/nor.h"

#define BOARD_AREAS 4 /* alternate settings of a model, at most */
#define BOARD_RUNS 4  /* runs of equal sectors in an area, at most */

/* `count` sectors of `size` bytes. */
struct sector_run {
    unsigned count;
    uint32_t size;
};

enum area_kind {
    AREA_FLASH,   /* NOR: erase, then program */
    AREA_OPTIONS, /* option bytes: writing replaces them and restarts the device */
    AREA_OTP,     /* programmed once, never erased */
    AREA_FEATURE, /* what the ROM says of itself; writing does nothing */
};

struct memory_area {
    enum area_kind kind;
    const char *name; /* as in the alternate setting's string, padding included */
    char access;      /* 'a'..'g': bit 0 readable, bit 1 erasable, bit 2 writeable */
    uint32_t address;
    struct sector_run runs[BOARD_RUNS]; /* ends with count 0 or the array */
};

/* QUICK is X32 at five times its speed: a demonstration whose phases can be watched. */
enum board_timing_kind { BOARD_TIMING_ZERO, BOARD_TIMING_X8, BOARD_TIMING_X32, BOARD_TIMING_QUICK };

/* How long the flash takes at one width of programming, typical values of the data sheet. */
struct board_timing {
    uint32_t erase_ms[BOARD_RUNS]; /* a sector of each run of the flash area */
    uint32_t program_ns_per_byte;
    uint32_t read_ns_per_byte;   /* an upload, its USB transfer included */
    uint32_t announced_erase_ms; /* the bwPollTimeout of any erase: less than it takes */
};

struct board_model {
    const char *name;   /* "stm32f405" */
    const char *family; /* "STM32F4" */
    const char *manufacturer, *product;
    uint16_t vendor_id, product_id, bcd_device;
    uint16_t transfer_size; /* wTransferSize, bytes */
    struct memory_area areas[BOARD_AREAS];
    struct board_timing x8, x32;
};

struct sim_board {
    const struct board_model *model;
    struct board_timing timing;
    char serial[16]; /* 12 upper-case hex digits, different for each index */
    struct nor memory[BOARD_AREAS];
};

/* NULL-terminated. */
extern const char *const board_model_names[];
/* NULL if there is none of that name. */
const struct board_model *board_model_find(const char *name);
/* "zero", "x8", "x32", "quick". */
bool board_timing_parse(const char *name, enum board_timing_kind *kind);

/* "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg" */
void area_add_layout(const struct memory_area *area, struct buf *out);
uint32_t area_size(const struct memory_area *area);
unsigned board_model_area_count(const struct board_model *model);

void sim_board_init(struct sim_board *board, const struct board_model *model,
                    enum board_timing_kind timing, unsigned index);
/* Map the memories. flash_path: see nor_open(). */
bool sim_board_open(struct sim_board *board, const char *flash_path, struct err **err) MUST_CHECK;
void sim_board_release(struct sim_board *board);

/* Which area holds this address? False: none. */
bool sim_board_locate(const struct sim_board *board, uint32_t address, unsigned *area,
                      uint32_t *offset);

/* Erase the flash sector that holds `offset`, or all of them. Returns how long that takes. */
uint64_t sim_board_erase_sector_us(struct sim_board *board, uint32_t offset);
uint64_t sim_board_erase_all_us(struct sim_board *board);
/* Write to an area as its kind allows; the bytes must fit. Returns how long that takes. */
uint64_t sim_board_write_us(struct sim_board *board, unsigned area, uint32_t offset,
                            const uint8_t *data, uint32_t len);

#endif
