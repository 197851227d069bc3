#include "builder/source_mirror.h"

#include <jansson.h>
#include <string.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/text.h"
#include "builder/cache_about.h"
#include "builder/contact.h"
#include "builder/url.h"

#define MIRROR_MAX_FILES 1000000
#define CACHE_NAME "firn-refs.json"
#define CACHE_MAX_BYTES (1024 * 1024)
#define URL_DIGITS 16   /* of the URL's hash, in the mirror's name */
#define SHORT_DIGITS 10 /* of a commit, as MicroPython's own version strings have */

/* One question to a mirror. */
struct query {
    const char *url; /* as the manifest (or .gitmodules) has it */
    char *mapped;    /* where it is fetched from */
    char *shown;     /* the same for people, with the mapping */
    const char *ref;
    char *mirror;
    char *cache;
    const struct source_options *options;
    struct events *events;
    bool *bad_ref;
    struct err **err;
};

void mirror_ref_release(struct mirror_ref *ref)
{
    free(ref->mirror);
    free(ref->commit);
    free(ref->describe);
    free(ref->origin);
    *ref = (struct mirror_ref)MIRROR_REF_INIT;
}

static void query_release(struct query *q)
{
    free(q->mapped);
    free(q->shown);
    free(q->mirror);
    free(q->cache);
}

/* ---- what a ref was when it was last looked up
 * --------------------------------------------------- */

static json_t *cache_load(const char *path)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_err_ struct err *ignored = NULL;

    if (!fs_exists(path) || !fs_read_shared(path, CACHE_MAX_BYTES, &text, &ignored))
        return NULL;
    return json_loadb(text.data, text.len, 0, NULL);
}

static bool cache_get(const struct query *q, struct mirror_ref *out)
{
    json_t *all = cache_load(q->cache);
    const char *commit, *describe, *origin;
    json_int_t seconds;
    bool found =
        json_unpack(json_object_get(all, q->ref), "{s:s, s:s, s:s, s:I}", "commit", &commit,
                    "describe", &describe, "origin", &origin, "time", &seconds) == 0;

    if (found) {
        *out = (struct mirror_ref){xstrdup(q->mirror), xstrdup(commit), xstrdup(describe),
                                   xstrdup(origin),    seconds,         false};
    }
    json_decref(all);
    return found;
}

/* Called with the lock held. Not being able to remember is no failure. */
static void cache_put(const struct query *q, const struct mirror_ref *ref)
{
    _cleanup_err_ struct err *ignored = NULL;
    json_t *all = cache_load(q->cache);

    if (!json_is_object(all)) {
        json_decref(all);
        all = json_object();
    }
    json_object_set_new(all, q->ref,
                        json_pack("{s:s, s:s, s:s, s:I}", "commit", ref->commit, "describe",
                                  ref->describe, "origin", ref->origin, "time",
                                  (json_int_t)ref->commit_time));
    _cleanup_free_ char *text = json_dumps(all, JSON_SORT_KEYS | JSON_INDENT(1));
    if (text && !fs_write(q->cache, text, strlen(text), 0644, &ignored))
        event_warning(q->events, "cannot remember what '%s' is: %s", q->ref, ignored->message);
    json_decref(all);
}

/* ---- errors with their next step
 * ----------------------------------------------------------------- */

/* The nearest name, or the newest one that only adds to what was written ("v1.25" -> "v1.25.0"). */
static const char *suggest(const char *ref, struct strv *names)
{
    const char *near = text_nearest(ref, (const char *const *)names->items);

    for (size_t i = 0; !near && i < names->count; i++) {
        if (text_starts_with(names->items[i], ref))
            near = names->items[i];
    }
    return near;
}

static bool fail_unknown(const struct query *q, struct strv *names)
{
    const char *near = suggest(q->ref, names);
    bool hex = repo_is_hex(q->ref);

    *q->bad_ref = true;
    err_free(*q->err);
    *q->err = NULL;
    if (hex)
        err_set(q->err, ERR_FETCH, "%s does not hold commit %s", q->shown, q->ref);
    else
        err_set(q->err, ERR_FETCH, "%s has no tag or branch '%s'", q->shown, q->ref);
    if (near)
        return err_hint(q->err, "did you mean '%s'?", near);
    if (hex)
        return err_hint(q->err, "update that repository, or map its URL to another one under "
                                "'mirrors:' in config.yaml");
    _cleanup_free_ char *where = url_printable(q->mapped);
    return err_hint(q->err, "`git ls-remote %s` lists what it has", where);
}

/* What a look into a repository, this one or the other one, came back with, as our caller's error.
 */
