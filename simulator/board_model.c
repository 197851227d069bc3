#include "simulator/board_model.h"

#include <string.h>

#define KIB 1024
#define FLASH_ADDRESS 0x08000000

/* ---- what rows share (clang-format would spread these over a page) --------------------------- */
/* clang-format off */

/* ST's protocol: AN3156. */
#define DFUSE                                                                                      \
    .bcd_usb = 0x0100, .dialect = BOARD_DFUSE, .bcd_dfu = 0x011A,                                  \
    .attributes = DFU_CAN_DOWNLOAD | DFU_CAN_UPLOAD | DFU_WILL_DETACH, .detach_timeout_ms = 255
/* ST's ROM: AN2606; the strings as dfu-util lists them. */
#define ST DFUSE, .manufacturer = "STMicroelectronics", .vendor_id = 0x0483, .product_id = 0xDF11
#define ST_ROM                                                                                     \
    ST, .product = "STM32  BOOTLOADER", .bcd_device = 0x2200, .transfer_size = 2048
#define NOR(bytes) .erased = 0xFF, .unit = (bytes)

/* A DFU 1.1 device; pid.codes keeps 1209:0001 for tests. */
#define PLAIN                                                                                      \
    .family = "DFU 1.1", .manufacturer = "firn", .vendor_id = 0x1209, .product_id = 0x0001,        \
    .bcd_device = 0x0100, .bcd_usb = 0x0200, .dialect = BOARD_PLAIN,                               \
    .detach_timeout_ms = 1000, NOR(1), .quirks = BOARD_STALLS_CLRSTATUS, .x8 = L4_TIMING,          \
    .x32 = L4_TIMING

/* mboot on an F405: ports/stm32/mboot/main.c of MicroPython 1.25. It programs words only. */
#define MBOOT                                                                                      \
    .family = "STM32F4", .manufacturer = "MicroPython", .product = "Pyboard DFU",                  \
    .vendor_id = 0x0483, .product_id = 0xDF11, .bcd_device = 0x0300, .bcd_usb = 0x0200,            \
    .dialect = BOARD_MBOOT, .bcd_dfu = 0x011A,                                                     \
    .attributes = DFU_CAN_DOWNLOAD | DFU_CAN_UPLOAD | DFU_WILL_DETACH, .detach_timeout_ms = 255,   \
    .transfer_size = 2048, NOR(4), .own_bytes = 32 * KIB,                                          \
    .areas = {F4_FLASH}, .x8 = F4_X32, .x32 = F4_X32

#define F4_FLASH                                                                                   \
    {AREA_FLASH, "Internal Flash  ", 'g', FLASH_ADDRESS,                                           \
     {{4, 16 * KIB}, {1, 64 * KIB}, {7, 128 * KIB}}, NULL}
/* F2 and F4 of 1 MiB share their sectors and the ROM's four alternate settings (RM0090). */
#define F4_OTP {AREA_OTP, "OTP Memory ", 'e', 0x1FFF7800, {{1, 512}, {1, 16}}, NULL}
#define FEATURE {AREA_FEATURE, "Device Feature", 'e', 0xFFFF0000, {{1, 4}}, NULL}
#define F4_AREAS                                                                                   \
    {F4_FLASH, {AREA_OPTIONS, "Option Bytes  ", 'e', 0x1FFFC000, {{1, 16}}, NULL}, F4_OTP, FEATURE}
#define F4_OPTIONS {.rdp = 1, .open = 0xAA, .wrp = 8, .wrp_sectors = 12}

/* DS8626 table 40 (typical): sector erase at x8 and x32. A word is programmed in 16 us; at x8 that
 * is 16 us a byte, at x32 4 us. Reading was measured on the ROM: 1 KiB in 5 ms. */
