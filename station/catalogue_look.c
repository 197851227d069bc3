/* Looking at the manifests directory: what is there, what has changed, being told when. */
#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <syslog.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json_get.h"
#include "base/text.h"
#include "station/catalogue_internal.h"

#define QUIET_USEC (200 * 1000)      /* an editor or a checkout is done */
#define EACH_USEC (60 * 1000 * 1000) /* a file system may tell nothing */
#define DIRS_MAX 2000                /* that are watched */
#define MASK                                                                                       \
    (IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF |       \
     IN_ONLYDIR)

/* ---- being told ---- */

void catalogue_look_soon(struct catalogue *catalogue)
{
    sd_event_source_set_time_relative(catalogue->look, QUIET_USEC);
    sd_event_source_set_enabled(catalogue->look, SD_EVENT_ONESHOT);
}

/* Something happened in a watched directory: is it none of what we write ourselves, which begins
 * with a dot until it has its name? */
static bool concerns_us(const struct inotify_event *event)
{
    return !event->len || event->name[0] != '.';
}

static int on_change(sd_event_source *source, int fd, uint32_t revents, void *data)
{
    _Alignas(struct inotify_event) char block[16 * 1024];
    ssize_t got;
    bool look = false;
    (void)source, (void)revents;
    while ((got = read(fd, block, sizeof(block))) > 0) {
        for (char *at = block; at < block + got;) {
            const struct inotify_event *event = (const struct inotify_event *)(void *)at;
            look |= concerns_us(event);
            at += sizeof(*event) + event->len;
        }
    }
    if (look)
        catalogue_look_soon(data);
    return 0;
}

/* The directories that are there now; the same inode has the same descriptor as before, and another
 * one of that name is noticed. */
struct watching {
    int fd;
    int descriptors[DIRS_MAX];
    size_t count;
};

static void watch_tree(struct watching *watching, const char *dir, int depth)
{
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    struct err *err = NULL;
    if (watching->count == DIRS_MAX)
        return; /* the look each minute will find what changes there */
    int descriptor = inotify_add_watch(watching->fd, dir, MASK);
    if (descriptor >= 0)
        watching->descriptors[watching->count++] = descriptor;
    if (depth == 0 || !fs_list(dir, &names, &err)) {
        err_free(err);
        return;
    }
    for (size_t i = 0; i < names.count; i++) {
        _cleanup_free_ char *path = path_join(dir, names.items[i]);
        if (!bundle_skips_name(names.items[i]) && fs_is_dir(path))
            watch_tree(watching, path, depth - 1);
    }
}

static int by_number(const void *a, const void *b)
{
    const int *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void watch_all(struct catalogue *catalogue)
{
    struct watching *watching = xcalloc(1, sizeof(*watching));
    watching->fd = catalogue->inotify_fd;
    watch_tree(watching, catalogue->station->settings->manifests, 16);
    qsort(watching->descriptors, watching->count, sizeof(int), by_number);
    for (size_t i = 0; i < catalogue->watch_count; i++)
        if (!bsearch(&catalogue->watches[i], watching->descriptors, watching->count, sizeof(int),
                     by_number))
            inotify_rm_watch(catalogue->inotify_fd, catalogue->watches[i]);
    free(catalogue->watches);
    catalogue->watches = xcalloc(watching->count + 1, sizeof(int));
    memcpy(catalogue->watches, watching->descriptors, watching->count * sizeof(int));
    catalogue->watch_count = watching->count;
    free(watching);
}

/* ---- looking ---- */

static void found(struct catalogue *catalogue, const char *name, const char *dir,
                  const char *manifest, bool flat)
{
    struct product *product = catalogue_find(catalogue, name);
    if (product && product->seen) {
        station_log(LOG_WARNING, "%s/%s is left out: there is another product %s", dir, manifest,
                    name);
        return;
    }
    if (product && (product->flat != flat || strcmp(product->dir, dir) != 0 ||
                    strcmp(product->manifest, manifest) != 0)) {
        catalogue_drop(catalogue, product);
        product = NULL;
    }
    if (!product)
        product = catalogue_add(catalogue, name, dir, manifest, flat);
    product->seen = true;
    _cleanup_free_ char *mark = path_join(dir, SUBMITTED_MARK);
    product->submitted = !flat && fs_exists(mark);
    char signature[HASH_HEX_SIZE];
    product_signature(product, signature);
    if (strcmp(signature, product->signature) == 0)
        return;
    memcpy(product->signature, signature, sizeof(signature));
    catalogue_changed(catalogue, product);
}

static void look_at(struct catalogue *catalogue, const char *name)
{
    const char *root = catalogue->station->settings->manifests;
    _cleanup_free_ char *path = path_join(root, name);
    _cleanup_free_ char *manifest = path_join(path, BUNDLE_MANIFEST);
    if (fs_is_dir(path)) {
        if (fs_is_file(manifest) && catalogue_is_name(name))
            found(catalogue, name, path, BUNDLE_MANIFEST, false);
        return;
    }
    size_t suffix = text_ends_with(name, ".yaml")  ? strlen(".yaml")
                    : text_ends_with(name, ".yml") ? strlen(".yml")
                                                   : 0;
    if (!suffix)
        return;
    _cleanup_free_ char *stem = xstrndup(name, strlen(name) - suffix);
    if (catalogue_is_name(stem))
        found(catalogue, stem, root, name, true);
    else
        station_log(LOG_WARNING, "%s is left out: a product's name is like greeter-2", path);
}

static void look(struct catalogue *catalogue)
{
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    struct err *err = NULL;
    if (!fs_list(catalogue->station->settings->manifests, &names, &err)) {
        station_log(LOG_ERR, "cannot read the manifests directory %s",
                    catalogue->station->settings->manifests);
        err_free(err);
        return; /* and no product is gone because of that */
    }
    for (struct product *p = catalogue->first; p; p = p->next)
        p->seen = false;
    for (size_t i = 0; i < names.count; i++)
        if (names.items[i][0] != '.')
            look_at(catalogue, names.items[i]);
    struct product *next;
    for (struct product *p = catalogue->first; p; p = next) {
        next = p->next;
        if (!p->seen)
            catalogue_drop(catalogue, p);
    }
}

static int on_look(sd_event_source *source, uint64_t usec, void *data)
{
    struct catalogue *catalogue = data;
    (void)usec;
    /* Watches first: what changes from now on is told. */
    watch_all(catalogue);
    look(catalogue);
    sd_event_source_set_time_relative(source, EACH_USEC);
    sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
    return 0;
}

bool catalogue_watch(struct catalogue *catalogue, struct err **err)
{
    sd_event *loop = catalogue->station->loop;
    catalogue->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    int r = catalogue->inotify_fd < 0 ? -errno : 0;
    /* For why this is not sd_event_add_inotify() see child.c. */
    if (r >= 0)
        r = sd_event_add_io(loop, &catalogue->changes, catalogue->inotify_fd, EPOLLIN, on_change,
                            catalogue);
    if (r >= 0)
        r = sd_event_add_time_relative(loop, &catalogue->look, CLOCK_MONOTONIC, 0, 0, on_look,
                                       catalogue);
    return r >= 0 || err_set_errno(err, ERR_FAILED, -r, "cannot watch the manifests directory");
}

void catalogue_unwatch(struct catalogue *catalogue)
{
    sd_event_source_disable_unref(catalogue->look);
    sd_event_source_disable_unref(catalogue->changes);
    if (catalogue->inotify_fd >= 0)
        close(catalogue->inotify_fd);
    free(catalogue->watches);
}