static bool fail_lookup(const struct query *q, struct strv *names)
{
    struct err *err = *q->err;

    if (err->code == ERR_NOT_FOUND)
        return fail_unknown(q, names);
    if (err->code == ERR_MANIFEST) {
        *q->bad_ref = true;
        err->code = ERR_FETCH;
    }
    if (err->code == ERR_FETCH && !err->hint)
        err_hint(q->err, "check the network and the URL; 'mirrors:' in config.yaml can map it to a "
                         "repository that you can reach, and --offline uses only what was fetched "
                         "before");
    return false;
}

static bool fail_offline(const struct query *q)
{
    *q->bad_ref = true;
    err_set(q->err, ERR_FETCH,
            "'%s' of %s was not fetched before, and --offline forbids to fetch it", q->ref,
            q->shown);
    return err_hint(q->err, "run it once without --offline");
}

static bool fail_no_repository(const struct query *q)
{
    err_set(q->err, ERR_FETCH, "there is no repository at %s", q->shown);
    if (strcmp(q->url, q->mapped) != 0)
        return err_hint(q->err,
                        "put one there, or change 'mirrors:' in config.yaml, which leads to it");
    return err_hint(q->err,
                    "check the path, or map it to another one under 'mirrors:' in config.yaml");
}

/* ---- looking up and fetching
 * --------------------------------------------------------------------- */

static void take_commit(const struct query *q, const struct repo_commit *commit,
                        struct mirror_ref *out)
{
    out->mirror = xstrdup(q->mirror);
    out->commit = xstrdup(commit->id);
    out->commit_time = commit->time;
    out->origin = xstrdup(commit->origin ? commit->origin : "upstream");
    if (commit->kind == REPO_TAG)
        out->describe = xstrdup(q->ref);
    else if (commit->kind == REPO_BRANCH)
        out->describe = xasprintf("%s-g%.*s", q->ref, SHORT_DIGITS, commit->id);
    else
        out->describe = xasprintf("g%.*s", SHORT_DIGITS, commit->id);
}

/* git itself takes PATH for PATH.git, so that URLs with and without the suffix find a local mirror.
 */
static char *local_repository(const char *url)
{
    char *path = url_local_path(url);

    if (fs_exists(path))
        return path;
    char *with_suffix = xasprintf("%s.git", path);
    if (fs_exists(with_suffix)) {
        free(path);
        return with_suffix;
    }
    free(with_suffix);
    return path;
}

static void remove_leftover(const struct query *q, const char *dir, const char *name)
{
    _cleanup_free_ char *path = path_join(dir, name);
    _cleanup_err_ struct err *kept = NULL;

    if (!fs_remove_tree(path, &kept))
        event_warning(q->events, "cannot remove %s: %s", path, kept->message);
}

/* What libgit2 of a killed process left: packs under temporary names, locks of references and of
 * the configuration. Our own lock is held: they are nobody's. */
static void remove_leftovers(const struct query *q)
{
    _cleanup_free_ char *packs = xasprintf("%s/objects/pack", q->mirror);
    _cleanup_(strv_release) struct strv names = STRV_INIT, files = STRV_INIT;
    _cleanup_err_ struct err *no_packs = NULL, *no_files = NULL;

    if (fs_list(packs, &names, &no_packs))
        for (size_t i = 0; i < names.count; i++)
            if (!text_starts_with(names.items[i], "pack-"))
                remove_leftover(q, packs, names.items[i]);
    if (fs_walk(q->mirror, MIRROR_MAX_FILES, &files, &no_files))
        for (size_t i = 0; i < files.count; i++)
            if (text_ends_with(files.items[i], ".lock"))
                remove_leftover(q, q->mirror, files.items[i]);
}

static bool update(const struct query *q, struct git_repository *repo)
{
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    bool ok;

    if (q->options->offline)
        return fail_offline(q);
    remove_leftovers(q);
    if (!fs_remove_tree(q->cache, q->err))
        return false;
    if (url_kind(q->mapped) == URL_LOCAL) {
        _cleanup_free_ char *path = local_repository(q->mapped);
        if (!fs_exists(path))
            return fail_no_repository(q);
        ok = repo_copy(repo, path, q->ref, q->events, &names, q->err);
    } else {
        ok = repo_fetch(repo, q->mapped, q->ref, q->events, &names, q->err);
    }
    return ok || fail_lookup(q, &names);
}

