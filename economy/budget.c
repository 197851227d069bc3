#include "economy/budget.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define CULPRITS 3

static const char *const NAMES[BUDGET_COUNT] = {
    [BUDGET_FLASH] = "flash",
    [BUDGET_RAM_AFTER_IMPORT] = "ram_after_import",
    [BUDGET_HEAP_FREE] = "heap_free",
    [BUDGET_IMPORT_MS] = "import_ms",
    [BUDGET_QSTRS_IN_RAM] = "qstrs_in_ram",
};
static const char *const UNITS[BUDGET_COUNT] = {
    [BUDGET_FLASH] = "bytes of flash",         [BUDGET_RAM_AFTER_IMPORT] = "bytes of RAM",
    [BUDGET_HEAP_FREE] = "bytes of heap free", [BUDGET_IMPORT_MS] = "ms to import",
    [BUDGET_QSTRS_IN_RAM] = "qstrs in RAM",
};

/* One limit on its way to an entry and, if it is not kept, an error. */
struct limit {
    const struct build_result *product;
    enum budget_kind kind;
    const char *module; /* NULL: the product's */
    const struct ynode *node;
    double limit, actual; /* actual < 0: it could not be measured */
    json_t *culprits;     /* [{"name", "amount"}], the largest first; ours */
    const char *blame;    /* what they are: "the largest frozen modules" */
    const char *help;     /* what to do; or NULL */
};

/* ---- culprits ---- */

static double amount(const json_t *item)
{
    return json_number_value(json_object_get(item, "amount"));
}

static int by_amount(const void *a, const void *b)
{
    const json_t *const *x = a, *const *y = b;
    double of_x = amount(*x), of_y = amount(*y);
    return (of_x < of_y) - (of_x > of_y);
}

/* The largest of a list by a number that each of its items may have; yours. */
static json_t *largest(const json_t *list, const char *key)
{
    size_t count = json_array_size(list), kept = 0, i;
    json_t **items = xcalloc(count + 1, sizeof(json_t *));
    json_t *top = json_array(), *item;
    json_array_foreach(list, i, item)
    {
        double value = json_number_value(json_object_get(item, key));
        if (value > 0)
            items[kept++] =
                json_pack("{s:O, s:f}", "name", json_object_get(item, "name"), "amount", value);
    }
    qsort(items, kept, sizeof(*items), by_amount);
    for (i = 0; i < kept; i++) {
        if (i < CULPRITS)
            json_array_append(top, items[i]);
        json_decref(items[i]);
    }
    free(items);
    return top;
}

/* ---- entries and errors ---- */

static void add_number(struct buf *out, double value)
{
    if (value == (double)(long long)value)
        buf_addf(out, "%lld", (long long)value);
    else
        buf_addf(out, "%.1f", value);
}

static void add_culprits(const struct limit *l, struct buf *out)
{
    const json_t *item;
    size_t i;
    if (!json_array_size(l->culprits))
        return;
    buf_addf(out, "%s: ", l->blame);
    json_array_foreach(l->culprits, i, item)
    {
        buf_addf(out, "%s%s ", i ? ", " : "", json_string_value(json_object_get(item, "name")));
        add_number(out, amount(item));
    }
    if (l->help)
        buf_adds(out, "; ");
}

static void complain(const struct limit *l, struct diags *diags)
{
    _cleanup_(buf_release) struct buf message = BUF_INIT;
    _cleanup_(buf_release) struct buf hint = BUF_INIT;
    double over = l->kind == BUDGET_HEAP_FREE ? l->limit - l->actual : l->actual - l->limit;
    size_t before = diags->error_count;
    if (l->module)
        buf_addf(&message, "%s: ", l->module);
    if (l->actual < 0) {
        buf_addf(&message, "%s cannot be held: it was not measured", NAMES[l->kind]);
    } else {
        buf_adds(&message, "over budget: ");
        add_number(&message, l->actual);
        buf_addf(&message, " %s, ", UNITS[l->kind]);
        add_number(&message, over);
        buf_adds(&message, l->kind == BUDGET_HEAP_FREE ? " too few" : " too many");
    }
    add_culprits(l, &hint);
    if (l->help)
        buf_adds(&hint, l->help);
    (void)manifest_error(l->product->manifest, l->node, diags, hint.len ? hint.data : NULL, "%s",
                         message.data);
    for (size_t i = before; i < diags->error_count; i++)
        diags->errors[i]->code = ERR_BUDGET;
}

static bool is_kept(const struct limit *l)
{
    if (l->actual < 0)
        return false;
    return l->kind == BUDGET_HEAP_FREE ? l->actual >= l->limit : l->actual <= l->limit;
}

/* Takes l->culprits. */
static void settle(struct limit *l, json_t *list, struct diags *diags)
{
    bool kept = is_kept(l);
    json_t *entry =
        json_pack("{s:s, s:f, s:b}", "budget", NAMES[l->kind], "limit", l->limit, "ok", kept);
    json_object_set_new(entry, "actual", l->actual < 0 ? json_null() : json_real(l->actual));
    if (l->module)
        json_object_set_new(entry, "module", json_string(l->module));
    if (!kept) {
        complain(l, diags);
        json_object_set(entry, "culprits", l->culprits);
    }
    json_array_append_new(list, entry);
    json_decref(l->culprits);
}

static struct limit limit_of(const struct build_result *product, const struct budget *budget,
                             enum budget_kind kind)
{
    return (struct limit){.product = product,
                          .kind = kind,
                          .node = budget->node[kind],
                          .limit = (double)budget->value[kind],
                          .actual = -1};
}

