/* What somebody sends as a product's files: what is taken has one text, and stays in its directory.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_dir.h"

#include "base/bundle.h"

/* Its text read again is the same bundle. */
static void check_text(const struct bundle *bundle, const char *digest)
{
    _cleanup_(bundle_release) struct bundle again = BUNDLE_INIT;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    char other[HASH_HEX_SIZE];
    struct err *err = NULL;

    bundle_add_text(bundle, &text);
    json_t *json = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    CHECK(json);
    CHECK(bundle_parse(json_object_get(json, "files"), &again, &err));
    bundle_digest(&again, other);
    CHECK(strcmp(digest, other) == 0 && again.bytes == bundle->bytes);
    json_decref(json);
}

static void check_paths(const struct bundle *bundle)
{
    struct err *err = NULL;

    for (size_t i = 0; i < bundle->count; i++) {
        const char *path = bundle->items[i].path;

        CHECK(bundle_check_path(path, &err));
        CHECK(*path != '/' && *path != '.' && !strstr(path, "/.") && fuzz_is_utf8(path));
        CHECK(i == 0 || strcmp(bundle->items[i - 1].path, path) < 0);
    }
}

/* Into a directory and back. Only __pycache__ is left out there. */
static void check_directory(const struct bundle *bundle, const char *digest)
{
    _cleanup_(bundle_release) struct bundle again = BUNDLE_INIT;
    _cleanup_free_ char *dir = path_join(fuzz_dir(), "bundle");
    char other[HASH_HEX_SIZE];
    struct err *err = NULL;

    CHECK(fs_remove_tree(dir, &err) && fs_mkdirs(dir, &err));
    CHECK(bundle_write_dir(bundle, dir, &err));
    CHECK(bundle_read_dir(dir, &again, &err));
    for (size_t i = 0; i < bundle->count; i++)
        if (strstr(bundle->items[i].path, "__pycache__"))
            return;
    bundle_digest(&again, other);
    CHECK(strcmp(digest, other) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(bundle_release) struct bundle bundle = BUNDLE_INIT;
    char digest[HASH_HEX_SIZE];
    struct err *err = NULL;
    json_t *json = json_loadb((const char *)data, size, JSON_ALLOW_NUL, NULL);

    if (!json)
        return 0;
    if (fuzz_check_result(bundle_parse(json_object_get(json, "files"), &bundle, &err), &err)) {
        bundle_digest(&bundle, digest);
        check_paths(&bundle);
        check_text(&bundle, digest);
        check_directory(&bundle, digest);
    }
    json_decref(json);
    return 0;
}
