/*
 * A board as its bootloader sees it: its model's memories, how long they take, what is protected.
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

#include "base/err.h"
#include "simulator/board_model.h"
#include "simulator/nor.h"

/* How long a control transfer takes on the bus. READS: an upload takes what the board's timing
 * says, the rest nothing. FRAME: 1 ms each, as full speed's frames have it. ROM: the rate that was
 * measured on ST's ROM, in both directions. */
enum bus_timing_kind { BUS_TIMING_READS, BUS_TIMING_NONE, BUS_TIMING_FRAME, BUS_TIMING_ROM };

struct bus_timing {
    uint32_t transfer_us;        /* each */
    uint32_t ns_per_byte;        /* of any data stage */
    uint32_t upload_ns_per_byte; /* of an upload's, besides */
};

/* What the flash did since the counters were reset. */
struct board_counters {
    uint64_t erase_us, program_us;
    uint64_t sectors[BOARD_RUNS]; /* erased one by one, of each run */
    uint64_t mass_erases;
};

struct sim_board {
    const struct board_model *model;
    struct board_timing timing;
    struct bus_timing bus;
    char serial[16]; /* the model's, or 12 upper-case hex digits, different for each index */
    unsigned quirks; /* enum board_quirk: the model's at first */
    bool read_protected;
    uint8_t
        write_protected[BOARD_SECTORS / 8]; /* a bit for each sector, besides the option bytes */
    struct board_counters counters;
    struct nor memory[BOARD_AREAS];
};

/* "reads", "none", "1ms", "rom". */
bool bus_timing_parse(const char *name, enum bus_timing_kind *kind);

/* The bus's timing is BUS_TIMING_READS. */
void sim_board_init(struct sim_board *board, const struct board_model *model,
                    enum board_timing_kind timing, unsigned index);
void sim_board_set_bus(struct sim_board *board, enum bus_timing_kind kind);
/* Map the memories. flash_path: see nor_open(). */
bool sim_board_open(struct sim_board *board, const char *flash_path, struct err **err) MUST_CHECK;
void sim_board_release(struct sim_board *board);

/* The board has power: the option bytes count from now on. */
void sim_board_power_on(struct sim_board *board);

/* Which area holds this address? False: none. */
bool sim_board_locate(const struct sim_board *board, uint32_t address, unsigned *area,
                      uint32_t *offset);

/* Erase the flash sector that holds `offset`, or all of them. Returns how long that takes. A sector
 * that is write-protected stays as it is, at once. */
uint64_t sim_board_erase_sector_us(struct sim_board *board, uint32_t offset);
uint64_t sim_board_erase_all_us(struct sim_board *board);
/* The size of the flash sector that holds `offset` and where it starts; 0 outside. */
uint32_t sim_board_sector(const struct sim_board *board, uint32_t offset, uint32_t *start);
/* Write to an area as its kind allows; the bytes must fit. Returns how long that takes. */
uint64_t sim_board_write_us(struct sim_board *board, unsigned area, uint32_t offset,
                            const uint8_t *data, uint32_t len);

/* Protect against reading, as option bytes do. False: the model has no such protection. */
bool sim_board_protect(struct sim_board *board);
/* Erase everything and lift the protection. Returns how long that takes. */
uint64_t sim_board_unprotect_us(struct sim_board *board);
/* False: there is no sector of this number. */
bool sim_board_write_protect(struct sim_board *board, unsigned sector);
bool sim_board_is_write_protected(const struct sim_board *board, uint32_t offset);

/* The bus time of a control transfer with `bytes` of data. */
uint64_t sim_board_bus_us(const struct sim_board *board, bool is_upload, size_t bytes);

#endif
