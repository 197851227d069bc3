#include <string.h>

#include "base/proc.h"
#include "base/text.h"
#include "builder/git_internal.h"
#include "builder/url.h"

#define NO_KEY "the server takes none of the ssh agent's keys"

struct fetch {
    git_repository *repo;
    git_remote *remote;
    const char *url; /* for people */
    const char *ref;
    struct events *events;
    struct err **err;
    bool asked_agent;
};

/* First objects arrive, then libgit2 resolves the deltas among them. */
static int on_transfer(const git_indexer_progress *stats, void *data)
{
    const struct fetch *f = data;
    _cleanup_(buf_release) struct buf detail = BUF_INIT;

    text_add_size(&detail, stats->received_bytes);
    if (stats->received_objects < stats->total_objects || !stats->total_deltas)
        event_progress(f->events, "source", stats->received_objects, stats->total_objects,
                       "objects", detail.data);
    else
        event_progress(f->events, "source", stats->indexed_deltas, stats->total_deltas, "deltas",
                       detail.data);
    return git_stop_if_interrupted();
}

static int on_remote_text(const char *text, int len, void *data)
{
    (void)text, (void)len, (void)data;
    return git_stop_if_interrupted();
}

/* SSH through the user's agent; nothing is ever asked on the terminal. libgit2 asks again for as
 * long as the server takes none of the agent's keys. */
static int on_credentials(git_credential **out, const char *url, const char *user, unsigned allowed,
                          void *data)
{
    struct fetch *f = data;

    (void)url;
    if (allowed & GIT_CREDENTIAL_USERNAME)
        return git_credential_username_new(out, user ? user : "git");
    if (!(allowed & GIT_CREDENTIAL_SSH_KEY))
        return GIT_PASSTHROUGH;
    if (f->asked_agent) {
        git_error_set_str(GIT_ERROR_SSH, NO_KEY);
        return GIT_EUSER;
    }
    f->asked_agent = true;
    return git_credential_ssh_key_from_agent(out, user ? user : "git");
}

static void init_callbacks(struct fetch *f, git_remote_callbacks *callbacks)
{
    f->asked_agent = false;
    git_remote_init_callbacks(callbacks, GIT_REMOTE_CALLBACKS_VERSION);
    callbacks->transfer_progress = on_transfer;
    callbacks->sideband_progress = on_remote_text;
    callbacks->credentials = on_credentials;
    callbacks->payload = f;
}

/* A server may send us elsewhere on its own host and nowhere else: the host is what was allowed.
 * (What git calls off-site, libgit2 would follow on the first request.) */
static const git_remote_redirect_t REDIRECTS = GIT_REMOTE_REDIRECT_NONE;

/* What to do about it, by what libgit2 or libssh2 says. */
static const struct {
    const char *says, *hint;
} ADVICE[] = {
    {"redirect", "firn follows no server to another host: give the URL that it leads to, or map "
                 "this one to it under 'mirrors:' in config.yaml"},
    {"hostkey", "~/.ssh/known_hosts does not have this host's key, or has another one: ssh-keyscan "
                "shows the host's keys; compare them with those that its owner publishes"},
    {NO_KEY, "ssh-add -l lists the keys that the agent has; ssh-add FILE gives it another one"},
    {"error authenticating", "the keys are those of your ssh agent: eval \"$(ssh-agent)\" starts "
                             "one, ssh-add gives it a key"},
};

static bool fail_to_reach(struct fetch *f)
{
    const git_error *e = git_error_last();
    const char *hint = NULL;

    for (size_t i = 0; e && e->message && i < sizeof(ADVICE) / sizeof(*ADVICE) && !hint; i++)
        hint = strstr(e->message, ADVICE[i].says) ? ADVICE[i].hint : NULL;
    git_fail(f->err, "cannot reach %s", f->url);
    return hint ? err_hint(f->err, "%s", hint) : false;
}

static bool connect_remote(struct fetch *f)
{
    git_remote_connect_options options;

    git_remote_connect_options_init(&options, GIT_REMOTE_CONNECT_OPTIONS_VERSION);
    init_callbacks(f, &options.callbacks);
    options.proxy_opts.type = GIT_PROXY_AUTO;
    options.follow_redirects = REDIRECTS;
    event_progress(f->events, "source", 0, 0, "objects", f->url);
    return git_remote_connect_ext(f->remote, GIT_DIRECTION_FETCH, &options) == 0 ||
           fail_to_reach(f);
}

