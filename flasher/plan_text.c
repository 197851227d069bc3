#include "flasher/plan_text.h"

#include <inttypes.h>

#include "base/text.h"

#define PROGRAM_US_PER_BYTE 16
#define READ_US_PER_KIB 5000

static uint64_t erase_us(uint64_t sector_size)
{
    static const struct {
        uint32_t up_to;
        uint64_t ms;
    } typical[] = {{4 * 1024, 25}, {16 * 1024, 400}, {64 * 1024, 1200}, {128 * 1024, 2000}};
    const size_t last = ARRAY_SIZE(typical) - 1;
    for (size_t i = 0; i < last; i++)
        if (sector_size <= typical[i].up_to)
            return typical[i].ms * 1000;
    return (sector_size - 1 + typical[last].up_to) / typical[last].up_to * typical[last].ms * 1000;
}

static uint64_t erase_all_us(const struct plan *plan)
{
    uint64_t us = 0;
    if (plan->rules.mass)
        return erase_us(plan->memory_bytes);
    for (size_t i = 0; i < plan->sector_count; i++) {
        const struct plan_sector *sector = &plan->sectors[i];
        if (sector->erase)
            us += sector->size / sector->erase_size * erase_us(sector->erase_size);
    }
    return us;
}

double plan_expected_seconds(const struct plan *plan, size_t compared)
{
    uint64_t written = plan_bytes(plan, PLAN_WRITE);
    uint64_t read = compared + plan_bytes(plan, PLAN_VERIFY);
    uint64_t us =
        erase_all_us(plan) + written * PROGRAM_US_PER_BYTE + read * READ_US_PER_KIB / 1024;
    return (double)us / 1e6;
}

static void add_kept(size_t kept, struct buf *out)
{
    if (!kept)
        return;
    buf_adds(out, ", of which ");
    text_add_size(out, kept);
    buf_adds(out, " are the board's own data");
}

void plan_add_summary(const struct plan *plan, struct buf *out)
{
    size_t count = plan_erase_count(plan);
    if (plan_is_empty(plan)) {
        buf_adds(out, "nothing to do: the board holds all of it already");
        return;
    }
    if (count) {
        buf_addf(out, "erase %zu sector%s (", count, count == 1 ? "" : "s");
        text_add_size(out, plan_erase_bytes(plan));
        buf_adds(out, "), ");
    }
    buf_adds(out, "write ");
    text_add_size(out, plan_bytes(plan, PLAN_WRITE));
    add_kept(plan_kept_bytes(plan), out);
}

static size_t write_bytes(const struct plan *plan, const struct plan_sector *sector)
{
    size_t bytes = 0;
    for (size_t i = 0; i < sector->block_count; i++)
        if (sector->blocks[i] & PLAN_WRITE)
            bytes += plan_block_size(plan, sector, i);
    return bytes;
}

/* What happens to a sector. */
enum fate { FATE_LEAVE, FATE_WRITE, FATE_ERASE };

static enum fate fate(const struct plan *plan, const struct plan_sector *sector)
{
    if (sector->erase)
        return FATE_ERASE;
    return write_bytes(plan, sector) ? FATE_WRITE : FATE_LEAVE;
}

/* The sectors from `index` on that are contiguous and share the first one's fate: one line. Returns
 * the index behind them. */
static size_t add_line(const struct plan *plan, size_t index, struct buf *out)
{
    const struct plan_sector *first = &plan->sectors[index];
    static const char *const names[] = {"leave", "write", "erase"};
    const enum fate what = fate(plan, first);
    uint64_t end = first->address;
    size_t count = 0, written = 0, kept = 0;
    for (; index < plan->sector_count; index++) {
        const struct plan_sector *sector = &plan->sectors[index];
        if (sector->alt != first->alt || sector->address != end || fate(plan, sector) != what)
            break;
        end += sector->size;
        count += sector->size / sector->erase_size;
        written += write_bytes(plan, sector);
        kept += plan_sector_kept_bytes(plan, sector);
    }
    buf_addf(out, "%s  alt %u  0x%08" PRIx32 "  ", names[what], first->alt, first->address);
    text_add_size(out, end - first->address);
    buf_addf(out, " in %zu sector%s: ", count, count == 1 ? "" : "s");
    if (written) {
        buf_adds(out, "write ");
        text_add_size(out, written);
        add_kept(kept, out);
    } else {
        buf_adds(out, first->erase ? "stays erased" : "holds the image's bytes already");
    }
    buf_addc(out, '\n');
    return index;
}

void plan_format(const struct plan *plan, struct buf *out)
{
    struct plan_span vector;
    if (plan->rules.mass) {
        buf_adds(out, "erase  alt 0  the whole flash, ");
        text_add_size(out, plan->memory_bytes);
        buf_adds(out, ", whatever is in it\n");
    }
    for (size_t i = 0; i < plan->sector_count;)
        i = add_line(plan, i, out);
    if (plan_vector(plan, &vector))
        buf_addf(out, "the vector table's block at 0x%08" PRIx32 " is written last\n",
                 vector.address);
    buf_adds(out, "in all: ");
    plan_add_summary(plan, out);
    buf_addc(out, '\n');
}
