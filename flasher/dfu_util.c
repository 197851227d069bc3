#include "flasher/dfu_util.h"

#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/proc.h"
#include "base/text.h"
#include "image/dfuse_file.h"

#define PROGRAM "dfu-util"
#define LIMIT_MS                                                                                   \
    (15 * 60 * 1000) /* 2 MiB on the slowest ROM that was measured takes five minutes */
#define OUTPUT_MAX (256 * 1024)

/* The blocks to write in one alternate setting, the vector table's included, as a DfuSe file. */
static bool add_blocks(const struct plan *plan, uint8_t alt, struct image *image, struct err **err)
{
    struct plan_at at = {0, 0};
    struct plan_span span;
    while (plan_next(plan, PLAN_WRITE, &at, &span))
        if (span.alt == alt && !image_add(image, alt, span.address, span.data, span.size, err))
            return false;
    return !plan_vector(plan, &span) || span.alt != alt ||
           image_add(image, alt, span.address, span.data, span.size, err);
}

/* What it said last that is not a progress bar: the reason, if it failed. */
static char *last_words(const struct buf *out)
{
    struct buf text = BUF_INIT;
    const char *line = NULL;
    size_t len = 0;
    for (size_t i = 0, from = 0; i <= out->len; i++) {
        if (i < out->len && out->data[i] != '\n' && out->data[i] != '\r')
            continue;
        if (i > from && !memchr(out->data + from, '%', i - from)) {
            line = out->data + from;
            len = i - from;
        }
        from = i + 1;
    }
    if (line)
        text_add_printable(&text, line, len);
    return buf_detach(&text, NULL);
}

static bool run_dfu_util(const struct usb_entry *usb, uint8_t alt, const char *file,
                         struct err **err)
{
    char device[16], setting[8];
    snprintf(device, sizeof(device), "%04x:%04x", usb->vendor, usb->product);
    snprintf(setting, sizeof(setting), "%u", alt);
    const char *const argv[] = {PROGRAM, "--device", device,       "--path", usb->path,
                                "--alt", setting,    "--download", file,     NULL};
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    struct proc proc = {.argv = argv, .timeout_ms = LIMIT_MS, .out = &out, .out_max = OUTPUT_MAX};
    struct proc_result result;
    if (!proc_run(&proc, &result, err))
        return false;
    if (result.exit_status == 0)
        return true;
    _cleanup_free_ char *words = last_words(&out);
    err_set(err, ERR_DEVICE, "dfu-util failed (exit status %d): %s", result.exit_status, words);
    return err_hint(err, "run the command again; without --with=dfu-util firn writes itself, and "
                         "says more");
}

static bool write_alt(const struct plan *plan, const struct usb_entry *usb, uint8_t alt,
                      const char *dir, struct err **err)
{
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    _cleanup_(buf_release) struct buf bytes = BUF_INIT;
    _cleanup_free_ char *file = path_join(dir, "image.dfu");
    if (!add_blocks(plan, alt, &image, err))
        return false;
    if (!image.count)
        return true;
    image.usb_vendor = usb->vendor;
    image.usb_product = usb->product;
    dfuse_file_write(&image, "firn", &bytes);
    return fs_write(file, bytes.data, bytes.len, 0600, err) && run_dfu_util(usb, alt, file, err);
}

static bool write_all(const struct plan *plan, const struct usb_entry *usb, const char *dir,
                      struct err **err)
{
    int done = -1; /* sectors are sorted by alternate setting */
    for (size_t i = 0; i < plan->sector_count; i++) {
        uint8_t alt = plan->sectors[i].alt;
        if (alt != done && !write_alt(plan, usb, alt, dir, err))
            return false;
        done = alt;
    }
    return true;
}

bool dfu_util_write(const struct plan *plan, const struct usb_entry *usb, struct err **err)
{
    _cleanup_free_ char *program = proc_find(PROGRAM);
    _cleanup_free_ char *dir = NULL;
    _cleanup_err_ struct err *ignored = NULL;
    if (!program) {
        err_set(err, ERR_DEVICE, "dfu-util is not installed");
        return err_hint(err, "on Debian: apt install dfu-util; or leave --with=dfu-util out");
    }
    if (!fs_temp_dir_anywhere(&dir, err))
        return false;
    bool ok = write_all(plan, usb, dir, err);
    (void)!fs_remove_tree(dir, &ignored);
    return ok;
}
