#include "builder/config.h"

#include <ctype.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/text.h"
#include "base/yaml.h"
#include "builder/allow.h"

static const char *const CONFIG_KEYS[] = {"mirrors", "allow", "limits", "ccache", "quota", NULL};

static const char *env(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* A local path is relative to the configuration file; "~/" is the user's home; URLs stay. */
static const char *resolve_replacement(struct config *config, const char *config_path,
                                       const char *value)
{
    const char *user_home = env("HOME");
    if (strstr(value, "://") || value[0] == '/')
        return arena_strdup(&config->arena, value);
    if (text_starts_with(value, "~/") && user_home)
        return arena_printf(&config->arena, "%s%s", user_home, value + 1);
    _cleanup_free_ char *dir = path_dirname(config_path);
    _cleanup_free_ char *joined = path_join(dir, value);
    _cleanup_free_ char *absolute = path_absolute(joined);
    /* path_absolute() drops a final '/', which counts: the rest of the URL is put behind it. */
    return arena_printf(&config->arena, "%s%s", absolute, text_ends_with(value, "/") ? "/" : "");
}

/* A later file's mapping of the same prefix replaces the earlier one's. */
static void set_mirror(struct config *config, const char *prefix, const char *replacement)
{
    for (size_t i = 0; i < config->mirror_count; i++) {
        if (strcmp(config->mirrors[i].prefix, prefix) == 0) {
            config->mirrors[i].replacement = replacement;
            return;
        }
    }
    struct mirror *grown = arena_alloc(&config->arena, (config->mirror_count + 1) * sizeof(*grown));
    if (config->mirror_count)
        memcpy(grown, config->mirrors, config->mirror_count * sizeof(*grown));
    grown[config->mirror_count++] =
        (struct mirror){arena_strdup(&config->arena, prefix), replacement};
    config->mirrors = grown;
}

static bool read_mirrors(struct config *config, const struct ydoc *doc, const struct ynode *map,
                         struct diags *diags)
{
    if (map->type != YNODE_MAPPING)
        return ynode_error(doc, map, diags, "URL prefix: URL or path", "expected %s, not %s",
                           ynode_type_name(YNODE_MAPPING), ynode_type_name(map->type));
    for (size_t i = 0; i < map->count; i++) {
        const struct ynode *value = map->items[i];
        if (value->type != YNODE_SCALAR || !*value->value)
            return ynode_error(doc, value, diags, NULL,
                               "a mirror is the URL or the path that replaces the prefix");
        set_mirror(config, map->keys[i]->value,
                   resolve_replacement(config, doc->file, value->value));
    }
    return true;
}

static bool read_quota(struct config *config, const struct ydoc *doc, const struct ynode *key,
                       const struct ynode *value, struct diags *diags)
{
    const struct cache_kind *kind = cache_kind_find(key->value);
    const char *nearest = cache_kind_nearest(key->value);
    uint64_t bytes = CACHE_UNLIMITED;
    _cleanup_free_ char *hint = nearest ? xasprintf("did you mean '%s'?", nearest)
                                        : xstrdup("`firn cache` lists the kinds");
    if (!kind)
        return ynode_error(doc, key, diags, hint, "there is no kind of cache '%s'", key->value);
    if (value->type != YNODE_SCALAR ||
        (strcmp(value->value, "none") != 0 && !text_parse_amount(value->value, &bytes)))
        return ynode_error(doc, value, diags, "'none' is no limit",
                           "a quota is an amount such as 500M, 2G or 1.5T");
    config->quotas[kind - CACHE_KINDS].given = true;
    config->quotas[kind - CACHE_KINDS].bytes = bytes;
    return true;
}

static bool read_quotas(struct config *config, const struct ydoc *doc, const struct ynode *map,
                        struct diags *diags)
{
    bool ok = true;
    if (map->type != YNODE_MAPPING)
        return ynode_error(doc, map, diags, "kind: amount", "expected %s, not %s",
                           ynode_type_name(YNODE_MAPPING), ynode_type_name(map->type));
    for (size_t i = 0; i < map->count; i++)
        ok &= read_quota(config, doc, map->keys[i], map->items[i], diags);
    return ok;
}

/* The later file's list replaces the earlier one's: a list that forbids must not grow unseen. */
static bool read_allow(struct config *config, const struct ydoc *doc, const struct ynode *list,
                       struct diags *diags)
{
    if (list->type != YNODE_SEQUENCE)
        return ynode_error(doc, list, diags, "such as [github.com, \"*.arm.com\"]",
                           "expected a list of hosts");
    const char **allow = arena_alloc(&config->arena, (list->count + 1) * sizeof(*allow));
    for (size_t i = 0; i < list->count; i++) {
        const struct ynode *item = list->items[i];
        if (item->type != YNODE_SCALAR || !allow_is_pattern(item->value))
            return ynode_error(doc, item, diags,
                               "a host (github.com, \"*.arm.com\"), ssh://HOST, http://HOST or "
                               "file://",
                               "this allows no host");
        allow[i] = arena_strdup(&config->arena, item->value);
    }
    config->allow = allow;
    return true;
}

static bool read_file(struct config *config, const char *path, struct diags *diags)
{
    struct ydoc doc = YDOC_INIT;
    config->files[config->file_count++] = arena_strdup(&config->arena, path);
    bool ok = ydoc_load(&doc, path, diags) && ymap_only_keys(&doc, doc.root, CONFIG_KEYS, diags);
    const struct ynode *mirrors = ok ? ynode_get(doc.root, "mirrors") : NULL;
    const struct ynode *quotas = ok ? ynode_get(doc.root, "quota") : NULL;
    if (mirrors)
        ok = read_mirrors(config, &doc, mirrors, diags);
    const struct ynode *allow = ok ? ynode_get(doc.root, "allow") : NULL;
    if (allow)
        ok = read_allow(config, &doc, allow, diags);
    ok = ok && config_build_read(&config->build, &config->arena, &doc, diags);
    if (quotas)
        ok &= read_quotas(config, &doc, quotas, diags);
    ydoc_release(&doc);
    return ok;
}

static bool read_files(struct config *config, struct diags *diags)
{
    static const char system_wide[] = "/etc/firn/config.yaml";
    const char *only = env("FIRN_CONFIG");
    if (only)
        return read_file(config, only, diags);
    if (fs_exists(system_wide) && !read_file(config, system_wide, diags))
        return false;
    const char *user_home = env("HOME");
    if (!user_home)
        return true;
    _cleanup_free_ char *path = path_join(user_home, ".config/firn/config.yaml");
    return !fs_exists(path) || read_file(config, path, diags);
}

static bool find_home(struct config *config, struct err **err)
{
    const char *given = env("FIRN_HOME"), *cache = env("XDG_CACHE_HOME"), *user = env("HOME");
    if (!given && !cache && !user) {
        err_set(err, ERR_USAGE, "there is no place for firn's caches");
        return err_hint(err, "set FIRN_HOME to a directory, or HOME");
    }
    _cleanup_free_ char *base = given   ? xstrdup(given)
                                : cache ? path_join(cache, "firn")
                                        : path_join(user, ".cache/firn");
    _cleanup_free_ char *absolute = path_absolute(base);
    if (!fs_mkdirs(absolute, err))
        return err_wrap(err, "cannot use %s for firn's caches (FIRN_HOME)", absolute);
    config->home = arena_strdup(&config->arena, absolute);
    return true;
}

/* $FIRN_DATA, an installed share/firn beside the program's bin/, or the tree it was built from. */
static void find_data(struct config *config)
{
    const char *given = env("FIRN_DATA");
    char exe[4096];
    ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    config->data = arena_strdup(&config->arena, given ? given : FIRN_SOURCE_DIR);
    if (given || len <= 0)
        return;
    exe[len] = '\0';
    _cleanup_free_ char *bin = path_dirname(exe);
    _cleanup_free_ char *joined = path_join(bin, "../share/firn");
    _cleanup_free_ char *share = path_absolute(joined);
    _cleanup_free_ char *definitions = path_join(share, "firmware-src");
    if (fs_is_dir(definitions))
        config->data = arena_strdup(&config->arena, share);
}

bool config_load(struct config *config, struct diags *diags)
{
    struct err *err = NULL;
    find_data(config);
    if (!find_home(config, &err)) {
        diags_take_error(diags, err);
        return false;
    }
    return read_files(config, diags);
}

void config_release(struct config *config)
{
    arena_release(&config->arena);
    *config = (struct config)CONFIG_INIT;
}

static bool is_of_host(char c)
{
    return isalnum((unsigned char)c) || (c && strchr(".-_", c));
}

/* A prefix that ends with a host is not that of a longer host, or of a longer port. */
static bool is_begun_by(const char *url, const char *prefix)
{
    const char *scheme = strstr(prefix, "://");
    const char *host = scheme ? scheme + 3 : strchr(prefix, ':') ? "/" : prefix;
    size_t len = strlen(prefix);
    bool ends_in_host = *host && !strchr(host, '/') && is_of_host(prefix[len - 1]);
    return text_starts_with(url, prefix) && !(ends_in_host && is_of_host(url[len]));
}

const struct mirror *config_find_mirror(const struct config *config, const char *url)
{
    const struct mirror *best = NULL;
    for (size_t i = 0; i < config->mirror_count; i++) {
        const struct mirror *m = &config->mirrors[i];
        if (is_begun_by(url, m->prefix) && (!best || strlen(m->prefix) > strlen(best->prefix)))
            best = m;
    }
    return best;
}

char *config_map_url(const struct config *config, const char *url)
{
    const struct mirror *m = config_find_mirror(config, url);
    return m ? xasprintf("%s%s", m->replacement, url + strlen(m->prefix)) : xstrdup(url);
}

uint64_t config_quota(const struct config *config, enum cache_id kind)
{
    return config->quotas[kind].given ? config->quotas[kind].bytes : CACHE_KINDS[kind].quota;
}
