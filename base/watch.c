#include "base/watch.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"

#define LONGEST_MS 500 /* of a burst of changes: then they are handed on, whatever follows */
#define EVENTS                                                                                     \
    (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_DELETE_SELF |       \
     IN_MOVE_SELF | IN_ONLYDIR)

struct watched {
    int wd; /* two names of one directory have the same */
    char *dir;
};

struct watch {
    int fd;
    struct watched *items; /* by wd */
    size_t count;
    struct strv files, dirs;
};

struct watch *watch_new(struct err **err)
{
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0) {
        err_set_errno(err, ERR_FAILED, errno, "cannot watch files");
        err_hint(err, "raise fs.inotify.max_user_instances with sysctl");
        return NULL;
    }
    struct watch *w = xcalloc(1, sizeof(*w));
    w->fd = fd;
    w->files = w->dirs = (struct strv)STRV_INIT;
    return w;
}

static void free_items(struct watched *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(items[i].dir);
    free(items);
}

void watch_free(struct watch *w)
{
    if (!w)
        return;
    close(w->fd);
    free_items(w->items, w->count);
    strv_release(&w->files);
    strv_release(&w->dirs);
    free(w);
}

/* ---- which directories ---- */

static int by_wd(const void *a, const void *b)
{
    int x = ((const struct watched *)a)->wd, y = ((const struct watched *)b)->wd;
    return (x > y) - (x < y);
}

/* The first that has this one, or would stand behind it: a source tree has 10000 directories. */
static size_t first_of(const struct watched *items, size_t count, int wd)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (items[middle].wd < wd)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_watched(const struct watched *items, size_t count, int wd)
{
    size_t i = first_of(items, count, wd);
    return i < count && items[i].wd == wd;
}

/* The directories to be watched, without repetition: those of the list and those in which the files
 * are, or would be made. */
static void find_dirs(const struct strv *files, const struct strv *dirs, struct strv *found)
{
    strv_add_all(found, (const char *const *)dirs->items);
    for (size_t i = 0; i < files->count; i++) {
        char *dir = path_dirname(files->items[i]);
        while (!fs_is_dir(dir) && strcmp(dir, "/") != 0) {
            char *above = path_dirname(dir);
            free(dir);
            dir = above;
        }
        strv_add(found, dir);
        free(dir);
    }
    strv_sort_unique(found);
}

static bool refused(const char *dir, int errnum, struct err **err)
{
    err_set_errno(err, ERR_FAILED, errnum, "cannot watch %s", dir);
    return errnum == ENOSPC ? err_hint(err, "raise fs.inotify.max_user_watches with sysctl")
                            : false;
}

/* One that went away meanwhile is left out: its parent is watched. */
static bool add_watches(struct watch *w, const struct strv *dirs, struct watched *items,
                        size_t *count, struct err **err)
{
    for (size_t i = 0; i < dirs->count; i++) {
        int wd = inotify_add_watch(w->fd, dirs->items[i], EVENTS);
        if (wd >= 0)
            items[(*count)++] = (struct watched){wd, xstrdup(dirs->items[i])};
        else if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
            return refused(dirs->items[i], errno, err);
    }
    return true;
}

static void copy(struct strv *to, const struct strv *from)
{
    strv_release(to);
    strv_add_all(to, (const char *const *)from->items);
}

bool watch_set(struct watch *w, const struct strv *files, const struct strv *dirs, bool *grew,
               struct err **err)
{
    _cleanup_(strv_release) struct strv found = STRV_INIT;
    size_t count = 0;
    find_dirs(files, dirs, &found);
    struct watched *items = xcalloc(found.count + 1, sizeof(*items));
    bool ok = add_watches(w, &found, items, &count, err);
    qsort(items, count, sizeof(*items), by_wd);
    *grew = false;
    for (size_t i = 0; i < count; i++)
        *grew = *grew || !is_watched(w->items, w->count, items[i].wd);
    for (size_t i = 0; i < w->count; i++) {
        if (!is_watched(items, count, w->items[i].wd))
            inotify_rm_watch(w->fd, w->items[i].wd);
    }
    free_items(w->items, w->count);
    w->items = items;
    w->count = count;
    copy(&w->files, files);
    copy(&w->dirs, dirs);
    return ok;
}

