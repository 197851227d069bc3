#include "station/settings.h"

#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/text.h"
#include "base/yaml.h"
#include "station/http_listen.h"
#include "station/settings_default.h"

/* One document being read: what every reader below needs. */
struct reader {
    struct settings *settings;
    struct ydoc *doc;
    struct diags *diags;
};

static bool fail(const struct reader *r, const struct ynode *node, const char *hint,
                 const char *what)
{
    if (node->type == YNODE_SCALAR)
        return ynode_error(r->doc, node, r->diags, hint, "'%s' is %s", node->value, what);
    return ynode_error(r->doc, node, r->diags, hint, "this is %s", what);
}

/* A path, made absolute against the directory of firnd.yaml. *out stays without the key. */
static bool read_path(const struct reader *r, const struct ynode *map, const char *key,
                      const char **out)
{
    const char *value = NULL;
    if (!ymap_string(r->doc, map, key, false, &value, r->diags))
        return false;
    if (!value)
        return true;
    if (!*value)
        return fail(r, ynode_get(map, key), "leave the key out, or give a path", "no path");
    _cleanup_free_ char *dir = path_dirname(r->doc->file);
    _cleanup_free_ char *joined = path_join(dir, value);
    _cleanup_free_ char *absolute = path_absolute(joined);
    *out = arena_strdup(&r->settings->arena, absolute);
    return true;
}

static bool read_text(const struct reader *r, const struct ynode *map, const char *key,
                      const char **out)
{
    const char *value = NULL;
    bool ok = ymap_string(r->doc, map, key, false, &value, r->diags);
    if (ok && value)
        *out = arena_strdup(&r->settings->arena, value);
    return ok;
}

static bool read_amount(const struct reader *r, const struct ynode *map, const char *key,
                        uint64_t *bytes)
{
    const char *value = NULL;
    if (!ymap_string(r->doc, map, key, false, &value, r->diags))
        return false;
    if (value && !text_parse_amount(value, bytes))
        return fail(r, ynode_get(map, key), "such as 500M or 2G", "no amount of bytes");
    return true;
}

static bool read_count(const struct reader *r, const struct ynode *map, const char *key, long max,
                       int *out)
{
    long value = *out;
    bool ok = ymap_integer(r->doc, map, key, false, 1, max, &value, r->diags);
    *out = (int)value;
    return ok;
}

/* A mapping below a key with these keys only; *map is NULL where the key is not given. */
static bool read_mapping(const struct reader *r, const struct ynode *parent, const char *key,
                         const char *const *known, const struct ynode **map)
{
    *map = ynode_get(parent, key);
    return !*map || ymap_only_keys(r->doc, *map, known, r->diags);
}

static bool read_users(const struct reader *r, const struct ynode *listen)
{
    const struct ynode *map = ynode_get(listen, "users");
    if (!map)
        return true;
    if (map->type != YNODE_MAPPING)
        return fail(r, map, "such as {alice: engineer, \"*\": view}",
                    "no mapping of users to roles");
    struct settings *s = r->settings;
    s->users = arena_alloc(&s->arena, map->count * sizeof(*s->users));
    for (size_t i = 0; i < map->count; i++) {
        const struct ynode *value = map->items[i];
        if (value->type != YNODE_SCALAR || !role_parse(value->value, &s->users[i].role))
            return fail(r, value, "view, operate or engineer", "no role");
        s->users[i].name = arena_strdup(&s->arena, map->keys[i]->value);
    }
    s->user_count = map->count;
    return true;
}

static bool read_hosts(const struct reader *r, const struct ynode *listen)
{
    const char *const *hosts = NULL;
    if (!ymap_strings(r->doc, listen, "hosts", &hosts, r->diags))
        return false;
    size_t count = 0;
    while (hosts && hosts[count])
        count++;
    const char **copy = arena_alloc(&r->settings->arena, (count + 1) * sizeof(*copy));
    for (size_t i = 0; i < count; i++)
        copy[i] = arena_strdup(&r->settings->arena, hosts[i]);
    r->settings->http.hosts = copy;
    return true;
}

