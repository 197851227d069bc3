/* The JSON schema from the key tables: see manifest_keys.h. */
#include "builder/manifest_keys.h"

#include <jansson.h>
#include <string.h>

static json_t *object_of(const struct key_table *table);
static json_t *type_of(const struct key *key);

static void set_string(json_t *object, const char *name, const char *value)
{
    if (value)
        json_object_set_new(object, name, json_string(value));
}

static json_t *typed(const char *type)
{
    json_t *object = json_object();

    set_string(object, "type", type);
    return object;
}

/* {"type": [a, b, ...]} */
static json_t *typed_any(const char *const *types)
{
    json_t *object = json_object(), *list = json_array();

    for (; *types; types++)
        json_array_append_new(list, json_string(*types));
    json_object_set_new(object, "type", list);
    return object;
}

static json_t *list_of_names(const char *const *names)
{
    json_t *list = json_array();

    for (; *names; names++)
        json_array_append_new(list, json_string(*names));
    return list;
}

static json_t *either(json_t *a, json_t *b)
{
    json_t *object = json_object(), *list = json_array();

    json_array_append_new(list, a);
    json_array_append_new(list, b);
    json_object_set_new(object, "oneOf", list);
    return object;
}

static json_t *array_of(json_t *items, long min)
{
    json_t *array = typed("array");

    json_object_set_new(array, "items", items);
    if (min)
        json_object_set_new(array, "minItems", json_integer(min));
    return array;
}

static json_t *patterned(const char *pattern)
{
    json_t *string = typed("string");

    set_string(string, "pattern", pattern);
    return string;
}

static json_t *string_of(const struct key *key)
{
    json_t *string = patterned(key->pattern);

    if (key->values)
        json_object_set_new(string, "enum", list_of_names(key->values));
    set_string(string, "default", key->fallback);
    return string;
}

static json_t *integer_of(const struct key *key)
{
    json_t *integer = typed("integer");

    if (key->min == key->max) {
        json_object_set_new(integer, "const", json_integer(key->min));
        return integer;
    }
    json_object_set_new(integer, "minimum", json_integer(key->min));
    json_object_set_new(integer, "maximum", json_integer(key->max));
    return integer;
}

static json_t *values_of(const struct key *key)
{
    static const char *const types[] = {"string", "number", "boolean", NULL};
    json_t *object = typed("object"), *value = typed_any(types);
    json_t *name = patterned(key->name_pattern), *reserved = json_array();

    for (const struct reserved_name *r = key->reserved; r && r->name; r++)
        json_array_append_new(reserved, json_string(r->name));
    if (key->reserved)
        json_object_set_new(name, "not", json_pack("{sO}", "enum", reserved));
    json_decref(reserved);
    json_object_set_new(object, "propertyNames", name);
    set_string(value, "pattern", key->pattern);
    json_object_set_new(object, "additionalProperties", value);
    return object;
}

static json_t *mapping_of(const struct key_table *table)
{
    const struct key *key = table->keys;

    if (!table->shorthand)
        return object_of(table);
    while (strcmp(key->name, table->shorthand))
        key++;
    return either(type_of(key), object_of(table));
}

static json_t *frozen_of(void)
{
    json_t *entry = json_object(), *list = json_array(), *board = json_object();

    set_string(board, "const", freeze_tables[FREEZE_BOARD].name);
    set_string(board, "description", "The board's own default manifest.");
    json_array_append_new(list, board);
    for (size_t i = FREEZE_BOARD + 1; i < ARRAY_SIZE(freeze_tables); i++)
        json_array_append_new(list, object_of(&freeze_tables[i]));
    json_object_set_new(entry, "oneOf", list);
    return array_of(entry, 0);
}

static json_t *type_of(const struct key *key)
{
    static const char *const text[] = {"string", "number", NULL};
    static const char *const size[] = {"integer", "string", NULL};
    json_t *object;

    switch (key->type) {
    case KEY_TEXT:
        object = typed_any(text);
        set_string(object, "pattern", key->pattern);
        return object;
    case KEY_INTEGER:
        return integer_of(key);
    case KEY_BOOL:
        return typed("boolean");
    case KEY_COUNT:
        object = typed("integer");
        json_object_set_new(object, "minimum", json_integer(0));
        return object;
    case KEY_SIZE:
        object = typed_any(size);
        set_string(object, "pattern", "^(0x[0-9a-fA-F]+|[0-9]+)[KM]?$");
        return object;
    case KEY_AMOUNT:
        object = typed_any(size);
        set_string(object, "pattern", "^[0-9]+([.][0-9])?[KMGTkmgt]?$");
        json_object_set_new(object, "minimum", json_integer(key->min * (json_int_t)1024 * 1024));
        json_object_set_new(object, "maximum", json_integer(key->max * (json_int_t)1024 * 1024));
        return object;
    case KEY_STRINGS:
        return either(patterned(key->pattern), array_of(patterned(key->pattern), key->min));
    case KEY_MAPPING:
        return mapping_of(key->table);
    case KEY_VALUES:
        return values_of(key);
    case KEY_FROZEN:
        return frozen_of();
    case KEY_QSTRS:
        return array_of(mapping_of(&qstr_table), 0);
    case KEY_BUDGETS:
        object = typed("object");
        json_object_set_new(object, "propertyNames", patterned(key->name_pattern));
        json_object_set_new(object, "additionalProperties", object_of(&module_budget_table));
        return object;
    default:
        return string_of(key);
    }
}

/* {"oneOf": [{"required": [a]}, {"required": [b]}]} */
static void add_one_of(json_t *object, const struct key_table *table)
{
    json_t *list = json_array();

    for (const char *const *name = table->one_of; *name; name++) {
        json_t *choice = json_object(), *required = json_array();
        json_array_append_new(required, json_string(*name));
        json_object_set_new(choice, "required", required);
        json_array_append_new(list, choice);
    }
    json_object_set_new(object, "oneOf", list);
}

static void add_dependencies(json_t *object, const struct key_table *table)
{
    json_t *dependent = json_object();

    for (const struct key *key = table->keys; key->name; key++)
        if (key->needs)
            json_object_set_new(dependent, key->name, json_pack("[s]", key->needs));
    if (json_object_size(dependent))
        json_object_set(object, "dependentRequired", dependent);
    json_decref(dependent);
}

static json_t *object_of(const struct key_table *table)
{
    json_t *object = typed("object"), *properties = json_object(), *required = json_array();

    for (const struct key *key = table->keys; key->name; key++) {
        json_t *property = type_of(key);
        set_string(property, "description", key->description);
        json_object_set_new(properties, key->name, property);
        if (key->required)
            json_array_append_new(required, json_string(key->name));
    }
    json_object_set_new(object, "properties", properties);
    if (json_array_size(required))
        json_object_set(object, "required", required);
    json_decref(required);
    json_object_set_new(object, "additionalProperties", json_false());
    if (table->one_of)
        add_one_of(object, table);
    add_dependencies(object, table);
    return object;
}

void manifest_schema(struct buf *out)
{
    json_t *schema = json_object(), *top = object_of(&manifest_table);

    set_string(schema, "$schema", "https://json-schema.org/draft/2020-12/schema");
    set_string(schema, "title", "firn manifest");
    json_object_update(schema, top);
    json_decref(top);
    char *text = json_dumps(schema, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    buf_adds(out, text);
    buf_addc(out, '\n');
    free(text);
    json_decref(schema);
}
