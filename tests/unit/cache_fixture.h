/* A $FIRN_HOME of its own for a test, with entries of given sizes and ages. */
#ifndef FIRN_TESTS_UNIT_CACHE_FIXTURE_H
#define FIRN_TESTS_UNIT_CACHE_FIXTURE_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "builder/cache.h"
#include "tests/unit/unit.h"

#define KIB 1024u
#define DAY (24 * 60 * 60)

static char cache_home[64];
static struct config cache_config;

static inline int cache_set_up(void **state)
{
    (void)state;
    snprintf(cache_home, sizeof(cache_home), "/tmp/firn-test-cache.XXXXXX");
    cache_config = (struct config){.home = cache_home};
    return mkdtemp(cache_home) ? 0 : -1;
}

static inline int cache_tear_down(void **state)
{
    (void)state;
    struct err *err = NULL;

    return fs_remove_tree(cache_home, &err) ? 0 : -1;
}

/* $FIRN_HOME/path; freed by the caller. */
static inline char *in_home(const char *path)
{
    return path_join(cache_home, path);
}

static inline bool is_there(const char *path)
{
    _cleanup_free_ char *whole = in_home(path);

    return fs_exists(whole);
}

static inline void put_file(const char *path, size_t bytes)
{
    _cleanup_free_ char *whole = in_home(path), *dir = path_dirname(whole);
    _cleanup_free_ char *data = xcalloc(1, bytes + 1);
    struct err *err = NULL;

    assert_ok(fs_mkdirs(dir, &err), &err);
    assert_ok(fs_write(whole, data, bytes, 0644, &err), &err);
}

static inline void set_age(const char *path, long seconds)
{
    _cleanup_free_ char *whole = in_home(path);
    int64_t then = cache_now_ns() / 1000000000 - seconds;
    const struct timespec times[2] = {{.tv_sec = then}, {.tv_sec = then}};

    assert_int_equal(utimensat(AT_FDCWD, whole, times, AT_SYMLINK_NOFOLLOW), 0);
}

/* An entry that is a directory, with one file of so many bytes in sub/. */
static inline void put_entry(const char *path, size_t bytes, long age_seconds)
{
    _cleanup_free_ char *file = path_join(path, "sub/file");

    put_file(file, bytes);
    set_age(path, age_seconds);
}

/* What put_entry() took: the blocks of two directories are the file system's own affair. */
static inline uint64_t entry_bytes(const char *path)
{
    _cleanup_free_ char *whole = in_home(path);

    return fs_disk_usage(whole);
}

#endif
