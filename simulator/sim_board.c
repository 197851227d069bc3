#include "simulator/sim_board.h"

#include <stdio.h>
#include <string.h>

#define ROM_NS_PER_BYTE 4883 /* 1 KiB in 5 ms, measured on ST's ROM */

bool bus_timing_parse(const char *name, enum bus_timing_kind *kind)
{
    static const char *const names[] = {"reads", "none", "1ms", "rom"};
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            *kind = (enum bus_timing_kind)i;
            return true;
        }
    }
    return false;
}

void sim_board_set_bus(struct sim_board *board, enum bus_timing_kind kind)
{
    board->bus = (struct bus_timing){0};
    if (kind == BUS_TIMING_READS)
        board->bus.upload_ns_per_byte = board->timing.read_ns_per_byte;
    else if (kind == BUS_TIMING_FRAME)
        board->bus.transfer_us = 1000;
    else if (kind == BUS_TIMING_ROM)
        board->bus.ns_per_byte = ROM_NS_PER_BYTE;
}

uint64_t sim_board_bus_us(const struct sim_board *board, bool is_upload, size_t bytes)
{
    uint64_t ns_per_byte = board->bus.ns_per_byte;
    if (is_upload)
        ns_per_byte += board->bus.upload_ns_per_byte;
    return board->bus.transfer_us + bytes * ns_per_byte / 1000;
}

/* ---- life ----------------------------------------------------------------------------------- */

void sim_board_init(struct sim_board *board, const struct board_model *model,
                    enum board_timing_kind timing, unsigned index)
{
    *board = (struct sim_board){.model = model, .quirks = model->quirks};
    board->timing = board_model_timing(model, timing);
    sim_board_set_bus(board, BUS_TIMING_READS);
    if (model->serial)
        snprintf(board->serial, sizeof(board->serial), "%s", model->serial);
    else
        snprintf(board->serial, sizeof(board->serial), "3569%04X3437", index & 0xFFFF);
}

/* The option bytes, or NULL if the model has none that protect. */
static uint8_t *option_bytes(const struct sim_board *board)
{
    const struct memory_area *area = board_model_area(board->model, AREA_OPTIONS);
    if (!area || !board->model->options.open)
        return NULL;
    return board->memory[area - board->model->areas].bytes;
}

bool sim_board_open(struct sim_board *board, const char *flash_path, struct err **err)
{
    for (unsigned i = 0; i < board_model_area_count(board->model); i++) {
        const struct memory_area *area = &board->model->areas[i];
        const char *path = i == 0 ? flash_path : NULL;
        uint8_t erased = i == 0 ? board->model->erased : 0xFF;
        if (!nor_open(&board->memory[i], path, area_size(area), erased, err))
            return false;
    }
    uint8_t *options = option_bytes(board);
    if (options)
        options[board->model->options.rdp] = board->model->options.open;
    return true;
}

void sim_board_release(struct sim_board *board)
{
    for (unsigned i = 0; i < BOARD_AREAS; i++)
        nor_close(&board->memory[i]);
}

void sim_board_power_on(struct sim_board *board)
{
    const uint8_t *options = option_bytes(board);
    const struct option_map *map = &board->model->options;
    board->read_protected = options && options[map->rdp] != map->open;
}

/* ---- places --------------------------------------------------------------------------------- */

bool sim_board_locate(const struct sim_board *board, uint32_t address, unsigned *area,
                      uint32_t *offset)
{
    for (unsigned i = 0; i < board_model_area_count(board->model); i++) {
        uint32_t start = board->model->areas[i].address;
        if (address >= start && address - start < board->memory[i].size) {
            *area = i;
            *offset = address - start;
            return true;
        }
    }
    return false;
}

struct sector {
    unsigned run, number; /* the run it belongs to; its number, counted through all runs */
    uint32_t start, size;
};

static bool find_sector(const struct sim_board *board, uint32_t offset, struct sector *sector)
{
    const struct sector_run *runs = board->model->areas[0].runs;
    uint32_t at = 0;
    unsigned before = 0;
    for (unsigned i = 0; i < BOARD_RUNS && runs[i].count; i++) {
        uint32_t size = runs[i].count * runs[i].size;
        if (offset - at < size) {
            unsigned index = (offset - at) / runs[i].size;
            *sector = (struct sector){i, before + index, at + index * runs[i].size, runs[i].size};
            return true;
        }
        at += size;
        before += runs[i].count;
    }
    return false;
}