/* ---- what changed ---- */

/* The first in a sorted list that does not stand before path. */
static size_t lower_bound(const struct strv *v, const char *path)
{
    size_t low = 0, high = v->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(v->items[middle], path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool has(const struct strv *v, const char *path)
{
    size_t i = lower_bound(v, path);
    return i < v->count && !strcmp(v->items[i], path);
}

/* Is a file of the list in the directory `path`, or below it? */
static bool leads_to(const struct strv *files, const char *path)
{
    _cleanup_free_ char *inside = xasprintf("%s/", strcmp(path, "/") ? path : "");
    size_t i = lower_bound(files, inside);
    return i < files->count && !strncmp(files->items[i], inside, strlen(inside));
}

bool watch_concerns(const char *path, const struct strv *files, const struct strv *dirs)
{
    _cleanup_free_ char *dir = path_dirname(path);
    return has(files, path) || has(dirs, dir) || has(dirs, path) || leads_to(files, path);
}

/* A file that was just made is still to be written, and counts when it is closed; not so one that
 * was linked into its place with all that is in it, nor a directory. */
static bool is_begun(const struct inotify_event *event, const char *path)
{
    struct stat st;
    return event->mask & IN_CREATE && !lstat(path, &st) && S_ISREG(st.st_mode) &&
           st.st_nlink == 1 && st.st_size == 0;
}

static void add_once(struct strv *v, const char *path)
{
    if (!strv_contains(v, path))
        strv_add(v, path);
}

/* True: of something that counts, be it only begun. */
static bool take_event(struct watch *w, const struct inotify_event *event, struct strv *changed)
{
    bool counts = event->mask & IN_Q_OVERFLOW;
    if (counts)
        add_once(changed, "/");
    if (event->mask & IN_IGNORED)
        return false;
    for (size_t i = first_of(w->items, w->count, event->wd);
         i < w->count && w->items[i].wd == event->wd; i++) {
        _cleanup_free_ char *path =
            event->len ? path_join(w->items[i].dir, event->name) : xstrdup(w->items[i].dir);
        if (!watch_concerns(path, &w->files, &w->dirs))
            continue;
        counts = true;
        if (!is_begun(event, path))
            add_once(changed, path);
    }
    return counts;
}

static bool take_events(struct watch *w, struct strv *changed)
{
    bool count = false;
    char block[16 * 1024] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t n;
    while ((n = read(w->fd, block, sizeof(block))) > 0) {
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *event = (const void *)(block + at);
            count = take_event(w, event, changed) || count;
            at += (ssize_t)(sizeof(*event) + event->len);
        }
    }
    return count;
}

static bool wait_readable(const struct watch *w, long long ms)
{
    struct pollfd poll_fd = {.fd = w->fd, .events = POLLIN};
    return ms >= 0 && poll(&poll_fd, 1, (int)ms) > 0;
}

/* Until nothing more has come for a while: what does not count does not prolong that. */
static void take_rest(struct watch *w, struct strv *changed)
{
    long long first_ms = clock_ms(), last_ms = first_ms;
    while (clock_ms() - first_ms < LONGEST_MS &&
           wait_readable(w, last_ms + WATCH_QUIET_MS - clock_ms())) {
        if (take_events(w, changed))
            last_ms = clock_ms();
    }
}

bool watch_wait(struct watch *w, int timeout_ms, struct strv *changed, long long *when_ms)
{
    long long end_ms = clock_ms() + timeout_ms;
    size_t before = changed->count;
    while (changed->count == before) {
        long long left = end_ms - clock_ms();
        if (!wait_readable(w, left < 0 ? 0 : left))
            return false;
        (void)take_events(w, changed);
    }
    *when_ms = clock_ms();
    take_rest(w, changed);
    strv_sort(changed);
    return true;
}
