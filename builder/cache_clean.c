#include "builder/cache_clean.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/proc.h"
#include "base/text.h"
#include "builder/cache_pin.h"
#include "builder/cache_remove.h"

#define NS INT64_C(1000000000)

/* One cleaning: the entries in the order in which they go. */
struct cleaning {
    const struct config *config;
    struct events *events;
    bool dry_run;
    bool builds_run; /* what builds read stays */
    bool asked_for;  /* by somebody who wants to know what did not go */
    int64_t now_ns;
    const char *made; /* stays; NULL = none */
    struct cache_entry **order;
    size_t count;
    struct cache_report *report;
};

/* Least recently used first; at the same time in the order of the table, and by name. */
static int compare(const void *a, const void *b)
{
    const struct cache_entry *x = *(struct cache_entry *const *)a;
    const struct cache_entry *y = *(struct cache_entry *const *)b;

    if (x->used_ns != y->used_ns)
        return x->used_ns < y->used_ns ? -1 : 1;
    return x->kind != y->kind ? (int)x->kind - (int)y->kind : strcmp(x->name, y->name);
}

static void put_in_order(struct cleaning *c)
{
    struct cache_list *list = &c->report->entries;

    c->count = list->count;
    c->order = xcalloc(list->count + 1, sizeof(struct cache_entry *));
    for (size_t i = 0; i < list->count; i++)
        c->order[i] = &list->items[i];
    if (list->count)
        qsort(c->order, c->count, sizeof(struct cache_entry *), compare);
}

/* ---- removing ---- */

static bool is_in_use(const struct cleaning *c, const struct cache_entry *e)
{
    return (c->builds_run && CACHE_KINDS[e->kind].read_by_build) ||
           (c->dry_run && cache_is_in_use(c->config, e->kind, e->name));
}

static enum cache_fate decide(struct cleaning *c, struct cache_entry *e)
{
    _cleanup_err_ struct err *err = NULL;
    bool in_use = is_in_use(c, e);

    if (!in_use && !c->dry_run && !cache_remove(c->config, e->kind, e->name, &in_use, &err)) {
        c->report->failed = true;
        cache_warn(c->events, err);
        return CACHE_FAILED;
    }
    return in_use ? CACHE_IN_USE : CACHE_REMOVED;
}

/* True: it is gone (or would be). */
static bool try_remove(struct cleaning *c, struct cache_entry *e, enum cache_reason reason)
{
    if (e->pinned || e->fate != CACHE_STAYS || (c->made && strcmp(e->name, c->made) == 0))
        return false;
    e->fate = decide(c, e);
    e->reason = reason;
    if (e->fate != CACHE_REMOVED)
        return false;
    c->report->removed++;
    c->report->removed_bytes += e->bytes;
    if (c->asked_for)
        event_progress(c->events, "clean", c->report->removed, 0, "entries", e->name);
    return true;
}

static bool go_on(struct err **err)
{
    return !interrupt_requested() ||
           err_set(err, ERR_INTERRUPTED, "interrupted; what is not removed yet stays");
}

/* What was not used for so long that it goes whatever there is room for; -1 = nothing. */
static int64_t keep_seconds(const struct cache_clean_options *options, enum cache_id kind)
{
    int64_t own = CACHE_KINDS[kind].old_seconds;

    return options->keep_seconds >= 0 ? options->keep_seconds : own;
}

static bool remove_unused(struct cleaning *c, const struct cache_clean_options *options,
                          struct err **err)
{
    for (size_t i = 0; i < c->count; i++) {
        int64_t keep = keep_seconds(options, c->order[i]->kind);

        if (!go_on(err))
            return false;
        if (keep >= 0 && c->now_ns - c->order[i]->used_ns >= keep * NS)
            try_remove(c, c->order[i], CACHE_UNUSED);
    }
    return true;
}

static bool counts(const struct cache_entry *e, enum cache_id kind)
{
    return e->fate != CACHE_REMOVED && (kind == CACHE_KIND_COUNT || e->kind == kind);
}

static void say_over(const struct cleaning *c, enum cache_id kind, uint64_t bytes, uint64_t limit)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;

    text_add_size(&text, bytes);
    buf_adds(&text, " are left, more than ");
    text_add_size(&text, limit);
    event_info(c->events, "%s%s%s: the rest is pinned or in use",
               kind == CACHE_KIND_COUNT ? "" : CACHE_KINDS[kind].name,
               kind == CACHE_KIND_COUNT ? "" : ": ", text.data);
}

/* Until what is left of a kind (CACHE_KIND_COUNT: of all) fits into the limit. */
static bool remove_beyond(struct cleaning *c, enum cache_id kind, uint64_t limit,
                          enum cache_reason reason, struct err **err)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < c->count; i++)
        bytes += counts(c->order[i], kind) ? c->order[i]->bytes : 0;
    for (size_t i = 0; i < c->count && bytes > limit; i++) {
        if (!go_on(err))
            return false;
        if (counts(c->order[i], kind) && try_remove(c, c->order[i], reason))
            bytes -= c->order[i]->bytes;
    }
    if (bytes > limit && c->asked_for)
        say_over(c, kind, bytes, limit);
    return true;
}

