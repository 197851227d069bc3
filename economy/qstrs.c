#include "economy/qstrs.h"

#include <stdlib.h>
#include <string.h>

#include "builder/qstr.h"
#include "economy/guest.h"
#include "economy/imports.h"

struct search {
    struct guest guest;
    struct strv modules, targets;
    struct strv own; /* names that are there before anything is imported */
    int timeout_ms;
    struct events *events;
    size_t done;
};

/* Import these, and say which names are in RAM then that were not there before. */
static bool probe(struct search *s, const char *const *modules, const char *what,
                  struct probe *probe, struct err **err)
{
    event_progress(s->events, "imports", ++s->done, s->modules.count + 2, "imports", what);
    if (!guest_probe(&s->guest, GUEST_FROZEN, modules, false, s->timeout_ms, probe, err))
        return false;
    if (probe->outcome == PROBE_WORKS && probe->qstrs.count == probe->qstrs_after)
        return true;
    if (probe->outcome != PROBE_WORKS)
        return true;
    err_set(err, ERR_FAILED, "%s: there are %llu names in RAM, and %zu were printed", what,
            (unsigned long long)probe->qstrs_after, probe->qstrs.count);
    return err_hint(err,
                    "one of them holds a line break with 'Q(' behind it, as between two names");
}

static bool is_own(const struct search *s, const char *name)
{
    return strv_contains(&s->own, name);
}

static int by_name(const void *a, const void *b)
{
    const struct qstr_found *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static struct qstr_found *find(const struct qstrs_found *found, const char *name)
{
    const struct qstr_found key = {.name = (char *)name};
    return found->count ? bsearch(&key, found->items, found->count, sizeof(*found->items), by_name)
                        : NULL;
}

static bool find_together(struct search *s, struct qstrs_found *found, struct err **err)
{
    _cleanup_(probe_release) struct probe p = PROBE_INIT;
    if (!probe(s, (const char *const *)s->modules.items, "all together", &p, err))
        return false;
    if (p.outcome != PROBE_WORKS) {
        err_set(err, ERR_FAILED, "the modules cannot be imported together: %s",
                probe_outcome_id(p.outcome));
        return err_hint(err,
                        "'firn check' shows which, and why; check: {skip: [...]} leaves modules "
                        "out");
    }
    found->ram = p.alloc_after - p.alloc_before;
    found->items = xcalloc(p.qstrs.count + 1, sizeof(*found->items));
    for (size_t i = 0; i < p.qstrs.count; i++) {
        const char *name = p.qstrs.items[i];
        if (!is_own(s, name))
            found->items[found->count++] =
                (struct qstr_found){xstrdup(name), NULL, qstr_unfit(name), 0};
    }
    qsort(found->items, found->count, sizeof(*found->items), by_name);
    return true;
}

/* The module that brings a name: whose import leaves it, with the fewest other modules. */
static bool attribute(struct search *s, struct qstrs_found *found, struct err **err)
{
    for (size_t m = 0; found->count && m < s->modules.count; m++) {
        const char *const one[] = {s->modules.items[m], NULL};
        _cleanup_(probe_release) struct probe p = PROBE_INIT;
        if (!probe(s, one, one[0], &p, err))
            return false;
        for (size_t i = 0; i < p.qstrs.count; i++) {
            struct qstr_found *item = find(found, p.qstrs.items[i]);
            if (!item || (item->module && item->company <= p.modules.count))
                continue;
            free(item->module);
            item->module = xstrdup(one[0]);
            item->company = p.modules.count;
        }
    }
    for (size_t i = 0; i < found->count; i++)
        if (!found->items[i].module)
            found->items[i].module = xstrdup("");
    return true;
}

static bool search(struct search *s, const struct build_result *product, struct qstrs_found *found,
                   struct err **err)
{
    static const char *const nothing[] = {NULL};
    _cleanup_(probe_release) struct probe p = PROBE_INIT;
    imports_list(product, NULL, &s->modules, &s->targets);
    if (!s->modules.count)
        return err_set(err, ERR_USAGE, "no module is frozen: there is nothing to import");
    if (!guest_open(&s->guest, product, err) || !probe(s, nothing, "nothing", &p, err))
        return false;
    strv_add_all(&s->own, (const char *const *)p.qstrs.items);
    return find_together(s, found, err) && attribute(s, found, err);
}

bool qstrs_find(struct qstrs_found *found, const struct build_result *product, int timeout_ms,
                struct events *events, struct err **err)
{
    struct search s = {.guest = GUEST_INIT,
                       .modules = STRV_INIT,
                       .targets = STRV_INIT,
                       .own = STRV_INIT,
                       .timeout_ms = timeout_ms,
                       .events = events};
    event_phase_begin(events, "imports", "Importing in the emulator");
    bool ok = search(&s, product, found, err);
    _cleanup_free_ char *detail = xasprintf("%zu qstrs in RAM", found->count);
    event_phase_end(events, "imports", ok, ok ? detail : NULL);
    guest_close(&s.guest);
    strv_release(&s.modules);
    strv_release(&s.targets);
    strv_release(&s.own);
    return ok;
}

void qstrs_found_release(struct qstrs_found *found)
{
    for (size_t i = 0; i < found->count; i++) {
        free(found->items[i].name);
        free(found->items[i].module);
    }
    free(found->items);
    *found = (struct qstrs_found)QSTRS_FOUND_INIT;
}
