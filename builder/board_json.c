#include "builder/board_json.h"

#include <string.h>

#include "base/fs.h"

const char *const board_json_none[] = {NULL};

struct reader {
    struct board_json *board;
    const json_t *root;
    const char *file;
    struct err **err;
};

static bool wrong_type(const struct reader *r, const char *key, const char *expected)
{
    return err_set(r->err, ERR_FAILED, "%s: '%s' must be %s", r->file, key, expected);
}

static const char *copy(const struct reader *r, const json_t *string)
{
    return arena_strdup(&r->board->arena, json_string_value(string));
}

static bool read_string(const struct reader *r, const char *key, const char **out)
{
    const json_t *value = json_object_get(r->root, key);

    if (!value)
        return true;
    if (!json_is_string(value))
        return wrong_type(r, key, "a string");
    *out = copy(r, value);
    return true;
}

static bool read_strings(const struct reader *r, const char *key, const char *const **out)
{
    const json_t *list = json_object_get(r->root, key), *value;
    size_t i;

    if (!list)
        return true;
    if (!json_is_array(list))
        return wrong_type(r, key, "a list of strings");
    const char **items =
        arena_alloc(&r->board->arena, (json_array_size(list) + 1) * sizeof(*items));
    json_array_foreach(list, i, value)
    {
        if (!json_is_string(value))
            return wrong_type(r, key, "a list of strings");
        items[i] = copy(r, value);
    }
    *out = items;
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct board_pair *)a)->name, ((const struct board_pair *)b)->name);
}

static bool read_pairs(const struct reader *r, const char *key, const struct board_pair **out,
                       size_t *count)
{
    json_t *map = json_object_get(r->root, key), *value;
    const char *name;
    size_t used = 0;

    if (!map)
        return true;
    if (!json_is_object(map))
        return wrong_type(r, key, "a mapping of strings");
    struct board_pair *pairs =
        arena_alloc(&r->board->arena, json_object_size(map) * sizeof(*pairs) + 1);
    json_object_foreach(map, name, value)
    {
        if (!json_is_string(value))
            return wrong_type(r, key, "a mapping of strings");
        pairs[used++] = (struct board_pair){arena_strdup(&r->board->arena, name), copy(r, value)};
    }
    qsort(pairs, used, sizeof(*pairs), by_name);
    *out = pairs;
    *count = used;
    return true;
}

static bool read_all(const struct reader *r)
{
    struct board_json *b = r->board;

    if (!json_is_object(r->root))
        return err_set(r->err, ERR_FAILED, "%s: a board.json is a JSON object", r->file);
    return read_string(r, "id", &b->id) && read_string(r, "mcu", &b->mcu) &&
           read_string(r, "product", &b->product) && read_string(r, "vendor", &b->vendor) &&
           read_string(r, "url", &b->url) && read_string(r, "docs", &b->docs) &&
           read_string(r, "thumbnail", &b->thumbnail) && read_strings(r, "deploy", &b->deploy) &&
           read_strings(r, "features", &b->features) && read_strings(r, "images", &b->images) &&
           read_pairs(r, "variants", &b->variants, &b->variant_count) &&
           read_pairs(r, "deploy_options", &b->deploy_options, &b->deploy_option_count);
}

/* jansson counts lines from 1 and has -1 for "none"; columns are of the character behind. */
static bool not_json(const char *file, const json_error_t *error, struct err **err)
{
    struct loc loc = {.file = file};

    if (error->line > 0) {
        loc.line = (unsigned)error->line;
        loc.column = error->column > 0 ? (unsigned)error->column : 1;
    }
    err_set(err, ERR_FAILED, "it is not JSON: %s", error->text);
    return err_at(err, loc, NULL);
}

bool board_json_parse(struct board_json *board, const char *file, const char *text, size_t len,
                      struct err **err)
{
    json_error_t error;

    if (len > BOARD_JSON_MAX_BYTES)
        return err_set(err, ERR_FAILED, "%s is too large: more than %d bytes", file,
                       BOARD_JSON_MAX_BYTES);
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return not_json(file, &error, err);
    const struct reader r = {board, root, file, err};
    bool ok = read_all(&r);
    json_decref(root);
    if (!ok)
        board_json_release(board);
    return ok;
}

bool board_json_load(struct board_json *board, const char *path, struct err **err)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;

    return fs_read(path, BOARD_JSON_MAX_BYTES, &text, err) &&
           board_json_parse(board, path, text.data, text.len, err);
}

void board_json_release(struct board_json *board)
{
    arena_release(&board->arena);
    *board = (struct board_json)BOARD_JSON_INIT;
}

static json_t *list_of(const char *const *items)
{
    json_t *list = json_array();

    for (; *items; items++)
        json_array_append_new(list, json_string(*items));
    return list;
}

static json_t *mapping_of(const struct board_pair *pairs, size_t count)
{
    json_t *map = json_object();

    for (size_t i = 0; i < count; i++)
        json_object_set_new(map, pairs[i].name, json_string(pairs[i].text));
    return map;
}

json_t *board_json_fields(const struct board_json *b)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "id", b->id,
                     "mcu", b->mcu, "product", b->product, "vendor", b->vendor, "url", b->url,
                     "docs", b->docs, "thumbnail", b->thumbnail, "deploy", list_of(b->deploy),
                     "features", list_of(b->features), "images", list_of(b->images), "variants",
                     mapping_of(b->variants, b->variant_count), "deploy_options",
                     mapping_of(b->deploy_options, b->deploy_option_count));
}
