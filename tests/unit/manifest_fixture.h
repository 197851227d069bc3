/* A scratch directory with a manifest and the files that it names, for tests around the manifest.
 */
#ifndef FIRN_TESTS_UNIT_MANIFEST_FIXTURE_H
#define FIRN_TESTS_UNIT_MANIFEST_FIXTURE_H

#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "builder/manifest.h"
#include "tests/unit/unit.h"

#define MANIFEST_HEAD                                                                              \
    "firn: 1\n"                                                                                    \
    "product: unit\n"                                                                              \
    "version: 1.0\n"                                                                               \
    "firmware: {git: https://example.com/m.git, ref: v1}\n"                                        \
    "board: PYBV11\n"

struct fixture {
    char dir[64];
    struct diags diags;
    struct manifest *manifest; /* of the last fixture_load() */
};

static inline int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    strcpy(f->dir, "/tmp/firn-manifest-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;

    manifest_free(f->manifest);
    diags_release(&f->diags);
    assert_ok(fs_remove_tree(f->dir, &err), &err);
    free(f);
    return 0;
}

/* Write a file, with its directories. */
static inline void fixture_write(struct fixture *f, const char *name, const char *text)
{
    _cleanup_free_ char *path = path_join(f->dir, name);
    _cleanup_free_ char *dir = path_dirname(path);
    struct err *err = NULL;

    assert_ok(fs_mkdirs(dir, &err) && fs_write(path, text, strlen(text), 0644, &err), &err);
}

static inline void fixture_link(struct fixture *f, const char *target, const char *name)
{
    _cleanup_free_ char *path = path_join(f->dir, name);

    assert_int_equal(symlink(target, path), 0);
}

/* Load dir/m.yaml with this text, releasing what was loaded before. */
static inline struct manifest *fixture_load(struct fixture *f, const char *text)
{
    _cleanup_free_ char *path = path_join(f->dir, "m.yaml");

    manifest_free(f->manifest);
    diags_release(&f->diags);
    f->diags = (struct diags)DIAGS_INIT;
    fixture_write(f, "m.yaml", text);
    f->manifest = manifest_load(path, &f->diags);
    return f->manifest;
}

static inline struct manifest *fixture_load_ok(struct fixture *f, const char *text)
{
    _cleanup_(buf_release) struct buf errors = BUF_INIT;

    if (fixture_load(f, text))
        return f->manifest;
    diags_format_errors(&f->diags, &errors);
    fail_msg("%s", errors.data);
    return NULL;
}

/* Must not load: exactly one error, at line:column, whose text contains the part. */
static inline void fixture_refused(struct fixture *f, const char *text, unsigned line,
                                   unsigned column, const char *part)
{
    _cleanup_(buf_release) struct buf errors = BUF_INIT;

    assert_null(fixture_load(f, text));
    diags_format_errors(&f->diags, &errors);
    assert_contains(errors.data, part);
    if (f->diags.error_count != 1)
        fail_msg("not one error: %s", errors.data);
    assert_int_equal(f->diags.errors[0]->line, line);
    assert_int_equal(f->diags.errors[0]->column, column);
    assert_int_equal(err_exit_status(f->diags.errors[0]), 2);
}

#endif
