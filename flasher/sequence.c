#include "flasher/sequence.h"

#include <inttypes.h>
#include <string.h>

#include "base/proc.h"
#include "base/text.h"
#include "flasher/dfuse.h"

#define ALT_NONE (-1)

/* One board being flashed. */
struct sequence {
    struct dfu *dfu;
    const struct flash_options *options;
    struct events *events;
    struct flash_result *result;
    int alt;        /* the alternate setting that is chosen, or ALT_NONE */
    bool touched;   /* something was erased */
    bool holding;   /* data of the board was erased and is in our memory only */
    bool finishing; /* the last block is on its way: ending is quicker than starting over */
    const char *phase;
    uint64_t done, total; /* bytes of the phase */
};

static void begin_phase(struct sequence *s, const char *phase, const char *title, uint64_t total)
{
    s->phase = phase;
    s->done = 0;
    s->total = total;
    event_phase_begin(s->events, phase, title);
}

static bool end_phase(struct sequence *s, bool ok, const char *detail)
{
    event_phase_end(s->events, s->phase, ok, ok ? detail : NULL);
    return ok;
}

static void advance(struct sequence *s, size_t bytes)
{
    s->done += bytes;
    event_progress(s->events, s->phase, s->done, s->total, "bytes", NULL);
}

/* Between two steps: has somebody asked us to stop, and may we? */
static bool may_go_on(const struct sequence *s, struct err **err)
{
    if (!interrupt_requested() || s->holding || s->finishing)
        return true;
    err_set(err, ERR_INTERRUPTED, "interrupted%s",
            s->touched ? "; the board has no complete program now and stays in its bootloader"
                       : " before anything was changed");
    return err_hint(err, "run the same command again to flash it");
}

static bool block_done(void *data, size_t bytes, struct err **err)
{
    struct sequence *s = data;
    advance(s, bytes);
    return may_go_on(s, err);
}

static struct dfuse_watch watch_of(struct sequence *s)
{
    return (struct dfuse_watch){block_done, s};
}

/* The first time this also brings the board out of whatever state it was left in. */
static bool choose_alt(struct sequence *s, uint8_t alt, struct err **err)
{
    if (s->alt == alt)
        return true;
    if (!dfu_make_idle(s->dfu, DFUSE_ERASE_LIMIT_MS, err) ||
        !s->dfu->io.set_alt(s->dfu->io.data, alt, err))
        return false;
    s->alt = alt;
    return true;
}

static bool read_span(struct sequence *s, uint8_t alt, uint32_t address, uint8_t *data, size_t size,
                      struct err **err)
{
    struct dfuse_watch watch = watch_of(s);
    return choose_alt(s, alt, err) && dfuse_read_run(s->dfu, address, data, size, &watch, err);
}

static bool read_old_content(struct sequence *s, struct err **err)
{
    struct plan *plan = &s->result->plan;
    for (size_t i = 0; i < plan->sector_count; i++) {
        const struct plan_sector *sector = &plan->sectors[i];
        if (!plan_needs_old_content(sector))
            continue;
        _cleanup_free_ uint8_t *old = xmalloc(sector->size);
        if (!read_span(s, sector->alt, sector->address, old, sector->size, err))
            return false;
        plan_old_content(plan, i, old);
    }
    return true;
}

static char *plan_detail(const struct plan *plan)
{
    struct buf detail = BUF_INIT;
    buf_addf(&detail, "erase %zu sector%s (", plan->sector_count,
             plan->sector_count == 1 ? "" : "s");
    text_add_size(&detail, plan->sector_bytes);
    buf_adds(&detail, "), write ");
    text_add_size(&detail, plan_write_bytes(plan));
    if (plan_kept_bytes(plan)) {
        buf_adds(&detail, ", of which ");
        text_add_size(&detail, plan_kept_bytes(plan));
        buf_adds(&detail, " are the board's own data");
    }
    return buf_detach(&detail, NULL);
}

static bool make_plan(struct sequence *s, const struct image *image,
                      const struct plan_memory *memories, size_t count, struct err **err)
{
    struct plan *plan = &s->result->plan;
    begin_phase(s, "plan", "Reading what is there", 0);
    bool ok = plan_make(plan, image, memories, count, err);
    s->total = ok ? plan_old_bytes(plan) : 0;
    if (!ok || !read_old_content(s, err))
        return end_phase(s, false, NULL);
    plan_finish(plan, s->dfu->transfer_size);
    _cleanup_free_ char *detail = plan_detail(plan);
    return end_phase(s, true, detail);
}

static bool erase_sector(struct sequence *s, const struct plan_sector *sector, struct err **err)
{
    if (!may_go_on(s, err) || !choose_alt(s, sector->alt, err))
        return false;
    s->touched = true;
    s->holding |= sector->keep;
    if (!dfuse_erase_sector(s->dfu, sector->address, err))
        return false;
    s->result->sectors_erased++;
    advance(s, sector->size);
    return true;
}

/* The vector table's sector first, so that no half-erased program starts; sectors with data to keep
 * last, so that it is at risk for as short as can be. */
static bool erase_sectors(struct sequence *s, struct err **err)
{
    const struct plan *plan = &s->result->plan;
    if (!erase_sector(s, &plan->sectors[0], err))
        return false;
    for (int keep = 0; keep <= 1; keep++)
        for (size_t i = 1; i < plan->sector_count; i++)
            if (plan->sectors[i].keep == keep && !erase_sector(s, &plan->sectors[i], err))
                return false;
    return true;
}

static bool write_run(struct sequence *s, const struct plan_run *run, struct err **err)
{
    struct dfuse_watch watch = watch_of(s);
    size_t before = s->done;
    bool ok = choose_alt(s, run->alt, err) &&
              dfuse_write_run(s->dfu, run->address, run->data, run->size, &watch, err);
    s->result->bytes_written += s->done - before;
    return ok;
}

