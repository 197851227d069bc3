#include "builder/cache_pin.h"

#include <string.h>

#include "base/fs.h"
#include "base/text.h"
#include "builder/cache_about.h"

#define PIN_MAX_BYTES (64 * 1024)
#define PREFIX_MIN 6
#define SUFFIX ".json"

char *cache_clean_lock(const struct config *config)
{
    return path_join(config->home, "clean.lock");
}

static char *pins_dir(const struct config *config)
{
    return path_join(config->home, "pins");
}

static char *entry_id(enum cache_id kind, const char *name)
{
    return xasprintf("%s/%s", CACHE_KINDS[kind].name, name);
}

/* ---- reading ---- */

static void pin_release(struct cache_pin *pin)
{
    free(pin->key);
    free(pin->reason);
    strv_release(&pin->keeps);
}

/* False: damaged. */
static bool pin_read(struct cache_pin *pin, const char *dir, const char *file)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_err_ struct err *ignored = NULL;
    const char *reason;
    json_t *keeps, *item;
    size_t i;

    if (!fs_read_beneath(dir, file, PIN_MAX_BYTES, &text, &ignored))
        return false;
    json_t *record = json_loadb(text.data, text.len, 0, NULL);
    bool ok = json_unpack(record, "{s:s, s:o}", "reason", &reason, "keeps", &keeps) == 0 &&
              json_array_size(keeps) > 0;

    if (ok) {
        pin->reason = xstrdup(reason);
        json_array_foreach(keeps, i, item) if (json_is_string(item))
            strv_add(&pin->keeps, json_string_value(item));
    }
    json_decref(record);
    return ok;
}

bool cache_pins_load(struct cache_pins *pins, const struct config *config, struct err **err)
{
    _cleanup_free_ char *dir = pins_dir(config);
    _cleanup_(strv_release) struct strv files = STRV_INIT;

    if (!fs_exists(dir))
        return true;
    if (!fs_list(dir, &files, err))
        return err_wrap(err, "cannot know what is pinned");
    pins->items = xcalloc(files.count + 1, sizeof(*pins->items));
    for (size_t i = 0; i < files.count; i++) {
        const char *file = files.items[i];
        struct cache_pin *pin = &pins->items[pins->count];

        if (file[0] == '.' || !text_ends_with(file, SUFFIX))
            continue;
        *pin = (struct cache_pin){.key = xstrndup(file, strlen(file) - strlen(SUFFIX)),
                                  .keeps = STRV_INIT};
        if (!pin_read(pin, dir, file))
            pin->reason = xstrdup("");
        pins->count++;
    }
    return true;
}

const struct cache_pin *cache_pins_find(const struct cache_pins *pins, enum cache_id kind,
                                        const char *name)
{
    _cleanup_free_ char *id = entry_id(kind, name);

    for (size_t i = 0; i < pins->count; i++) {
        const struct cache_pin *pin = &pins->items[i];

        if (strv_contains(&pin->keeps, id) || (!pin->keeps.count && strcmp(pin->key, name) == 0))
            return pin;
    }
    return NULL;
}

void cache_pins_mark(const struct cache_pins *pins, struct cache_list *list)
{
    for (size_t i = 0; pins->count && i < list->count; i++)
        list->items[i].pinned =
            cache_pins_find(pins, list->items[i].kind, list->items[i].name) != NULL;
}

void cache_pins_release(struct cache_pins *pins)
{
    for (size_t i = 0; i < pins->count; i++)
        pin_release(&pins->items[i]);
    free(pins->items);
    *pins = (struct cache_pins)CACHE_PINS_INIT;
}

/* ---- pinning ---- */

static const char *field(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));

    return value ? value : "";
}

/* Every checkout of the image's commit. */
static bool keep_sources(const struct config *config, const char *commit, struct strv *keeps,
                         struct err **err)
{
    _cleanup_free_ char *dir = cache_kind_dir(config, CACHE_SOURCES);
    _cleanup_(strv_release) struct strv names = STRV_INIT;

    if (!*commit || !fs_exists(dir))
        return true;
    if (!fs_list(dir, &names, err))
        return false;
    for (size_t i = 0; i < names.count; i++)
        if (cache_is_entry_name(names.items[i]) && text_starts_with(names.items[i], commit))
            strv_addf(keeps, "%s/%s", CACHE_KINDS[CACHE_SOURCES].name, names.items[i]);
    return true;
}

/* Is the base that of the image's board and source? */
static bool is_base_of(const json_t *base, const json_t *image)
{
    const json_t *board = json_object_get(image, "board");

    return strcmp(field(base, "port"), field(board, "port")) == 0 &&
           strcmp(field(base, "board"), field(board, "name")) == 0 &&
           strcmp(field(base, "variant"), field(board, "variant")) == 0 &&
           strcmp(field(base, "commit"), field(json_object_get(image, "source"), "commit")) == 0;
}

