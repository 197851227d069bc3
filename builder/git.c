#include <errno.h>
#include <string.h>

#include "base/fs.h"
#include "base/proc.h"
#include "base/text.h"
#include "builder/git_internal.h"

#define ORIGIN_TRAILER "Firn-Origin: "

bool git_fail(struct err **err, const char *fmt, ...)
{
    static const int disk[] = {ENOSPC, EIO};
    int errnum = errno; /* of the system, when libgit2 has no words for it */
    const git_error *e = git_error_last();
    va_list ap;

    va_start(ap, fmt);
    _cleanup_free_ char *what = xvasprintf(fmt, ap);
    va_end(ap);
    if (interrupt_requested())
        return err_set(err, ERR_INTERRUPTED, "%s: interrupted", what);
    const char *reason = e && e->message ? e->message : strerror(errnum);
    for (size_t i = 0; i < ARRAY_SIZE(disk); i++)
        if (strstr(reason, strerror(disk[i])))
            return err_set_errno(err, ERR_FAILED, disk[i], "%s", what);
    return err_set(err, ERR_FETCH, "%s: %s", what, reason);
}

int git_stop_if_interrupted(void)
{
    return interrupt_requested() ? GIT_EUSER : 0;
}

/* Nobody's configuration: a `url.insteadOf` or `core.autocrlf` of the user's would make the same
 * manifest mean something else. The owner of a local repository does not matter, because nothing in
 * it is run. */
static void start_libgit2(void)
{
    if (git_libgit2_init() != 1)
        return;
    for (int level = GIT_CONFIG_LEVEL_PROGRAMDATA; level <= GIT_CONFIG_LEVEL_GLOBAL; level++)
        git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
    git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
    git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
}

bool repo_open(const char *path, struct git_repository **repo, struct err **err)
{
    start_libgit2();
    int rc = git_repository_open_ext(repo, path, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);
    if (rc == 0)
        return true;
    if (rc == GIT_ENOTFOUND)
        err_set(err, ERR_NOT_FOUND, "there is no git repository at %s", path);
    else
        git_fail(err, "cannot open the repository %s", path);
    git_libgit2_shutdown();
    return false;
}

/* Aside and renamed: a killed process leaves no repository that is made by half. */
static bool repo_init(const char *path, struct err **err)
{
    _cleanup_free_ char *aside = xasprintf("%s.new", path);
    struct git_repository *repo = NULL;

    if (!fs_remove_tree(aside, err))
        return false;
    start_libgit2();
    bool ok = git_repository_init(&repo, aside, true) == 0;
    if (!ok)
        git_fail(err, "cannot make the mirror %s", path);
    git_repository_free(repo);
    git_libgit2_shutdown();
    return ok && fs_remove_tree(path, err) && fs_publish_dir(aside, path, err);
}

bool repo_open_or_init(const char *path, struct git_repository **repo, struct err **err)
{
    _cleanup_err_ struct err *missing = NULL;

    if (repo_open(path, repo, &missing))
        return true;
    if (missing->code != ERR_NOT_FOUND) {
        *err = missing;
        missing = NULL;
        return err_hint(err, "remove %s; the next run makes it again", path);
    }
    return repo_init(path, err) && repo_open(path, repo, err);
}

void repo_close(struct git_repository *repo)
{
    if (!repo)
        return;
    git_repository_free(repo);
    git_libgit2_shutdown();
}

void repo_commit_release(struct repo_commit *commit)
{
    free(commit->origin);
    *commit = (struct repo_commit)REPO_COMMIT_INIT;
}

bool repo_is_hex(const char *ref)
{
    size_t len = strspn(ref, "0123456789abcdefABCDEF");

    return !ref[len] && len >= GIT_ABBREV_MIN && len < GIT_HEX_SIZE;
}

/* One of refs/tags/REF, refs/heads/REF. 0, GIT_ENOTFOUND or another error of libgit2. */
static int find_named(git_repository *repo, const char *ref, git_object **object,
                      enum repo_ref_kind *kind)
{
    static const struct {
        const char *prefix;
        enum repo_ref_kind kind;
    } spaces[] = {{"refs/tags/", REPO_TAG}, {"refs/heads/", REPO_BRANCH}};

    for (size_t i = 0; i < ARRAY_SIZE(spaces); i++) {
        _cleanup_free_ char *name = xasprintf("%s%s", spaces[i].prefix, ref);
        git_oid id;
        int rc = git_reference_name_to_id(&id, repo, name);
        if (rc == GIT_ENOTFOUND || rc == GIT_EINVALIDSPEC)
            continue;
        *kind = spaces[i].kind;
        return rc ? rc : git_object_lookup(object, repo, &id, GIT_OBJECT_ANY);
    }
    return GIT_ENOTFOUND;
}

static int find_hex(git_repository *repo, const char *ref, git_object **object)
{
    git_oid id;
    int rc = git_oid_fromstrn(&id, ref, strlen(ref));

    return rc ? rc : git_object_lookup_prefix(object, repo, &id, strlen(ref), GIT_OBJECT_COMMIT);
}

static char *find_origin(const char *message)
{
    for (const char *line = message; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (text_starts_with(line, ORIGIN_TRAILER)) {
            line += strlen(ORIGIN_TRAILER);
            return xstrndup(line, strcspn(line, "\n"));
        }
    }
    return NULL;
}

static bool has_all_parents(git_repository *repo, git_commit *commit)
{
    git_odb *odb = NULL;
    bool all = git_repository_odb(&odb, repo) == 0;

    for (unsigned i = 0; all && i < git_commit_parentcount(commit); i++)
        all = git_odb_exists(odb, git_commit_parent_id(commit, i));
    git_odb_free(odb);
    return all;
}

