#include "station/settings_default.h"

#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/machine.h"
#include "base/text.h"

#define MIB (1024ull * 1024)
#define GIB (1024 * MIB)

static const char *env(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

void settings_set_numbers(struct settings *s)
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

const char *settings_default_file(struct settings *s)
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

bool settings_set_rest(struct settings *s, struct diags *diags)
{
    if (!set_home(s, diags))
        return false;
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
    return true;
}