#define F4_X8 {{400, 1200, 2000, 400, 1200, 2000}, 0, 16000, 4883, 100, 0}
#define F4_X32 {{250, 550, 1000, 250, 550, 1000}, 0, 4000, 4883, 100, 0}
/* DS11532: a sector of twice the size in the same time; the ROM announces 104 ms a block (m). */
#define F7_X8 {{400, 1200, 2000}, 0, 16000, 4883, 100, 104}
#define F7_X32 {{250, 550, 1000}, 0, 4000, 4883, 100, 104}
/* DS12110: a flash word of 32 bytes in 290 us (x8) and 130 us (x32). */
#define H7_X8 {{2000}, 0, 9063, 4883, 100, 0}
#define H7_X32 {{1100}, 0, 4063, 4883, 100, 0}
/* DS10198: a page of 2 KiB in 22 ms, all in 22 ms, 8 bytes in 82 us, whatever the width. */
#define L4_TIMING {{22}, 22, 10211, 4883, 100, 0}
/* DS6014 (F105/107): 20 to 40 ms a page and for all, a half-word in 52.5 us. */
#define F1_TIMING {{30}, 40, 26250, 4883, 100, 0}
/* DS6876: 3.28 ms for a page of 256 bytes, and to program half of one. */
#define L1_TIMING {{3}, 0, 25625, 4883, 100, 0}

/* clang-format on */

