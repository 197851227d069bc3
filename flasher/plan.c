#include "flasher/plan.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

#define BLANK 0xff
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

static bool is_last_sector(const struct plan *plan, uint8_t alt, const struct layout_sector *found)
{
    const struct plan_sector *last = plan->sectors + plan->sector_count;
    return plan->sector_count && last[-1].alt == alt && last[-1].address == found->address;
}

/* The plan's entry of a sector: the last one, as segments come in order, or a new one. */
static struct plan_sector *take_sector(struct plan *plan, uint8_t alt,
                                       const struct layout_sector *found, uint32_t first)
{
    if (is_last_sector(plan, alt, found))
        return &plan->sectors[plan->sector_count - 1];
    plan->sectors = xreallocarray(plan->sectors, plan->sector_count + 1, sizeof(*plan->sectors));
    struct plan_sector *sector = &plan->sectors[plan->sector_count++];
    *sector = (struct plan_sector){
        .alt = alt,
        .address = found->address,
        .size = found->size,
        .first = first,
        .content = xmalloc(found->size),
    };
    memset(sector->content, BLANK, sector->size);
    plan->sector_bytes += sector->size;
    return sector;
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
        uint32_t offset = address - found.address;
        struct plan_sector *sector = take_sector(plan, segment->alt, &found, offset);
        size_t left = segment->size - done, room = found.size - offset;
        size_t n = left < room ? left : room;
        memcpy(sector->content + offset, segment->data + done, n);
        sector->end = offset + (uint32_t)n;
        sector->image_bytes += (uint32_t)n;
        done += n;
    }
    return true;
}

bool plan_make(struct plan *plan, const struct image *image, const struct plan_memory *memories,
               size_t count, struct err **err)
{
    plan->image = image;
    for (size_t i = 0; i < image->count; i++) {
        const struct segment *segment = &image->segments[i];
        const struct layout *layout = find_layout(memories, count, segment->alt);
        if (!layout) {
            err_set(err, ERR_DEVICE,
                    "the image has data for alternate setting %u, which is no memory of this board",
                    segment->alt);
            return err_hint(err, "`firn devices` shows those that it has; --alt chooses one");
        }
        if (!add_segment(plan, segment, layout, err))
            return false;
    }
    return true;
}

bool plan_needs_old_content(const struct plan_sector *sector)
{
    return sector->image_bytes < sector->size;
}

/* Copy old bytes into one gap between the image's data. Returns whether it holds data. */
static bool fill_gap(struct plan_sector *sector, const uint8_t *old, size_t from, size_t to)
{
    bool data = false;
    for (size_t i = from; i < to; i++)
        data |= old[i] != BLANK;
    if (to > from)
        memcpy(sector->content + from, old + from, to - from);
    return data;
}

bool plan_old_content(struct plan *plan, size_t index, const uint8_t *old)
{
    struct plan_sector *sector = &plan->sectors[index];
    uint64_t start = sector->address, end = start + sector->size;
    size_t at = 0; /* offset of the first byte not looked at yet */
    for (size_t i = 0; i < plan->image->count; i++) {
        const struct segment *segment = &plan->image->segments[i];
        uint64_t from = segment->address, to = from + segment->size;
        if (segment->alt != sector->alt || to <= start || from >= end)
            continue;
        if (from > start)
            sector->keep |= fill_gap(sector, old, at, (size_t)(from - start));
        at = (size_t)((to < end ? to : end) - start);
    }
    sector->keep |= fill_gap(sector, old, at, sector->size);
    return sector->keep;
}

static void add_run(struct plan *plan, const struct plan_sector *sector, uint32_t from, uint32_t to)
{
    struct plan_run *run = plan->run_count ? &plan->runs[plan->run_count - 1] : NULL;
    bool joins = run && run->alt == sector->alt && run->keep == sector->keep &&
                 (uint64_t)run->address + run->size == (uint64_t)sector->address + from;
    if (!joins) {
        plan->runs = xreallocarray(plan->runs, plan->run_count + 1, sizeof(*plan->runs));
        run = &plan->runs[plan->run_count++];
        *run = (struct plan_run){.alt = sector->alt, .keep = sector->keep};
        run->address = sector->address + from;
    }
    run->data = xrealloc(run->data, run->size + (to - from));
    memcpy(run->data + run->size, sector->content + from, to - from);
    run->size += to - from;
}