uint32_t sim_board_sector(const struct sim_board *board, uint32_t offset, uint32_t *start)
{
    struct sector sector;
    if (!find_sector(board, offset, &sector))
        return 0;
    *start = sector.start;
    return sector.size;
}

/* ---- protection ----------------------------------------------------------------------------- */

static bool is_locked(const struct sim_board *board, unsigned sector)
{
    const uint8_t *options = option_bytes(board);
    const struct option_map *map = &board->model->options;
    if (board->write_protected[sector / 8] & 1 << sector % 8)
        return true;
    return options && sector < map->wrp_sectors &&
           !(options[map->wrp + sector / 8] & 1 << sector % 8);
}

bool sim_board_is_write_protected(const struct sim_board *board, uint32_t offset)
{
    struct sector sector;
    return find_sector(board, offset, &sector) && is_locked(board, sector.number);
}

bool sim_board_write_protect(struct sim_board *board, unsigned sector)
{
    unsigned count = 0;
    for (unsigned i = 0; i < BOARD_RUNS; i++)
        count += board->model->areas[0].runs[i].count;
    if (sector >= count)
        return false;
    board->write_protected[sector / 8] |= (uint8_t)(1 << sector % 8);
    return true;
}

bool sim_board_protect(struct sim_board *board)
{
    uint8_t *options = option_bytes(board);
    if (!options)
        return false;
    options[board->model->options.rdp] = 0x00;
    board->read_protected = true;
    return true;
}

uint64_t sim_board_unprotect_us(struct sim_board *board)
{
    uint8_t *options = option_bytes(board);
    uint64_t us = sim_board_erase_all_us(board);
    nor_erase(&board->memory[0], 0, board->memory[0].size); /* write-protected or not */
    if (options)
        options[board->model->options.rdp] = board->model->options.open;
    board->read_protected = false;
    return us;
}

/* ---- flash ---------------------------------------------------------------------------------- */

uint64_t sim_board_erase_sector_us(struct sim_board *board, uint32_t offset)
{
    struct sector sector;
    if (!find_sector(board, offset, &sector) || is_locked(board, sector.number))
        return 0;
    uint64_t us = board->timing.erase_ms[sector.run] * UINT64_C(1000);
    nor_erase(&board->memory[0], sector.start, sector.size);
    board->counters.sectors[sector.run]++;
    board->counters.erase_us += us;
    return us;
}

uint64_t sim_board_erase_all_us(struct sim_board *board)
{
    const struct sector_run *runs = board->model->areas[0].runs;
    uint64_t ms = board->timing.mass_erase_ms;
    for (unsigned i = 0; i < BOARD_RUNS && !board->timing.mass_erase_ms; i++)
        ms += (uint64_t)runs[i].count * board->timing.erase_ms[i];
    struct sector sector = {0};
    for (uint32_t at = 0; find_sector(board, at, &sector); at += sector.size)
        if (!is_locked(board, sector.number))
            nor_erase(&board->memory[0], sector.start, sector.size);
    board->counters.mass_erases++;
    board->counters.erase_us += ms * 1000;
    return ms * 1000;
}

/* Whole units only, and sector by sector, because each may be protected. */
static void program_flash(struct sim_board *board, uint32_t offset, const uint8_t *data,
                          uint32_t len)
{
    uint32_t unit = board->model->unit, end = (offset + len) / unit * unit, start = 0;
    uint32_t at = (offset + unit - 1) / unit * unit;
    while (at < end) {
        uint32_t size = sim_board_sector(board, at, &start);
        uint32_t stop = start + size < end ? start + size : end;
        if (!sim_board_is_write_protected(board, at))
            nor_program(&board->memory[0], at, data + (at - offset), stop - at);
        at = stop;
    }
}

uint64_t sim_board_write_us(struct sim_board *board, unsigned area, uint32_t offset,
                            const uint8_t *data, uint32_t len)
{
    enum area_kind kind = board->model->areas[area].kind;
    if (kind == AREA_FLASH)
        program_flash(board, offset, data, len);
    else if (kind == AREA_OPTIONS || kind == AREA_EEPROM)
        memcpy(board->memory[area].bytes + offset, data, len);
    else if (kind == AREA_OTP)
        nor_program(&board->memory[area], offset, data, len);
    uint64_t us = (uint64_t)len * board->timing.program_ns_per_byte / 1000;
    board->counters.program_us += us;
    return us;
}
