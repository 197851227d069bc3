#include "economy/check.h"

#include <string.h>

#include "base/text.h"
#include "economy/guest.h"
#include "economy/heap_map.h"
#include "economy/imports.h"
#include "economy/twin.h"

struct checking {
    const struct build_result *product;
    const struct check_options *options;
    struct events *events;
    struct guest guest;
    struct strv names;   /* of the modules, in the order of their targets */
    struct strv targets; /* "acme/__init__.py" */
    size_t done, total;  /* imports */
    bool ok;
};

/* ---- one import ---- */

static json_t *text_json(const struct buf *text)
{
    _cleanup_(buf_release) struct buf printable = BUF_INIT;
    json_t *json = json_stringn(text->data, text->len);
    if (json)
        return json;
    text_add_printable(&printable, text->data, text->len);
    return json_stringn(printable.data, printable.len);
}

static json_t *names_json(const struct strv *names)
{
    json_t *list = json_array();
    for (size_t i = 0; i < names->count; i++) {
        const struct buf name = {names->items[i], strlen(names->items[i]), 0};
        json_array_append_new(list, text_json(&name));
    }
    return list;
}

/* Negative: a collection found more than the import brought. */
static json_int_t difference(uint64_t after, uint64_t before)
{
    return (json_int_t)(after - before);
}

static void add_numbers(const struct checking *c, json_t *object, const struct probe *p)
{
    double seconds = guest_seconds(&c->guest, p->ticks);
    json_object_set_new(object, "ram", json_integer(difference(p->alloc_after, p->alloc_before)));
    json_object_set_new(object, "qstrs", json_integer(difference(p->qstrs_after, p->qstrs_before)));
    if (seconds >= 0)
        json_object_set_new(object, "ms", json_real(seconds * 1000));
}

/* Why there is no traceback. */
static json_t *message_json(const struct checking *c, const struct probe *p)
{
    _cleanup_free_ char *hung =
        xasprintf("it did not end within %d s", c->options->timeout_ms / 1000);
    switch (p->outcome) {
    case PROBE_HUNG:
        return json_string(hung);
    case PROBE_RESET:
        return json_string("the interpreter is gone: it was reset, ended or crashed");
    case PROBE_FLOOD:
        return json_sprintf("it printed more than %zu bytes", PROBE_OUTPUT_MAX);
    case PROBE_GARBAGE:
        return json_string("it printed what is no text, or the end marks of the REPL's protocol");
    default:
        return text_json(&p->traceback);
    }
}

static json_t *probe_json(const struct checking *c, const struct probe *p)
{
    json_t *object = json_pack("{s:s}", "outcome", probe_outcome_id(p->outcome));
    if (p->output.len)
        json_object_set_new(object, "output", text_json(&p->output));
    if (p->outcome != PROBE_WORKS)
        json_object_set_new(object, "message", message_json(c, p));
    if (p->measured)
        add_numbers(c, object, p);
    if (c->options->twin)
        json_object_set_new(object, "stubs", names_json(&p->touched));
    return object;
}

static void say_progress(struct checking *c, const char *what)
{
    c->done++;
    event_progress(c->events, "imports", c->done, c->total, "imports", what);
}

static bool import_from(struct checking *c, enum guest_modules from, const char *name,
                        struct probe *probe, struct err **err)
{
    const char *const names[] = {name, NULL};
    say_progress(c, name);
    return guest_probe(&c->guest, from, names, false, c->options->timeout_ms, probe, err);
}

/* A comparison that fails is no fault of the product's: without enough heap to compile it, that is
 * what freezing is for. */
static bool compare(struct checking *c, const char *name, json_t *module, struct err **err)
{
    static const char *const keys[] = {[GUEST_MPY] = "mpy", [GUEST_SOURCE] = "source"};
    for (enum guest_modules from = GUEST_MPY; from <= GUEST_SOURCE; from++) {
        _cleanup_(probe_release) struct probe probe = PROBE_INIT;
        if (!import_from(c, from, name, &probe, err))
            return false;
        json_object_set_new(module, keys[from], probe_json(c, &probe));
    }
    return true;
}

static bool check_module(struct checking *c, size_t i, json_t *modules, struct err **err)
{
    _cleanup_(probe_release) struct probe probe = PROBE_INIT;
    const char *name = c->names.items[i];
    if (!import_from(c, GUEST_FROZEN, name, &probe, err))
        return false;
    json_t *module = probe_json(c, &probe);
    json_object_set_new(module, "name", json_string(name));
    json_object_set_new(module, "target", json_string(c->targets.items[i]));
    json_object_set_new(module, "imports", names_json(&probe.modules));
    json_array_append_new(modules, module);
    c->ok &= probe.outcome == PROBE_WORKS;
    bool compared = c->options->compare && guest_has_files(&c->guest);
    if (compared && probe.outcome == PROBE_WORKS)
        return compare(c, name, module, err);
    c->done += compared ? 2 : 0;
    return true;
}

/* ---- the product as a whole ---- */

static json_t *twin_json(const struct checking *c)
{
    const struct twin_def *def = &c->product->target->twin;
    return json_pack("{s:s, s:s, s:o, s:o}", "port", def->port, "board", def->board, "stubs",
                     names_json(&c->options->twin->stubs), "left_out",
                     names_json(&c->options->twin->left_out));
}

static const char *const *product_imports(const struct checking *c)
{
    const char *const *imports = c->product->manifest->check.imports;
    return *imports ? imports : (const char *const *)c->names.items;
}

