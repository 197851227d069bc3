#include "builder/source_submodules.h"

#include <string.h>

#include "builder/gitmodules.h"
#include "builder/source_mirror.h"
#include "builder/url.h"
#include "builder/url_parts.h"

#define MAX_DEPTH 8
#define MAX_SUBMODULES 256

struct walk {
    const struct config *config;
    const struct source *source;
    const struct source_options *options;
    struct events *events;
    struct submodule_plan *plan;
    struct err **err;
};

/* A repository whose .gitmodules is read. */
struct parent {
    struct git_repository *repo;
    const char *commit;
    const char *url;
    const char *prefix; /* where its tree lies in the checkout, "" or "lib/a/" */
    unsigned depth;
};

void submodule_plan_release(struct submodule_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        free(plan->items[i].path);
        free(plan->items[i].url);
        free(plan->items[i].commit);
        free(plan->mirrors[i]);
    }
    free(plan->items);
    free(plan->mirrors);
    *plan = (struct submodule_plan)SUBMODULE_PLAN_INIT;
}

/* Keep the list sorted by path. Takes all strings. */
static void add_submodule(struct submodule_plan *plan, struct submodule item, char *mirror)
{
    size_t at = plan->count;

    plan->items = xreallocarray(plan->items, plan->count + 1, sizeof(*plan->items));
    plan->mirrors = xreallocarray(plan->mirrors, plan->count + 1, sizeof(*plan->mirrors));
    for (; at > 0 && strcmp(plan->items[at - 1].path, item.path) > 0; at--) {
        plan->items[at] = plan->items[at - 1];
        plan->mirrors[at] = plan->mirrors[at - 1];
    }
    plan->items[at] = item;
    plan->mirrors[at] = mirror;
    plan->count++;
}

/* An empty list when the commit has no .gitmodules. */
static bool read_gitmodules(struct walk *w, const struct parent *parent, struct gitmodules *modules)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;

    if (!repo_read_file(parent->repo, parent->commit, ".gitmodules", GITMODULES_MAX_BYTES, &text,
                        w->err)) {
        if ((*w->err)->code != ERR_NOT_FOUND)
            return false;
        err_free(*w->err);
        *w->err = NULL;
        return true;
    }
    return gitmodules_parse(modules, text.data, text.len, w->err) ||
           err_wrap(w->err, "submodules of %s", parent->url);
}

/* Where a submodule comes from. A repository on another machine may not send us to paths or servers
 * on this one (CVE-2022-39253). */
static char *submodule_url(struct walk *w, const struct parent *parent,
                           const struct gitmodule *module)
{
    char *url = url_resolve(parent->url, module->url);

    if (!url) {
        err_set(w->err, ERR_FETCH, ".gitmodules: the url '%s' of submodule '%s' leaves %s",
                module->url, module->name, parent->url);
    } else if (url_leads_inward(parent->url, url)) {
        _cleanup_free_ char *shown = url_printable(url);
        err_set(w->err, ERR_FETCH, ".gitmodules: submodule '%s' of %s points to a local %s, '%s'",
                module->name, parent->url, url_kind(url) == URL_LOCAL ? "path" : "server", shown);
        err_hint(w->err, "a local copy is used through 'mirrors:' in config.yaml");
    } else {
        return url;
    }
    free(url);
    return NULL;
}

static bool visit_children(struct walk *w, const struct parent *parent);

/* The submodules of a submodule that is in its mirror now. */
static bool visit_inside(struct walk *w, const struct mirror_ref *ref, const char *url,
                         const char *path, unsigned depth)
{
    _cleanup_repo_ struct git_repository *repo = NULL;
    _cleanup_free_ char *prefix = xasprintf("%s/", path);

    if (!repo_open(ref->mirror, &repo, w->err))
        return false;
    struct parent inside = {repo, ref->commit, url, prefix, depth};
    return visit_children(w, &inside);
}