static bool remove_over_quota(struct cleaning *c, struct err **err)
{
    for (enum cache_id kind = 0; kind < CACHE_KIND_COUNT; kind++)
        if (!remove_beyond(c, kind, config_quota(c->config, kind), CACHE_OVER_QUOTA, err))
            return false;
    return true;
}

/* ---- cleaning ---- */

static bool is_chosen(const struct cache_clean_options *options, enum cache_id kind)
{
    return !options->only_some || options->kinds[kind];
}

static bool gather(struct cleaning *c, const struct cache_clean_options *options, struct err **err)
{
    _cleanup_(cache_pins_release) struct cache_pins pins = CACHE_PINS_INIT;
    struct cache_report *report = c->report;

    if (!cache_pins_load(&pins, c->config, err))
        return false;
    for (enum cache_id kind = 0; kind < CACHE_KIND_COUNT; kind++) {
        if (!is_chosen(options, kind))
            continue;
        if (!cache_sweep(c->config, kind, c->dry_run, &report->leftovers, &report->leftover_bytes,
                         c->events))
            report->failed = true;
        if (!cache_list_add(&report->entries, c->config, kind, CACHE_LOOK_ONLY, err))
            return false;
    }
    cache_pins_mark(&pins, &report->entries);
    put_in_order(c);
    return true;
}

static bool clean(struct cleaning *c, const struct cache_clean_options *options, struct err **err)
{
    return gather(c, options, err) && remove_unused(c, options, err) && remove_over_quota(c, err) &&
           remove_beyond(c, CACHE_KIND_COUNT, options->max_bytes, CACHE_OVER_MAX, err);
}

/* Entries that are gone leave nothing behind. */
static void renew_sizes(const struct config *config, const struct cache_clean_options *options)
{
    for (enum cache_id kind = 0; kind < CACHE_KIND_COUNT; kind++) {
        _cleanup_(cache_list_release) struct cache_list left = CACHE_LIST_INIT;
        _cleanup_err_ struct err *ignored = NULL;

        if (is_chosen(options, kind))
            (void)!cache_list_add(&left, config, kind, CACHE_RENEW, &ignored);
    }
}

static void say_waiting(void *events)
{
    event_info(events, "waiting for another firn that cleans");
}

/* A dry run takes no lock: it would make the file. */
bool cache_clean(const struct config *config, const struct cache_clean_options *options,
                 struct events *events, struct cache_report *report, struct err **err)
{
    _cleanup_free_ char *lock = cache_clean_lock(config);
    _cleanup_(fs_unlock) int fd = -1;
    struct cleaning c = {.config = config,
                         .events = events,
                         .dry_run = options->dry_run,
                         .builds_run = cache_builds_run(config),
                         .asked_for = true,
                         .now_ns = cache_now_ns(),
                         .report = report};

    if (!c.dry_run && !fs_lock(lock, say_waiting, events, &fd, err))
        return false;
    event_phase_begin(events, "clean", c.dry_run ? "Looking for what can go" : "Cleaning");
    bool ok = clean(&c, options, err);

    event_phase_end(events, "clean", ok, NULL);
    if (!c.dry_run)
        renew_sizes(config, options);
    free(c.order);
    return ok;
}

void cache_report_release(struct cache_report *report)
{
    cache_list_release(&report->entries);
    strv_release(&report->leftovers);
    *report = (struct cache_report)CACHE_REPORT_INIT;
}

/* ---- quotas ---- */

static bool enforce(struct cleaning *c, enum cache_id kind, struct err **err)
{
    _cleanup_(cache_pins_release) struct cache_pins pins = CACHE_PINS_INIT;

    if (!cache_pins_load(&pins, c->config, err))
        return false;
    cache_pins_mark(&pins, &c->report->entries);
    put_in_order(c);
    return remove_beyond(c, kind, config_quota(c->config, kind), CACHE_OVER_QUOTA, err);
}

static void say_removed(const struct cleaning *c, enum cache_id kind)
{
    _cleanup_(buf_release) struct buf size = BUF_INIT;

    text_add_size(&size, c->report->removed_bytes);
    event_info(c->events, "%s: over its quota; %zu least recently used removed, %s",
               CACHE_KINDS[kind].name, c->report->removed, size.data);
}

void cache_enforce(const struct config *config, enum cache_id kind, const char *made,
                   struct events *events)
{
    _cleanup_(cache_report_release) struct cache_report report = CACHE_REPORT_INIT;
    _cleanup_err_ struct err *err = NULL;
    _cleanup_free_ char *lock = cache_clean_lock(config);
    _cleanup_(fs_unlock) int fd = -1;
    struct cleaning c = {.config = config, .events = events, .made = made, .report = &report};
    uint64_t quota = config_quota(config, kind);
    bool ok = quota == CACHE_UNLIMITED ||
              cache_list_add(&report.entries, config, kind, CACHE_REMEMBER, &err);

    if (ok && cache_list_bytes(&report.entries, kind) > quota)
        ok = fs_try_lock(lock, &fd, &err) && (fd < 0 || enforce(&c, kind, &err));
    if (report.removed)
        say_removed(&c, kind);
    if (!ok)
        cache_warn(events, err);
    free(c.order);
}
