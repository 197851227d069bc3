#include "station/disk.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <syslog.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/text.h"
#include "station/child.h"
#include "station/runner.h"
#include "station/work.h"

#define LOOK_USEC (5ull * 1000 * 1000)
#define CLEAN_EACH_MS (24ll * 3600 * 1000) /* firn clean, without need */
#define CLEAN_AGAIN_MS (10ll * 60 * 1000)  /* ... while room is short */
#define QUOTA_EACH_MS (60ll * 1000)
#define PRUNE_EVENTS 100000

struct disk {
    struct station *station;
    sd_event_source *timer;
    uint64_t free_bytes;
    bool low;
    int64_t cleaned_ms, quota_ms;
    struct child *clean;
};

uint64_t disk_free_bytes(const struct disk *disk)
{
    return disk->free_bytes;
}

bool disk_is_low(const struct disk *disk)
{
    return disk->low;
}

/* ---- logs ---- */

struct log_dir {
    int64_t id;
    uint64_t bytes;
};

static int oldest_first(const void *a, const void *b)
{
    const struct log_dir *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* Job numbers only grow: a lower one is an older job. */
static bool take_log_dir(const char *parent, const char *name, struct log_dir *dir)
{
    char *end;
    _cleanup_free_ char *path = path_join(parent, name);
    errno = 0;
    dir->id = strtoll(name, &end, 10);
    dir->bytes = fs_disk_usage(path);
    return *name && !*end && errno == 0;
}

static void remove_logs(const struct station *station, const char *parent, struct log_dir *dirs,
                        size_t count, uint64_t sum)
{
    _cleanup_(strv_release) struct strv running = STRV_INIT;
    runner_each_dir(station->runner, &running);
    qsort(dirs, count, sizeof(*dirs), oldest_first);
    for (size_t i = 0; i < count && sum > station->settings->logs_quota; i++) {
        _cleanup_free_ char *path = xasprintf("%s/%lld", parent, (long long)dirs[i].id);
        struct err *err = NULL;
        if (strv_contains(&running, path))
            continue;
        if (fs_remove_tree(path, &err))
            sum -= dirs[i].bytes;
        err_free(err);
    }
}

static void keep_logs_quota(const struct station *station)
{
    _cleanup_free_ char *parent = path_join(station->dir, "jobs");
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    struct err *err = NULL;
    if (!fs_is_dir(parent) || !fs_list(parent, &names, &err)) {
        err_free(err);
        return;
    }
    struct log_dir *dirs = xcalloc(names.count + 1, sizeof(*dirs));
    size_t count = 0;
    uint64_t sum = 0;
    for (size_t i = 0; i < names.count; i++)
        if (take_log_dir(parent, names.items[i], &dirs[count]))
            sum += dirs[count++].bytes;
    remove_logs(station, parent, dirs, count, sum);
    free(dirs);
}

/* ---- images ---- */

static bool remove_image(struct station *station, const struct image_row *image, struct err **err)
{
    _cleanup_free_ char *dir = work_image_dir(station, image->digest);
    /* The store first: files that nobody knows of are removed by the next look, but an image that
     * the store has and the disk has not would be offered in vain. */
    return store_image_gone(station->store, image->digest, err) && fs_remove_tree(dir, err);
}

static void keep_images_quota(struct station *station)
{
    struct image_filter filter = {
        .station = station->settings->name, .here_only = true, .by_use = true, .limit = 100000};
    _cleanup_(image_list_release) struct image_list list = IMAGE_LIST_INIT;
    struct err *err = NULL;
    uint64_t sum = 0;
    if (!store_images_list(station->store, &filter, &list, &err)) {
        station_store_failed(station, &err);
        return;
    }
    for (size_t i = 0; i < list.count; i++)
        sum += (uint64_t)list.items[i].on_disk;
    for (size_t i = 0; i < list.count && sum > station->settings->images_quota; i++) {
        if (list.items[i].released)
            continue;
        if (!remove_image(station, &list.items[i], &err)) {
            station_store_failed(station, &err);
            return;
        }
        sum -= (uint64_t)list.items[i].on_disk;
        station_changed(station);
    }
}

/* ---- caches ---- */

static void on_clean_event(void *data, const json_t *event)
{
    (void)data, (void)event;
}

static void on_clean_end(void *data, int exit_status)
{
    struct disk *disk = data;
    child_free(disk->clean);
    disk->clean = NULL;
    if (exit_status != 0)
        station_log(LOG_WARNING, "firn clean failed: see %s/clean/" CHILD_LOG, disk->station->dir);
}

static void clean_caches(struct disk *disk)
{
    struct station *station = disk->station;
    _cleanup_free_ char *dir = path_join(station->dir, "clean");
    const char *argv[] = {station->settings->firn, "clean", "--events=3", "--no-color", NULL};
    struct child_command command = {
        .argv = argv, .home = station->settings->home, .dies_with_us = true};
    struct child_owner owner = {on_clean_event, NULL, on_clean_end, disk};
    struct err *err = NULL;
    disk->cleaned_ms = now_ms();
    if (fs_mkdirs(dir, &err))
        disk->clean = child_start(station->loop, dir, &command, &owner, &err);
    err_free(err);
}

/* ---- looking ---- */

static void look(struct disk *disk)
{
    struct station *station = disk->station;
    struct statvfs st;
    if (statvfs(station->settings->home, &st) != 0)
        return;
    disk->free_bytes = (uint64_t)st.f_bavail * st.f_frsize;
    bool low = disk->free_bytes < station->settings->disk_floor;
    if (low != disk->low) {
        disk->low = low;
        station_status_changed(station);
        station_log(low ? LOG_WARNING : LOG_NOTICE,
                    low ? "the disk is below its floor: no new work" : "the disk has room again");
    }
}

static int on_timer(sd_event_source *source, uint64_t usec, void *data)
{
    struct disk *disk = data;
    int64_t now = now_ms();
    (void)usec;
    look(disk);
    if (!disk->station->store_fault && now - disk->quota_ms > QUOTA_EACH_MS) {
        struct err *err = NULL;
        disk->quota_ms = now;
        keep_logs_quota(disk->station);
        keep_images_quota(disk->station);
        if (!store_prune(disk->station->store, PRUNE_EVENTS, &err))
            station_store_failed(disk->station, &err);
    }
    if (!disk->clean && now - disk->cleaned_ms > (disk->low ? CLEAN_AGAIN_MS : CLEAN_EACH_MS))
        clean_caches(disk);
    sd_event_source_set_time_relative(source, LOOK_USEC);
    return 0;
}

struct disk *disk_new(struct station *station, struct err **err)
{
    struct disk *disk = xcalloc(1, sizeof(*disk));
    disk->station = station;
    disk->cleaned_ms = now_ms();
    look(disk);
    int r = sd_event_add_time_relative(station->loop, &disk->timer, CLOCK_MONOTONIC, LOOK_USEC,
                                       LOOK_USEC / 5, on_timer, disk);
    if (r >= 0)
        r = sd_event_source_set_enabled(disk->timer, SD_EVENT_ON);
    if (r >= 0)
        return disk;
    err_set_errno(err, ERR_FAILED, -r, "cannot watch the disk");
    disk_free(disk);
    return NULL;
}

void disk_free(struct disk *disk)
{
    if (!disk)
        return;
    sd_event_source_disable_unref(disk->timer);
    child_free(disk->clean);
    free(disk);
}
