#include "cli/product.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/proc.h"
#include "builder/manifest.h"
#include "cli/build_one.h"

/* ---- labels ---- */

/* "greeter" of "manifests/greeter.yaml". The caller frees. */
static char *short_label(const char *path, const char *output_dir)
{
    (void)output_dir;
    const char *name = path_basename(path);
    const char *dot = strrchr(name, '.');
    return dot && dot != name ? xstrndup(name, (size_t)(dot - name)) : xstrdup(name);
}

struct named {
    char *name;
    struct product *product;
};

static int by_name(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->product > y->product) - (x->product < y->product);
}

/* The products by a name that each has; the caller frees both. */
static struct named *sort_by(const struct products *products,
                             char *(*name_of)(const char *path, const char *output_dir),
                             const char *output_dir)
{
    struct named *all = xcalloc(products->count + 1, sizeof(*all));
    for (size_t i = 0; i < products->count; i++)
        all[i] = (struct named){name_of(products->items[i].path, output_dir), &products->items[i]};
    qsort(all, products->count, sizeof(*all), by_name);
    return all;
}

static void free_named(struct named *all, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(all[i].name);
    free(all);
}

static void make_labels(struct products *products)
{
    struct named *all = sort_by(products, short_label, NULL);
    for (size_t i = 0; i < products->count; i++) {
        bool taken = (i && !strcmp(all[i].name, all[i - 1].name)) ||
                     (i + 1 < products->count && !strcmp(all[i].name, all[i + 1].name));
        all[i].product->label = xstrdup(taken ? all[i].product->path : all[i].name);
    }
    free_named(all, products->count);
}

/* ---- what cannot be built together ---- */

static char *real_path(const char *path, const char *output_dir)
{
    (void)output_dir;
    char *real = realpath(path, NULL);
    return real ? real : path_absolute(path);
}

static bool check_given_once(const struct products *products, struct err **err)
{
    struct named *all = sort_by(products, real_path, NULL);
    bool ok = true;
    for (size_t i = 1; i < products->count && ok; i++) {
        if (strcmp(all[i].name, all[i - 1].name) != 0)
            continue;
        const char *first = all[i - 1].product->path, *second = all[i].product->path;
        ok = false;
        if (strcmp(first, second) != 0)
            err_set(err, ERR_USAGE, "'%s' and '%s' are the same manifest", first, second);
        else
            err_set(err, ERR_USAGE, "the manifest '%s' is given twice", first);
        err_hint(err, "give each manifest once");
    }
    free_named(all, products->count);
    return ok;
}

/* "out/greeter/greeter-1.4.0", as all its files begin; a manifest with errors has none: they are
 * told when its turn comes. */
static char *output_name(const char *path, const char *output_dir)
{
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    _cleanup_(manifest_free_ptr) struct manifest *m = manifest_load(path, &diags);
    if (!m)
        return xstrdup("");
    return output_dir ? xasprintf("%s/%s-%s", output_dir, m->product, m->version)
                      : xasprintf("out/%s/%s-%s", m->product, m->product, m->version);
}

static bool check_outputs(const struct products *products, const char *output_dir, struct err **err)
{
    struct named *all = sort_by(products, output_name, output_dir);
    bool ok = true;
    for (size_t i = 1; i < products->count && ok; i++) {
        if (!all[i].name[0] || strcmp(all[i].name, all[i - 1].name) != 0)
            continue;
        ok = false;
        err_set(err, ERR_MANIFEST, "'%s' and '%s' would both write %s", all[i - 1].product->path,
                all[i].product->path, all[i].name);
        err_hint(err, "give one another product or version, or build them one by one with -o");
    }
    free_named(all, products->count);
    return ok;
}

/* ---- events ---- */

static void note_error(void *data, const json_t *event)
{
    struct product *p = data;
    const char *file = build_field(event, "file"), *message = build_field(event, "message");
    if (p->first_error || strcmp(build_field(event, "level"), "error") != 0)
        return;
    json_int_t line = json_integer_value(json_object_get(event, "line"));
    json_int_t column = json_integer_value(json_object_get(event, "column"));
    if (!*message)
        message = build_field(event, "text");
    if (*file && line && column)
        p->first_error =
            xasprintf("%s:%lld:%lld: %s", file, (long long)line, (long long)column, message);
    else
        p->first_error = *file ? xasprintf("%s: %s", file, message) : xstrdup(message);
}

bool products_init(struct products *products, char **paths, int count, const char *output_dir,
                   struct events *events, struct err **err)
{
    products->items = xcalloc((size_t)count, sizeof(*products->items));
    products->count = (size_t)count;
    for (int i = 0; i < count; i++)
        products->items[i].path = paths[i];
    if (!check_given_once(products, err) || !check_outputs(products, output_dir, err))
        return false;
    make_labels(products);
    for (size_t i = 0; i < products->count; i++) {
        struct product *p = &products->items[i];
        p->events = events_fork(events, p->label);
        events_add_sink(p->events, note_error, p);
        p->relay = events_fork(p->events, p->label);
    }
    return true;
}

