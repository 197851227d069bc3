/* Looking at the nodes of a document: the errors and the typed readers of yaml.h. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "base/yaml.h"

static struct err *new_error(const struct ydoc *doc, struct loc loc, const char *hint,
                             const char *fmt, va_list ap)
{
    _cleanup_free_ char *message = xvasprintf(fmt, ap);
    _cleanup_free_ char *line = loc.line ? ydoc_line(doc, loc.line) : NULL;
    struct err *err = NULL;

    err_set(&err, ERR_MANIFEST, "%s", message);
    if (hint)
        err_hint(&err, "%s", hint);
    err_at(&err, loc, line);
    return err;
}

/* A hostile file has thousands of errors: what would only be counted is not formatted. */
static bool is_full(struct diags *diags)
{
    if (diags->error_count == DIAGS_MAX)
        diags->error_dropped++;
    return diags->error_count == DIAGS_MAX;
}

bool ydoc_error(const struct ydoc *doc, struct loc loc, struct diags *diags, const char *hint,
                const char *fmt, ...)
{
    va_list ap;

    if (is_full(diags))
        return false;
    va_start(ap, fmt);
    diags_take_error(diags, new_error(doc, loc, hint, fmt, ap));
    va_end(ap);
    return false;
}

static struct loc node_loc(const struct ydoc *doc, const struct ynode *node)
{
    return (struct loc){doc->file, node->line, node->column, node->length};
}

bool ynode_error(const struct ydoc *doc, const struct ynode *node, struct diags *diags,
                 const char *hint, const char *fmt, ...)
{
    va_list ap;

    if (is_full(diags))
        return false;
    va_start(ap, fmt);
    diags_take_error(diags, new_error(doc, node_loc(doc, node), hint, fmt, ap));
    va_end(ap);
    return false;
}

void ynode_warning(const struct ydoc *doc, const struct ynode *node, struct diags *diags,
                   const char *hint, const char *fmt, ...)
{
    va_list ap;

    if (diags->warning_count == DIAGS_WARNINGS_MAX) {
        diags->warning_dropped++;
        return;
    }
    va_start(ap, fmt);
    diags_take_warning(diags, new_error(doc, node_loc(doc, node), hint, fmt, ap));
    va_end(ap);
}

const char *ynode_type_name(enum ynode_type type)
{
    switch (type) {
    case YNODE_SCALAR:
        return "a string";
    case YNODE_SEQUENCE:
        return "a list";
    case YNODE_MAPPING:
        return "a mapping";
    }
    return "?";
}

static bool find(const struct ynode *map, const char *key, size_t *index)
{
    if (map->type != YNODE_MAPPING)
        return false;
    for (size_t i = 0; i < map->count; i++) {
        if (!strcmp(map->keys[i]->value, key)) {
            *index = i;
            return true;
        }
    }
    return false;
}

struct ynode *ynode_get(const struct ynode *map, const char *key)
{
    size_t i;

    return find(map, key, &i) ? map->items[i] : NULL;
}

struct ynode *ynode_get_key(const struct ynode *map, const char *key)
{
    size_t i;

    return find(map, key, &i) ? map->keys[i] : NULL;
}

/* A key without a value: `board:`, `board: ~`. */
static bool is_null(const struct ynode *node)
{
    return node->type == YNODE_SCALAR && !node->quoted &&
           (!*node->value || !strcmp(node->value, "~") || !strcmp(node->value, "null"));
}

/* What a value is, for "expected ..., not ...". */
static const char *kind_of(const struct ynode *node)
{
    if (is_null(node))
        return "nothing";
    return node->type == YNODE_SCALAR && !node->quoted ? "this" : ynode_type_name(node->type);
}

/* The scalar at a key, or NULL: either there is none, which *ok judges by `required`, or it is
 * something else, which is an error. */
static const struct ynode *get_scalar(const struct ydoc *doc, const struct ynode *map,
                                      const char *key, bool required, const char *expected,
                                      bool *ok, struct diags *diags)
{
    const struct ynode *node = ynode_get(map, key);

    *ok = true;
    if (!node && required)
        *ok = ynode_error(doc, map, diags, NULL, "the key '%s' is missing here", key);
    if (!node)
        return NULL;
    if (node->type == YNODE_SCALAR && !is_null(node))
        return node;
    *ok = ynode_error(doc, node, diags, NULL, "'%s' must be %s, not %s", key, expected,
                      kind_of(node));
    return NULL;
}

