/* What has to hold for every layout that was read. */
#ifndef FIRN_TESTS_FUZZ_FUZZ_LAYOUT_H
#define FIRN_TESTS_FUZZ_FUZZ_LAYOUT_H

#include "tests/fuzz/fuzz.h"

#include "flasher/layout.h"

static inline uint64_t fuzz_group_end(const struct layout_group *group)
{
    return group->address + (uint64_t)group->count * group->sector_size;
}

static inline void fuzz_check_sector(const struct layout *layout, const struct layout_group *group,
                                     uint64_t address)
{
    struct layout_sector sector;
    CHECK(layout_sector_at(layout, (uint32_t)address, &sector));
    CHECK(sector.address <= address && address - sector.address < sector.size);
    CHECK(sector.size == group->sector_size && sector.access == group->access);
    CHECK((sector.address - group->address) % group->sector_size == 0);
}

/* Is it a layout that a plan can be made against? */
static inline void fuzz_check_layout(const struct layout *layout)
{
    struct layout_sector sector;
    uint64_t size = 0, end = 0;
    size_t count = 0;
    CHECK(layout->group_count >= 1 && layout->group_count <= LAYOUT_MAX_GROUPS);
    for (size_t i = 0; i < layout->group_count; i++) {
        const struct layout_group *group = &layout->groups[i];
        CHECK(group->count > 0 && group->sector_size > 0 && group->access >= 1 &&
              group->access <= 7);
        CHECK(group->address >= end && fuzz_group_end(group) <= UINT64_C(1) << 32);
        CHECK(group->address == end ||
              !layout_sector_at(layout, (uint32_t)group->address - 1, &sector));
        fuzz_check_sector(layout, group, group->address);
        fuzz_check_sector(layout, group, fuzz_group_end(group) - 1);
        end = fuzz_group_end(group);
        size += end - group->address;
        count += group->count;
    }
    CHECK(end == UINT64_C(1) << 32 || !layout_sector_at(layout, (uint32_t)end, &sector));
    CHECK(layout_size(layout) == size && layout_sector_count(layout) == count);
}

#endif