static void describe_commit(git_repository *repo, git_commit *commit, struct repo_commit *out)
{
    git_oid_tostr(out->id, sizeof(out->id), git_commit_id(commit));
    out->time = git_commit_time(commit);
    out->origin = find_origin(git_commit_message(commit));
    out->complete = has_all_parents(repo, commit);
}

bool repo_find(struct git_repository *repo, const char *ref, struct repo_commit *commit,
               struct err **err)
{
    _cleanup_object_ git_object *object = NULL, *peeled = NULL;
    int rc = find_named(repo, ref, &object, &commit->kind);

    if (rc == GIT_ENOTFOUND && repo_is_hex(ref)) {
        commit->kind = REPO_COMMIT;
        rc = find_hex(repo, ref, &object);
    }
    if (rc == GIT_ENOTFOUND)
        return err_set(err, ERR_NOT_FOUND, "there is no tag, branch or commit '%s'", ref);
    if (rc == GIT_EAMBIGUOUS) {
        err_set(err, ERR_MANIFEST, "several commits begin with '%s'", ref);
        return err_hint(err, "give more digits of the one you mean");
    }
    if (rc != 0)
        return git_fail(err, "cannot look '%s' up", ref);
    rc = git_object_peel(&peeled, object, GIT_OBJECT_COMMIT);
    if (rc == GIT_EPEEL || rc == GIT_EINVALIDSPEC) {
        err_set(err, ERR_MANIFEST, "tag '%s' does not lead to a commit", ref);
        return err_hint(err, "choose another tag, a branch or a commit");
    }
    if (rc != 0)
        return git_fail(err, "cannot read the commit of '%s'", ref);
    git_oid_tostr(commit->object, sizeof(commit->object), git_object_id(object));
    describe_commit(repo, (git_commit *)peeled, commit);
    return true;
}

static int add_name(const char *name, void *names)
{
    if (text_starts_with(name, "refs/tags/"))
        strv_add(names, name + strlen("refs/tags/"));
    else if (text_starts_with(name, "refs/heads/"))
        strv_add(names, name + strlen("refs/heads/"));
    return 0;
}

void repo_names(struct git_repository *repo, struct strv *names)
{
    git_reference_foreach_name(repo, add_name, names);
}

bool git_commit_tree_of(struct git_repository *repo, const char *commit, git_tree **tree,
                        struct err **err)
{
    git_commit *c = NULL;
    git_oid id;

    if (git_oid_fromstr(&id, commit) != 0 || git_commit_lookup(&c, repo, &id) != 0)
        return git_fail(err, "commit %s", commit);
    int rc = git_commit_tree(tree, c);
    git_commit_free(c);
    return rc == 0 || git_fail(err, "commit %s", commit);
}

/* The entry at a path of a commit; the caller frees. */
static bool find_entry(git_repository *repo, const char *commit, const char *path,
                       git_tree_entry **entry, struct err **err)
{
    git_tree *tree = NULL;

    if (!git_commit_tree_of(repo, commit, &tree, err))
        return false;
    int rc = git_tree_entry_bypath(entry, tree, path);
    git_tree_free(tree);
    if (rc == GIT_ENOTFOUND)
        return err_set(err, ERR_NOT_FOUND, "commit %s has no %s", commit, path);
    return rc == 0 || git_fail(err, "commit %s, %s", commit, path);
}

bool repo_read_file(struct git_repository *repo, const char *commit, const char *path, size_t max,
                    struct buf *out, struct err **err)
{
    git_tree_entry *entry = NULL;
    git_blob *blob = NULL;

    if (!find_entry(repo, commit, path, &entry, err))
        return false;
    bool is_file = git_tree_entry_type(entry) == GIT_OBJECT_BLOB;
    int rc = is_file ? git_blob_lookup(&blob, repo, git_tree_entry_id(entry)) : 0;
    git_tree_entry_free(entry);
    if (!is_file)
        return err_set(err, ERR_FETCH, "commit %s: %s is not a file", commit, path);
    if (rc != 0)
        return git_fail(err, "commit %s: cannot read %s", commit, path);
    bool fits = (uint64_t)git_blob_rawsize(blob) <= max;
    if (fits)
        buf_add(out, git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob));
    git_blob_free(blob);
    return fits ||
           err_set(err, ERR_FETCH, "commit %s: %s is longer than %zu bytes", commit, path, max);
}

bool repo_gitlink(struct git_repository *repo, const char *commit, const char *path,
                  char id[GIT_HEX_SIZE], struct err **err)
{
    git_tree_entry *entry = NULL;

    if (!find_entry(repo, commit, path, &entry, err))
        return false;
    bool is_link = git_tree_entry_filemode(entry) == GIT_FILEMODE_COMMIT;
    git_oid_tostr(id, GIT_HEX_SIZE, git_tree_entry_id(entry));
    git_tree_entry_free(entry);
    return is_link || err_set(err, ERR_NOT_FOUND, "commit %s: %s is not a submodule", commit, path);
}

bool git_keep(struct git_repository *repo, const git_oid *id, struct err **err)
{
    char hex[GIT_HEX_SIZE];
    git_reference *kept = NULL;

    git_oid_tostr(hex, sizeof(hex), id);
    _cleanup_free_ char *name = xasprintf("refs/firn/%s", hex);
    if (git_reference_create(&kept, repo, name, id, true, NULL) != 0)
        return git_fail(err, "cannot write %s into the mirror", name);
    git_reference_free(kept);
    return true;
}
