/* Cleaning a $FIRN_HOME of a test's own. */
#ifndef FIRN_TESTS_UNIT_CACHE_CLEAN_FIXTURE_H
#define FIRN_TESTS_UNIT_CACHE_CLEAN_FIXTURE_H

#include <signal.h>
#include <sys/wait.h>

#include "builder/cache_clean.h"
#include "builder/cache_pin.h"
#include "tests/unit/cache_fixture.h"

static const struct cache_clean_options NOTHING_SPECIAL = CACHE_CLEAN_OPTIONS_INIT;

/* Clean, and leave the report to be looked at. */
static inline void clean(struct cache_report *report, const struct cache_clean_options *options)
{
    struct err *err = NULL;

    assert_ok(cache_clean(&cache_config, options, NULL, report, &err), &err);
}

/* Clean; how many entries went? */
static inline size_t clean_count(const struct cache_clean_options *options)
{
    _cleanup_(cache_report_release) struct cache_report report = CACHE_REPORT_INIT;

    clean(&report, options);
    assert_false(report.failed);
    return report.removed;
}

static inline size_t clean_keep(int64_t seconds)
{
    struct cache_clean_options options = CACHE_CLEAN_OPTIONS_INIT;

    options.keep_seconds = seconds;
    return clean_count(&options);
}

static inline size_t clean_max(uint64_t bytes)
{
    struct cache_clean_options options = CACHE_CLEAN_OPTIONS_INIT;

    options.max_bytes = bytes;
    return clean_count(&options);
}

static inline void set_quota(enum cache_id kind, uint64_t bytes)
{
    cache_config.quotas[kind].given = true;
    cache_config.quotas[kind].bytes = bytes;
}

static inline void pin(const char *key)
{
    struct err *err = NULL;

    assert_ok(cache_pin(&cache_config, key, "", NULL, &err), &err);
}

/* Another process that has a lock (on a lock file, or on an entry) until let_go(). */
static inline pid_t hold(const char *path, bool is_lock_file)
{
    _cleanup_free_ char *whole = in_home(path), *dir = path_dirname(whole);
    struct err *err = NULL;
    int ready[2];
    char c = 0;

    assert_ok(fs_mkdirs(dir, &err), &err);
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();

    if (pid == 0) {
        int fd = -1;
        bool ok = is_lock_file ? fs_lock(whole, NULL, NULL, &fd, &err) : fs_hold(whole, &fd);

        alarm(60); /* should the test end before it */
        if (ok && write(ready[1], &c, 1) == 1)
            pause();
        _exit(0);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &c, 1), 1);
    close(ready[0]);
    return pid;
}

static inline void let_go(pid_t holder)
{
    kill(holder, SIGKILL);
    assert_int_equal(waitpid(holder, NULL, 0), holder);
}

#endif