static bool read_tls(const struct reader *r, const struct ynode *listen)
{
    static const char *const known[] = {"certificate", "key", NULL};
    const struct ynode *tls;
    struct http_settings *http = &r->settings->http;
    if (!read_mapping(r, listen, "tls", known, &tls))
        return false;
    if (!tls)
        return true;
    if (!read_path(r, tls, "certificate", &http->tls_certificate) ||
        !read_path(r, tls, "key", &http->tls_key))
        return false;
    if (!http->tls_certificate || !http->tls_key)
        return ynode_error(r->doc, ynode_get_key(listen, "tls"), r->diags,
                           "tls: {certificate: FILE, key: FILE}",
                           "TLS needs a certificate and its key");
    return true;
}

/* How long a request may take to arrive, and a client to take its answer. */
static bool read_timeout(const struct reader *r, const struct ynode *listen)
{
    const char *value = NULL;
    int64_t seconds;
    if (!ymap_string(r->doc, listen, "timeout", false, &value, r->diags))
        return false;
    if (!value)
        return true;
    if (!text_parse_age(value, &seconds) || seconds < 1 || seconds > 600)
        return fail(r, ynode_get(listen, "timeout"), "from 1s to 10m, such as 30s",
                    "no time to wait for a client");
    r->settings->http.header_timeout_s = (int)seconds;
    return true;
}

/* The server refuses it as well, but not at its line. */
static bool check_address(const struct reader *r, const struct ynode *listen)
{
    const struct http_settings *http = &r->settings->http;
    struct err *err = NULL;
    if (!http->address || http_listen_check(http->address, http_closed_hint(http), &err))
        return true;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    err_add_message(err, &text);
    ynode_error(r->doc, ynode_get(listen, "http"), r->diags, err_get_hint(err), "%s", text.data);
    err_free(err);
    return false;
}

static bool read_listen(const struct reader *r, const struct ynode *root)
{
    static const char *const known[] = {"socket", "group",         "users",   "http", "hosts",
                                        "tls",    "reverse_proxy", "timeout", NULL};
    const struct ynode *listen;
    struct http_settings *http = &r->settings->http;
    if (!read_mapping(r, root, "listen", known, &listen))
        return false;
    if (!listen)
        return true;
    if (!read_path(r, listen, "socket", &http->socket) ||
        !read_text(r, listen, "group", &http->socket_group) ||
        !read_text(r, listen, "http", &http->address) ||
        !read_text(r, listen, "reverse_proxy", &http->reverse_proxy) || !read_users(r, listen) ||
        !read_hosts(r, listen) || !read_tls(r, listen) || !read_timeout(r, listen))
        return false;
    const char *proxy = http->reverse_proxy;
    if (proxy && (!text_starts_with(proxy, "https://") || strchr(proxy + strlen("https://"), '/')))
        return fail(r, ynode_get(listen, "reverse_proxy"), "such as https://firn.example.org",
                    "no origin of a proxy that speaks TLS");
    return check_address(r, listen);
}

static bool read_lanes(const struct reader *r, const struct ynode *root)
{
    static const char *const of_builds[] = {"jobs", "memory", "cores", NULL};
    static const char *const of_flashes[] = {"jobs", NULL};
    struct settings *s = r->settings;
    const struct ynode *builds, *flashes;
    if (!read_mapping(r, root, "builds", of_builds, &builds) ||
        !read_mapping(r, root, "flashes", of_flashes, &flashes))
        return false;
    if (builds && (!read_count(r, builds, "jobs", 256, &s->build_jobs) ||
                   !read_amount(r, builds, "memory", &s->build_memory) ||
                   !read_count(r, builds, "cores", 256, &s->build_cores)))
        return false;
    return !flashes || read_count(r, flashes, "jobs", 256, &s->flash_jobs);
}

static bool read_disk(const struct reader *r, const struct ynode *root)
{
    static const char *const known[] = {"floor", "logs", "images", NULL};
    struct settings *s = r->settings;
    const struct ynode *disk;
    if (!read_mapping(r, root, "disk", known, &disk))
        return false;
    return !disk || (read_amount(r, disk, "floor", &s->disk_floor) &&
                     read_amount(r, disk, "logs", &s->logs_quota) &&
                     read_amount(r, disk, "images", &s->images_quota));
}

