/*
 * Repositories for the tests of sources: made by git itself, so that libgit2 is not its own judge.
 * A test program includes this once; everything lives below one temporary directory.
 */
#ifndef FIRN_TESTS_UNIT_GIT_FIXTURE_H
#define FIRN_TESTS_UNIT_GIT_FIXTURE_H

#include <stdio.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"
#include "builder/source.h"
#include "tests/unit/unit.h"

static char fixture_root[64];
static char fixture_home[80]; /* FIRN_HOME */

static inline int fixture_setup(void **state)
{
    (void)state;
    /* In memory where it can be: mirrors are fsynced, which is slow on a busy disk. */
    snprintf(fixture_root, sizeof(fixture_root), "%s/firn-test-source.XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(fixture_root))
        return -1;
    snprintf(fixture_home, sizeof(fixture_home), "%s/home", fixture_root);
    setenv("HOME", fixture_root, 1);
    setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
    setenv("GIT_AUTHOR_NAME", "A", 1);
    setenv("GIT_AUTHOR_EMAIL", "a@localhost", 1);
    setenv("GIT_AUTHOR_DATE", "1700000000 +0000", 1);
    setenv("GIT_COMMITTER_NAME", "A", 1);
    setenv("GIT_COMMITTER_EMAIL", "a@localhost", 1);
    setenv("GIT_COMMITTER_DATE", "1700000000 +0000", 1);
    return 0;
}

static inline int fixture_teardown(void **state)
{
    (void)state;
    struct err *err = NULL;

    return fs_remove_tree(fixture_root, &err) ? 0 : -1;
}

/* A path below the fixture's directory. The caller frees. */
static inline char *at(const char *name)
{
    return path_join(fixture_root, name);
}

/* Run a program; its output without the last newline (the caller frees), a failed test otherwise.
 */
static inline char *run_argv(const char *const *argv)
{
    struct buf out = BUF_INIT;
    struct err *err = NULL;
    struct proc_result result;
    struct proc proc = {.argv = argv, .out = &out};

    assert_ok(proc_run(&proc, &result, &err), &err);
    if (result.exit_status != 0)
        fail_msg("%s %s %s %s: %s", argv[0], argv[1], argv[2], argv[3], out.data);
    if (out.len && out.data[out.len - 1] == '\n')
        buf_truncate(&out, out.len - 1);
    return buf_detach(&out, NULL);
}

/* git -C <repository> ...: its output; the caller frees. */
#define git_out(repository, ...)                                                                   \
    run_argv((const char *const[]){"git", "-c", "init.defaultBranch=master", "-C", repository,     \
                                   __VA_ARGS__, NULL})
#define git(repository, ...) free(git_out(repository, __VA_ARGS__))

static inline void put_file(const char *dir, const char *name, const char *text)
{
    struct err *err = NULL;
    _cleanup_free_ char *path = path_join(dir, name), *parent = path_dirname(path);

    assert_ok(fs_mkdirs(parent, &err), &err);
    assert_ok(fs_write(path, text, strlen(text), 0644, &err), &err);
}

static inline void assert_file(const char *dir, const char *name, const char *text)
{
    struct err *err = NULL;
    _cleanup_free_ char *path = path_join(dir, name);
    _cleanup_(buf_release) struct buf got = BUF_INIT;

    assert_ok(fs_read(path, 100000, &got, &err), &err);
    assert_string_equal(got.data, text);
}

/* Commit everything; the commit's id, which the caller frees. */
static inline char *commit_all(const char *dir, const char *message)
{
    git(dir, "add", "-A");
    git(dir, "commit", "-q", "--allow-empty", "-m", message);
    return git_out(dir, "rev-parse", "HEAD");
}

/* A repository with one file and one commit; its path, which the caller frees. */
static inline char *make_repo(const char *name)
{
    struct err *err = NULL;
    char *dir = at(name);

    assert_ok(fs_mkdirs(dir, &err), &err);
    git(dir, "init", "-q");
    put_file(dir, "README", name);
    free(commit_all(dir, "first"));
    return dir;
}

/* Put a submodule into the index of a repository: what `git submodule add` leaves there. */
static inline void add_gitlink(const char *dir, const char *path, const char *commit)
{
    _cleanup_free_ char *info = xasprintf("160000,%s,%s", commit, path);

    git(dir, "update-index", "--add", "--cacheinfo", info);
}

static inline struct config fixture_config(void)
{
    struct err *err = NULL;

    assert_ok(fs_mkdirs(fixture_home, &err), &err);
    return (struct config){.home = fixture_home};
}

/* Forget everything that was fetched. */
static inline void forget_all(void)
{
    struct err *err = NULL;

    assert_ok(fs_remove_tree(fixture_home, &err), &err);
}

#endif
