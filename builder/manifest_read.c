#include "builder/manifest_keys.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "builder/frozen_files.h"

#define MAX_KEYS 32 /* of one table */

static bool read_keys(struct manifest *manifest, const struct key_table *table,
                      const struct ynode *node, void *base, struct diags *diags);

static void set_fallbacks(const struct key_table *table, void *base)
{
    for (const struct key *key = table->keys; key->name; key++)
        if (key->fallback)
            *(const char **)((char *)base + key->offset) = key->fallback;
}

static const struct key *find_key(const struct key_table *table, const char *name)
{
    const struct key *key = table->keys;

    while (strcmp(key->name, name))
        key++;
    return key;
}

static bool only_known_keys(struct manifest *manifest, const struct key_table *table,
                            const struct ynode *node, struct diags *diags)
{
    const char *names[MAX_KEYS + 1];
    size_t count = 0;

    for (const struct key *key = table->keys; key->name; key++) {
        assert(count < MAX_KEYS);
        names[count++] = key->name;
    }
    names[count] = NULL;
    return ymap_only_keys(&manifest->doc, node, names, diags);
}

/* "git, archive or path" */
static char *list_names(const char *const *names)
{
    struct buf text = BUF_INIT;

    for (size_t i = 0; names[i]; i++)
        buf_addf(&text, "%s%s", i == 0 ? "" : names[i + 1] ? ", " : " or ", names[i]);
    return buf_detach(&text, NULL);
}

/* Exactly one of the table's one_of, and no key without the one it needs. */
static bool check_company(struct manifest *manifest, const struct key_table *table,
                          const struct ynode *node, struct diags *diags)
{
    const char *found = NULL;
    bool ok = true;

    for (const char *const *name = table->one_of; name && *name; name++) {
        if (!ynode_get(node, *name))
            continue;
        if (found)
            ok = manifest_error(manifest, ynode_get_key(node, *name), diags, "remove one of them",
                                "%s has both %s and %s", table->name, found, *name);
        found = *name;
    }
    _cleanup_free_ char *choices = table->one_of ? list_names(table->one_of) : NULL;
    if (table->one_of && !found)
        ok = manifest_error(manifest, node, diags, NULL, "%s needs %s", table->name, choices);
    for (const struct key *key = table->keys; key->name; key++)
        if (key->needs && ynode_get(node, key->name) && !ynode_get(node, key->needs))
            ok = manifest_error(manifest, ynode_get_key(node, key->name), diags, NULL,
                                "%s: %s needs %s beside it", table->name, key->name, key->needs);
    return ok;
}

/* The entries of frozen: a plain "board", or a mapping with one directive and its parameters. */
static bool read_freeze_entry(const struct key_slot *slot, struct freeze_entry *entry)
{
    const struct ynode *node = slot->node;
    const char *names[ARRAY_SIZE(freeze_tables) + 1] = {0};
    size_t found = 0;

    entry->opt = -1;
    entry->node = node;
    for (size_t kind = 0; kind < ARRAY_SIZE(freeze_tables); kind++) {
        names[kind] = freeze_tables[kind].name;
        if (node->type == YNODE_MAPPING && kind != FREEZE_BOARD && ynode_get(node, names[kind])) {
            entry->kind = kind;
            found++;
        }
    }
    if (node->type == YNODE_SCALAR && !strcmp(node->value, names[FREEZE_BOARD])) {
        entry->name = names[FREEZE_BOARD];
        return true;
    }
    if (found == 1)
        return read_keys(slot->manifest, &freeze_tables[entry->kind], node, entry, slot->diags);
    if (found > 1)
        return manifest_error(slot->manifest, node, slot->diags, "begin each with its own '- '",
                              "several directives in one entry of frozen");
    const struct ynode *word = node->type == YNODE_MAPPING && node->count ? node->keys[0] : node;
    const char *near = word->type == YNODE_SCALAR ? text_nearest(word->value, names) : NULL;
    _cleanup_free_ char *hint =
        !near ? xstrdup("such as '- module: main.py' or '- board'")
              : xasprintf(strcmp(near, names[FREEZE_BOARD]) ? "did you mean '%s: ...'?"
                                                            : "did you mean '%s'?",
                          near);
    return manifest_error(slot->manifest, word, slot->diags, hint,
                          "an entry of frozen must be 'board' or a mapping with a directive");
}

