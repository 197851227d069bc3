#include "flasher/sequence.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "flasher/plan_text.h"
#include "flasher/rescue.h"
#include "flasher/session.h"
#include "flasher/survey.h"

#define BLANK 0xff
#define BLANK_ZERO 0x00

/* One board on its way. */
struct sequence {
    struct session session;
    const struct flash_options *options;
    struct events *events;
    struct flash_result *result;
    struct rescue rescue;
    size_t unsaved; /* bytes of other data that were erased and are in our memory only */
};

static void set_unsaved(struct sequence *s, size_t bytes)
{
    s->unsaved = bytes;
    s->session.must_finish = bytes > 0;
}

static struct plan_rules rules_of(const struct sequence *s)
{
    return (struct plan_rules){
        .block_size = s->session.dfu->transfer_size,
        .blank = s->session.dfu->quirks.flags & QUIRK_ERASES_TO_ZERO ? BLANK_ZERO : BLANK,
        .erase_all = s->options->erase == FLASH_ERASE_ALL,
        .mass = s->options->erase == FLASH_ERASE_MASS,
        .discard = s->options->discard,
    };
}

static bool plan_phase(struct sequence *s, const struct image *image,
                       const struct plan_memory *memories, size_t count, struct err **err)
{
    struct flash_result *result = s->result;
    struct plan *plan = &result->plan;
    const struct plan_rules rules = rules_of(s);
    session_begin(&s->session, "plan", "Comparing", 0);
    if (!plan_make(plan, image, memories, count, &rules, err) ||
        !survey(&s->session, plan, &s->rescue, &result->bytes_compared, err))
        return session_end(&s->session, false, NULL);
    result->bytes_kept = plan_kept_bytes(plan);
    result->bytes_unchanged = plan_unchanged_bytes(plan);
    result->expected_seconds = plan_expected_seconds(plan, result->bytes_compared);
    _cleanup_(buf_release) struct buf detail = BUF_INIT;
    plan_add_summary(plan, &detail);
    return session_end(&s->session, true, detail.data);
}

/* ---- write ----------------------------------------------------------------------------------- */

static bool write_block(struct sequence *s, const struct plan_span *block, struct err **err)
{
    if (!session_write(&s->session, block->alt, block->address, block->data, (uint16_t)block->size,
                       err))
        return false;
    s->result->bytes_written += block->size;
    return true;
}

/* Before the first erase: a board that writes in the wrong place may hit any sector. */
static bool save_other_data(struct sequence *s, struct err **err)
{
    const struct plan *plan = &s->result->plan;
    for (size_t i = 0; i < plan->sector_count; i++) {
        const struct plan_sector *sector = &plan->sectors[i];
        if (sector->erase && plan_keeps(sector) &&
            !(survey_again(&s->session, plan, sector, err) &&
              rescue_save(&s->rescue, plan, sector, err)))
            return false;
    }
    return true;
}

static bool erase_sector(struct sequence *s, const struct plan_sector *sector, struct err **err)
{
    size_t kept = plan_sector_kept_bytes(&s->result->plan, sector);
    if (!session_choose(&s->session, sector->alt, err))
        return false;
    s->session.touched = true;
    set_unsaved(s, s->unsaved + (s->rescue.dir ? 0 : kept));
    for (uint32_t done = 0; done < sector->size; done += sector->erase_size) {
        if (!dfuse_erase_sector(&s->session.dfuse, sector->address + done, err))
            return false;
        s->result->sectors_erased++;
        session_advance(&s->session, sector->erase_size);
    }
    return true;
}

/* The vector table's block is left for later, and with it what else is in that block. */
static size_t vector_unsaved(const struct sequence *s)
{
    struct plan_span vector;
    bool is_kept = plan_vector(&s->result->plan, &vector) && vector.keep;
    return is_kept && !s->rescue.dir ? vector.size : 0;
}

static bool hint_erase(const struct sequence *s, const struct plan_sector *sector, struct err **err)
{
    if (sector->erase || s->session.dfu->fault != USB_OK)
        return false;
    return err_hint(err, "it reads as erased memory and was not erased for that; --erase=all does");
}

static bool write_sector(struct sequence *s, size_t index, struct err **err)
{
    const struct plan *plan = &s->result->plan;
    const struct plan_sector *sector = &plan->sectors[index];
    struct plan_span block;
    if (!session_may_go_on(&s->session, err))
        return false;
    if (sector->erase && !plan->rules.mass && !erase_sector(s, sector, err))
        return false;
    for (size_t i = 0; plan_next_in(plan, index, PLAN_WRITE, &i, &block);) {
        if (!session_may_go_on(&s->session, err))
            return false;
        if (!write_block(s, &block, err))
            return hint_erase(s, sector, err);
    }
    set_unsaved(s, vector_unsaved(s));
    return true;
}

