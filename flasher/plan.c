#include "flasher/plan.h"

#include <inttypes.h>
#include <string.h>

#define USABLE (LAYOUT_READABLE | LAYOUT_ERASABLE | LAYOUT_WRITEABLE)

static const struct layout *find_layout(const struct plan_memory *memories, size_t count,
                                        uint8_t alt)
{
    for (size_t i = 0; i < count; i++)
        if (memories[i].alt == alt)
            return memories[i].layout;
    return NULL;
}

static bool set_outside(const struct layout *layout, uint32_t address, struct err **err)
{
    const struct layout_group *last = &layout->groups[layout->group_count - 1];
    uint32_t end = last->address + (last->count * last->sector_size - 1);
    err_set(err, ERR_DEVICE,
            "the image has data at 0x%08" PRIx32 ", outside of the board's %s (0x%08" PRIx32
            " to 0x%08" PRIx32 "%s)",
            address, layout->name, layout->groups[0].address, end,
            layout->incomplete ? ", as far as the board tells" : "");
    return err_hint(err, "is the image for another board? `firn devices` shows this one's memory");
}

static bool set_unusable(const struct layout *layout, const struct layout_sector *sector,
                         uint32_t address, struct err **err)
{
    _cleanup_(buf_release) struct buf can = BUF_INIT;
    layout_add_access(sector->access, &can);
    err_set(err, ERR_DEVICE,
            "the image has data at 0x%08" PRIx32 ", in the sector 0x%08" PRIx32 " of %" PRIu32
            " bytes of the board's %s, which is only: %s",
            address, sector->address, sector->size, layout->name, can.data);
    return err_hint(err, "a sector has to be readable, erasable and writeable; "
                         "is the image for another board?");
}

/* The sector at an address, if it can be used for an image. */
static bool find_sector(const struct layout *layout, uint32_t address, struct layout_sector *sector,
                        struct err **err)
{
    if (!layout_sector_at(layout, address, sector))
        return set_outside(layout, address, err);
    if ((sector->access & USABLE) != USABLE)
        return set_unusable(layout, sector, address, err);
    return true;
}

/* Small sectors are erased together as far as they fill one block of a transfer. */
static uint32_t window_of(const struct plan *plan, const struct layout_sector *found)
{
    uint32_t unit = plan->rules.block_size;
    if (found->size >= unit || unit % found->size)
        unit = found->size;
    return (found->address - found->group_address) / unit;
}

static bool is_within(const struct plan_sector *sector, uint8_t alt, uint32_t address)
{
    return sector->alt == alt && address >= sector->address &&
           address - sector->address < sector->size;
}

/* Does a small sector follow the last one within one block? */
static bool joins(const struct plan_sector *last, uint8_t alt, const struct layout_sector *found,
                  uint32_t window)
{
    return last->alt == alt && last->erase_size == found->size && last->window == window &&
           (uint64_t)last->address + last->size == found->address;
}

static void grow(struct plan *plan, struct plan_sector *sector, uint32_t size)
{
    sector->content = xrealloc(sector->content, sector->size + size);
    sector->is_image = xrealloc(sector->is_image, sector->size + size);
    memset(sector->content + sector->size, plan->rules.blank, size);
    memset(sector->is_image + sector->size, 0, size);
    sector->size += size;
    plan->sector_bytes += size;
}

/* The plan's entry of a sector: the last one, as segments come in order, or a new one. */
static struct plan_sector *take_sector(struct plan *plan, uint8_t alt,
                                       const struct layout_sector *found, uint32_t address)
{
    struct plan_sector *last = plan->sector_count ? &plan->sectors[plan->sector_count - 1] : NULL;
    uint32_t window = window_of(plan, found);
    if (last && is_within(last, alt, address))
        return last;
    if (!last || !joins(last, alt, found, window)) {
        plan->sectors =
            xreallocarray(plan->sectors, plan->sector_count + 1, sizeof(*plan->sectors));
        last = &plan->sectors[plan->sector_count++];
        *last = (struct plan_sector){
            .alt = alt,
            .address = found->address,
            .erase_size = found->size,
            .window = window,
            .erase = plan->rules.erase_all || plan->rules.mass,
        };
    }
    grow(plan, last, found->size);
    return last;
}