static bool keep_bases(const struct config *config, const json_t *image, struct strv *keeps,
                       struct err **err)
{
    _cleanup_free_ char *dir = cache_kind_dir(config, CACHE_BASES);
    _cleanup_(strv_release) struct strv names = STRV_INIT;

    if (!fs_exists(dir))
        return true;
    if (!fs_list(dir, &names, err))
        return false;
    for (size_t i = 0; i < names.count; i++) {
        json_t *base = cache_is_entry_name(names.items[i])
                           ? cache_record(config, CACHE_BASES, names.items[i])
                           : NULL;

        if (base && is_base_of(base, image))
            strv_addf(keeps, "%s/%s", CACHE_KINDS[CACHE_BASES].name, names.items[i]);
        json_decref(base);
    }
    return true;
}

/* What the image was made of, as far as it is there. */
static bool keep_origins(const struct config *config, const char *name, struct strv *keeps,
                         struct err **err)
{
    json_t *image = cache_record(config, CACHE_IMAGES, name);
    bool ok = !image || (keep_sources(config, field(json_object_get(image, "source"), "commit"),
                                      keeps, err) &&
                         keep_bases(config, image, keeps, err));

    json_decref(image);
    return ok;
}

static bool write_pin(const struct config *config, const char *name, const char *reason,
                      const struct strv *keeps, struct err **err)
{
    _cleanup_free_ char *dir = pins_dir(config);
    _cleanup_free_ char *path = xasprintf("%s/%s%s", dir, name, SUFFIX);
    json_t *list = json_array();

    for (size_t i = 0; i < keeps->count; i++)
        json_array_append_new(list, json_string(keeps->items[i]));
    bool whole = json_array_size(list) == keeps->count;
    json_t *record =
        json_pack("{s:s, s:s, s:o}", "key", name, "reason", reason ? reason : "", "keeps", list);
    _cleanup_free_ char *text =
        record && whole ? json_dumps(record, JSON_SORT_KEYS | JSON_INDENT(1)) : NULL;

    json_decref(record);
    if (!text)
        return err_set(err, ERR_USAGE, "a pin's name and reason have to be UTF-8");
    return fs_mkdirs(dir, err) && fs_write(path, text, strlen(text), 0644, err);
}

static bool pin_locked(const struct config *config, const char *key, const char *reason,
                       const char *const *also, struct err **err)
{
    _cleanup_(strv_release) struct strv keeps = STRV_INIT;
    _cleanup_free_ char *name = NULL;
    enum cache_id kind;

    if (!cache_find(config, key, &kind, &name, err))
        return false;
    strv_addf(&keeps, "%s/%s", CACHE_KINDS[kind].name, name);
    if (kind == CACHE_IMAGES && !keep_origins(config, name, &keeps, err))
        return false;
    if (also)
        strv_add_all(&keeps, also);
    return write_pin(config, name, reason, &keeps, err) || err_wrap(err, "cannot pin %s", name);
}

bool cache_pin(const struct config *config, const char *key, const char *reason,
               const char *const *also, struct err **err)
{
    _cleanup_free_ char *lock = cache_clean_lock(config);
    _cleanup_(fs_unlock) int fd = -1;

    return fs_lock(lock, NULL, NULL, &fd, err) && pin_locked(config, key, reason, also, err);
}

/* ---- unpinning ---- */

/* The pin that `key` means: its name, or the beginning of one pin's alone. */
static const struct cache_pin *find_pin(const struct cache_pins *pins, const char *key)
{
    const struct cache_pin *found = NULL;
    size_t matches = 0;

    for (size_t i = 0; i < pins->count; i++) {
        if (strcmp(pins->items[i].key, key) == 0)
            return &pins->items[i];
        if (strlen(key) >= PREFIX_MIN && text_starts_with(pins->items[i].key, key)) {
            found = &pins->items[i];
            matches++;
        }
    }
    return matches == 1 ? found : NULL;
}

bool cache_unpin(const struct config *config, const char *key, struct err **err)
{
    _cleanup_(cache_pins_release) struct cache_pins pins = CACHE_PINS_INIT;
    const char *slash = strchr(key, '/');

    if (!cache_pins_load(&pins, config, err))
        return false;
    const struct cache_pin *pin = find_pin(&pins, slash ? slash + 1 : key);

    if (!pin) {
        err_set(err, ERR_USAGE, "no pin, or more than one, is called '%s'", key);
        return err_hint(err, "`firn cache images` shows what is pinned");
    }
    _cleanup_free_ char *path = xasprintf("%s/pins/%s%s", config->home, pin->key, SUFFIX);

    return fs_remove_tree(path, err);
}