static void warn_moved(const struct query *q, const char *before, const struct repo_commit *now)
{
    if (now->kind == REPO_TAG && strcmp(before, now->id) != 0)
        event_warning(q->events, "tag '%s' of %s moved from %.*s to %.*s", q->ref, q->shown,
                      SHORT_DIGITS, before, SHORT_DIGITS, now->id);
}

/* Look the ref up in the mirror; fetch it if it is not there or a refresh is asked for. */
static bool find_or_update(const struct query *q, struct git_repository *repo,
                           struct repo_commit *commit)
{
    _cleanup_(repo_commit_release) struct repo_commit before = REPO_COMMIT_INIT;
    _cleanup_err_ struct err *missing = NULL;
    bool held = repo_find(repo, q->ref, &before, &missing);

    if (!held && missing->code != ERR_NOT_FOUND) {
        *q->err = missing;
        missing = NULL;
        return fail_lookup(q, NULL);
    }
    bool stale = q->options->refresh && !q->options->offline && before.kind != REPO_COMMIT;
    if (held && !stale) {
        *commit = before;
        before = (struct repo_commit)REPO_COMMIT_INIT;
        return true;
    }
    if (!update(q, repo))
        return false;
    if (!repo_find(repo, q->ref, commit, q->err)) {
        _cleanup_(strv_release) struct strv names = STRV_INIT;
        repo_names(repo, &names);
        return fail_lookup(q, &names);
    }
    if (held)
        warn_moved(q, before.id, commit);
    return true;
}

/* For people who look into the cache: the name has only the URL's end. */
static void remember_url(const struct query *q)
{
    _cleanup_free_ char *path = path_join(q->mirror, CACHE_URL_FILE);
    _cleanup_free_ char *url = url_printable(q->mapped);
    _cleanup_err_ struct err *ignored = NULL;

    if (!fs_exists(path))
        (void)!fs_write(path, url, strlen(url), 0644, &ignored);
}

static bool ask_repository(const struct query *q, struct mirror_ref *out)
{
    _cleanup_repo_ struct git_repository *repo = NULL;
    _cleanup_(repo_commit_release) struct repo_commit commit = REPO_COMMIT_INIT;

    if (q->options->offline && !fs_exists(q->mirror))
        return fail_offline(q);
    if (!repo_open_or_init(q->mirror, &repo, q->err) || !find_or_update(q, repo, &commit))
        return false;
    take_commit(q, &commit, out);
    remember_url(q);
    cache_put(q, out);
    return true;
}

static void say_waiting(void *data)
{
    const struct query *q = data;

    event_info(q->events, "waiting for another firn that fetches from %s", q->shown);
}

static bool ask_locked(struct query *q, struct mirror_ref *out)
{
    _cleanup_free_ char *lock = xasprintf("%s.lock", q->mirror);
    _cleanup_free_ char *dir = path_dirname(q->mirror);
    _cleanup_(fs_unlock) int fd = -1;

    return fs_mkdirs(dir, q->err) && fs_lock(lock, say_waiting, q, &fd, q->err) &&
           ask_repository(q, out);
}

static bool is_ref(const char *ref)
{
    static const char forbidden[] = " ~^:?*[\\";

    for (const char *p = ref; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f || strchr(forbidden, *p))
            return false;
    }
    return ref[0] && ref[0] != '-' && !strstr(ref, "..");
}

static void init_query(struct query *q, const struct config *config)
{
    char digest[HASH_HEX_SIZE];
    _cleanup_free_ char *name = url_basename(q->url);

    q->mapped = config_map_url(config, q->url);
    q->shown = contact_shown(config, q->url);
    hash_bytes(q->mapped, strlen(q->mapped), digest);
    q->mirror = xasprintf("%s/git/%s-%.*s.git", config->home, name, URL_DIGITS, digest);
    q->cache = path_join(q->mirror, CACHE_NAME);
}

bool mirror_get(const struct config *config, const char *url, const char *ref,
                const struct source_options *options, struct events *events, struct mirror_ref *out,
                struct err **err)
{
    _cleanup_(query_release) struct query q = {.url = url,
                                               .ref = ref,
                                               .options = options,
                                               .events = events,
                                               .bad_ref = &out->bad_ref,
                                               .err = err};

    if (!contact_check(config, ALLOW_GIT, url, err))
        return false;
    if (!is_ref(ref)) {
        out->bad_ref = true;
        err_set(err, ERR_FETCH, "'%s' is not the name of a tag, a branch or a commit", ref);
        return err_hint(err, "firmware.ref takes one name, such as 'v1.25.0' or 'master'");
    }
    init_query(&q, config);
    return (!options->refresh && cache_get(&q, out)) || ask_locked(&q, out);
}