static bool add_segment(struct plan *plan, const struct segment *segment,
                        const struct layout *layout, struct err **err)
{
    for (size_t done = 0; done < segment->size;) {
        struct layout_sector found;
        uint32_t address = segment->address + (uint32_t)done;
        if (!find_sector(layout, address, &found, err))
            return false;
        if (plan->sector_bytes + found.size > PLAN_MAX_BYTES ||
            plan->sector_count == PLAN_MAX_SECTORS)
            return err_set(err, ERR_DEVICE, "the image touches more than %u MiB or %d sectors",
                           PLAN_MAX_BYTES / 1024 / 1024, PLAN_MAX_SECTORS);
        struct plan_sector *sector = take_sector(plan, segment->alt, &found, address);
        size_t left = segment->size - done, room = found.size - (address - found.address);
        size_t n = left < room ? left : room;
        memcpy(sector->content + (address - sector->address), segment->data + done, n);
        memset(sector->is_image + (address - sector->address), 1, n);
        sector->image_bytes += (uint32_t)n;
        done += n;
    }
    return true;
}

uint32_t plan_block_offset(const struct plan *plan, size_t block)
{
    return (uint32_t)block * plan->rules.block_size;
}

uint16_t plan_block_size(const struct plan *plan, const struct plan_sector *sector, size_t block)
{
    uint32_t left = sector->size - plan_block_offset(plan, block);
    return left < plan->rules.block_size ? (uint16_t)left : plan->rules.block_size;
}

/* Whose bytes are in each block? */
static void lay_out_blocks(const struct plan *plan, struct plan_sector *sector)
{
    sector->block_count = (sector->size - 1) / plan->rules.block_size + 1;
    sector->blocks = xcalloc(sector->block_count, 1);
    for (size_t i = 0; i < sector->block_count; i++) {
        const bool *is_image = sector->is_image + plan_block_offset(plan, i);
        for (uint16_t n = plan_block_size(plan, sector, i); n-- > 0;)
            sector->blocks[i] |= is_image[n] ? PLAN_IMAGE : PLAN_OTHER;
    }
}

static bool check_alt(const struct plan *plan, uint8_t alt, const struct layout *layout,
                      struct err **err)
{
    if (!layout) {
        err_set(err, ERR_DEVICE,
                "the image has data for alternate setting %u, which is no memory of this board",
                alt);
        return err_hint(err, "`firn devices` shows those that it has; --alt chooses one");
    }
    if (!plan->rules.mass || alt == 0)
        return true;
    err_set(err, ERR_DEVICE,
            "a mass erase is for the internal flash (alternate setting 0), and the image has data "
            "for alternate setting %u",
            alt);
    return err_hint(err, "leave it out: sectors that have to change are erased one by one");
}

bool plan_make(struct plan *plan, const struct image *image, const struct plan_memory *memories,
               size_t count, const struct plan_rules *rules, struct err **err)
{
    plan->image = image;
    plan->rules = *rules;
    for (size_t i = 0; i < image->count; i++) {
        const struct segment *segment = &image->segments[i];
        const struct layout *layout = find_layout(memories, count, segment->alt);
        if (!check_alt(plan, segment->alt, layout, err) || !add_segment(plan, segment, layout, err))
            return false;
    }
    for (size_t i = 0; i < plan->sector_count; i++)
        lay_out_blocks(plan, &plan->sectors[i]);
    const struct layout *flash = find_layout(memories, count, 0);
    plan->memory_bytes = flash ? (size_t)layout_size(flash) : 0;
    plan->memory_sectors = flash ? layout_sector_count(flash) : 0;
    plan->vector_block =
        (image->segments[0].address - plan->sectors[0].address) / rules->block_size;
    return true;
}

void plan_release(struct plan *plan)
{
    for (size_t i = 0; i < plan->sector_count; i++) {
        free(plan->sectors[i].content);
        free(plan->sectors[i].is_image);
        free(plan->sectors[i].blocks);
    }
    free(plan->sectors);
    *plan = (struct plan)PLAN_INIT;
}

/* Other data that is written, because its sector is erased or it comes from a rescue file. */
static bool is_kept(uint8_t flags)
{
    return flags & PLAN_KEPT && flags & PLAN_WRITE;
}

bool plan_keeps(const struct plan_sector *sector)
{
    for (size_t i = 0; i < sector->block_count; i++)
        if (is_kept(sector->blocks[i]))
            return true;
    return false;
}

static struct plan_span span_of(const struct plan *plan, size_t index, size_t block)
{
    const struct plan_sector *sector = &plan->sectors[index];
    uint32_t offset = plan_block_offset(plan, block);
    return (struct plan_span){
        .alt = sector->alt,
        .address = sector->address + offset,
        .size = plan_block_size(plan, sector, block),
        .keep = is_kept(sector->blocks[block]),
        .data = sector->content + offset,
    };
}

