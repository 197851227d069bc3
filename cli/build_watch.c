#include "cli/build_watch.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/proc.h"
#include "base/text.h"
#include "base/watch.h"
#include "cli/build_many.h"
#include "cli/build_one.h"
#include "cli/product.h"

#define TICK_MS 250    /* how soon an interrupt between two looks at the flag is noticed */
#define CATCH_UP_MAX 8 /* builds in a row that find something new to watch */

struct watcher {
    struct cli *cli;
    const struct config *config;
    struct build_options options; /* of one build */
    struct products products;
    struct input_list *inputs; /* of each product, as its last build read them */
    struct watch *watch;
    char (*built)[HASH_HEX_SIZE]; /* the key of each product's image that is in its place, or "" */
    size_t builds;
};

static void watcher_release(struct watcher *w)
{
    for (size_t i = 0; i < w->products.count; i++)
        input_list_release(&w->inputs[i]);
    free(w->inputs);
    free(w->built);
    watch_free(w->watch);
    products_release(&w->products);
}

/* ---- one build ---- */

static void say_built(const struct product *p, const struct build_result *result, int status,
                      long long ms)
{
    json_t *fields = json_pack("{s:s, s:b, s:i, s:f}", "state", "built", "ok", status == 0, "exit",
                               status, "seconds", (double)ms / 1000);
    if (status == 0)
        json_object_set_new(fields, "image", build_fields(result));
    event_fields(p->events, "watch", fields);
}

/* same: the image is that of the build before. took_ms: since something was saved; -1 = nothing
 * was. */
static void describe(const struct build_result *result, bool same, long long took_ms,
                     struct buf *out)
{
    if (took_ms >= 0) {
        buf_adds(out, same ? "saved -> unchanged in " : "saved -> image in ");
        text_add_duration(out, took_ms);
        buf_adds(out, ": ");
    }
    json_t *fields = build_fields(result);
    build_add_name(fields, out);
    json_decref(fields);
}

/* saved_ms: when the change was noticed that it follows; 0 = none, it is the first one. */
static void build(struct watcher *w, size_t i, long long saved_ms)
{
    _cleanup_(build_result_release) struct build_result result = BUILD_RESULT_INIT;
    _cleanup_(buf_release) struct buf detail = BUF_INIT;
    const struct product *p = &w->products.items[i];
    struct build_options options = w->options;
    struct cli cli = *w->cli;
    long long begin_ms = clock_ms();
    options.inputs = &w->inputs[i];
    cli.events = p->events;
    event_phase_begin(p->events, "product", "Building");
    int status = build_one(&cli, p->path, w->config, &options, &result);
    long long now_ms = clock_ms();
    if (status == 0) {
        bool same = !strcmp(w->built[i], w->inputs[i].key);
        describe(&result, same, saved_ms ? now_ms - saved_ms : -1, &detail);
        memcpy(w->built[i], w->inputs[i].key, sizeof(w->built[i]));
    } else {
        buf_adds(&detail, status == 130 ? "interrupted" : "waiting for a change");
    }
    event_phase_end(p->events, "product", status == 0, detail.data);
    say_built(p, &result, status, now_ms - (saved_ms ? saved_ms : begin_ms));
    w->builds++;
}

/* ---- what to wait for ---- */

static void add_all(struct strv *to, const struct strv *from)
{
    strv_add_all(to, (const char *const *)from->items);
}

static bool set_watches(struct watcher *w, bool *grew, struct err **err)
{
    _cleanup_(strv_release) struct strv files = STRV_INIT;
    _cleanup_(strv_release) struct strv dirs = STRV_INIT;
    for (size_t i = 0; i < w->products.count; i++) {
        add_all(&files, &w->inputs[i].files);
        add_all(&dirs, &w->inputs[i].dirs);
    }
    strv_sort_unique(&files);
    strv_sort_unique(&dirs);
    if (!watch_set(w->watch, &files, &dirs, grew, err))
        return false;
    event_fields(w->cli->events, "watch",
                 json_pack("{s:s, s:I, s:I}", "state", "waiting", "files", (json_int_t)files.count,
                           "directories", (json_int_t)dirs.count));
    return true;
}

/* Read the inputs once more, without a word; has anything changed since the last build? */
static bool survey(struct watcher *w, size_t i)
{
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    _cleanup_err_ struct err *ignored = NULL;
    struct build_options options = w->options;
    struct build_plan plan;
    char before[HASH_HEX_SIZE];
    memcpy(before, w->inputs[i].key, sizeof(before));
    options.inputs = &w->inputs[i];
    (void)!build_plan(w->products.items[i].path, w->config, &options, NULL, &plan, &diags,
                      &ignored);
    return strcmp(before, w->inputs[i].key) != 0;
}