static bool read_follow_at(const struct reader *r, const struct ynode *root)
{
    const char *value = NULL;
    unsigned hour, minute;
    char rest;
    if (!ymap_string(r->doc, root, "follow_at", false, &value, r->diags))
        return false;
    if (!value)
        return true;
    if (sscanf(value, "%2u:%2u%c", &hour, &minute, &rest) != 2 || hour > 23 || minute > 59)
        return fail(r, ynode_get(root, "follow_at"), "such as \"03:00\"", "no time of the day");
    r->settings->follow_minute = (int)(hour * 60 + minute);
    return true;
}

static bool read_lease(const struct reader *r, const struct ynode *root)
{
    const char *value = NULL;
    int64_t seconds;
    if (!ymap_string(r->doc, root, "lease", false, &value, r->diags))
        return false;
    if (!value)
        return true;
    if (!text_parse_age(value, &seconds) || seconds < 3 || seconds > 3600)
        return fail(r, ynode_get(root, "lease"), "from 3s to 1h, such as 30s",
                    "no time that a lease lasts");
    r->settings->lease_ms = seconds * 1000;
    return true;
}

static bool read_store(const struct reader *r, const struct ynode *root)
{
    struct settings *s = r->settings;
    if (!read_text(r, root, "store", &s->store))
        return false;
    if (s->store && strcmp(s->store, "sqlite") != 0 && !text_starts_with(s->store, "postgresql://"))
        return fail(r, ynode_get(root, "store"), "sqlite or postgresql://USER@HOST/DATABASE",
                    "no store");
    return true;
}

/* It is a lease's owner and a label: what a host may be called. */
static bool read_name(const struct reader *r, const struct ynode *root)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    struct settings *s = r->settings;
    if (!read_text(r, root, "name", &s->name))
        return false;
    size_t len = s->name ? strlen(s->name) : 1;
    if (s->name && (len < 1 || len > 64 || strspn(s->name, allowed) != len))
        return fail(r, ynode_get(root, "name"), "up to 64 letters, digits, '.', '_' and '-'",
                    "no name of a station");
    return true;
}

static bool read_firn(const struct reader *r, const struct ynode *root)
{
    struct settings *s = r->settings;
    if (!read_path(r, root, "firn", &s->firn))
        return false;
    if (s->firn && access(s->firn, X_OK) != 0)
        return fail(r, ynode_get(root, "firn"), "the path of the firn that is to run the jobs",
                    "no program that can be run");
    return true;
}

static bool read_all(const struct reader *r)
{
    static const char *const known[] = {"name",  "home",      "manifests", "store",   "firn",
                                        "lease", "listen",    "builds",    "flashes", "queue",
                                        "disk",  "follow_at", NULL};
    struct settings *s = r->settings;
    const struct ynode *root = r->doc->root;
    long queue = (long)s->queue_max;
    if (!ymap_only_keys(r->doc, root, known, r->diags))
        return false;
    bool ok = read_name(r, root) && read_path(r, root, "home", &s->home) &&
              read_path(r, root, "manifests", &s->manifests) && read_store(r, root) &&
              read_firn(r, root) && read_lease(r, root) && read_listen(r, root) &&
              read_lanes(r, root) && read_disk(r, root) && read_follow_at(r, root) &&
              ymap_integer(r->doc, root, "queue", false, 1, 1000000, &queue, r->diags);
    s->queue_max = queue;
    return ok;
}

static bool read_file(struct settings *settings, const char *path, struct diags *diags)
{
    struct ydoc doc = YDOC_INIT;
    struct reader reader = {settings, &doc, diags};
    settings->file = arena_strdup(&settings->arena, path);
    bool ok = ydoc_load(&doc, path, diags) && read_all(&reader);
    ydoc_release(&doc);
    return ok;
}

bool settings_load(struct settings *settings, const char *path, struct diags *diags)
{
    *settings = (struct settings){.arena = ARENA_INIT};
    settings_set_numbers(settings);
    const char *file = path ? path : settings_default_file(settings);
    return (!file || read_file(settings, file, diags)) && settings_set_rest(settings, diags);
}

void settings_release(struct settings *settings)
{
    arena_release(&settings->arena);
}
