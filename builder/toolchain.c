#include "builder/toolchain.h"

#include <string.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/proc.h"
#include "base/text.h"
#include "builder/toolchain_identity.h"

static const char *const TOOLCHAIN_KEYS[] = {"prefix", "version", "tools", "programs",
                                             "files",  "debian",  NULL};

/* toolchains/<name>.yaml. Strings live in the document. */
struct definition {
    struct ydoc doc;
    const char *prefix;
    const char *version;
    const char *const *tools, *const *programs, *const *files, *const *debian;
};

/* ---- errors -------------------------------------------------------------------------------------
 */

/* At the manifest's toolchain if it has one, else without a place. */
static bool fail(const struct manifest *manifest, struct diags *diags, const char *hint,
                 const char *message)
{
    struct err *err = NULL;
    if (manifest && manifest->toolchain.node)
        return manifest_error(manifest, manifest->toolchain.node, diags, hint, "%s", message);
    err_set(&err, ERR_FAILED, "%s", message);
    if (hint)
        err_hint(&err, "%s", hint);
    diags_take_error(diags, err);
    return false;
}

static bool fail_err(struct diags *diags, struct err *err)
{
    diags_take_error(diags, err);
    return false;
}

/* ---- the definition -----------------------------------------------------------------------------
 */

static bool read_list(struct definition *d, const char *key, const char *const **out,
                      struct diags *diags)
{
    const struct ynode *list = ynode_get(d->doc.root, key);
    size_t count = list && list->type == YNODE_SEQUENCE ? list->count : 0;
    const char **items = arena_alloc(&d->doc.arena, (count + 1) * sizeof(*items));
    *out = items;
    if (!list || list->type != YNODE_SEQUENCE)
        return ynode_error(&d->doc, list ? list : d->doc.root, diags, NULL,
                           "'%s' is missing or not a list", key);
    for (size_t i = 0; i < count; i++) {
        if (list->items[i]->type != YNODE_SCALAR)
            return ynode_error(&d->doc, list->items[i], diags, NULL, "expected a name");
        items[i] = list->items[i]->value;
    }
    return true;
}

static bool read_definition(struct definition *d, const char *path, struct diags *diags)
{
    return ydoc_load(&d->doc, path, diags) &&
           ymap_only_keys(&d->doc, d->doc.root, TOOLCHAIN_KEYS, diags) &&
           ymap_string(&d->doc, d->doc.root, "prefix", true, &d->prefix, diags) &&
           ymap_string(&d->doc, d->doc.root, "version", true, &d->version, diags) &&
           read_list(d, "tools", &d->tools, diags) &&
           read_list(d, "programs", &d->programs, diags) &&
           read_list(d, "files", &d->files, diags) && read_list(d, "debian", &d->debian, diags) &&
           (d->tools[0] || ynode_error(&d->doc, d->doc.root, diags, NULL, "'tools' is empty"));
}

/* "there is no toolchain 'x'", with the nearest of those that there are. */
static bool fail_unknown(const char *dir, const char *name, const struct manifest *manifest,
                         struct diags *diags)
{
    struct err *err = NULL;
    _cleanup_(strv_release) struct strv files = STRV_INIT, names = STRV_INIT;
    if (!fs_list(dir, &files, &err))
        return fail_err(diags, err);
    for (size_t i = 0; i < files.count; i++)
        if (text_ends_with(files.items[i], ".yaml"))
            strv_addf(&names, "%.*s", (int)(strlen(files.items[i]) - strlen(".yaml")),
                      files.items[i]);
    const char *nearest = text_nearest(name, (const char *const *)names.items);
    _cleanup_free_ char *hint =
        nearest ? xasprintf("did you mean '%s'?", nearest) : xasprintf("see %s/*.yaml", dir);
    _cleanup_free_ char *message = xasprintf("unknown toolchain '%s'", name);
    return fail(manifest, diags, hint, message);
}

static bool load_definition(const struct config *config, const char *name,
                            const struct manifest *manifest, struct definition *d,
                            struct diags *diags)
{
    _cleanup_free_ char *dir = path_join(config->data, "toolchains");
    _cleanup_free_ char *path = xasprintf("%s/%s.yaml", dir, name);
    if (strchr(name, '/') || !fs_is_file(path))
        return fail_unknown(dir, name, manifest, diags);
    return read_definition(d, path, diags);
}

/* ---- finding ------------------------------------------------------------------------------------
 */

static bool fail_missing(const struct definition *d, const char *name, const char *program,
                         const char *state, const struct manifest *manifest, struct diags *diags)
{
    _cleanup_(buf_release) struct buf hint = BUF_INIT;
    buf_adds(&hint, "on Debian: apt-get install");
    for (size_t i = 0; d->debian[i]; i++)
        buf_addf(&hint, " %s", d->debian[i]);
    _cleanup_free_ char *message =
        xasprintf("toolchain '%s' is %s: %s is not on PATH", name, state, program);
    return fail(manifest, diags, hint.data, message);
}

