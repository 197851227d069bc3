/* The lock: what is accepted is written back and read again as the same, and nothing differs from
 * it; what is refused is refused at a place. */
#include "builder/lock.h"
#include "tests/fuzz/fuzz_dir.h"

static const char *manifest_path(void)
{
    static char *path;
    if (!path)
        path = path_join(fuzz_dir(), "m.yaml");
    return path;
}

static void put(const uint8_t *data, size_t size)
{
    struct err *err = NULL;
    _cleanup_free_ char *path = lock_path(manifest_path());
    CHECK(fuzz_check_result(fs_write_scratch(path, data, size, &err), &err));
}

static bool get(struct key_parts *parts)
{
    struct diags diags = DIAGS_INIT;
    _cleanup_free_ char *path = lock_path(manifest_path());
    bool ok = lock_read(path, parts, &diags);
    CHECK(ok == (diags.error_count == 0));
    CHECK(ok || parts->count == 0);
    for (size_t i = 0; i < diags.error_count; i++)
        CHECK(diags.errors[i]->file && diags.errors[i]->message[0]);
    diags_release(&diags);
    return ok;
}

static void check_again(const struct key_parts *parts)
{
    struct err *err = NULL;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_(key_parts_release) struct key_parts again = KEY_PARTS_INIT;
    lock_format(parts, "m.yaml", &text);
    put((const uint8_t *)text.data, text.len);
    CHECK(get(&again));
    CHECK(again.count == parts->count);
    for (size_t i = 0; i < again.count; i++)
        CHECK(!strcmp(again.items[i].name, parts->items[i].name) &&
              !strcmp(again.items[i].value, parts->items[i].value));
    CHECK(fuzz_check_result(lock_check(parts, &again, manifest_path(), &err), &err));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(key_parts_release) struct key_parts parts = KEY_PARTS_INIT;
    put(data, size);
    if (get(&parts))
        check_again(&parts);
    return 0;
}
