#include "cli/build_watch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"
#include "base/text.h"
#include "cli/build_one.h"

/* Names come, go, are renamed over each other or written and closed: whatever editors do. */
#define CHANGES                                                                                    \
    (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_DELETE_SELF)
#define QUIET_MS 20 /* this long nothing more is saved: the change is whole */
#define WHOLE_MS 500

struct watched {
    const char *path;
    struct input_list inputs;
    char key[HASH_HEX_SIZE]; /* of the image in place */
    bool changed;
};

struct watch {
    struct cli *cli;
    const struct config *config;
    const struct build_options *options;
    struct watched *items;
    int count;
    int fd;           /* inotify */
    struct strv dirs; /* dirs.items[wd]: what each watch descriptor stands for; "" = none */
};

/* ---- what is watched ---- */

/* True: it was not watched before. What is not there cannot be; its parent is. */
static bool add_dir(struct watch *w, const char *dir)
{
    int wd = inotify_add_watch(w->fd, dir, CHANGES | IN_ONLYDIR);
    if (wd < 0)
        return false;
    while (w->dirs.count <= (size_t)wd)
        strv_add(&w->dirs, "");
    if (!strcmp(w->dirs.items[wd], dir))
        return false;
    free(w->dirs.items[wd]);
    w->dirs.items[wd] = xstrdup(dir);
    return true;
}

static bool add_inputs(struct watch *w, const struct input_list *inputs)
{
    bool grew = false;
    for (size_t i = 0; i < inputs->dirs.count; i++)
        grew = add_dir(w, inputs->dirs.items[i]) || grew;
    for (size_t i = 0; i < inputs->files.count; i++) {
        _cleanup_free_ char *parent = path_dirname(inputs->files.items[i]);
        grew = add_dir(w, parent) || grew;
    }
    return grew;
}

static bool concerns(const struct input_list *inputs, const char *dir, const char *name)
{
    _cleanup_free_ char *path = path_join(dir, name);
    return strv_contains(&inputs->files, path) || strv_contains(&inputs->dirs, dir);
}

static void take_event(struct watch *w, const struct inotify_event *event)
{
    const char *name = event->len ? event->name : "";
    bool lost = event->mask & IN_Q_OVERFLOW;
    if (!lost && (event->wd < 0 || (size_t)event->wd >= w->dirs.count))
        return;
    for (int i = 0; i < w->count; i++) {
        if (lost || concerns(&w->items[i].inputs, w->dirs.items[event->wd], name))
            w->items[i].changed = true;
    }
}

static bool any_changed(const struct watch *w)
{
    for (int i = 0; i < w->count; i++) {
        if (w->items[i].changed)
            return true;
    }
    return false;
}

/* ---- waiting ---- */

/* Read what is there; false after `ms` without anything (-1: never), or on a signal. */
static bool read_events(struct watch *w, int ms)
{
    _Alignas(struct inotify_event) char events[16 * 1024];
    struct pollfd poll_fd = {.fd = w->fd, .events = POLLIN};
    if (poll(&poll_fd, 1, ms) <= 0)
        return false;
    ssize_t len = read(w->fd, events, sizeof(events));
    for (ssize_t at = 0; at < len;) {
        const struct inotify_event *event = (const void *)(events + at);
        take_event(w, event);
        at += (ssize_t)(sizeof(*event) + event->len);
    }
    return len > 0;
}

/* Until something that counts was saved, all of it. The time of its first event; 0 = a signal. */
static long long wait_for_change(struct watch *w)
{
    while (!any_changed(w)) {
        if (interrupt_requested())
            return 0;
        (void)read_events(w, 1000);
    }
    long long begin = clock_ms();
    while (read_events(w, QUIET_MS) && clock_ms() - begin < WHOLE_MS)
        ;
    return begin;
}

/* ---- building ---- */

static void say(const struct watch *w, const char *path, const json_t *image, long long ms)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    buf_addf(&text, "%s saved -> image in ", path_basename(path));
    text_add_duration(&text, ms);
    buf_adds(&text, ": ");
    build_add_name(image, &text);
    event_info(w->cli->events, "%s", text.data);
    if (!w->cli->json) {
        printf("%s\n", text.data);
        fflush(stdout);
    }
}

/* since: when it was saved, in clock_ms(); 0 = it was not. */
static void build(struct watch *w, struct watched *item, long long since)
{
    _cleanup_(build_result_release) struct build_result result = BUILD_RESULT_INIT;
    struct build_options options = *w->options;
    options.inputs = &item->inputs;
    item->changed = false;
    if (build_one(w->cli, item->path, w->config, &options, &result) != 0)
        return;
    json_t *image = build_fields(&result);
    if (since && strcmp(item->key, item->inputs.key) != 0)
        say(w, item->path, image, clock_ms() - since);
    snprintf(item->key, sizeof(item->key), "%s", item->inputs.key);
    json_decref(image);
}

/* What was saved between being read and being watched is built again: an unchanged build costs
 * milliseconds. */
static void build_and_watch(struct watch *w, struct watched *item, long long since)
{
    build(w, item, since);
    while (add_inputs(w, &item->inputs) && !interrupt_requested())
        build(w, item, since);
}

static void build_changed(struct watch *w, long long since)
{
    for (int i = 0; i < w->count && !interrupt_requested(); i++) {
        if (w->items[i].changed)
            build_and_watch(w, &w->items[i], since);
    }
}

static void say_watching(const struct watch *w)
{
    if (w->cli->json)
        return;
    printf("watching %d manifest%s and what %s of; Ctrl-C ends it\n", w->count,
           w->count == 1 ? "" : "s", w->count == 1 ? "it is made" : "they are made");
    fflush(stdout);
}

static int run(struct watch *w)
{
    for (int i = 0; i < w->count; i++)
        build_and_watch(w, &w->items[i], 0);
    say_watching(w);
    for (long long since; (since = wait_for_change(w)) != 0;)
        build_changed(w, since);
    event_result(w->cli->events, false, 130, NULL);
    return 130;
}

int build_watch(struct cli *cli, char **paths, int count, const struct config *config,
                const struct build_options *options)
{
    struct watch w = {cli,      config,
                      options,  xcalloc((size_t)count, sizeof(struct watched)),
                      count,    inotify_init1(IN_CLOEXEC | IN_NONBLOCK),
                      STRV_INIT};
    struct err *err = NULL;
    int status;
    for (int i = 0; i < count; i++)
        w.items[i] = (struct watched){paths[i], INPUT_LIST_INIT, "", false};
    if (w.fd >= 0) {
        status = run(&w);
    } else {
        err_set_errno(&err, ERR_FAILED, errno, "cannot watch files");
        status = cli_fail(cli, err);
    }
    for (int i = 0; i < count; i++)
        input_list_release(&w.items[i].inputs);
    free(w.items);
    strv_release(&w.dirs);
    if (w.fd >= 0)
        close(w.fd);
    return status;
}
