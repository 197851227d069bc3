/* What is staged for make is what the key was made of. */
#include <stdlib.h>

#include "base/fs.h"
#include "builder/build_job.h"
#include "tests/unit/unit.h"

static void a_file_that_changed_since_is_refused(void **state)
{
    (void)state;
    char dir[] = "/tmp/firn-stage-XXXXXX", label[] = "c_modules/f", name[] = "f.c";
    char hex[HASH_HEX_SIZE];
    struct err *err = NULL;
    assert_non_null(mkdtemp(dir));
    _cleanup_free_ char *from = path_join(dir, "f.c");
    _cleanup_free_ char *to = path_join(dir, "build");
    assert_ok(fs_mkdirs(to, &err) && fs_write(from, "new", 3, 0644, &err), &err);
    hash_bytes("old", 3, hex);
    char *names[] = {name, NULL}, *digests[] = {hex, NULL};
    struct copied_dir copied = {label, dir, {names, 1, 1}, {digests, 1, 1}};
    const struct build_job job = {.copied = &copied, .copied_count = 1};
    const struct place place = {.product = to};
    assert_false(build_stage(&job, &place, STAGE_PRODUCT, &err));
    assert_error(&err, ERR_FAILED, "f.c' was changed during the build");
    assert_ok(fs_remove_tree(dir, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_changed_since_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