static bool read_frozen(const struct key_slot *slot)
{
    struct manifest *m = slot->manifest;
    bool ok = true;

    if (slot->node->type != YNODE_SEQUENCE)
        return key_wrong_type(slot, "a list");
    m->frozen_count = slot->node->count;
    m->frozen = arena_alloc(&m->doc.arena, m->frozen_count * sizeof(*m->frozen) + 1);
    for (size_t i = 0; i < m->frozen_count; i++) {
        struct key_slot item = *slot;
        item.node = slot->node->items[i];
        ok &= read_freeze_entry(&item, &m->frozen[i]);
    }
    return ok;
}

static bool read_qstrs(const struct key_slot *slot)
{
    struct manifest *m = slot->manifest;
    bool ok = true;

    if (slot->node->type != YNODE_SEQUENCE)
        return key_wrong_type(slot, "a list");
    m->qstr_count = slot->node->count;
    m->qstrs = arena_alloc(&m->doc.arena, m->qstr_count * sizeof(*m->qstrs) + 1);
    for (size_t i = 0; i < m->qstr_count; i++) {
        m->qstrs[i].node = slot->node->items[i];
        ok &= read_keys(m, &qstr_table, slot->node->items[i], &m->qstrs[i], slot->diags);
    }
    return ok;
}

static bool read_budgets(const struct key_slot *slot)
{
    struct manifest *m = slot->manifest;
    const struct ynode *node = slot->node;
    bool ok = true;

    if (node->type != YNODE_MAPPING)
        return key_wrong_type(slot, "a mapping of modules");
    m->module_budget_count = node->count;
    m->module_budgets =
        arena_alloc(&m->doc.arena, m->module_budget_count * sizeof(*m->module_budgets) + 1);
    for (size_t i = 0; i < m->module_budget_count; i++) {
        m->module_budgets[i].node = node->keys[i];
        m->module_budgets[i].name = node->keys[i]->value;
        ok &=
            read_keys(m, &module_budget_table, node->items[i], &m->module_budgets[i], slot->diags);
    }
    return ok;
}

static bool read_value(const struct key_slot *slot)
{
    char *base = slot->base;

    if (slot->key->node)
        *(const struct ynode **)(base + slot->key->node) = slot->node;
    if (slot->key->given)
        *(bool *)(base + slot->key->given) = true;
    switch (slot->key->type) {
    case KEY_MAPPING:
        return read_keys(slot->manifest, slot->key->table, slot->node, base, slot->diags);
    case KEY_FROZEN:
        return read_frozen(slot);
    case KEY_QSTRS:
        return read_qstrs(slot);
    case KEY_BUDGETS:
        return read_budgets(slot);
    default:
        return key_read_value(slot);
    }
}

/* A mapping (or its shorthand) into the object at base. Goes on after an error. */
static bool read_keys(struct manifest *manifest, const struct key_table *table,
                      const struct ynode *node, void *base, struct diags *diags)
{
    const struct key self = {.name = table->name};
    struct key_slot slot = {manifest, &self, node, base, diags};

    set_fallbacks(table, base);
    if (node->type == YNODE_SCALAR && table->shorthand && (*node->value || node->quoted)) {
        struct key key = *find_key(table, table->shorthand);
        key.name = table->name; /* what the error is to name */
        slot.key = &key;
        return read_value(&slot);
    }
    if (node->type != YNODE_MAPPING)
        return key_wrong_type(&slot, !table->shorthand ? "a mapping"
                                     : find_key(table, table->shorthand)->type == KEY_BOOL
                                         ? "true, false or a mapping"
                                         : "a name or a mapping");
    bool ok = only_known_keys(manifest, table, node, diags);
    for (const struct key *key = table->keys; key->name; key++) {
        slot.key = key;
        slot.node = ynode_get(node, key->name);
        if (slot.node)
            ok &= read_value(&slot);
        else if (key->required)
            ok = manifest_error(manifest, node, diags, NULL, "%s needs the key '%s'", table->name,
                                key->name);
        else if (key->table)
            set_fallbacks(key->table, base);
    }
    return check_company(manifest, table, node, diags) && ok;
}

bool manifest_read(struct manifest *manifest, struct diags *diags)
{
    return read_keys(manifest, &manifest_table, manifest->doc.root, manifest, diags);
}
