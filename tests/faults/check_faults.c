/*
 * Every way in which one transfer of a flash can go wrong, tried at every transfer, against the
 * simulator's bootloaders: `make check-faults` (all); without an argument every 17th transfer.
 *
 * At each point: no crash, no success that is not true (byte for byte, what is beside the image
 * included), no waiting past the deadline on the board's own clock; and then the cable goes in
 * again, the same flash runs without a fault, and the board holds exactly what it should.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "bench_board.h"
#include "flasher/descriptor.h"
#include "flasher/download.h"
#include "flasher/layout.h"
#include "flasher/sequence.h"

#define STEP 17
#define DEADLINE_S 60       /* a sector's 35 s, and what it takes to find out in what state it is */
#define MASS_DEADLINE_S 170 /* all sectors at once: 150 s */

/* ---- a way to flash ------------------------------------------------------------------------- */

struct part {
    uint32_t offset, size;
};

/* A flash that is tried with faults: a board, what it holds, what it is to hold. */
struct scenario {
    const char *name, *model;
    struct part image[3];  /* ends with size 0 */
    struct part before[3]; /* bytes in the board beforehand that are not the image's; size 0 ends */
    struct part same;      /* this part of the image is there already */
    enum flash_erase erase;
};

static const struct scenario scenarios[] = {
    {.name = "whole flash, other data kept",
     .model = "stm32f405",
     .image = {{0, 15000}, {0x20000, 5000}},
     .before = {{0, 40000}, {0x20000 + 3000, 9000}}},
    {.name = "blank board", .model = "stm32f405", .image = {{0, 9000}, {0x10000, 7000}}},
    {.name = "by difference: one sector",
     .model = "stm32f405",
     .image = {{0, 16384}, {0x4000, 6000}},
     .before = {{0x4000, 9000}},
     .same = {0, 16384}},
    {.name = "nothing to do", .model = "stm32f405", .image = {{0, 20000}}, .same = {0, 20000}},
    {.name = "mass erase",
     .model = "stm32f405",
     .image = {{0, 6000}},
     .before = {{0, 60000}},
     .erase = FLASH_ERASE_MASS},
    {.name = "blocks of 1 KiB (H7)",
     .model = "stm32h743",
     .image = {{0, 5000}},
     .before = {{0, 9000}}},
    {.name = "small pages (L4)",
     .model = "stm32l476",
     .image = {{0, 5001}},
     .before = {{0, 3000}, {5500, 700}}},
    {.name = "erased is 0x00 (L1)",
     .model = "stm32l152",
     .image = {{0, 3000}},
     .before = {{0, 900}}},
    {.name = "mboot", .model = "mboot", .image = {{0x10000, 9000}}, .before = {{0x10000, 30000}}},
    {.name = "plain DFU, comes back", .model = "dfu-tolerant", .image = {{0, 9000}}},
    {.name = "plain DFU, wants a reset", .model = "dfu-reset", .image = {{0, 9000}}},
    {.name = "plain DFU, leaves by itself", .model = "dfu-detach", .image = {{0, 9000}}},
    {.name = "plain DFU, cannot be read", .model = "dfu-no-upload", .image = {{0, 9000}}},
};

static const char *const faults[] = {
    "unplug-before",
    "unplug-after",
    "do=stall",
    "do=protocol",
    "do=hang",
    "do=short",
    "do=corrupt",
    "do=busy",
    "do=poll,ms=60000",
    "do=poll,ms=0",
    "on=dnload,do=ignore",
    "on=erase,do=ignore",
    "do=delay,ms=3000",
    "do=status,code=1",
    "do=status,code=2",
    "do=status,code=3",
    "do=status,code=4",
    "do=status,code=5",
    "do=status,code=6",
    "do=status,code=7",
    "do=status,code=8",
    "do=status,code=9",
    "do=status,code=10",
    "do=status,code=11",
    "do=status,code=12",
    "do=status,code=13",
    "do=status,code=14",
    "do=status,code=15",
};

