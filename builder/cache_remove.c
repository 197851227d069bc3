#include "builder/cache_remove.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/text.h"

#define ASIDE ".tmp-gone-" /* what a removal renamed */
#define TEMP ".tmp-"
#define BUILD_KEY_DIGITS                                                                           \
    16 /* of an image's key, in the names of its build directory and its log                       \
        */
#define LOCKS_MAX 2
/* Without a lock, only its age tells that a temporary file is nobody's. */
#define TEMP_OLD_SECONDS (60 * 60)
#define PART_OLD_SECONDS (7 * 24 * 60 * 60)

bool cache_warn(struct events *events, const struct err *err)
{
    event_diag(events, "warning", err);
    return false;
}

/* ---- the locks of an entry ---- */

struct locks {
    char *paths[LOCKS_MAX];
    int fds[LOCKS_MAX];
    bool own[LOCKS_MAX]; /* this entry's alone: the file goes with it */
    size_t count;
};

static void add_lock(struct locks *locks, bool own, char *path)
{
    locks->paths[locks->count] = path;
    locks->fds[locks->count] = -1;
    locks->own[locks->count++] = own;
}

/* "greeter-1.4.0-2a436ec3ef74ba74.log" and "2a436ec3ef74ba74..." -> "2a436ec3ef74ba74". */
static const char *build_key(enum cache_id kind, const char *name)
{
    size_t len = strlen(name), behind = kind == CACHE_LOGS ? strlen(".log") : 0;

    if (len < BUILD_KEY_DIGITS + behind)
        return NULL;
    return kind == CACHE_LOGS ? name + len - behind - BUILD_KEY_DIGITS : name;
}

static void find_locks(struct locks *locks, const struct config *config, enum cache_id kind,
                       const char *name)
{
    const char *dir = CACHE_KINDS[kind].dir, *key = build_key(kind, name);
    enum cache_lock sort = CACHE_KINDS[kind].lock;

    if (sort == CACHE_LOCK_BESIDE || sort == CACHE_LOCK_MIRROR)
        add_lock(locks, true, xasprintf("%s/%s/%s.lock", config->home, dir, name));
    if (sort == CACHE_LOCK_KIND)
        add_lock(locks, false, xasprintf("%s/%s/.lock", config->home, dir));
    if (sort == CACHE_LOCK_MIRROR)
        add_lock(locks, false,
                 xasprintf("%s/%s/.lock", config->home, CACHE_KINDS[CACHE_SOURCES].dir));
    if (sort == CACHE_LOCK_BUILD && key)
        add_lock(locks, true,
                 xasprintf("%s/%s/%.*s.lock", config->home, CACHE_KINDS[CACHE_BUILD].dir,
                           BUILD_KEY_DIGITS, key));
}

static void release_locks(struct locks *locks)
{
    for (size_t i = 0; i < locks->count; i++) {
        if (locks->own[i] && locks->fds[i] >= 0)
            fs_remove_lock(locks->paths[i], &locks->fds[i]);
        fs_unlock(&locks->fds[i]);
        free(locks->paths[i]);
    }
    locks->count = 0;
}

/* A lock in a directory that is not there is nobody's, and needs none. */
static bool take_locks(struct locks *locks, bool *in_use, struct err **err)
{
    for (size_t i = 0; i < locks->count && !*in_use; i++) {
        _cleanup_free_ char *dir = path_dirname(locks->paths[i]);

        if (!fs_is_dir(dir))
            continue;
        if (!fs_try_lock(locks->paths[i], &locks->fds[i], err))
            return false;
        *in_use = locks->fds[i] < 0;
    }
    return true;
}

bool cache_is_in_use(const struct config *config, enum cache_id kind, const char *name)
{
    _cleanup_free_ char *path = cache_entry_path(config, kind, name);
    _cleanup_(release_locks) struct locks locks = {.count = 0};
    bool in_use = fs_is_locked(path);

    find_locks(&locks, config, kind, name);
    for (size_t i = 0; i < locks.count; i++)
        in_use |= fs_is_locked(locks.paths[i]);
    return in_use;
}

bool cache_builds_run(const struct config *config)
{
    _cleanup_free_ char *dir = cache_kind_dir(config, CACHE_BUILD);
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    _cleanup_err_ struct err *ignored = NULL;
    bool held = false;

    if (!fs_is_dir(dir) || !fs_list(dir, &names, &ignored))
        return false;
    for (size_t i = 0; i < names.count && !held; i++) {
        _cleanup_free_ char *path = path_join(dir, names.items[i]);

        held = text_ends_with(names.items[i], ".lock") && fs_is_locked(path);
    }
    return held;
}

/* ---- removing one ---- */

/* The new name, in the same directory. */
static bool rename_aside(const char *path, char **aside, struct err **err)
{
    _cleanup_free_ char *dir = path_dirname(path);
    char *template = xasprintf("%s/%sXXXXXX", dir, ASIDE);

    if (!mkdtemp(template) || rename(path, template) != 0) {
        int errnum = errno;

        (void)!rmdir(template);
        free(template);
        return err_set_errno(err, ERR_FAILED, errnum, "cannot remove '%s'", path);
    }
    *aside = template;
    return true;
}

