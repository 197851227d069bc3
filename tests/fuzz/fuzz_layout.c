/* Memory layout strings of DfuSe devices. */
#include "tests/fuzz/fuzz.h"

#include "flasher/layout.h"

static uint64_t group_end(const struct layout_group *group)
{
    return group->address + (uint64_t)group->count * group->sector_size;
}

static void check_sector(const struct layout *layout, const struct layout_group *group,
                         uint64_t address)
{
    struct layout_sector sector;
    CHECK(layout_sector_at(layout, (uint32_t)address, &sector));
    CHECK(sector.address <= address && address - sector.address < sector.size);
    CHECK(sector.size == group->sector_size && sector.access == group->access);
    CHECK((sector.address - group->address) % group->sector_size == 0);
}

static void check_groups(const struct layout *layout)
{
    struct layout_sector sector;
    uint64_t size = 0, end = 0;
    size_t count = 0;
    CHECK(layout->group_count >= 1 && layout->group_count <= LAYOUT_MAX_GROUPS);
    for (size_t i = 0; i < layout->group_count; i++) {
        const struct layout_group *group = &layout->groups[i];
        CHECK(group->count > 0 && group->sector_size > 0 && group->access >= 1 &&
              group->access <= 7);
        CHECK(group->address >= end && group_end(group) <= UINT64_C(1) << 32);
        CHECK(group->address == end ||
              !layout_sector_at(layout, (uint32_t)group->address - 1, &sector));
        check_sector(layout, group, group->address);
        check_sector(layout, group, group_end(group) - 1);
        end = group_end(group);
        size += end - group->address;
        count += group->count;
    }
    CHECK(end == UINT64_C(1) << 32 || !layout_sector_at(layout, (uint32_t)end, &sector));
    CHECK(layout_size(layout) == size && layout_sector_count(layout) == count);
}

/* The same groups, written as a device would, are read as the same layout. */
static void check_again(const struct layout *layout)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_(buf_release) struct buf before = BUF_INIT;
    _cleanup_(buf_release) struct buf after = BUF_INIT;
    _cleanup_(layout_release) struct layout again = LAYOUT_INIT;
    struct err *err = NULL;
    buf_addf(&text, "@name");
    for (size_t i = 0; i < layout->group_count; i++) {
        const struct layout_group *group = &layout->groups[i];
        buf_addf(&text, "/0x%08X/%02u*%03u %c", group->address, group->count, group->sector_size,
                 'a' - 1 + group->access);
    }
    CHECK(layout_parse(text.data, text.len, &again, &err) && !again.incomplete);
    layout_format(layout, &before);
    layout_format(&again, &after);
    CHECK(strcmp(before.data, after.data) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(layout_release) struct layout layout = LAYOUT_INIT;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    struct err *err = NULL;
    bool ok = layout_parse((const char *)data, size, &layout, &err);
    if (!fuzz_check_result(ok, &err)) {
        CHECK(!layout.name && !layout.group_count);
        return 0;
    }
    CHECK(fuzz_is_printable(layout.name, strlen(layout.name), ""));
    check_groups(&layout);
    check_again(&layout);
    layout_add_groups(&layout, &text);
    CHECK(fuzz_is_printable(text.data, text.len, ""));
    return 0;
}
