#include "builder/toolchain.h"

#include <string.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/proc.h"
#include "base/text.h"
#include "builder/toolchain_definition.h"
#include "builder/toolchain_identity.h"
#include "builder/toolchain_store.h"

/* ---- errors ---- */

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

/* ---- the definition ---- */

/* "there is no toolchain 'x'", with the nearest of those that there are. */
static bool fail_unknown(const char *dir, const char *name, const struct manifest *manifest,
                         struct diags *diags)
{
    struct err *err = NULL;
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    if (!toolchain_definition_names(dir, &names, &err))
        return fail_err(diags, err);
    const char *nearest = text_nearest(name, (const char *const *)names.items);
    _cleanup_free_ char *hint =
        nearest ? xasprintf("did you mean '%s'?", nearest) : xasprintf("see %s/*.yaml", dir);
    _cleanup_free_ char *message = xasprintf("unknown toolchain '%s'", name);
    return fail(manifest, diags, hint, message);
}

static bool load_definition(const struct config *config, const char *name,
                            const struct manifest *manifest, struct toolchain_definition *d,
                            struct diags *diags)
{
    _cleanup_free_ char *dir = path_join(config->data, "toolchains");
    _cleanup_free_ char *path = xasprintf("%s/%s.yaml", dir, name);
    if (strchr(name, '/') || !fs_is_file(path))
        return fail_unknown(dir, name, manifest, diags);
    return toolchain_definition_load(d, path, diags);
}

/* ---- on PATH ---- */

static bool fail_missing(const struct toolchain_definition *d, const char *name,
                         const char *program, const char *state, const struct manifest *manifest,
                         struct diags *diags)
{
    _cleanup_(buf_release) struct buf hint = BUF_INIT;
    if (d->debian[0])
        buf_adds(&hint, "on Debian: apt-get install");
    for (size_t i = 0; d->debian[i]; i++)
        buf_addf(&hint, " %s", d->debian[i]);
    if (d->download.url && manifest && manifest->toolchain.from)
        buf_addf(&hint, "%sleave out 'from: path': firn downloads it", hint.len ? "; or " : "");
    _cleanup_free_ char *message =
        xasprintf("toolchain '%s' is %s: %s is not on PATH", name, state, program);
    return fail(manifest, diags, hint.len ? hint.data : NULL, message);
}