/* Runs with kept data first: once they are written nothing is in our memory only. (Unless the
 * vector's block, which is not among them, has some.) */
static bool write_runs(struct sequence *s, struct err **err)
{
    const struct plan *plan = &s->result->plan;
    for (int keep = 1; keep >= 0; keep--) {
        for (size_t i = 0; i < plan->run_count; i++)
            if (plan->runs[i].keep == keep && !write_run(s, &plan->runs[i], err))
                return false;
        s->holding = plan->vector.keep;
    }
    return may_go_on(s, err);
}

static bool set_mismatch(const struct plan_run *run, const uint8_t *got, struct err **err)
{
    size_t first = run->size, count = 0;
    for (size_t i = 0; i < run->size; i++) {
        if (got[i] == run->data[i])
            continue;
        if (!count++)
            first = i;
    }
    err_set(err, ERR_DEVICE,
            "verification failed at 0x%08" PRIx32 ": wrote 0x%02x, read back 0x%02x "
            "(%zu of %zu bytes from 0x%08" PRIx32 " on differ)",
            run->address + (uint32_t)first, run->data[first], got[first], count, run->size,
            run->address);
    return err_hint(err, "run the command again; if it fails at the same address, that sector is "
                         "write-protected or worn out");
}

static bool verify_run(struct sequence *s, const struct plan_run *run, struct err **err)
{
    _cleanup_free_ uint8_t *got = xmalloc(run->size);
    if (!read_span(s, run->alt, run->address, got, run->size, err))
        return false;
    return memcmp(got, run->data, run->size) == 0 || set_mismatch(run, got, err);
}

static bool verify_runs(struct sequence *s, struct err **err)
{
    const struct plan *plan = &s->result->plan;
    for (size_t i = 0; i < plan->run_count; i++)
        if (!verify_run(s, &plan->runs[i], err))
            return false;
    return true;
}

static bool write_vector(struct sequence *s, struct err **err)
{
    s->finishing = true;
    if (!write_run(s, &s->result->plan.vector, err))
        return false;
    s->holding = false;
    return true;
}

static bool erase_phase(struct sequence *s, struct err **err)
{
    const struct plan *plan = &s->result->plan;
    begin_phase(s, "erase", "Erasing", plan->sector_bytes);
    bool ok = erase_sectors(s, err);
    _cleanup_free_ char *detail =
        xasprintf("%zu sector%s", plan->sector_count, plan->sector_count == 1 ? "" : "s");
    return end_phase(s, ok, detail);
}

/* Unless the rest is to be verified first, the vector table is part of it. */
static bool write_phase(struct sequence *s, struct err **err)
{
    const struct plan *plan = &s->result->plan;
    bool all = !s->options->verify;
    size_t bytes = plan_write_bytes(plan) - (all ? 0 : plan->vector.size);
    _cleanup_(buf_release) struct buf detail = BUF_INIT;
    begin_phase(s, "write", "Writing", bytes);
    bool ok = write_runs(s, err) && (!all || write_vector(s, err));
    text_add_size(&detail, bytes);
    if (!all && plan->vector.size)
        buf_adds(&detail, ", all but the vector table");
    return end_phase(s, ok, detail.data);
}

static bool verify_phase(struct sequence *s, struct err **err)
{
    const struct plan *plan = &s->result->plan;
    if (!s->options->verify) {
        event_warning(s->events, "not verified, as --no-verify asks: nothing proves what the board "
                                 "holds now");
        return true;
    }
    begin_phase(s, "verify", "Reading back", plan_write_bytes(plan) + plan->vector.size);
    s->result->verified =
        verify_runs(s, err) && write_vector(s, err) && verify_run(s, &plan->vector, err);
    return end_phase(s, s->result->verified, "all bytes read back as written");
}

/* A board that is gone before it was told to leave has left, if it holds what it should. */
static bool leave_phase(struct sequence *s, const struct segment *first, struct err **err)
{
    if (!s->options->leave)
        return true;
    begin_phase(s, "leave", "Starting the program", 0);
    bool ok = choose_alt(s, first->alt, err) && dfuse_leave(s->dfu, first->address, err);
    if (!ok && s->dfu->fault == USB_GONE && s->result->verified) {
        err_free_ptr(err);
        ok = true;
    }
    s->result->left = ok;
    if (!end_phase(s, ok, "the board starts its program")) {
        err_wrap(err, "the image is written%s, but", s->result->verified ? " and verified" : "");
        return err_hint(err, "reset the board to start it");
    }
    return true;
}

/* The board itself is fine as it is, between two requests; the next run begins by making it idle.
 */
static void say_what_is_lost(const struct sequence *s)
{
    if (s->holding)
        event_warning(s->events,
                      "%zu bytes in the board that are not the image's were erased with their "
                      "sectors and are lost",
                      plan_kept_bytes(&s->result->plan));
}

bool sequence_run(struct dfu *dfu, const struct plan_memory *memories, size_t count,
                  const struct image *image, const struct flash_options *options,
                  struct events *events, struct flash_result *result, struct err **err)
{
    struct sequence sequence = {
        .dfu = dfu, .options = options, .events = events, .result = result, .alt = ALT_NONE};
    struct sequence *s = &sequence;
    if (!make_plan(s, image, memories, count, err))
        return false;
    if (options->dry_run)
        return true;
    if (erase_phase(s, err) && write_phase(s, err) && verify_phase(s, err) &&
        leave_phase(s, &image->segments[0], err))
        return true;
    say_what_is_lost(s);
    return false;
}