static const struct board_model models[] = {
    {
        ST_ROM,
        NOR(1),
        .name = "stm32f205",
        .machine = "netduino2",
        .family = "STM32F2",
        .options = F4_OPTIONS,
        .areas = F4_AREAS,
        .x8 = F4_X8,
        .x32 = F4_X32,
    },
    {
        ST_ROM,
        NOR(1),
        .name = "stm32f405",
        .machine = "netduinoplus2",
        .family = "STM32F4",
        .options = F4_OPTIONS,
        .areas = F4_AREAS,
        .x8 = F4_X8,
        .x32 = F4_X32,
    },
    {
        /* Two banks (RM0090): a string longer than this ROM can send. */
        ST_ROM,
        NOR(1),
        .name = "stm32f427",
        .family = "STM32F4",
        .quirks = BOARD_CUTS_STRINGS,
        .options = F4_OPTIONS,
        .areas = {{.name = "Internal Flash  ",
                   .access = 'g',
                   .address = FLASH_ADDRESS,
                   .runs = {{4, 16 * KIB},
                            {1, 64 * KIB},
                            {7, 128 * KIB},
                            {4, 16 * KIB},
                            {1, 64 * KIB},
                            {7, 128 * KIB}}},
                  {AREA_OPTIONS,
                   "Option Bytes  ",
                   'e',
                   0x1FFFC000,
                   {{1, 16}},
                   "@Option Bytes  /0x1FFFC000/01*016 e/0x1FFEC000/01*016 e"},
                  F4_OTP,
                  FEATURE},
        .x8 = F4_X8,
        .x32 = F4_X32,
    },
    {
        ST_ROM,
        NOR(1),
        .name = "stm32f767",
        .family = "STM32F7",
        .options = {.rdp = 1, .open = 0xAA, .wrp = 8, .wrp_sectors = 12},
        .areas = {{.name = "Internal Flash  ",
                   .access = 'g',
                   .address = FLASH_ADDRESS,
                   .runs = {{4, 32 * KIB}, {1, 128 * KIB}, {7, 256 * KIB}}},
                  {AREA_OPTIONS, "Option Bytes  ", 'e', 0x1FFF0000, {{1, 32}}, NULL},
                  {AREA_OTP,
                   "OTP Memory ",
                   'e',
                   0x1FF0F000,
                   {{1, 1024}},
                   "@OTP Memory /0x1FF0F000/01*1024 e"},
                  FEATURE},
        .x8 = F7_X8,
        .x32 = F7_X32,
    },
#define H7                                                                                         \
    ST, .product = "STM32  BOOTLOADER", .bcd_device = 0x0200, .transfer_size = 1024, NOR(32),      \
        .family = "STM32H7", .options = {.rdp = 1, .open = 0xAA, .wrp = 0x1C, .wrp_sectors = 8},   \
        .areas = {{.name = "Internal Flash   ",                                                    \
                   .access = 'g',                                                                  \
                   .address = FLASH_ADDRESS,                                                       \
                   .runs = {{16, 128 * KIB}}},                                                     \
                  {AREA_OPTIONS, "Option Bytes   ", 'e', 0x5200201C, {{1, 128}}, NULL}},           \
        .x8 = H7_X8, .x32 = H7_X32
    {H7, .name = "stm32h743"},
    {H7, .name = "stm32h743v", .quirks = BOARD_WEDGES},
    {
        ST_ROM,
        .name = "stm32l476",
        .family = "STM32L4",
        NOR(8),
        .quirks = BOARD_STALLS_EARLY_POLLS,
        .options = {.rdp = 0, .open = 0xAA},
        .areas = {{AREA_FLASH,
                   "Internal Flash  ",
                   'g',
                   FLASH_ADDRESS,
                   {{512, 2 * KIB}},
                   "@Internal Flash  /0x08000000/0512*0002Kg"},
                  {AREA_OPTIONS, "Option Bytes  ", 'e', 0x1FFF7800, {{1, 40}}, NULL},
                  {AREA_OTP,
                   "OTP Memory ",
                   'e',
                   0x1FFF7000,
                   {{1, 1024}},
                   "@OTP Memory /0x1FFF7000/01*0001Ke"},
                  FEATURE},
        .x8 = L4_TIMING,
        .x32 = L4_TIMING,
    },
    {
        /* Its serial number is no number, and the same on each. */
        ST,
        .name = "stm32f107",
        .family = "STM32F1",
        .product = "STM32 0x418 DFU Bootloade",
        .serial = "STM32",
        .bcd_device = 0x2200,
        .transfer_size = 2048,
        NOR(2),
        .options = {.rdp = 0, .open = 0xA5},
        .areas = {{.name = "Internal Flash  ",
                   .access = 'g',
                   .address = FLASH_ADDRESS,
                   .runs = {{128, 2 * KIB}}},
                  {AREA_OPTIONS, "Option Bytes  ", 'e', 0x1FFFF800, {{1, 16}}, NULL}},
        .x8 = F1_TIMING,
        .x32 = F1_TIMING,
    },
    {
        ST_ROM,
        .name = "stm32l152",
        .family = "STM32L1",
        .erased = 0x00,
        .unit = 4,
        .quirks = BOARD_STARTS_IN_ERROR,
        .options = {.rdp = 0, .open = 0xAA},
        .areas = {{.name = "Internal Flash  ",
                   .access = 'g',
                   .address = FLASH_ADDRESS,
                   .runs = {{1024, 256}}},
                  {AREA_OPTIONS, "Option Bytes  ", 'e', 0x1FF80000, {{1, 32}}, NULL},
                  {AREA_EEPROM, "DATA Memory ", 'e', 0x08080000, {{2, 4 * KIB}}, NULL}},
        .x8 = L1_TIMING,
        .x32 = L1_TIMING,
    },
    {
        /* 128 pages of 1 KiB; its string says otherwise, and dfu-util knows better by the serial.
         */
        DFUSE,
        .name = "gd32vf103",
        .family = "GD32V",
        .manufacturer = "GDMicroelectronics",
        .product = "GD32 0x418 DFU Bootloade",
        .serial = "3CBJ",
        .vendor_id = 0x28E9,
        .product_id = 0x0189,
        .bcd_device = 0x1000,
        .transfer_size = 2048,
        NOR(4),
        .quirks = BOARD_UTF8_SERIAL | BOARD_LEAVES_AT_ONCE | BOARD_STARTS_IN_ERROR,
        .options = {.rdp = 0, .open = 0xA5},
        .areas = {{AREA_FLASH,
                   "Internal Flash  ",
                   'g',
                   FLASH_ADDRESS,
                   {{128, 1 * KIB}},
                   "@Internal Flash  /0x08000000/512*002Kg"},
                  {AREA_OPTIONS, "Option Bytes  ", 'g', 0x1FFFF800, {{1, 16}}, NULL}},
        .x8 = F1_TIMING,
        .x32 = F1_TIMING,
    },
    {MBOOT, .name = "mboot"},
    {MBOOT, .name = "mboot-packed", .quirks = BOARD_PACKED},
#define PLAIN_AREA(pages) .areas = {{.name = "Firmware", .runs = {{pages, 2 * KIB}}}}
    {
        PLAIN,
        .name = "dfu-tolerant",
        .bcd_dfu = 0x0110,
        .product = "DFU 1.1, tolerant",
        .attributes = DFU_CAN_DOWNLOAD | DFU_CAN_UPLOAD | DFU_TOLERANT,
        .transfer_size = 1024,
        PLAIN_AREA(120),
    },
    {
        /* The memory is no multiple of the transfer size: its last upload is short, not empty. */
        PLAIN,
        .name = "dfu-reset",
        .bcd_dfu = 0x0110,
        .product = "DFU 1.1, waits for a reset",
        .attributes = DFU_CAN_DOWNLOAD | DFU_CAN_UPLOAD,
        .transfer_size = 4096,
        PLAIN_AREA(125),
    },
    {
        PLAIN,
        .name = "dfu-detach",
        .bcd_dfu = 0x0110,
        .product = "DFU 1.1, detaches",
        .attributes = DFU_CAN_DOWNLOAD | DFU_CAN_UPLOAD | DFU_WILL_DETACH,
        .transfer_size = 1024,
        PLAIN_AREA(120),
    },
    {
        PLAIN,
        .name = "dfu-no-upload",
        .product = "DFU 1.0, no upload",
        .bcd_dfu = 0x0100,
        .attributes = DFU_CAN_DOWNLOAD | DFU_TOLERANT,
        .transfer_size = 64,
        PLAIN_AREA(60),
    },
};

