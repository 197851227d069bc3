#include "builder/manifest_keys.h"

#include <assert.h>
#include <regex.h>
#include <string.h>

#include "base/text.h"

/* Longest part of a wrong value that an error repeats. */
#define SHOWN 80

enum scalar_kind { SCALAR_STRING, SCALAR_NUMBER, SCALAR_BOOL, SCALAR_NULL };

static void *member(void *base, size_t offset)
{
    return (char *)base + offset;
}

static bool is_word(const char *value, const char *a, const char *b, const char *c)
{
    return !strcmp(value, a) || !strcmp(value, b) || !strcmp(value, c);
}

/* YAML's core schema, as far as it matters: what another reader would not take for a string. */
static enum scalar_kind scalar_kind(const struct ynode *node)
{
    const char *value = node->value;
    char *end;

    if (node->quoted)
        return SCALAR_STRING;
    if (!*value || !strcmp(value, "~") || is_word(value, "null", "Null", "NULL"))
        return SCALAR_NULL;
    if (is_word(value, "true", "True", "TRUE") || is_word(value, "false", "False", "FALSE"))
        return SCALAR_BOOL;
    if (value[strspn(value, "0123456789abcdefABCDEFx.+-")] || !strchr("0123456789.+-", *value))
        return SCALAR_STRING;
    strtod(value, &end);
    return end != value && !*end ? SCALAR_NUMBER : SCALAR_STRING;
}

static const char *node_kind_name(const struct ynode *node)
{
    static const char *const names[] = {
        [SCALAR_STRING] = "a string",
        [SCALAR_NUMBER] = "a number",
        [SCALAR_BOOL] = "true or false",
        [SCALAR_NULL] = "empty",
    };

    return node->type == YNODE_SCALAR ? names[scalar_kind(node)] : ynode_type_name(node->type);
}

bool key_wrong_type(const struct key_slot *slot, const char *expected)
{
    bool plain = slot->node->type == YNODE_SCALAR && scalar_kind(slot->node) != SCALAR_NULL;

    return manifest_error(slot->manifest, slot->node, slot->diags,
                          plain && !strcmp(expected, "a string") ? "put it in quotes" : NULL,
                          "%s must be %s, not %s", slot->key->name, expected,
                          node_kind_name(slot->node));
}

/* A scalar that stands for text. allow_number: "version: 1.10" is the text 1.10. */
static bool is_text(const struct ynode *node, bool allow_number)
{
    if (node->type != YNODE_SCALAR)
        return false;
    enum scalar_kind kind = scalar_kind(node);
    return kind == SCALAR_STRING || (allow_number && kind == SCALAR_NUMBER);
}

/* U+0080 to U+009F, some of which drive terminals. "\\u009b" in a string brings one in. */
static bool has_c1_control(const char *value)
{
    while ((value = strchr(value, 0xc2)) && (unsigned char)value[1] >= 0xa0)
        value++;
    return value != NULL;
}

/* No pattern allows control characters, but a bracket of bytes cannot leave out those of two. */
static bool matches(const char *pattern, const char *value)
{
    regex_t regex;
    int failed = regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB);

    assert(!failed); /* the patterns are constants */
    (void)failed;
    bool match = !has_c1_control(value) && !regexec(&regex, value, 0, NULL, 0);
    regfree(&regex);
    return match;
}

static bool check_pattern(const struct key_slot *slot, const struct ynode *node,
                          const char *pattern, const char *expected, const char *value)
{
    if (!pattern || matches(pattern, value))
        return true;
    return manifest_error(slot->manifest, node, slot->diags, NULL, "invalid %s '%.*s': expected %s",
                          slot->key->name, SHOWN, value, expected);
}

static bool check_values(const struct key_slot *slot, const char *value)
{
    const char *const *values = slot->key->values;
    _cleanup_(buf_release) struct buf list = BUF_INIT;

    if (!values)
        return true;
    for (const char *const *v = values; *v; v++) {
        if (!strcmp(*v, value))
            return true;
        buf_addf(&list, "%s%s", v == values ? "" : v[1] ? ", " : " or ", *v);
    }
    const char *nearest = text_nearest(value, values);
    _cleanup_free_ char *hint = nearest ? xasprintf("did you mean '%s'?", nearest) : NULL;
    return manifest_error(slot->manifest, slot->node, slot->diags, hint,
                          "invalid %s '%.*s': expected %s", slot->key->name, SHOWN, value,
                          list.data);
}

static bool read_string(const struct key_slot *slot)
{
    const char *value = slot->node->value;

    if (!is_text(slot->node, slot->key->type == KEY_TEXT))
        return key_wrong_type(slot, "a string");
    if (!check_pattern(slot, slot->node, slot->key->pattern, slot->key->expected, value) ||
        !check_values(slot, value))
        return false;
    *(const char **)member(slot->base, slot->key->offset) = value;
    return true;
}

static bool read_integer(const struct key_slot *slot)
{
    const struct key *key = slot->key;
    _cleanup_free_ char *expected =
        key->min == key->max ? xasprintf("%ld", key->min)
                             : xasprintf("an integer from %ld to %ld", key->min, key->max);
    uint32_t value;

    if (slot->node->type != YNODE_SCALAR || scalar_kind(slot->node) != SCALAR_NUMBER)
        return key_wrong_type(slot, expected);
    if (!text_parse_u32(slot->node->value, &value) || (long)value < key->min ||
        (long)value > key->max)
        return manifest_error(slot->manifest, slot->node, slot->diags, NULL,
                              "invalid %s '%.*s': expected %s", key->name, SHOWN, slot->node->value,
                              expected);
    if (key->offset)
        *(int *)member(slot->base, key->offset) = (int)value;
    return true;
}