bool plan_next_in(const struct plan *plan, size_t sector, enum plan_flag flag, size_t *block,
                  struct plan_span *span)
{
    for (; *block < plan->sectors[sector].block_count; ++*block) {
        bool is_vector = sector == 0 && *block == plan->vector_block;
        if (is_vector || !(plan->sectors[sector].blocks[*block] & flag))
            continue;
        *span = span_of(plan, sector, (*block)++);
        return true;
    }
    return false;
}

bool plan_next(const struct plan *plan, enum plan_flag flag, struct plan_at *at,
               struct plan_span *block)
{
    for (; at->sector < plan->sector_count; at->sector++, at->block = 0)
        if (plan_next_in(plan, at->sector, flag, &at->block, block))
            return true;
    return false;
}

bool plan_next_span(const struct plan *plan, enum plan_flag flag, struct plan_at *at,
                    struct plan_span *span)
{
    struct plan_at ahead = *at;
    struct plan_span block;
    if (!plan_next(plan, flag, &ahead, span))
        return false;
    *at = ahead;
    while (plan_next(plan, flag, &ahead, &block) && block.alt == span->alt &&
           block.address == span->address + span->size) {
        span->size += block.size;
        span->keep |= block.keep;
        *at = ahead;
    }
    return true;
}

static bool vector_with(const struct plan *plan, enum plan_flag flag, struct plan_span *block)
{
    if (!plan->sector_count)
        return false;
    *block = span_of(plan, 0, plan->vector_block);
    return plan->sectors[0].blocks[plan->vector_block] & flag;
}

bool plan_vector(const struct plan *plan, struct plan_span *block)
{
    return vector_with(plan, PLAN_WRITE, block);
}

bool plan_verifies_vector(const struct plan *plan, struct plan_span *block)
{
    return vector_with(plan, PLAN_VERIFY, block);
}

size_t plan_bytes(const struct plan *plan, enum plan_flag flag)
{
    size_t bytes = 0;
    for (size_t i = 0; i < plan->sector_count; i++)
        for (size_t k = 0; k < plan->sectors[i].block_count; k++)
            if (plan->sectors[i].blocks[k] & flag)
                bytes += plan_block_size(plan, &plan->sectors[i], k);
    return bytes;
}

size_t plan_erase_bytes(const struct plan *plan)
{
    size_t bytes = 0;
    if (plan->rules.mass)
        return plan->memory_bytes;
    for (size_t i = 0; i < plan->sector_count; i++)
        bytes += plan->sectors[i].erase ? plan->sectors[i].size : 0;
    return bytes;
}

size_t plan_erase_count(const struct plan *plan)
{
    size_t count = 0;
    if (plan->rules.mass)
        return plan->memory_sectors;
    for (size_t i = 0; i < plan->sector_count; i++)
        if (plan->sectors[i].erase)
            count += plan->sectors[i].size / plan->sectors[i].erase_size;
    return count;
}

/* The image's bytes in a block, or the others. */
static size_t count_bytes(const struct plan *plan, const struct plan_sector *sector, size_t block,
                          bool image)
{
    const bool *is_image = sector->is_image + plan_block_offset(plan, block);
    size_t count = 0;
    for (uint16_t n = plan_block_size(plan, sector, block); n-- > 0;)
        count += is_image[n] == image;
    return count;
}

size_t plan_sector_kept_bytes(const struct plan *plan, const struct plan_sector *sector)
{
    size_t bytes = 0;
    for (size_t i = 0; i < sector->block_count; i++)
        if (is_kept(sector->blocks[i]))
            bytes += count_bytes(plan, sector, i, false);
    return bytes;
}

size_t plan_kept_bytes(const struct plan *plan)
{
    size_t bytes = 0;
    for (size_t i = 0; i < plan->sector_count; i++)
        bytes += plan_sector_kept_bytes(plan, &plan->sectors[i]);
    return bytes;
}

size_t plan_unchanged_bytes(const struct plan *plan)
{
    size_t bytes = 0;
    for (size_t i = 0; i < plan->sector_count; i++)
        for (size_t k = 0; k < plan->sectors[i].block_count; k++)
            if (plan->sectors[i].blocks[k] & PLAN_SAME && !plan->sectors[i].erase)
                bytes += count_bytes(plan, &plan->sectors[i], k, true);
    return bytes;
}

bool plan_is_empty(const struct plan *plan)
{
    return !plan_erase_bytes(plan) && !plan_bytes(plan, PLAN_WRITE);
}
