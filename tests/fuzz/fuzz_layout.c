/* Memory layout strings of DfuSe devices. */
#include "tests/fuzz/fuzz_layout.h"

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
    fuzz_check_layout(&layout);
    check_again(&layout);
    layout_add_groups(&layout, &text);
    CHECK(fuzz_is_printable(text.data, text.len, ""));
    return 0;
}