/* What changed in a directory before it was watched would be missed: look once more after each that
 * is new. */
static bool catch_up(struct watcher *w, struct err **err)
{
    bool grew = true;
    for (int round = 0; round < CATCH_UP_MAX && grew; round++) {
        if (!set_watches(w, &grew, err))
            return false;
        for (size_t i = 0; i < w->products.count && grew && !interrupt_requested(); i++) {
            long long now_ms = clock_ms();
            if (survey(w, i))
                build(w, i, now_ms);
        }
    }
    return true;
}

/* Those of the changed paths that one product depends on, as they are shown. Yours. */
static json_t *concerning(const struct input_list *inputs, const struct strv *changed)
{
    json_t *paths = json_array();
    for (size_t i = 0; i < changed->count; i++) {
        if (!watch_concerns(changed->items[i], &inputs->files, &inputs->dirs))
            continue;
        _cleanup_free_ char *shown = path_shown(changed->items[i]);
        json_array_append_new(paths, json_string(shown));
    }
    return paths;
}

static void build_changed(struct watcher *w, const struct strv *changed, long long saved_ms)
{
    for (size_t i = 0; i < w->products.count && !interrupt_requested(); i++) {
        json_t *paths = concerning(&w->inputs[i], changed);
        if (json_array_size(paths)) {
            event_fields(w->products.items[i].events, "watch",
                         json_pack("{s:s, s:O}", "state", "changed", "paths", paths));
            build(w, i, saved_ms);
        }
        json_decref(paths);
    }
}

/* ---- the whole ---- */

/* How it ended among many; once more if its inputs changed since. */
static void take_over(struct watcher *w, size_t i)
{
    const struct product *p = &w->products.items[i];
    long long now_ms = clock_ms();
    (void)survey(w, i);
    if (p->ended && p->exit_status == 0)
        memcpy(w->built[i], p->plan.key, sizeof(w->built[i]));
    if (strcmp(p->plan.key, w->inputs[i].key) != 0)
        build(w, i, now_ms);
}

/* One is built here; many as `firn build` does it, and then each is read for what to wait for. */
static void build_first(struct watcher *w)
{
    double seconds;
    if (w->products.count == 1) {
        build(w, 0, 0);
        return;
    }
    (void)build_products(w->cli, &w->products, w->config, &w->options, &seconds);
    for (size_t i = 0; i < w->products.count && !interrupt_requested(); i++)
        take_over(w, i);
}

static void say_watching(const struct watcher *w)
{
    bool one = w->products.count == 1;
    event_info(w->cli->events, "watching %zu manifest%s and what %s made of; Ctrl-C ends it",
               w->products.count, one ? "" : "s", one ? "it is" : "they are");
}

static bool follow(struct watcher *w, struct err **err)
{
    build_first(w);
    w->options.source.refresh = false; /* or each save would wait for a server */
    if (interrupt_requested())
        return true;
    if (!catch_up(w, err))
        return false;
    say_watching(w);
    while (!interrupt_requested()) {
        _cleanup_(strv_release) struct strv changed = STRV_INIT;
        long long saved_ms;
        if (!watch_wait(w->watch, TICK_MS, &changed, &saved_ms))
            continue;
        build_changed(w, &changed, saved_ms);
        if (!interrupt_requested() && !catch_up(w, err))
            return false;
    }
    return true;
}

int build_watch(struct cli *cli, char **paths, int count, const struct config *config,
                const struct build_options *options)
{
    _cleanup_(watcher_release) struct watcher w = {
        .cli = cli, .config = config, .options = *options, .products = PRODUCTS_INIT};
    struct err *err = NULL;
    w.inputs = xcalloc((size_t)count, sizeof(*w.inputs));
    w.built = xcalloc((size_t)count, sizeof(*w.built));
    for (int i = 0; i < count; i++)
        w.inputs[i] = (struct input_list)INPUT_LIST_INIT;
    if (!products_init(&w.products, paths, count, options->output_dir, cli->events, &err))
        return cli_fail(cli, err);
    w.watch = watch_new(&err);
    if (!w.watch || !follow(&w, &err))
        return cli_fail(cli, err);
    event_result(cli->events, false, 130, json_pack("{s:I}", "builds", (json_int_t)w.builds));
    return 130;
}