/* Fetch these refspecs; tags come only when they are asked for. */
static bool fetch_specs(struct fetch *f, struct strv *specs)
{
    git_fetch_options options;
    git_strarray list = {specs->items, specs->count};

    git_fetch_options_init(&options, GIT_FETCH_OPTIONS_VERSION);
    init_callbacks(f, &options.callbacks);
    options.proxy_opts.type = GIT_PROXY_AUTO;
    options.follow_redirects = REDIRECTS;
    options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
    options.update_fetchhead = 0;
    return git_remote_fetch(f->remote, &list, &options, NULL) == 0 ||
           git_fail(f->err, "cannot fetch '%s' from %s", f->ref, f->url);
}

/* Names of tags and branches into `names`; the full name of the one that is wanted (by name, or by
 * the id that it points to) into *match. The caller frees. */
static bool list_refs(struct fetch *f, struct strv *names, char **match)
{
    const git_remote_head **heads;
    size_t count;
    _cleanup_free_ char *tag = xasprintf("refs/tags/%s", f->ref);
    _cleanup_free_ char *branch = xasprintf("refs/heads/%s", f->ref);

    if (git_remote_ls(&heads, &count, f->remote) != 0)
        return git_fail(f->err, "cannot list what %s has", f->url);
    for (size_t i = 0; i < count; i++) {
        const char *name = heads[i]->name;
        bool is_tag = text_starts_with(name, "refs/tags/");
        char id[GIT_HEX_SIZE];
        if (!is_tag && !text_starts_with(name, "refs/heads/"))
            continue;
        git_oid_tostr(id, sizeof(id), &heads[i]->oid);
        size_t len = strlen(name) - (text_ends_with(name, "^{}") ? 3 : 0);
        if (!name[len])
            strv_add(names, strchr(name + strlen("refs/"), '/') + 1);
        bool better =
            !strcmp(name, tag) || (!strcmp(name, branch) && (!*match || strcmp(*match, tag)));
        if (better || (!*match && !strcmp(id, f->ref))) {
            free(*match);
            *match = xstrndup(name, len);
        }
    }
    return true;
}

static bool fetch_named(struct fetch *f, const char *name)
{
    _cleanup_(strv_release) struct strv specs = STRV_INIT;

    strv_addf(&specs, "+%s:%s", name, name);
    return fetch_specs(f, &specs);
}

/* A commit by its id alone, where the server allows it. */
static bool fetch_id(struct fetch *f)
{
    _cleanup_err_ struct err *refused = NULL;
    _cleanup_(strv_release) struct strv specs = STRV_INIT;
    struct err **outer = f->err;
    git_oid id;

    if (git_oid_fromstr(&id, f->ref) != 0)
        return false;
    strv_add(&specs, f->ref);
    f->err = &refused;
    bool ok = fetch_specs(f, &specs) && git_keep(f->repo, &id, &refused);
    f->err = outer;
    return ok;
}

static bool fetch_all(struct fetch *f)
{
    _cleanup_(strv_release) struct strv specs = STRV_INIT;

    strv_add(&specs, "+refs/heads/*:refs/heads/*");
    strv_add(&specs, "+refs/tags/*:refs/tags/*");
    return fetch_specs(f, &specs);
}

static bool fetch_ref(struct fetch *f, struct strv *names)
{
    _cleanup_free_ char *match = NULL;

    if (!connect_remote(f) || !list_refs(f, names, &match))
        return false;
    if (match)
        return fetch_named(f, match);
    if (!repo_is_hex(f->ref))
        return err_set(f->err, ERR_NOT_FOUND, "%s has no tag or branch '%s'", f->url, f->ref);
    if (strlen(f->ref) == GIT_HEX_SIZE - 1 && fetch_id(f))
        return true;
    if (interrupt_requested())
        return err_set(f->err, ERR_INTERRUPTED, "fetching from %s: interrupted", f->url);
    return fetch_all(f);
}

bool repo_fetch(struct git_repository *repo, const char *url, const char *ref,
                struct events *events, struct strv *names, struct err **err)
{
    _cleanup_free_ char *printable = url_printable(url);
    struct fetch f = {repo, NULL, printable, ref, events, err, false};

    if (git_remote_create_anonymous(&f.remote, repo, url) != 0)
        return git_fail(err, "cannot use %s", printable);
    bool ok = fetch_ref(&f, names);
    git_remote_free(f.remote);
    return ok;
}
