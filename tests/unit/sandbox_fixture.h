/* A directory of a test's own, and programs that look at it from a sandbox. */
#ifndef FIRN_TESTS_UNIT_SANDBOX_FIXTURE_H
#define FIRN_TESTS_UNIT_SANDBOX_FIXTURE_H

#include "base/fs.h"
#include "base/proc.h"
#include "builder/sandbox.h"
#include "tests/unit/unit.h"

static const struct sandbox_limits LIMITS = {UINT64_C(1) << 30, 1 << 20, 60};
static char dir[64];

static inline int set_up(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/firn-sandbox-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static inline int tear_down(void **state)
{
    (void)state;
    struct err *err = NULL;
    assert_ok(fs_remove_tree(dir, &err), &err);
    return 0;
}

/* A file below `dir`. */
static inline void put(const char *name, const char *text, mode_t mode)
{
    struct err *err = NULL;
    _cleanup_free_ char *path = path_join(dir, name), *parent = path_dirname(path);
    assert_ok(fs_mkdirs(parent, &err) && fs_write(path, text, strlen(text), mode, &err), &err);
}

/* What a shell with this environment says in the sandbox. The caller frees. */
static inline char *run_with(const struct sandbox *box, const char *const *env, const char *script,
                             int *status)
{
    _cleanup_(strv_release) struct strv argv = STRV_INIT;
    struct buf out = BUF_INIT;
    struct proc_result result;
    struct err *err = NULL;
    sandbox_command(box, &argv);
    strv_add_all(&argv, (const char *const[]){"sh", "-c", script, NULL});
    const struct proc proc = {.argv = (const char *const *)argv.items, .env = env, .out = &out};
    assert_ok(proc_run(&proc, &result, &err), &err);
    *status = result.exit_status;
    return buf_detach(&out, NULL);
}

static inline char *run(const struct sandbox *box, const char *script, int *status)
{
    return run_with(box, (const char *const[]){"PATH=/usr/bin:/bin", NULL}, script, status);
}

#endif