static bool erase_all(struct sequence *s, struct err **err)
{
    const struct plan *plan = &s->result->plan;
    _cleanup_(buf_release) struct buf size = BUF_INIT;
    text_add_size(&size, plan->memory_bytes);
    event_warning(s->events, "--erase=mass: all %s of the flash are erased, whatever is in them",
                  size.data);
    if (!session_may_go_on(&s->session, err) || !session_choose(&s->session, 0, err))
        return false;
    s->session.touched = true;
    if (!dfuse_mass_erase(&s->session.dfuse, err))
        return false;
    s->result->sectors_erased = plan->memory_sectors;
    session_advance(&s->session, plan->memory_bytes);
    return true;
}

static bool write_sectors(struct sequence *s, struct err **err)
{
    const struct plan *plan = &s->result->plan;
    if (!save_other_data(s, err) || (plan->rules.mass && !erase_all(s, err)))
        return false;
    for (size_t i = 0; i < plan->sector_count; i++)
        if (!write_sector(s, i, err))
            return false;
    return session_may_go_on(&s->session, err);
}

static bool write_vector(struct sequence *s, struct err **err)
{
    struct plan_span vector;
    s->session.must_finish = true; /* ending is quicker than starting over */
    if (plan_vector(&s->result->plan, &vector) && !write_block(s, &vector, err))
        return false;
    s->unsaved = 0;
    return true;
}

static size_t vector_bytes(const struct plan *plan)
{
    struct plan_span vector;
    return plan_vector(plan, &vector) ? vector.size : 0;
}

/* "erased 3 sectors, wrote 338.0 KiB" */
static char *write_detail(const struct flash_result *result, bool vector_is_left)
{
    struct buf detail = BUF_INIT;
    if (result->sectors_erased)
        buf_addf(&detail, "erased %zu sector%s, ", result->sectors_erased,
                 result->sectors_erased == 1 ? "" : "s");
    buf_adds(&detail, "wrote ");
    text_add_size(&detail, result->bytes_written);
    if (vector_is_left)
        buf_adds(&detail, ", all but the vector table");
    return buf_detach(&detail, NULL);
}

/* Somebody else erases and writes (dfu_util.h), and leaves the board in some state. */
static bool write_by_other(struct sequence *s, struct err **err)
{
    const struct plan *plan = &s->result->plan;
    struct dfu *dfu = s->session.dfu;
    session_begin(&s->session, "write", "dfu-util writes", 0);
    bool ok = save_other_data(s, err) && session_rest(&s->session, err);
    s->session.touched = ok;
    ok = ok && s->options->write(s->options->write_data, plan, err);
    s->session.alt = -1;
    s->session.dfuse = (struct dfuse){.dfu = dfu};
    if (ok) {
        s->result->sectors_erased = plan_erase_count(plan);
        s->result->bytes_written = plan_bytes(plan, PLAN_WRITE);
    }
    return session_end(&s->session, ok, "by dfu-util");
}

/* Unless the rest is to be verified first, the vector table is part of it. */
static bool write_phase(struct sequence *s, struct err **err)
{
    const struct plan *plan = &s->result->plan;
    bool all = !s->options->verify;
    size_t later = all ? 0 : vector_bytes(plan);
    session_begin(&s->session, "write", "Writing",
                  plan_erase_bytes(plan) + plan_bytes(plan, PLAN_WRITE) - later);
    bool ok = write_sectors(s, err) && (!all || write_vector(s, err));
    _cleanup_free_ char *detail = write_detail(s->result, later > 0);
    return session_end(&s->session, ok, detail);
}

/* ---- verify ---------------------------------------------------------------------------------- */

static bool set_mismatch(const struct plan_span *block, const uint8_t *got, struct err **err)
{
    size_t first = block->size, count = 0;
    for (size_t i = 0; i < block->size; i++) {
        if (got[i] == block->data[i])
            continue;
        if (!count++)
            first = i;
    }
    err_set(err, ERR_DEVICE,
            "verification failed at 0x%08" PRIx32 ": wrote 0x%02x, read back 0x%02x "
            "(%zu of %zu bytes from 0x%08" PRIx32 " on differ)",
            block->address + (uint32_t)first, block->data[first], got[first], count, block->size,
            block->address);
    return err_hint(err, "run the command again; if it fails at the same address, that sector is "
                         "write-protected or worn out");
}