struct trial {
    const struct scenario *scenario;
    struct bench_board *board;
    struct dfu_interface interface;
    struct quirks quirks;
    struct layout layout;
    bool is_dfuse;
    struct image image;
    uint8_t *before, *after; /* the whole flash */
    size_t size;
    char *rescue_dir;
    unsigned points, refused, noticed, mended;
    bool failed;
};

/* ---- the board as the flasher sees it ------------------------------------------------------- */

static enum usb_fault fault_of(enum bench_outcome outcome)
{
    static const enum usb_fault faults_of[] = {
        [BENCH_OK] = USB_OK,     [BENCH_STALLED] = USB_STALLED, [BENCH_TIMED_OUT] = USB_TIMED_OUT,
        [BENCH_GONE] = USB_GONE, [BENCH_BROKEN] = USB_BROKEN,
    };
    return faults_of[outcome];
}

static enum usb_fault io_control(void *data, const struct usb_control *c, size_t *moved)
{
    size_t ignored;
    return fault_of(bench_board_control(data, c->request_type, c->request, c->value, c->index,
                                        c->data, c->length, c->timeout_ms,
                                        moved ? moved : &ignored));
}

/* SET_INTERFACE (USB 2.0, 9.4.10), as the host's kernel sends it. */
static bool io_set_alt(void *data, uint8_t alt, struct err **err)
{
    size_t moved;
    return bench_board_control(data, 0x01, 0x0b, alt, 0, NULL, 0, 5000, &moved) == BENCH_OK ||
           err_set(err, ERR_DEVICE, "cannot choose alternate setting %u", alt);
}

static enum usb_fault io_reset(void *data)
{
    return fault_of(bench_board_reset(data));
}

static long long io_now_us(void *data)
{
    return bench_board_now_us(data);
}

static void io_sleep_until(void *data, long long when_us)
{
    bench_board_sleep_until(data, when_us);
}

static uint16_t le16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static void read_descriptors(struct trial *trial)
{
    size_t len;
    const uint8_t *bytes = bench_board_descriptors(trial->board, &len);
    struct quirk_key key = {.vendor = le16(bytes + 8),
                            .product = le16(bytes + 10),
                            .version = le16(bytes + 12),
                            .product_name = bench_board_product(trial->board)};
    struct err *err = NULL;
    if (!dfu_interface_find(bytes, len, &trial->interface))
        abort();
    quirks_find(&key, &trial->quirks);
    _cleanup_free_ char *text = bench_board_layout(trial->board, 0);
    const char *layout = trial->quirks.layout ? trial->quirks.layout : text;
    trial->is_dfuse = layout && layout_parse(layout, strlen(layout), &trial->layout, &err);
}

/* ---- content -------------------------------------------------------------------------------- */

static void fill(uint8_t *bytes, size_t len, unsigned seed)
{
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1103515245 + 12345;
        bytes[i] = (uint8_t)((seed >> 16) % 251);
    }
}

static void make_content(struct trial *trial)
{
    const struct scenario *scenario = trial->scenario;
    const uint8_t *flash = bench_board_flash(trial->board, &trial->size);
    struct err *err = NULL;
    trial->before = xmalloc(trial->size);
    trial->after = xmalloc(trial->size);
    memcpy(trial->before, flash, trial->size); /* erased: 0xFF, or 0x00 */
    for (size_t i = 0; i < ARRAY_SIZE(scenario->before) && scenario->before[i].size; i++)
        fill(trial->before + scenario->before[i].offset, scenario->before[i].size, 1000);
    memcpy(trial->after, trial->before, trial->size);
    if (scenario->erase == FLASH_ERASE_MASS)
        memset(trial->after, 0xff, trial->size);
    for (size_t i = 0; i < ARRAY_SIZE(scenario->image) && scenario->image[i].size; i++) {
        const struct part *part = &scenario->image[i];
        uint32_t address = bench_board_flash_address(trial->board) + part->offset;
        fill(trial->after + part->offset, part->size, 1 + (unsigned)i);
        if (!image_add(&trial->image, 0, trial->is_dfuse ? address : 0, trial->after + part->offset,
                       part->size, &err))
            abort();
    }
    trial->image.addressless = !trial->is_dfuse;
    memcpy(trial->before + scenario->same.offset, trial->after + scenario->same.offset,
           scenario->same.size);
}