static bool read_bool(const struct key_slot *slot)
{
    if (slot->node->type != YNODE_SCALAR || scalar_kind(slot->node) != SCALAR_BOOL)
        return key_wrong_type(slot, "true or false");
    *(bool *)member(slot->base, slot->key->offset) = strchr("tT", *slot->node->value);
    return true;
}

static bool read_size(const struct key_slot *slot)
{
    const struct ynode *node = slot->node;
    bool count = slot->key->type == KEY_COUNT;
    const char *expected = count ? "a whole number" : "a size such as 4096, 384K or 1M";
    uint32_t number = 0;
    uint64_t value = 0;

    if (!is_text(node, true))
        return key_wrong_type(slot, expected);
    if (count ? !text_parse_u32(node->value, &number) : !text_parse_size(node->value, &value))
        return manifest_error(slot->manifest, node, slot->diags, NULL,
                              "invalid %s '%.*s': expected %s", slot->key->name, SHOWN, node->value,
                              expected);
    *(uint64_t *)member(slot->base, slot->key->offset) = count ? number : value;
    return true;
}

static bool read_amount(const struct key_slot *slot)
{
    const struct key *key = slot->key;
    const struct ynode *node = slot->node;
    const uint64_t mib = 1024 * 1024;
    uint64_t value = 0;

    if (!is_text(node, true))
        return key_wrong_type(slot, key->expected);
    if (!text_parse_amount(node->value, &value) || value < (uint64_t)key->min * mib ||
        value > (uint64_t)key->max * mib)
        return manifest_error(slot->manifest, node, slot->diags, NULL,
                              "invalid %s '%.*s': expected %s", key->name, SHOWN, node->value,
                              key->expected);
    *(uint64_t *)member(slot->base, key->offset) = value;
    return true;
}

static bool read_usb(const struct key_slot *slot)
{
    uint16_t *ids = member(slot->base, slot->key->offset);

    if (!is_text(slot->node, false))
        return key_wrong_type(slot, slot->key->expected);
    if (!check_pattern(slot, slot->node, slot->key->pattern, slot->key->expected,
                       slot->node->value))
        return false;
    ids[0] = (uint16_t)strtoul(slot->node->value, NULL, 16);
    ids[1] = (uint16_t)strtoul(slot->node->value + 5, NULL, 16);
    return true;
}

/* One string, or a list of strings, as a NULL-ended array. */
static bool read_strings(const struct key_slot *slot)
{
    const struct ynode *node = slot->node;
    bool single = node->type == YNODE_SCALAR;
    size_t count = single ? 1 : node->count;

    if (node->type == YNODE_MAPPING || (single && !is_text(node, false)))
        return key_wrong_type(slot, "a list of strings");
    if (count < (size_t)slot->key->min)
        return manifest_error(slot->manifest, node, slot->diags, "remove the key",
                              "%s lists nothing", slot->key->name);
    const char **strings = arena_alloc(&slot->manifest->doc.arena, (count + 1) * sizeof(*strings));
    bool ok = true;
    for (size_t i = 0; i < count; i++) {
        struct key_slot item = *slot;
        item.node = single ? node : node->items[i];
        strings[i] = item.node->value;
        ok &= is_text(item.node, false) ? check_pattern(&item, item.node, slot->key->pattern,
                                                        slot->key->expected, item.node->value)
                                        : key_wrong_type(&item, "a list of strings");
    }
    if (ok)
        *(const char *const **)member(slot->base, slot->key->offset) = strings;
    return ok;
}

static bool read_config_entry(const struct key_slot *slot, const struct ynode *name,
                              struct config_entry *entry)
{
    const struct ynode *node = slot->node;

    if (!check_pattern(slot, name, slot->key->name_pattern, "names of letters, digits and '_'",
                       name->value))
        return false;
    for (const struct reserved_name *r = slot->key->reserved; r && r->name; r++)
        if (!strcmp(name->value, r->name))
            return manifest_error(slot->manifest, name, slot->diags, r->reason, "%s may not set %s",
                                  slot->key->name, r->name);
    if (node->type != YNODE_SCALAR || scalar_kind(node) == SCALAR_NULL)
        return key_wrong_type(slot, "a mapping of names to strings, numbers, true or false");
    if (!check_pattern(slot, node, slot->key->pattern, slot->key->expected, node->value))
        return false;
    entry->node = name;
    entry->name = name->value;
    entry->value = node->value;
    if (scalar_kind(node) == SCALAR_BOOL)
        entry->value = strchr("tT", *node->value) ? "1" : "0";
    return true;
}

static bool read_values(const struct key_slot *slot)
{
    const struct ynode *node = slot->node;
    bool ok = true;

    if (node->type != YNODE_MAPPING)
        return key_wrong_type(slot, "a mapping");
    struct config_entry *entries =
        arena_alloc(&slot->manifest->doc.arena, node->count * sizeof(*entries) + 1);
    for (size_t i = 0; i < node->count; i++) {
        struct key_slot value = *slot;
        value.node = node->items[i];
        ok &= read_config_entry(&value, node->keys[i], &entries[i]);
    }
    *(struct config_entry **)member(slot->base, slot->key->offset) = entries;
    *(size_t *)member(slot->base, slot->key->count) = node->count;
    return ok;
}

bool key_read_value(const struct key_slot *slot)
{
    switch (slot->key->type) {
    case KEY_INTEGER:
        return read_integer(slot);
    case KEY_BOOL:
        return read_bool(slot);
    case KEY_COUNT:
    case KEY_SIZE:
        return read_size(slot);
    case KEY_AMOUNT:
        return read_amount(slot);
    case KEY_USB:
        return read_usb(slot);
    case KEY_STRINGS:
        return read_strings(slot);
    case KEY_VALUES:
        return read_values(slot);
    default:
        return read_string(slot);
    }
}