void products_release(struct products *products)
{
    for (size_t i = 0; i < products->count; i++) {
        struct product *p = &products->items[i];
        events_free(p->relay);
        events_free(p->events);
        json_decref(p->image);
        free(p->label);
        free(p->first_error);
        free(p->said);
    }
    free(products->items);
    *products = (struct products){NULL, 0};
}

/* ---- the child ---- */

/* Options that are not handed on would be lost without a word. A field that was added to the struct
 * is missing here, which the compiler does not let pass: see to product_command(), too. */
static const struct build_options KNOWN_OPTIONS = {
    {false, false}, NULL, 0, false, false, false, false, false, false, false, false, NULL,
};

void product_command(const struct product *product, const struct build_options *options,
                     unsigned jobs, struct strv *argv)
{
    const struct {
        bool on;
        const char *option;
    } flags[] = {
        {options->source.offline, "--offline"},  {options->keep, "--keep"},
        {options->locked, "--locked"},           {options->twice, "--twice"},
        {options->no_ccache, "--no-ccache"},     {options->no_base, "--no-base"},
        {options->unsandboxed, "--unsandboxed"},
    };
    (void)KNOWN_OPTIONS;
    strv_add_all(argv, (const char *const[]){"/proc/self/exe", "--json", "build", NULL});
    strv_addf(argv, "--jobs=%u", jobs);
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        if (flags[i].on)
            strv_add(argv, flags[i].option);
    }
    if (options->output_dir)
        strv_addf(argv, "--output=%s", options->output_dir);
    strv_add(argv, "--");
    strv_add(argv, product->path);
}

static void take_result(struct product *p, const json_t *event)
{
    json_decref(p->image);
    p->image = json_incref(json_array_get(json_object_get(event, "images"), 0));
}

static bool is_failed_base(const json_t *event)
{
    return !strcmp(build_field(event, "phase"), "base") &&
           !strcmp(build_field(event, "state"), "end") &&
           !json_is_true(json_object_get(event, "ok"));
}

/* When all are asked to end, each says that it was interrupted: once is enough. */
static bool is_wanted(const json_t *event)
{
    return !interrupt_requested() || strcmp(build_field(event, "level"), "error") != 0;
}

void product_take_line(void *data, const char *line, size_t len)
{
    struct product *p = data;
    json_t *event = json_loadb(line, len, 0, NULL);
    const char *kind = build_field(event, "event");
    if (!*kind && len) { /* of a sanitizer, of the C library: why it will end */
        free(p->said);
        p->said = xstrndup(line, len);
    }
    p->base_failed = p->base_failed || is_failed_base(event);
    if (!strcmp(kind, "result"))
        take_result(p, event);
    else if (*kind && is_wanted(event))
        events_relay(p->relay, json_incref(event));
    json_decref(event);
}

/* ---- the end ---- */

void product_end(struct product *p, int exit_status, json_t *image)
{
    p->ended = true;
    p->exit_status = exit_status;
    p->seconds = (double)(clock_ms() - p->started_ms) / 1000;
    if (image) {
        json_decref(p->image);
        p->image = image;
    }
}

/* It ended without a word of its own. */
static void say_how_it_ended(struct product *p, int exit_status)
{
    struct err *err = NULL;
    _cleanup_free_ char *how = exit_status > 128 ? xasprintf("by signal %d", exit_status - 128)
                                                 : xasprintf("with status %d", exit_status);
    err_set(&err, ERR_FAILED, "the firn that built '%s' ended %s%s%s", p->path, how,
            p->said ? ": " : "", p->said ? p->said : "");
    event_diag(p->events, "error", err);
    err_free(err);
}

void product_child_ended(struct product *p, int exit_status)
{
    _cleanup_(buf_release) struct buf name = BUF_INIT;
    bool interrupted = interrupt_requested();
    events_end_phases(p->relay);
    if (exit_status == 0 && !p->image)
        exit_status = 1;
    if (exit_status && !p->first_error && !interrupted)
        say_how_it_ended(p, exit_status);
    product_end(p, exit_status && interrupted ? 130 : exit_status, NULL);
    if (!exit_status)
        build_add_name(p->image, &name);
    event_phase_end(p->events, "product", exit_status == 0,
                    !exit_status  ? name.data
                    : interrupted ? "interrupted"
                                  : p->first_error);
}

void product_give_up(struct product *p, const struct product *other)
{
    struct err *err = NULL;
    err_set(&err, ERR_FAILED, "the base of '%s' could not be compiled: '%s' is on the same one",
            p->path, other->path);
    event_diag(p->events, "error", err);
    err_free(err);
    p->started_ms = clock_ms();
    product_end(p, 1, NULL);
}