static void insert_run(struct plan *plan, size_t index, const struct plan_run *run)
{
    plan->runs = xreallocarray(plan->runs, plan->run_count + 1, sizeof(*plan->runs));
    memmove(&plan->runs[index + 1], &plan->runs[index],
            (plan->run_count - index) * sizeof(*plan->runs));
    plan->runs[index] = *run;
    plan->run_count++;
}

static void remove_if_empty(struct plan *plan, size_t index)
{
    if (plan->runs[index].size)
        return;
    free(plan->runs[index].data);
    plan->run_count--;
    memmove(&plan->runs[index], &plan->runs[index + 1],
            (plan->run_count - index) * sizeof(*plan->runs));
}

/* Cut `size` bytes at an offset out of run 0: what is before and behind them stays as runs. */
static void take_vector(struct plan *plan, size_t offset, size_t size)
{
    struct plan_run *run = &plan->runs[0];
    struct plan_run rest = *run;
    plan->vector = *run;
    plan->vector.address += (uint32_t)offset;
    plan->vector.size = size;
    plan->vector.data = xmalloc(size);
    memcpy(plan->vector.data, run->data + offset, size);

    rest.address += (uint32_t)(offset + size);
    rest.size -= offset + size;
    rest.data = xmalloc(rest.size);
    memcpy(rest.data, run->data + offset + size, rest.size);
    run->size = offset;
    insert_run(plan, 1, &rest);
    remove_if_empty(plan, 1);
    remove_if_empty(plan, 0);
}

void plan_finish(struct plan *plan, uint16_t transfer_size)
{
    for (size_t i = 0; i < plan->sector_count; i++) {
        const struct plan_sector *sector = &plan->sectors[i];
        uint32_t from = sector->first / transfer_size * transfer_size;
        uint64_t to = ((uint64_t)sector->end + transfer_size - 1) / transfer_size * transfer_size;
        if (sector->keep)
            add_run(plan, sector, 0, sector->size);
        else
            add_run(plan, sector, from, to < sector->size ? (uint32_t)to : sector->size);
    }
    const struct plan_sector *first = &plan->sectors[0];
    uint32_t start = first->first / transfer_size * transfer_size;
    size_t offset = first->address + start - plan->runs[0].address;
    size_t left = first->size - start;
    take_vector(plan, offset, left < transfer_size ? left : transfer_size);
}

void plan_release(struct plan *plan)
{
    for (size_t i = 0; i < plan->sector_count; i++)
        free(plan->sectors[i].content);
    for (size_t i = 0; i < plan->run_count; i++)
        free(plan->runs[i].data);
    free(plan->vector.data);
    free(plan->sectors);
    free(plan->runs);
    *plan = (struct plan)PLAN_INIT;
}

size_t plan_old_bytes(const struct plan *plan)
{
    size_t bytes = 0;
    for (size_t i = 0; i < plan->sector_count; i++)
        if (plan_needs_old_content(&plan->sectors[i]))
            bytes += plan->sectors[i].size;
    return bytes;
}

size_t plan_write_bytes(const struct plan *plan)
{
    size_t bytes = plan->vector.size;
    for (size_t i = 0; i < plan->run_count; i++)
        bytes += plan->runs[i].size;
    return bytes;
}

size_t plan_kept_bytes(const struct plan *plan)
{
    size_t bytes = 0;
    for (size_t i = 0; i < plan->sector_count; i++)
        if (plan->sectors[i].keep)
            bytes += plan->sectors[i].size - plan->sectors[i].image_bytes;
    return bytes;
}

static void add_sector_line(const struct plan_sector *sector, struct buf *out)
{
    buf_addf(out, "erase  alt %u  0x%08" PRIx32 "  ", sector->alt, sector->address);
    text_add_size(out, sector->size);
    if (sector->keep)
        buf_adds(out, "  (its other data is kept)");
    buf_addc(out, '\n');
}

static void add_run_line(const struct plan_run *run, const char *note, struct buf *out)
{
    buf_addf(out, "write  alt %u  0x%08" PRIx32 "  ", run->alt, run->address);
    text_add_size(out, run->size);
    buf_addf(out, "%s\n", note);
}

void plan_format(const struct plan *plan, struct buf *out)
{
    for (size_t i = 0; i < plan->sector_count; i++)
        add_sector_line(&plan->sectors[i], out);
    for (size_t i = 0; i < plan->run_count; i++)
        add_run_line(&plan->runs[i], "", out);
    add_run_line(&plan->vector, "  (the vector table: last)", out);
}
