#include "station/settings.h"

#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/machine.h"
#include "base/text.h"
#include "base/yaml.h"

#define MIB (1024ull * 1024)
#define GIB (1024 * MIB)

static const char *env(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* One document being read: what every reader below needs. */
struct reader {
    struct settings *settings;
    struct ydoc *doc;
    struct diags *diags;
};

static bool fail(const struct reader *r, const struct ynode *node, const char *hint,
                 const char *what)
{
    return ynode_error(r->doc, node, r->diags, hint, "%s", what);
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
        return fail(r, ynode_get(map, key), "such as 500M or 2G", "this is no amount of bytes");
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
        return fail(r, map, "such as {alice: engineer, \"*\": view}", "expected users with roles");
    struct settings *s = r->settings;
    s->users = arena_alloc(&s->arena, map->count * sizeof(*s->users));
    for (size_t i = 0; i < map->count; i++) {
        const struct ynode *value = map->items[i];
        if (value->type != YNODE_SCALAR || !role_parse(value->value, &s->users[i].role))
            return fail(r, value, "view, operate or engineer", "this is no role");
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
        return fail(r, ynode_get_key(listen, "tls"), "tls: {certificate: FILE, key: FILE}",
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
                    "this is no time to wait for a client");
    r->settings->http.header_timeout_s = (int)seconds;
    return true;
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
                    "this is not the origin of a proxy that speaks TLS");
    return true;
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
        return fail(r, ynode_get(root, "follow_at"), "such as \"03:00\"",
                    "this is no time of the day");
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
                    "this is no time that a lease lasts");
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
                    "there is no such store");
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
    bool ok = read_text(r, root, "name", &s->name) && read_path(r, root, "home", &s->home) &&
              read_path(r, root, "manifests", &s->manifests) && read_store(r, root) &&
              read_path(r, root, "firn", &s->firn) && read_lease(r, root) && read_listen(r, root) &&
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
    /* A file of comments alone says nothing, which is fine. */
    bool ok = ydoc_load(&doc, path, diags) && read_all(&reader);
    ydoc_release(&doc);
    return ok;
}

/* ---- defaults ---- */

static void set_numbers(struct settings *s)
{
    s->build_jobs = (int)machine_processors();
    s->build_memory = 768 * MIB;
    s->build_cores = 1;
    s->flash_jobs = 8;
    s->queue_max = 10000;
    s->lease_ms = 30 * 1000;
    s->disk_floor = GIB;
    s->logs_quota = GIB;
    s->images_quota = 10 * GIB;
    s->follow_minute = 3 * 60;
    s->http.body_max = 8 * MIB;
    s->http.header_timeout_s = 30;
    s->http.connections_max = 1000;
    s->http.connections_per_address = 500;
}

static const char *default_file(struct settings *s)
{
    const char *given = env("FIRND_CONFIG"), *user = env("HOME");
    if (given)
        return given;
    if (fs_exists("/etc/firn/firnd.yaml"))
        return "/etc/firn/firnd.yaml";
    const char *own = user ? arena_printf(&s->arena, "%s/.config/firn/firnd.yaml", user) : NULL;
    return own && fs_exists(own) ? own : NULL;
}

static const char *host_name(struct settings *s)
{
    char name[256] = "";
    if (gethostname(name, sizeof(name) - 1) != 0 || !*name)
        return "firnd";
    return arena_strdup(&s->arena, name);
}

/* As firn finds its own caches; the installed service sets FIRN_HOME to /var/lib/firn. */
static bool set_home(struct settings *s, struct diags *diags)
{
    const char *given = env("FIRN_HOME"), *cache = env("XDG_CACHE_HOME"), *user = env("HOME");
    if (s->home)
        return true;
    if (given || cache || user) {
        _cleanup_free_ char *path = given   ? xstrdup(given)
                                    : cache ? path_join(cache, "firn")
                                            : path_join(user, ".cache/firn");
        _cleanup_free_ char *absolute = path_absolute(path);
        s->home = arena_strdup(&s->arena, absolute);
        return true;
    }
    struct err *err = NULL;
    err_set(&err, ERR_USAGE, "there is no place for firnd's data");
    err_hint(&err, "say `home: /var/lib/firn` in firnd.yaml, or set FIRN_HOME");
    diags_take_error(diags, err);
    return false;
}

static const char *default_socket(struct settings *s)
{
    const char *runtime = env("RUNTIME_DIRECTORY"), *user = env("XDG_RUNTIME_DIR");
    if (runtime)
        return arena_printf(&s->arena, "%s/firnd.sock", runtime);
    if (geteuid() != 0 && user)
        return arena_printf(&s->arena, "%s/firn/firnd.sock", user);
    return "/run/firn/firnd.sock";
}

/* firn beside firnd; in an installation bin/ beside sbin/. */
static const char *default_firn(struct settings *s)
{
    static const char *const places[] = {"firn", "../bin/firn"};
    char exe[4096];
    ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    exe[len > 0 ? len : 0] = '\0';
    _cleanup_free_ char *dir = path_dirname(exe);
    for (size_t i = 0; len > 0 && i < ARRAY_SIZE(places); i++) {
        _cleanup_free_ char *joined = path_join(dir, places[i]);
        _cleanup_free_ char *path = path_absolute(joined);
        if (access(path, X_OK) == 0)
            return arena_strdup(&s->arena, path);
    }
    return "/usr/bin/firn";
}

static void set_rest(struct settings *s)
{
    if (!s->name)
        s->name = host_name(s);
    if (!s->manifests)
        s->manifests = arena_printf(&s->arena, "%s/manifests", s->home);
    if (!s->store || strcmp(s->store, "sqlite") == 0)
        s->store = arena_printf(&s->arena, "sqlite:%s/firn.db", s->home);
    if (!s->http.socket)
        s->http.socket = default_socket(s);
    if (!s->firn)
        s->firn = default_firn(s);
}

bool settings_load(struct settings *settings, const char *path, struct diags *diags)
{
    *settings = (struct settings){.arena = ARENA_INIT};
    set_numbers(settings);
    const char *file = path ? path : default_file(settings);
    if ((file && !read_file(settings, file, diags)) || !set_home(settings, diags))
        return false;
    set_rest(settings);
    return true;
}

void settings_release(struct settings *settings)
{
    arena_release(&settings->arena);
}