/* ---- one flash ------------------------------------------------------------------------------ */

static bool flash_once(struct trial *trial, struct flash_result *result, struct err **err)
{
    struct plan_memory memory = {trial->interface.alts[0].number, &trial->layout};
    struct flash_options options = {.erase = trial->scenario->erase,
                                    .verify = true,
                                    .leave = true,
                                    .rescue_dir = trial->rescue_dir};
    const struct dfu_functional *functional = &trial->interface.functional;
    struct dfu dfu = {
        .io = {io_control, io_set_alt, io_reset, io_now_us, io_sleep_until, trial->board},
        .interface = trial->interface.number,
        .transfer_size =
            trial->quirks.transfer_size ? trial->quirks.transfer_size : functional->transfer_size,
        .quirks = trial->quirks,
    };
    result->path = xstrdup("1-1");
    result->serial = xstrdup("3569");
    if (trial->is_dfuse)
        return sequence_run(&dfu, &memory, 1, &trial->image, &options, NULL, result, err);
    return download_run(&dfu, functional, &trial->image, &options, NULL, result, err);
}

static bool holds(struct trial *trial, const uint8_t *expected)
{
    size_t size;
    return memcmp(bench_board_flash(trial->board, &size), expected, trial->size) == 0;
}

static void load(struct trial *trial, const uint8_t *content)
{
    size_t size;
    memcpy(bench_board_flash(trial->board, &size), content, trial->size);
}

static void complain(struct trial *trial, unsigned number, const char *fault, const char *what,
                     const struct err *err)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    if (err)
        err_format(err, &text);
    printf("# %s, transfer %u, %s: %s\n%s%s", trial->scenario->name, number, fault, what,
           err ? "#   " : "", err ? text.data : "");
    trial->failed = true;
}

static bool is_changed_read(const char *fault)
{
    return strcmp(fault, "do=corrupt") == 0;
}

/* What a fault may lead to without anybody being able to notice: a device that cannot be read back
 * and writes something else. And a wrong answer to the only reading of data that is kept. */
static bool is_beyond_notice(const struct trial *trial, const struct flash_result *result,
                             const char *fault)
{
    bool lies = is_changed_read(fault) || strstr(fault, "do=ignore");
    return lies && (!result->verified || is_changed_read(fault)) &&
           (!trial->is_dfuse || is_changed_read(fault));
}

/* With the fault: whatever happens, success has to be true and the time bounded. */
static void run_with_fault(struct trial *trial, unsigned number, const char *fault)
{
    _cleanup_(flash_result_release) struct flash_result result = FLASH_RESULT_INIT;
    _cleanup_err_ struct err *err = NULL;
    bench_board_plug(trial->board);
    load(trial, trial->before);
    long long start_us = bench_board_now_us(trial->board);
    bench_board_fail_at(trial->board, number, fault);
    bool ok = flash_once(trial, &result, &err);
    double seconds = (double)(bench_board_now_us(trial->board) - start_us) / 1e6;
    if (ok && !holds(trial, trial->after) && !is_beyond_notice(trial, &result, fault))
        complain(trial, number, fault, "reported a success that is not true", NULL);
    if (!ok && !err)
        complain(trial, number, fault, "failed without an error", NULL);
    if (seconds > (trial->scenario->erase == FLASH_ERASE_MASS ? MASS_DEADLINE_S : DEADLINE_S))
        complain(trial, number, fault, "took too long", err);
    trial->refused += !ok;
}