/* The compiler's path; the other tools have to be there, too. */
static bool find_tools(const struct definition *d, const char *name,
                       const struct manifest *manifest, char **compiler, struct diags *diags)
{
    for (size_t i = 0; d->tools[i]; i++) {
        _cleanup_free_ char *program = xasprintf("%s%s", d->prefix, d->tools[i]);
        char *path = proc_find(program);
        if (!path)
            return fail_missing(d, name, program, i == 0 ? "missing" : "incomplete", manifest,
                                diags);
        if (i == 0)
            *compiler = path;
        else
            free(path);
    }
    return true;
}

static bool check_range(const struct toolchain *t, const char *range, const char *whose,
                        const char *const *debian, const struct manifest *manifest,
                        struct diags *diags)
{
    struct err *err = NULL;
    bool in;
    if (!version_in_range(t->version, range, &in, &err)) {
        _cleanup_free_ char *message = xstrdup(err->message);
        _cleanup_free_ char *hint = err->hint ? xstrdup(err->hint) : NULL;
        err_free(err);
        return fail(manifest, diags, hint, message);
    }
    if (in)
        return true;
    _cleanup_free_ char *message =
        xasprintf("toolchain '%s' is version %s (%s), but %s asks for %s", t->name, t->version,
                  t->compiler, whose, range);
    _cleanup_free_ char *hint =
        xasprintf("put another version first on PATH%s%s",
                  debian[0] ? ", or upgrade the Debian package " : "", debian[0] ? debian[0] : "");
    return fail(manifest, diags, hint, message);
}

/* Name, version, target and hashes; paths stay out, so that two machines with the same compiler
 * have the same identity. */
static void set_identity(struct toolchain *t, const json_t *probe)
{
    const char *name;
    json_t *file, *files = json_object();
    json_object_foreach(json_object_get(probe, "files"), name, file)
        json_object_set(files, name, json_object_get(file, "sha256"));
    t->version = xstrdup(json_string_value(json_object_get(probe, "version")));
    t->target = xstrdup(json_string_value(json_object_get(probe, "target")));
    t->identity = json_pack("{s:s, s:s, s:s, s:o}", "name", t->name, "version", t->version,
                            "target", t->target, "files", files);
    char hex[HASH_HEX_SIZE];
    _cleanup_free_ char *text = json_dumps(t->identity, JSON_SORT_KEYS | JSON_COMPACT);
    hash_bytes(text, strlen(text), hex);
    t->digest = xstrdup(hex);
}

static bool identify(const struct config *config, const struct definition *d, struct toolchain *t,
                     struct diags *diags)
{
    struct err *err = NULL;
    json_t *probe = NULL;
    const struct identity_request request = {.name = t->name,
                                             .prefix = d->prefix,
                                             .compiler = t->compiler,
                                             .tools = d->tools,
                                             .programs = d->programs,
                                             .files = d->files};
    _cleanup_free_ char *cache = xasprintf("%s/toolchains/%s.json", config->home, t->name);
    if (!identity_get(&request, cache, &probe, &err))
        return fail_err(diags, err);
    set_identity(t, probe);
    json_decref(probe);
    return true;
}

static bool find(const struct config *config, struct definition *d, const struct manifest *manifest,
                 struct toolchain *t, struct diags *diags)
{
    const char *wanted = manifest ? manifest->toolchain.version : NULL;
    t->prefix = xstrdup(d->prefix);
    return find_tools(d, t->name, manifest, &t->compiler, diags) && identify(config, d, t, diags) &&
           check_range(t, d->version, "its definition", d->debian, manifest, diags) &&
           (!wanted || check_range(t, wanted, "the manifest", d->debian, manifest, diags));
}

bool toolchain_find(const struct config *config, const char *name, const struct manifest *manifest,
                    struct toolchain *toolchain, struct diags *diags)
{
    static const char *const none[] = {NULL};
    struct definition definition = {.doc = YDOC_INIT, .tools = none, .debian = none};
    struct toolchain found = TOOLCHAIN_INIT;
    found.name = xstrdup(name);
    bool ok = load_definition(config, name, manifest, &definition, diags) &&
              find(config, &definition, manifest, &found, diags);
    ydoc_release(&definition.doc);
    if (ok)
        *toolchain = found;
    else
        toolchain_release(&found);
    return ok;
}

void toolchain_release(struct toolchain *t)
{
    free(t->name);
    free(t->prefix);
    free(t->compiler);
    free(t->version);
    free(t->target);
    free(t->digest);
    json_decref(t->identity);
    *t = (struct toolchain)TOOLCHAIN_INIT;
}