const char *const board_model_names[] = {
    "stm32f205",    "stm32f405", "stm32f427",  "stm32f767",     "stm32h743", "stm32h743v",
    "stm32l476",    "stm32f107", "stm32l152",  "gd32vf103",     "mboot",     "mboot-packed",
    "dfu-tolerant", "dfu-reset", "dfu-detach", "dfu-no-upload", NULL};
_Static_assert(ARRAY_SIZE(board_model_names) == ARRAY_SIZE(models) + 1, "a name for each model");

const struct board_model *board_model_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(models); i++)
        if (strcmp(models[i].name, name) == 0)
            return &models[i];
    return NULL;
}

/* ---- timing --------------------------------------------------------------------------------- */

#define QUICK_FACTOR 5

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

static struct board_timing sped_up(struct board_timing timing, unsigned factor)
{
    for (unsigned i = 0; i < BOARD_RUNS; i++)
        timing.erase_ms[i] /= factor;
    timing.mass_erase_ms /= factor;
    timing.program_ns_per_byte /= factor;
    timing.read_ns_per_byte /= factor;
    timing.announced_erase_ms /= factor;
    timing.announced_write_ms /= factor;
    return timing;
}

struct board_timing board_model_timing(const struct board_model *model, enum board_timing_kind kind)
{
    switch (kind) {
    case BOARD_TIMING_X8:
        return model->x8;
    case BOARD_TIMING_X32:
        return model->x32;
    case BOARD_TIMING_QUICK:
        return sped_up(model->x32, QUICK_FACTOR);
    case BOARD_TIMING_ZERO:
        break;
    }
    return (struct board_timing){0};
}

/* ---- areas ---------------------------------------------------------------------------------- */

void area_add_layout(const struct memory_area *area, struct buf *out)
{
    if (area->announced || !area->access) {
        buf_adds(out, area->announced ? area->announced : area->name);
        return;
    }
    buf_addf(out, "@%s/0x%08X/", area->name, (unsigned)area->address);
    for (unsigned i = 0; i < BOARD_RUNS && area->runs[i].count; i++) {
        const struct sector_run *run = &area->runs[i];
        bool kib = run->size >= KIB;
        buf_addf(out, "%s%02u*%03u%c%c", i ? "," : "", run->count,
                 (unsigned)(kib ? run->size / KIB : run->size), kib ? 'K' : ' ', area->access);
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

const struct memory_area *board_model_area(const struct board_model *model, enum area_kind kind)
{
    for (unsigned i = 0; i < board_model_area_count(model); i++)
        if (model->areas[i].kind == kind)
            return &model->areas[i];
    return NULL;
}