static void add_expected(struct checking *c, json_t *product, const struct probe *probe)
{
    const char *expect = c->product->manifest->check.expect;
    if (!expect || probe->outcome != PROBE_WORKS)
        return;
    bool found = memmem(probe->output.data, probe->output.len, expect, strlen(expect)) != NULL;
    json_object_set_new(product, "expect", json_string(expect));
    json_object_set_new(product, "expected", json_boolean(found));
    c->ok &= found;
}

static bool check_together(struct checking *c, json_t *report, struct err **err)
{
    const char *const *imports = product_imports(c);
    _cleanup_(probe_release) struct probe probe = PROBE_INIT;
    uint64_t idle;
    say_progress(c, "all together");
    if (!guest_idle(&c->guest, &idle, err) ||
        !guest_probe(&c->guest, GUEST_FROZEN, imports, true, c->options->timeout_ms, &probe, err))
        return false;
    json_t *product = probe_json(c, &probe), *names = json_array();
    for (; *imports; imports++)
        json_array_append_new(names, json_string(*imports));
    json_object_set_new(product, "imports", names);
    if (probe.measured) {
        uint64_t own = probe.alloc_before - idle;
        uint64_t used = probe.alloc_after - own, left = probe.free_after + own;
        json_object_set_new(product, "heap_used", json_integer((json_int_t)used));
        json_object_set_new(product, "heap_free", json_integer((json_int_t)left));
        json_object_set_new(product, "qstrs_in_ram", names_json(&probe.qstrs));
        json_object_set_new(product, "heap", heap_map_read(&probe.heap));
    }
    c->ok &= probe.outcome == PROBE_WORKS;
    add_expected(c, product, &probe);
    json_object_set_new(report, "product", product);
    return true;
}

/* ---- all of it ---- */

static bool open_guest(struct checking *c, json_t *report, struct err **err)
{
    bool compared = false;
    const struct build_result *product = c->product;
    if (!c->options->port)
        return guest_open(&c->guest, c->options->runs_on ? c->options->runs_on : product, err);
    if (!guest_open_board(&c->guest, product, c->options->port, c->options->timeout_ms, &compared,
                          err))
        return false;
    if (!compared)
        event_warning(c->events, "whether the board runs this very image cannot be told: its "
                                 "interpreter has no uctypes and hashlib to look");
    json_object_set_new(report, "board",
                        json_pack("{s:s, s:s, s:b}", "port", c->options->port, "machine",
                                  serial_board_facts(c->guest.board)->machine, "compared",
                                  compared));
    return true;
}

/* A board that does not come back after a module: the culprit is known, and the rest is not tried.
 * Takes the error into the report. False: it is another error. */
static bool give_up(struct checking *c, json_t *report, struct err **err)
{
    _cleanup_(buf_release) struct buf message = BUF_INIT;
    json_t *modules = json_object_get(report, "modules");
    size_t i = json_array_size(modules);
    if (!i || !c->options->port || (*err)->code != ERR_DEVICE)
        return false;
    err_add_message(*err, &message);
    json_object_set_new(report, "lost", text_json(&message));
    for (; i < c->names.count; i++)
        json_array_append_new(modules,
                              json_pack("{s:s, s:s, s:s}", "name", c->names.items[i], "target",
                                        c->targets.items[i], "outcome", "untried"));
    c->ok = false;
    err_free_ptr(err);
    return true;
}

static bool run(struct checking *c, json_t *report, struct err **err)
{
    json_t *modules = json_array();
    json_object_set_new(report, "modules", modules);
    if (!*product_imports(c))
        return err_set(err, ERR_USAGE, "there is nothing to check: no module is frozen");
    if (c->options->twin)
        c->guest.preloaded = &c->options->twin->stubs;
    if (!open_guest(c, report, err))
        return false;
    c->total = c->names.count * (c->options->compare && guest_has_files(&c->guest) ? 3 : 1) + 1;
    for (size_t i = 0; i < c->names.count; i++)
        if (!check_module(c, i, modules, err))
            return give_up(c, report, err);
    return check_together(c, report, err) || give_up(c, report, err);
}

bool check_product(const struct build_result *product, const struct check_options *options,
                   struct events *events, json_t **report, struct err **err)
{
    struct check_options used = *options;
    struct checking c = {.product = product,
                         .options = &used,
                         .events = events,
                         .guest = GUEST_INIT,
                         .names = STRV_INIT,
                         .targets = STRV_INIT,
                         .ok = true};
    if (!used.timeout_ms)
        used.timeout_ms = CHECK_TIMEOUT_MS;
    const struct build_result *runs_on = used.runs_on ? used.runs_on : product;
    json_t *made = json_pack("{s:O}", "emulator", json_object_get(runs_on->sidecar, "emulator"));
    if (used.twin)
        json_object_set_new(made, "twin", twin_json(&c));
    imports_list(product, used.twin ? &used.twin->left_out : NULL, &c.names, &c.targets);
    event_phase_begin(events, "imports",
                      used.port ? "Importing on the board" : "Importing in the emulator");
    bool ok = run(&c, made, err);
    _cleanup_free_ char *detail = xasprintf("%zu modules", c.names.count);
    event_phase_end(events, "imports", ok && c.ok, detail);
    json_object_set_new(made, "ok", json_boolean(ok && c.ok));
    guest_close(&c.guest);
    strv_release(&c.names);
    strv_release(&c.targets);
    if (ok)
        *report = made;
    else
        json_decref(made);
    return ok;
}