/* Plugged in again, without it. */
static void run_again(struct trial *trial, unsigned number, const char *fault)
{
    _cleanup_(flash_result_release) struct flash_result result = FLASH_RESULT_INIT;
    _cleanup_err_ struct err *err = NULL;
    bool verifiable = trial->is_dfuse || trial->interface.functional.attributes & DFU_CAN_UPLOAD;
    bench_board_plug(trial->board);
    bool ok = flash_once(trial, &result, &err);
    if (!ok)
        complain(trial, number, fault, "not mended by running it again", err);
    else if (!holds(trial, trial->after) && !is_changed_read(fault))
        complain(trial, number, fault, "mended, with other bytes than it should have", NULL);
    else if (verifiable && trial->is_dfuse && !result.verified)
        complain(trial, number, fault, "mended, not verified", NULL);
    trial->mended += ok;
}

static void empty_rescue_dir(struct trial *trial)
{
    DIR *dir = opendir(trial->rescue_dir);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        _cleanup_free_ char *path = path_join(trial->rescue_dir, entry->d_name);
        if (entry->d_name[0] != '.')
            unlink(path);
    }
    if (dir)
        closedir(dir);
}

/* ---- all of them ---------------------------------------------------------------------------- */

static void trial_init(struct trial *trial, const struct scenario *scenario, char *rescue_dir)
{
    *trial = (struct trial){.scenario = scenario, .image = IMAGE_INIT, .rescue_dir = rescue_dir};
    trial->board = bench_board_new(scenario->model);
    read_descriptors(trial);
    make_content(trial);
}

static void trial_release(struct trial *trial)
{
    bench_board_free(trial->board);
    layout_release(&trial->layout);
    image_release(&trial->image);
    free(trial->before);
    free(trial->after);
}

/* How many transfers it takes when nothing goes wrong; 0: it does not work at all. */
static unsigned count_transfers(struct trial *trial)
{
    _cleanup_(flash_result_release) struct flash_result result = FLASH_RESULT_INIT;
    _cleanup_err_ struct err *err = NULL;
    load(trial, trial->before);
    bench_board_plug(trial->board);
    if (flash_once(trial, &result, &err) && holds(trial, trial->after))
        return bench_board_transfers(trial->board);
    complain(trial, 0, "no fault", "does not work", err);
    return 0;
}

static bool try_scenario(const struct scenario *scenario, unsigned step, char *rescue_dir,
                         unsigned number)
{
    struct trial trial;
    trial_init(&trial, scenario, rescue_dir);
    unsigned transfers = count_transfers(&trial);
    for (size_t f = 0; f < ARRAY_SIZE(faults); f++) {
        for (unsigned i = (unsigned)f % step; i < transfers; i += step) {
            run_with_fault(&trial, i, faults[f]);
            run_again(&trial, i, faults[f]);
            empty_rescue_dir(&trial);
            trial.points++;
        }
    }
    printf("%s %u - %s: %u transfers, %u points, %u errors, %u mended\n",
           trial.failed ? "not ok" : "ok", number, scenario->name, transfers, trial.points,
           trial.refused, trial.mended);
    fflush(stdout);
    bool ok = !trial.failed;
    trial_release(&trial);
    return ok;
}

int main(int argc, char **argv)
{
    const char *parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    _cleanup_free_ char *rescue_dir = xasprintf("%s/firn-faults-XXXXXX", parent);
    unsigned step = argc > 1 && strcmp(argv[1], "all") == 0 ? 1 : STEP;
    bool ok = true;
    if (!mkdtemp(rescue_dir))
        return 2;
    for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++)
        ok &= try_scenario(&scenarios[i], step, rescue_dir, (unsigned)i + 1);
    printf("1..%zu\n", ARRAY_SIZE(scenarios));
    rmdir(rescue_dir);
    return ok ? 0 : 1;
}
