#include "flasher/compare.h"

bool compare_wants(const struct plan *plan, const struct plan_sector *sector, size_t block)
{
    uint8_t flags = sector->blocks[block];
    if (flags & PLAN_READ || plan->rules.mass)
        return false;
    if (flags & PLAN_OTHER && (sector->restore || (sector->erase && !plan->rules.discard)))
        return true;
    return flags & PLAN_IMAGE && !sector->erase;
}

void compare_block(const struct plan *plan, struct plan_sector *sector, size_t block,
                   const uint8_t *old)
{
    uint32_t offset = plan_block_offset(plan, block);
    uint8_t *content = sector->content + offset;
    const bool *is_image = sector->is_image + offset;
    bool blank = true, same = true, kept = false;
    for (uint16_t i = 0; i < plan_block_size(plan, sector, block); i++) {
        blank &= old[i] == plan->rules.blank;
        if (is_image[i]) {
            same &= old[i] == content[i];
        } else if (!plan->rules.discard) {
            kept |= old[i] != plan->rules.blank;
            content[i] = old[i];
        }
    }
    sector->blocks[block] |=
        PLAN_READ | (blank ? PLAN_BLANK : 0) | (same ? PLAN_SAME : 0) | (kept ? PLAN_KEPT : 0);
    sector->erase |= !same && !blank;
}

/* One byte of saved data: may it be put back here? */
static bool fits(const struct plan *plan, const struct plan_sector *sector, uint32_t offset,
                 uint8_t value)
{
    uint8_t now = sector->content[offset];
    return sector->is_image[offset] || now == value || now == plan->rules.blank;
}

static void put_back(const struct plan *plan, struct plan_sector *sector, uint32_t offset,
                     uint8_t value)
{
    uint8_t *flags = &sector->blocks[offset / plan->rules.block_size];
    if (sector->is_image[offset] || sector->content[offset] == value)
        return;
    sector->content[offset] = value;
    *flags = (uint8_t)((*flags & ~PLAN_SAME) | PLAN_KEPT);
    sector->erase |= !(*flags & PLAN_BLANK);
}

static bool is_in(const struct plan_sector *sector, const struct segment *segment)
{
    return segment->alt == sector->alt && segment->address >= sector->address &&
           segment->address - sector->address < sector->size &&
           segment->size <= sector->size - (segment->address - sector->address);
}

bool compare_restore(const struct plan *plan, struct plan_sector *sector, const struct image *saved)
{
    for (size_t i = 0; i < saved->count; i++) {
        const struct segment *segment = &saved->segments[i];
        if (!is_in(sector, segment))
            return false;
        for (uint32_t n = 0; n < segment->size; n++)
            if (!fits(plan, sector, segment->address - sector->address + n, segment->data[n]))
                return false;
    }
    for (size_t i = 0; i < saved->count; i++) {
        const struct segment *segment = &saved->segments[i];
        for (uint32_t n = 0; n < segment->size; n++)
            put_back(plan, sector, segment->address - sector->address + n, segment->data[n]);
    }
    return true;
}

static bool is_changed(uint8_t flags)
{
    return flags & PLAN_READ && !(flags & PLAN_SAME);
}

/* Does anything besides the vector table's block change? */
static bool has_other_changes(const struct plan *plan)
{
    for (size_t i = 0; i < plan->sector_count; i++) {
        const struct plan_sector *sector = &plan->sectors[i];
        if (i > 0 && sector->erase)
            return true;
        for (size_t k = 0; k < sector->block_count; k++)
            if (is_changed(sector->blocks[k]) && (i > 0 || k != plan->vector_block))
                return true;
    }
    return false;
}

void compare_settle(struct plan *plan)
{
    struct plan_sector *first = &plan->sectors[0];
    bool is_invalid = first->blocks[plan->vector_block] & PLAN_BLANK;
    if (!first->erase && !is_invalid && has_other_changes(plan))
        first->erase = true;
}

static bool is_blank(const struct plan *plan, const struct plan_sector *sector, size_t block)
{
    const uint8_t *content = sector->content + plan_block_offset(plan, block);
    for (uint16_t n = plan_block_size(plan, sector, block); n-- > 0;)
        if (content[n] != plan->rules.blank)
            return false;
    return true;
}

/* Also what is blank in an erased sector is read back, where it is the image's: erasing a protected
 * sector reports no error. */
void compare_finish(struct plan *plan)
{
    for (size_t i = 0; i < plan->sector_count; i++) {
        struct plan_sector *sector = &plan->sectors[i];
        for (size_t k = 0; k < sector->block_count; k++) {
            uint8_t *flags = &sector->blocks[k];
            bool changes = sector->erase || is_changed(*flags);
            if (changes && !is_blank(plan, sector, k))
                *flags |= PLAN_WRITE | PLAN_VERIFY;
            else if (changes && *flags & PLAN_IMAGE)
                *flags |= PLAN_VERIFY;
        }
    }
}
