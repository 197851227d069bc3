#include "simulator/sim_board.h"

#include <stdio.h>
#include <string.h>

/* F2 and F4 of 1 MiB share their sectors and the ROM's four alternate settings (AN2606, RM0090). */
#define F2_F4_AREAS                                                                                \
    {                                                                                              \
        {AREA_FLASH,                                                                               \
         "Internal Flash  ",                                                                       \
         'g',                                                                                      \
         0x08000000,                                                                               \
         {{4, 16 * 1024}, {1, 64 * 1024}, {7, 128 * 1024}}},                                       \
            {AREA_OPTIONS, "Option Bytes  ", 'e', 0x1FFFC000, {{1, 16}}},                          \
            {AREA_OTP, "OTP Memory ", 'e', 0x1FFF7800, {{1, 512}, {1, 16}}},                       \
            {AREA_FEATURE, "Device Feature", 'e', 0xFFFF0000, {{1, 4}}},                           \
    }

/* DS8626 table 40 (typical): sector erase at x8 and x32. A word is programmed in 16 us; at x8 that
 * is 16 us a byte, at x32 4 us. Reading was measured on the ROM: 1 KiB in 5 ms. */
#define F2_F4_X8                                                                                   \
    {                                                                                              \
        {400, 1200, 2000}, 16000, 4883, 100                                                        \
    }
#define F2_F4_X32                                                                                  \
    {                                                                                              \
        {250, 550, 1000}, 4000, 4883, 100                                                          \
    }

static const struct board_model models[] = {
    {"stm32f205", "STM32F2", "STMicroelectronics", "STM32  BOOTLOADER", 0x0483, 0xDF11, 0x2200,
     2048, F2_F4_AREAS, F2_F4_X8, F2_F4_X32},
    {"stm32f405", "STM32F4", "STMicroelectronics", "STM32  BOOTLOADER", 0x0483, 0xDF11, 0x2200,
     2048, F2_F4_AREAS, F2_F4_X8, F2_F4_X32},
};

#define QUICK_FACTOR 5

const char *const board_model_names[] = {"stm32f205", "stm32f405", NULL};
_Static_assert(ARRAY_SIZE(board_model_names) == ARRAY_SIZE(models) + 1, "a name for each model");

const struct board_model *board_model_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(models); i++)
        if (strcmp(models[i].name, name) == 0)
            return &models[i];
    return NULL;
}

bool board_timing_parse(const char *name, enum board_timing_kind *kind)
{
    static const char *const names[] = {"zero", "x8", "x32", "quick"};
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            *kind = (enum board_timing_kind)i;
            return true;
        }
    }
    return false;
}

void area_add_layout(const struct memory_area *area, struct buf *out)
{
    buf_addf(out, "@%s/0x%08X/", area->name, (unsigned)area->address);
    for (unsigned i = 0; i < BOARD_RUNS && area->runs[i].count; i++) {
        const struct sector_run *run = &area->runs[i];
        bool kib = run->size >= 1024;
        buf_addf(out, "%s%02u*%03u%c%c", i ? "," : "", run->count,
                 (unsigned)(kib ? run->size / 1024 : run->size), kib ? 'K' : ' ', area->access);
    }
}

uint32_t area_size(const struct memory_area *area)
{
    uint32_t size = 0;
    for (unsigned i = 0; i < BOARD_RUNS; i++)
        size += area->runs[i].count * area->runs[i].size;
    return size;
}

unsigned board_model_area_count(const struct board_model *model)
{
    unsigned count = 0;
    while (count < BOARD_AREAS && model->areas[count].name)
        count++;
    return count;
}

static struct board_timing sped_up(struct board_timing timing, unsigned factor)
{
    for (unsigned i = 0; i < BOARD_RUNS; i++)
        timing.erase_ms[i] /= factor;
    timing.program_ns_per_byte /= factor;
    timing.read_ns_per_byte /= factor;
    timing.announced_erase_ms /= factor;
    return timing;
}

void sim_board_init(struct sim_board *board, const struct board_model *model,
                    enum board_timing_kind timing, unsigned index)
{
    *board = (struct sim_board){.model = model};
    if (timing == BOARD_TIMING_X8)
        board->timing = model->x8;
    else if (timing == BOARD_TIMING_X32)
        board->timing = model->x32;
    else if (timing == BOARD_TIMING_QUICK)
        board->timing = sped_up(model->x32, QUICK_FACTOR);
    snprintf(board->serial, sizeof(board->serial), "3569%04X3437", index & 0xFFFF);
}

bool sim_board_open(struct sim_board *board, const char *flash_path, struct err **err)
{
    for (unsigned i = 0; i < board_model_area_count(board->model); i++) {
        const char *path = i == 0 ? flash_path : NULL;
        if (!nor_open(&board->memory[i], path, area_size(&board->model->areas[i]), err))
            return false;
    }
    return true;
}

void sim_board_release(struct sim_board *board)
{
    for (unsigned i = 0; i < BOARD_AREAS; i++)
        nor_close(&board->memory[i]);
}

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

/* The flash sector that holds an offset: where it starts, and which run it belongs to. */
static const struct sector_run *find_sector(const struct sim_board *board, uint32_t offset,
                                            uint32_t *start, unsigned *index)
{
    const struct sector_run *runs = board->model->areas[0].runs;
    uint32_t at = 0;
    for (unsigned i = 0; i < BOARD_RUNS; i++) {
        uint32_t size = runs[i].count * runs[i].size;
        if (offset - at < size) {
            *start = at + (offset - at) / runs[i].size * runs[i].size;
            *index = i;
            return &runs[i];
        }
        at += size;
    }
    return NULL;
}

uint64_t sim_board_erase_sector_us(struct sim_board *board, uint32_t offset)
{
    uint32_t start;
    unsigned index;
    const struct sector_run *run = find_sector(board, offset, &start, &index);
    if (!run)
        return 0;
    nor_erase(&board->memory[0], start, run->size);
    return board->timing.erase_ms[index] * UINT64_C(1000);
}

uint64_t sim_board_erase_all_us(struct sim_board *board)
{
    nor_erase(&board->memory[0], 0, board->memory[0].size);
    uint64_t ms = 0;
    for (unsigned i = 0; i < BOARD_RUNS; i++)
        ms += (uint64_t)board->model->areas[0].runs[i].count * board->timing.erase_ms[i];
    return ms * 1000;
}

uint64_t sim_board_write_us(struct sim_board *board, unsigned area, uint32_t offset,
                            const uint8_t *data, uint32_t len)
{
    enum area_kind kind = board->model->areas[area].kind;
    if (kind == AREA_OPTIONS)
        memcpy(board->memory[area].bytes + offset, data, len);
    else if (kind != AREA_FEATURE)
        nor_program(&board->memory[area], offset, data, len);
    return (uint64_t)len * board->timing.program_ns_per_byte / 1000;
}