bool ymap_string(const struct ydoc *doc, const struct ynode *map, const char *key, bool required,
                 const char **out, struct diags *diags)
{
    bool ok;
    const struct ynode *node = get_scalar(doc, map, key, required, "a string", &ok, diags);

    if (node)
        *out = node->value;
    return ok;
}

bool ymap_strings(struct ydoc *doc, const struct ynode *map, const char *key,
                  const char *const **out, struct diags *diags)
{
    const struct ynode *list = ynode_get(map, key);
    const char **items;

    if (!list)
        return true;
    if (list->type != YNODE_SEQUENCE)
        return ynode_error(doc, list, diags, NULL, "'%s' must be %s, not %s", key,
                           ynode_type_name(YNODE_SEQUENCE), kind_of(list));
    items = arena_alloc(&doc->arena, (list->count + 1) * sizeof(*items));
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i]->type != YNODE_SCALAR || is_null(list->items[i]))
            return ynode_error(doc, list->items[i], diags, NULL, "'%s' must hold strings, not %s",
                               key, kind_of(list->items[i]));
        items[i] = list->items[i]->value;
    }
    *out = items;
    return true;
}

static bool parse_long(const struct ynode *node, long *out)
{
    char *end;

    /* strtol() alone would take leading spaces, a '+' and octal. */
    if (node->quoted || !node->value[strspn(node->value, "-")] ||
        node->value[strspn(node->value, "-0123456789")])
        return false;
    errno = 0;
    *out = strtol(node->value, &end, 10);
    return !errno && !*end;
}

bool ymap_integer(const struct ydoc *doc, const struct ynode *map, const char *key, bool required,
                  long min, long max, long *out, struct diags *diags)
{
    bool ok;
    long value;
    const struct ynode *node = get_scalar(doc, map, key, required, "a whole number", &ok, diags);

    if (!node)
        return ok;
    if (!parse_long(node, &value))
        return ynode_error(doc, node, diags, NULL, "'%s' must be a whole number, not %s", key,
                           kind_of(node));
    if (value < min || value > max)
        return ynode_error(doc, node, diags, NULL, "'%s' must lie between %ld and %ld", key, min,
                           max);
    *out = value;
    return true;
}

bool ymap_bool(const struct ydoc *doc, const struct ynode *map, const char *key, bool required,
               bool *out, struct diags *diags)
{
    bool ok;
    const struct ynode *node = get_scalar(doc, map, key, required, "true or false", &ok, diags);

    if (!node)
        return ok;
    bool is_true = !strcmp(node->value, "true");

    if (node->quoted || (!is_true && strcmp(node->value, "false") != 0))
        return ynode_error(doc, node, diags, NULL, "'%s' must be true or false, not %s", key,
                           kind_of(node));
    *out = is_true;
    return true;
}

bool ymap_size(const struct ydoc *doc, const struct ynode *map, const char *key, bool required,
               unsigned long long *out, struct diags *diags)
{
    bool ok;
    uint64_t bytes;
    const struct ynode *node = get_scalar(doc, map, key, required, "a size", &ok, diags);

    if (!node)
        return ok;
    if (!text_parse_size(node->value, &bytes))
        return ynode_error(doc, node, diags, NULL,
                           "'%s' must be a size such as 384K, 1M or 0x1000, up to 4096M", key);
    *out = bytes;
    return true;
}

bool ymap_only_keys(const struct ydoc *doc, const struct ynode *node, const char *const *known,
                    struct diags *diags)
{
    bool ok = true;

    if (node->type != YNODE_MAPPING)
        return ynode_error(doc, node, diags, NULL, "expected a mapping ('key: value'), not %s",
                           kind_of(node));
    for (size_t i = 0; i < node->count; i++) {
        const char *key = node->keys[i]->value;
        const char *const *k = known;

        while (*k && strcmp(*k, key) != 0)
            k++;
        if (*k)
            continue;
        const char *nearest = text_nearest(key, known);
        _cleanup_free_ char *hint = nearest ? xasprintf("did you mean '%s'?", nearest) : NULL;

        ok = ynode_error(doc, node->keys[i], diags, hint, "unknown key '%s'", key);
    }
    return ok;
}