/* The entry is seized and keeps being so until it is gone: nobody else takes what is aside for a
 * leftover. Its maker may have its lock back before. */
static bool remove_seized(const char *path, struct locks *locks, struct err **err)
{
    _cleanup_free_ char *aside = NULL;

    if (!rename_aside(path, &aside, err))
        return false;
    release_locks(locks);
    return fs_remove_tree(aside, err);
}

bool cache_remove(const struct config *config, enum cache_id kind, const char *name, bool *in_use,
                  struct err **err)
{
    _cleanup_free_ char *path = cache_entry_path(config, kind, name);
    _cleanup_(release_locks) struct locks locks = {.count = 0};
    _cleanup_(fs_unlock) int seized = -1;

    *in_use = false;
    find_locks(&locks, config, kind, name);
    if (!take_locks(&locks, in_use, err))
        return false;
    if (*in_use || !fs_exists(path))
        return true;
    if (!fs_seize(path, &seized)) {
        *in_use = fs_exists(path);
        return true;
    }
    return CACHE_KINDS[kind].is_files ? fs_remove_tree(path, err)
                                      : remove_seized(path, &locks, err);
}

/* ---- leftovers ---- */

struct sweep {
    const struct cache_kind *kind;
    const char *dir;
    bool dry_run;
    struct strv *found;
    uint64_t *bytes;
};

static bool is_older(const char *path, int64_t seconds)
{
    struct stat st;

    return lstat(path, &st) == 0 &&
           cache_now_ns() / 1000000000 - (int64_t)st.st_mtim.tv_sec > seconds;
}

static bool drop(struct sweep *s, const char *path, const char *name, struct err **err)
{
    uint64_t bytes = fs_disk_usage(path);

    if (!s->dry_run && !fs_remove_tree(path, err))
        return false;
    strv_addf(s->found, "%s/%s", s->kind->dir, name);
    *s->bytes += bytes;
    return true;
}

/* What an earlier removal renamed: nobody's, unless that removal goes on. */
static bool sweep_aside(struct sweep *s, const char *path, const char *name, struct err **err)
{
    _cleanup_(fs_unlock) int seized = -1;

    if (s->dry_run)
        return fs_is_locked(path) || drop(s, path, name, err);
    return !fs_seize(path, &seized) || drop(s, path, name, err);
}

/* "<key>.tmp" is made under "<key>.lock". */
static bool sweep_making(struct sweep *s, const char *path, const char *name, struct err **err)
{
    _cleanup_free_ char *lock = xasprintf("%.*s.lock", (int)(strlen(path) - strlen(".tmp")), path);
    int fd = -1;

    if (s->dry_run)
        return fs_is_locked(lock) || drop(s, path, name, err);
    if (!fs_try_lock(lock, &fd, err))
        return false;
    if (fd < 0)
        return true;
    bool ok = drop(s, path, name, err);

    fs_remove_lock(lock, &fd);
    return ok;
}

static bool sweep_lock(struct sweep *s, const char *path, const char *name, struct err **err)
{
    _cleanup_(fs_unlock) int fd = -1;

    if (s->dry_run)
        return fs_is_locked(path) || drop(s, path, name, err);
    return fs_try_lock(path, &fd, err) && (fd < 0 || drop(s, path, name, err));
}

static bool sweep_name(struct sweep *s, const char *name, struct err **err)
{
    _cleanup_free_ char *path = path_join(s->dir, name);
    bool beside = s->kind->lock == CACHE_LOCK_BESIDE || s->kind->lock == CACHE_LOCK_MIRROR;

    if (text_starts_with(name, ASIDE))
        return sweep_aside(s, path, name, err);
    if (text_starts_with(name, TEMP))
        return !is_older(path, TEMP_OLD_SECONDS) || drop(s, path, name, err);
    if (name[0] == '.')
        return true;
    if (text_ends_with(name, ".lock"))
        return !fs_is_file(path) || sweep_lock(s, path, name, err);
    if (text_ends_with(name, ".tmp"))
        return beside ? sweep_making(s, path, name, err)
                      : !is_older(path, TEMP_OLD_SECONDS) || drop(s, path, name, err);
    if (text_ends_with(name, ".part"))
        return !is_older(path, PART_OLD_SECONDS) || drop(s, path, name, err);
    return true;
}

bool cache_sweep(const struct config *config, enum cache_id kind, bool dry_run, struct strv *found,
                 uint64_t *bytes, struct events *events)
{
    _cleanup_free_ char *dir = cache_kind_dir(config, kind);
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    _cleanup_err_ struct err *unread = NULL;
    struct sweep sweep = {&CACHE_KINDS[kind], dir, dry_run, found, bytes};
    bool ok = true;

    if (!fs_is_dir(dir) || !fs_list(dir, &names, &unread))
        return !unread || cache_warn(events, unread);
    for (size_t i = 0; i < names.count; i++) {
        _cleanup_err_ struct err *err = NULL;

        if (!sweep_name(&sweep, names.items[i], &err))
            ok = cache_warn(events, err);
    }
    return ok;
}