/* The compiler's path; the other tools have to be there, too. */
static bool find_tools(const struct toolchain_definition *d, const char *name,
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

static bool check_stored(const void *root, const json_t *files, struct err **err)
{
    return toolchain_store_check(root, files, err);
}

static bool identify(const struct config *config, const struct toolchain_definition *d,
                     struct toolchain *t, struct diags *diags)
{
    struct err *err = NULL;
    json_t *probe = NULL;
    _cleanup_free_ char *dir = t->root ? path_join(t->root, "bin") : NULL;
    const struct identity_request request = {.name = t->name,
                                             .prefix = d->prefix,
                                             .compiler = t->compiler,
                                             .dir = dir,
                                             .tools = d->tools,
                                             .programs = d->programs,
                                             .files = d->files,
                                             .check = t->root ? check_stored : NULL,
                                             .data = t->root};
    /* One file for each of the two: going from one to the other asks nobody anew. */
    _cleanup_free_ char *cache =
        xasprintf("%s/toolchains/%s%s.json", config->home, t->name, t->root ? "-downloaded" : "");
    if (!identity_get(&request, cache, &probe, &err))
        return fail_err(diags, err);
    set_identity(t, probe);
    json_decref(probe);
    return true;
}

static bool check_versions(const struct toolchain_definition *d, const struct toolchain *t,
                           const struct manifest *manifest, struct diags *diags)
{
    const char *wanted = manifest ? manifest->toolchain.version : NULL;
    return check_range(t, d->version, "its definition", d->debian, manifest, diags) &&
           (!wanted || check_range(t, wanted, "the manifest", d->debian, manifest, diags));
}

static bool find_on_path(const struct config *config, const struct toolchain_definition *d,
                         const struct manifest *manifest, struct toolchain *t, struct diags *diags)
{
    return find_tools(d, t->name, manifest, &t->compiler, diags) && identify(config, d, t, diags) &&
           check_versions(d, t, manifest, diags);
}

/* ---- downloaded ---- */

static bool fits(const char *version, const char *range)
{
    _cleanup_err_ struct err *ignored = NULL;
    bool in = false;
    return !range || (version_in_range(version, range, &in, &ignored) && in);
}

/* Is it worth downloading? */
static bool download_fits(const struct toolchain_definition *d, const struct manifest *manifest)
{
    return d->download.url && fits(d->download.version, d->version) &&
           fits(d->download.version, manifest ? manifest->toolchain.version : NULL);
}

static bool fail_no_download(const struct toolchain_definition *d, const char *name,
                             const struct manifest *manifest, struct diags *diags)
{
    _cleanup_free_ char *host = toolchain_definition_host();
    _cleanup_free_ char *message =
        d->download.url
            ? xasprintf("toolchain '%s' can be downloaded in version %s, which is not asked for",
                        name, d->download.version)
            : xasprintf("toolchain '%s' cannot be downloaded for %s", name, host);
    return fail(manifest, diags, "leave out 'from: download' to use one that is on PATH", message);
}

/* The compiler in a store; the other tools have to be there, too. */
static bool find_stored_tools(const struct toolchain_definition *d, struct toolchain *t,
                              struct diags *diags)
{
    struct err *err = NULL;
    for (size_t i = 0; d->tools[i]; i++) {
        _cleanup_free_ char *path = xasprintf("%s/bin/%s%s", t->root, d->prefix, d->tools[i]);
        char *found = proc_find(path);
        if (!found) {
            err_set(&err, ERR_FETCH, "toolchain '%s': what was downloaded has no program %s",
                    t->name, path);
            err_hint(&err, "correct url or strip of its definition, and remove %s", t->root);
            return fail_err(diags, err);
        }
        if (i == 0)
            t->compiler = found;
        else
            free(found);
    }
    return true;
}

static bool get_stored(const struct config *config, const struct toolchain_definition *d,
                       const struct toolchain_options *options, struct toolchain *t,
                       struct diags *diags)
{
    struct stored_toolchain stored = STORED_TOOLCHAIN_INIT;
    struct err *err = NULL;
    if (!options)
        stored = toolchain_store_find(config, &d->download);
    else if (!toolchain_store_get(config, t->name, &d->download, options->offline, options->events,
                                  &stored, &err))
        return fail_err(diags, err);
    t->root = stored.root;
    t->archive_sha256 = stored.sha256;
    if (t->root) {
        t->url = xstrdup(d->download.url);
        return true;
    }
    err_set(&err, ERR_FETCH, "toolchain '%s' is not downloaded yet", t->name);
    err_hint(&err, "firn doctor --fetch %s; a build does it, too", t->name);
    return fail_err(diags, err);
}

static bool find_downloaded(const struct config *config, const struct toolchain_definition *d,
                            const struct manifest *manifest,
                            const struct toolchain_options *options, struct toolchain *t,
                            struct diags *diags)
{
    if (!download_fits(d, manifest))
        return fail_no_download(d, t->name, manifest, diags);
    return get_stored(config, d, options, t, diags) && find_stored_tools(d, t, diags) &&
           identify(config, d, t, diags) && check_versions(d, t, manifest, diags);
}

/* ---- both ---- */

static void begin(struct toolchain *t, const char *name, const struct toolchain_definition *d)
{
    toolchain_release(t);
    t->name = xstrdup(name);
    t->prefix = xstrdup(d->prefix);
}

static void move_errors(struct diags *from, struct diags *to)
{
    for (size_t i = 0; i < from->error_count; i++)
        diags_take_error(to, from->errors[i]);
    from->error_count = 0;
}

static bool find(const struct config *config, const struct toolchain_definition *d,
                 const char *name, const struct manifest *manifest,
                 const struct toolchain_options *options, struct toolchain *t, struct diags *diags)
{
    const char *from = manifest ? manifest->toolchain.from : NULL;
    _cleanup_(diags_release) struct diags on_path = DIAGS_INIT;
    begin(t, name, d);
    if (from && !strcmp(from, "download"))
        return find_downloaded(config, d, manifest, options, t, diags);
    if (find_on_path(config, d, manifest, t, &on_path))
        return true;
    if (from || !download_fits(d, manifest)) {
        move_errors(&on_path, diags);
        return false;
    }
    begin(t, name, d);
    return find_downloaded(config, d, manifest, options, t, diags);
}

bool toolchain_find(const struct config *config, const char *name, const struct manifest *manifest,
                    const struct toolchain_options *options, struct toolchain *toolchain,
                    struct diags *diags)
{
    struct toolchain_definition definition = TOOLCHAIN_DEFINITION_INIT;
    struct toolchain found = TOOLCHAIN_INIT;
    bool ok = load_definition(config, name, manifest, &definition, diags) &&
              find(config, &definition, name, manifest, options, &found, diags);
    toolchain_definition_release(&definition);
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
    free(t->root);
    free(t->url);
    free(t->archive_sha256);
    *t = (struct toolchain)TOOLCHAIN_INIT;
}