static bool visit(struct walk *w, const struct parent *parent, const struct gitmodule *module,
                  const char *commit)
{
    _cleanup_(mirror_ref_release) struct mirror_ref ref = MIRROR_REF_INIT;
    struct source_options options = *w->options;

    if (!gitmodule_check(module, w->err))
        return err_wrap(w->err, "submodules of %s", parent->url);
    if (parent->depth >= MAX_DEPTH || w->plan->count >= MAX_SUBMODULES)
        return err_set(w->err, ERR_FETCH, "%s: too many submodules in each other", parent->url);
    _cleanup_free_ char *url = submodule_url(w, parent, module);
    _cleanup_free_ char *path = xasprintf("%s%s", parent->prefix, module->path);
    options.refresh = false; /* a commit does not move */
    if (!url)
        return false;
    if (!mirror_get(w->config, url, commit, &options, w->events, &ref, w->err))
        return err_wrap(w->err, "submodule '%s'", path);
    struct submodule item = {xstrdup(path), xstrdup(url), xstrdup(commit)};
    add_submodule(w->plan, item, xstrdup(ref.mirror));
    return visit_inside(w, &ref, url, path, parent->depth + 1);
}

/* All submodules of a submodule. One that .gitmodules lists and the tree does not have is no
 * submodule of this commit; git leaves it alone too. */
static bool visit_children(struct walk *w, const struct parent *parent)
{
    _cleanup_(gitmodules_release) struct gitmodules modules = GITMODULES_INIT;

    if (!read_gitmodules(w, parent, &modules))
        return false;
    for (size_t i = 0; i < modules.count; i++) {
        _cleanup_err_ struct err *absent = NULL;
        const struct gitmodule *module = &modules.items[i];
        char commit[GIT_HEX_SIZE];
        if (!module->path || gitmodules_find(&modules, module->path) != module)
            continue;
        if (repo_gitlink(parent->repo, parent->commit, module->path, commit, &absent) &&
            !visit(w, parent, module, commit))
            return false;
    }
    return true;
}

static bool fail_no_submodule(struct walk *w, const char *path)
{
    const struct source *source = w->source;

    err_free(*w->err);
    *w->err = NULL;
    err_set(w->err, ERR_FETCH, "the source %s %s has no submodule '%s'", source->url, source->ref,
            path);
    if (strcmp(source->origin, "upstream") != 0)
        return err_hint(w->err,
                        "it was imported from elsewhere (%s), without submodules; a board "
                        "that needs them is built from upstream or a full mirror of it",
                        source->origin);
    return err_hint(w->err, "`git ls-tree -r %s` in %s lists submodules as commits", source->commit,
                    source->mirror);
}

static bool visit_wanted(struct walk *w, const struct parent *parent,
                         const struct gitmodules *modules, const char *path)
{
    char commit[GIT_HEX_SIZE];
    const struct gitmodule *module = gitmodules_find(modules, path);

    if (!repo_gitlink(parent->repo, parent->commit, path, commit, w->err))
        return (*w->err)->code == ERR_NOT_FOUND ? fail_no_submodule(w, path) : false;
    if (!module) {
        err_set(w->err, ERR_FETCH,
                "%s %s: .gitmodules does not say where submodule '%s' comes from", w->source->url,
                w->source->ref, path);
        return err_hint(w->err, "this commit cannot be checked out completely: choose another ref");
    }
    return visit(w, parent, module, commit);
}

bool submodule_plan_make(const struct config *config, const struct source *source,
                         const char *const *wanted, const struct source_options *options,
                         struct events *events, struct submodule_plan *plan, struct err **err)
{
    struct walk w = {config, source, options, events, plan, err};
    _cleanup_(gitmodules_release) struct gitmodules modules = GITMODULES_INIT;
    _cleanup_repo_ struct git_repository *repo = NULL;

    if (!*wanted)
        return true;
    if (!repo_open(source->mirror, &repo, err))
        return false;
    struct parent top = {repo, source->commit, source->url, "", 0};
    if (!read_gitmodules(&w, &top, &modules))
        return false;
    for (; *wanted; wanted++) {
        if (!visit_wanted(&w, &top, &modules, *wanted))
            return false;
    }
    return true;
}