static const json_t *find(const json_t *list, const char *key, const char *value)
{
    const json_t *item;
    size_t i;
    json_array_foreach(list, i, item)
    {
        const char *text = json_string_value(json_object_get(item, key));
        if (text && !strcmp(text, value))
            return item;
    }
    return NULL;
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : -1;
}

/* ---- flash ---- */

/* What each module grew by since the latest image that kept the limit; NULL: there was none. */
static json_t *find_growth(const json_t *history, const json_t *now, double limit)
{
    for (size_t i = json_array_size(history); i-- > 0;) {
        const json_t *size = json_object_get(json_array_get(history, i), "size"), *module;
        json_t *grown = json_array();
        size_t m;
        if (number(size, "flash") > limit) {
            json_decref(grown);
            continue;
        }
        json_array_foreach(json_object_get(now, "modules"), m, module)
        {
            const char *name = json_string_value(json_object_get(module, "name"));
            const json_t *before = find(json_object_get(size, "modules"), "name", name);
            double more = number(module, "flash") - (before ? number(before, "flash") : 0);
            json_array_append_new(grown, json_pack("{s:s, s:f}", "name", name, "more", more));
        }
        json_t *top = largest(grown, "more");
        json_decref(grown);
        return top;
    }
    return NULL;
}

static void check_product_flash(const struct build_result *product, const json_t *history,
                                json_t *list, struct diags *diags)
{
    const json_t *size = json_object_get(product->sidecar, "size");
    struct limit l = limit_of(product, &product->manifest->budget, BUDGET_FLASH);
    l.actual = number(size, "flash");
    l.culprits = find_growth(history, size, l.limit);
    l.blame = "grown since it was kept";
    if (!json_array_size(l.culprits)) {
        json_decref(l.culprits);
        l.culprits = largest(json_object_get(size, "modules"), "flash");
        l.blame = "the largest frozen modules";
    }
    l.help = "'firn size' shows all that the flash is taken for";
    settle(&l, list, diags);
}

/* A module's budget names it as import does, its size as mpy-tool. */
static const char *target_of(const struct build_result *product, const char *module)
{
    for (size_t i = 0; i < product->frozen.count; i++) {
        _cleanup_free_ char *name = frozen_module_name(product->frozen.files[i].target);
        if (!strcmp(name, module))
            return product->frozen.files[i].target;
    }
    return NULL;
}

static const char *help_for_module(const json_t *size)
{
    if (number(size, "source") > 0)
        return "it is frozen as source: bytecode needs no RAM for the compiler, and often less flash";
    return "opt: 3 leaves out its assertions and line numbers";
}

static void check_module_flash(const struct build_result *product, const struct module_budget *b,
                               json_t *list, struct diags *diags)
{
    const json_t *sizes = json_object_get(json_object_get(product->sidecar, "size"), "modules");
    const char *target = target_of(product, b->name);
    const json_t *size = target ? find(sizes, "name", target) : NULL;
    struct limit l = limit_of(product, &b->limits, BUDGET_FLASH);
    l.module = b->name;
    l.actual = number(size, "flash");
    l.help = help_for_module(size);
    settle(&l, list, diags);
}

void budget_check_size(const struct build_result *product, const json_t *history, json_t *list,
                       struct diags *diags)
{
    const struct manifest *m = product->manifest;
    if (m->budget.given[BUDGET_FLASH])
        check_product_flash(product, history, list, diags);
    for (size_t i = 0; i < m->module_budget_count; i++)
        if (m->module_budgets[i].limits.given[BUDGET_FLASH] &&
            target_of(product, m->module_budgets[i].name))
            check_module_flash(product, &m->module_budgets[i], list, diags);
}

/* ---- RAM, time, qstrs ---- */

static const struct {
    enum budget_kind kind;
    const char *of_product, *of_module; /* in the report */
    const char *blame, *help;
} MEASURES[] = {
    {BUDGET_RAM_AFTER_IMPORT, "heap_used", "ram", "imports that take most, with what they import",
     "objects made at import stay in RAM: make them when they are needed, or of constants"},
    {BUDGET_HEAP_FREE, "heap_free", NULL, "imports that take most, with what they import",
     "objects made at import stay in RAM: make them when they are needed, or of constants"},
    {BUDGET_IMPORT_MS, "ms", "ms", "the slowest imports, with what they import",
     "what a module does at import can be done when it is needed"},
    {BUDGET_QSTRS_IN_RAM, "qstrs", "qstrs", "imports that leave most",
     "the manifest's qstrs: keeps names in flash"},
};

void budget_check_imports(const struct build_result *product, const json_t *report, json_t *list,
                          struct diags *diags)
{
    const struct manifest *m = product->manifest;
    const json_t *modules = json_object_get(report, "modules");
    for (size_t i = 0; i < ARRAY_SIZE(MEASURES); i++) {
        enum budget_kind kind = MEASURES[i].kind;
        if (m->budget.given[kind]) {
            struct limit l = limit_of(product, &m->budget, kind);
            l.actual = number(json_object_get(report, "product"), MEASURES[i].of_product);
            l.culprits = largest(modules, MEASURES[i].of_module ? MEASURES[i].of_module : "ram");
            l.blame = MEASURES[i].blame;
            l.help = MEASURES[i].help;
            settle(&l, list, diags);
        }
        for (size_t b = 0; MEASURES[i].of_module && b < m->module_budget_count; b++) {
            const struct module_budget *budget = &m->module_budgets[b];
            if (!budget->limits.given[kind] || !target_of(product, budget->name))
                continue;
            struct limit l = limit_of(product, &budget->limits, kind);
            l.module = budget->name;
            l.actual = number(find(modules, "name", budget->name), MEASURES[i].of_module);
            l.help = MEASURES[i].help;
            settle(&l, list, diags);
        }
    }
}