static bool verify_block(struct sequence *s, const struct plan_span *block, struct err **err)
{
    if (!session_read(&s->session, block->alt, block->address, (uint16_t)block->size, err))
        return false;
    session_advance(&s->session, block->size);
    return memcmp(s->session.block, block->data, block->size) == 0 ||
           set_mismatch(block, s->session.block, err);
}

static bool verify_all(struct sequence *s, struct err **err)
{
    const struct plan *plan = &s->result->plan;
    struct plan_span block;
    struct plan_at at = {0, 0};
    while (plan_next(plan, PLAN_VERIFY, &at, &block))
        if (!verify_block(s, &block, err))
            return false;
    if (!s->options->write && !write_vector(s, err))
        return false;
    return !plan_verifies_vector(plan, &block) || verify_block(s, &block, err);
}

static bool verify_phase(struct sequence *s, struct err **err)
{
    const struct plan *plan = &s->result->plan;
    if (!s->options->verify) {
        event_warning(s->events, "not verified, as --no-verify asks: nothing proves what the board "
                                 "holds now");
        return true;
    }
    session_begin(&s->session, "verify", "Reading back",
                  plan_bytes(plan, PLAN_VERIFY) + vector_bytes(plan));
    s->result->verified = verify_all(s, err);
    return session_end(&s->session, s->result->verified, "all bytes read back as written");
}

/* ---- leave ----------------------------------------------------------------------------------- */

/* A board that is gone before it was told to leave has left, if it holds what it should. */
static bool leave_phase(struct sequence *s, const struct segment *first, struct err **err)
{
    if (!s->options->leave)
        return session_rest(&s->session, err);
    session_begin(&s->session, "leave", "Starting the program", 0);
    bool ok = session_choose(&s->session, first->alt, err) &&
              dfuse_leave(&s->session.dfuse, first->address, err);
    if (!ok && s->session.dfu->fault == USB_GONE && s->result->verified) {
        err_free_ptr(err);
        ok = true;
    }
    s->result->left = ok;
    if (session_end(&s->session, ok, "the board starts its program"))
        return true;
    err_wrap(err, "the image is written%s, but", s->result->verified ? " and verified" : "");
    return err_hint(err, "reset the board to start it");
}

/* The board itself is fine as it is, between two requests; the next run begins by making it idle.
 */
static bool say_what_is_missing(struct sequence *s)
{
    if (s->unsaved)
        event_warning(s->events,
                      "%zu bytes in the board that are not the image's were erased with their "
                      "sectors and are lost",
                      s->unsaved);
    rescue_report(&s->rescue, s->events);
    return false;
}

/* What the board holds already was read and compared just now: that is verified. */
static bool change(struct sequence *s, struct err **err)
{
    s->result->verified = plan_is_empty(&s->result->plan);
    if (s->result->verified)
        return true;
    return (s->options->write ? write_by_other(s, err) : write_phase(s, err)) &&
           verify_phase(s, err);
}

static bool run(struct sequence *s, const struct image *image, const struct plan_memory *memories,
                size_t count, struct err **err)
{
    if (!plan_phase(s, image, memories, count, err))
        return false;
    if (s->options->dry_run)
        return true;
    if (!change(s, err))
        return say_what_is_missing(s);
    if (s->result->verified)
        rescue_finish(&s->rescue, s->events);
    else
        rescue_report(&s->rescue, s->events);
    return leave_phase(s, &image->segments[0], err);
}

bool sequence_run(struct dfu *dfu, const struct plan_memory *memories, size_t count,
                  const struct image *image, const struct flash_options *options,
                  struct events *events, struct flash_result *result, struct err **err)
{
    struct sequence sequence = {.options = options, .events = events, .result = result};
    session_init(&sequence.session, dfu, events);
    bool is_constant = dfu->quirks.flags & QUIRK_SERIAL_IS_CONSTANT;
    rescue_init(&sequence.rescue, options->rescue_dir, result->path,
                is_constant ? NULL : result->serial);
    bool ok = run(&sequence, image, memories, count, err);
    const char *file = rescue_file(&sequence.rescue);
    result->rescue = file && !options->dry_run ? xstrdup(file) : NULL;
    rescue_release(&sequence.rescue);
    session_release(&sequence.session);
    return ok;
}
