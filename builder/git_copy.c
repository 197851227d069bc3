#include <string.h>

#include "base/fs.h"
#include "base/proc.h"
#include "builder/git_internal.h"

#define MAX_DEPTH 64

struct copy {
    git_repository *from, *to;
    git_odb *have; /* of `to` */
    git_packbuilder *pack;
    const char *path; /* of `from`, for people */
    struct events *events;
    struct err **err;
};

static int on_pack(int stage, uint32_t done, uint32_t total, void *data)
{
    const struct copy *c = data;

    if (stage == GIT_PACKBUILDER_DELTAFICATION)
        event_progress(c->events, "source", done, total, "objects", c->path);
    return git_stop_if_interrupted();
}

static int on_write(const git_indexer_progress *stats, void *data)
{
    (void)stats, (void)data;
    return git_stop_if_interrupted();
}

static bool missing_object(struct copy *c, const git_oid *id, const char *what)
{
    char hex[GIT_HEX_SIZE];

    if (interrupt_requested())
        return git_fail(c->err, "copying from %s", c->path);
    git_oid_tostr(hex, sizeof(hex), id);
    git_fail(c->err, "%s does not hold all of the commit: cannot read %s %s", c->path, what, hex);
    return err_hint(c->err, "is it a partial clone? `git -C %s fsck` names what is missing",
                    c->path);
}

/* Add what the mirror lacks below a tree. A tree that it has is there with all below it, because
 * packs are written whole. */
static bool add_tree(struct copy *c, const git_oid *id, unsigned depth)
{
    git_tree *tree = NULL;
    bool ok = true;

    if (git_odb_exists(c->have, id))
        return true;
    if (depth > MAX_DEPTH)
        return err_set(c->err, ERR_FETCH, "%s: too many directories in each other", c->path);
    if (git_tree_lookup(&tree, c->from, id) != 0 || git_packbuilder_insert(c->pack, id, NULL) != 0)
        ok = missing_object(c, id, "tree");
    for (size_t i = 0; ok && i < git_tree_entrycount(tree); i++) {
        const git_tree_entry *entry = git_tree_entry_byindex(tree, i);
        const git_oid *child = git_tree_entry_id(entry);
        switch (git_tree_entry_type(entry)) {
        case GIT_OBJECT_TREE:
            ok = add_tree(c, child, depth + 1);
            break;
        case GIT_OBJECT_BLOB:
            if (!git_odb_exists(c->have, child) &&
                git_packbuilder_insert(c->pack, child, git_tree_entry_name(entry)) != 0)
                ok = missing_object(c, child, "file");
            break;
        default: /* a submodule's commit is in another repository */
            break;
        }
    }
    git_tree_free(tree);
    return ok;
}

/* An annotated tag and the tags it may point to, down to the commit. */
static bool add_tags(struct copy *c, const git_oid *id)
{
    git_oid next = *id;

    for (unsigned depth = 0; depth < MAX_DEPTH; depth++) {
        git_tag *tag = NULL;
        if (git_odb_exists(c->have, &next) || git_tag_lookup(&tag, c->from, &next) != 0)
            return true;
        if (git_packbuilder_insert(c->pack, &next, NULL) != 0) {
            git_tag_free(tag);
            return missing_object(c, &next, "tag");
        }
        next = *git_tag_target_id(tag);
        git_tag_free(tag);
    }
    return true;
}

static bool fill_pack(struct copy *c, const struct repo_commit *commit)
{
    git_commit *object = NULL;
    git_oid id, tag;

    git_oid_fromstr(&id, commit->id);
    git_oid_fromstr(&tag, commit->object);
    if (git_commit_lookup(&object, c->from, &id) != 0)
        return missing_object(c, &id, "commit");
    bool ok = git_odb_exists(c->have, &id) || git_packbuilder_insert(c->pack, &id, NULL) == 0 ||
              missing_object(c, &id, "commit");
    ok = ok && add_tree(c, git_commit_tree_id(object), 0) && add_tags(c, &tag);
    git_commit_free(object);
    return ok;
}

/* libgit2 writes pack and index under temporary names and renames them: all of it or nothing. */
static bool write_pack(struct copy *c)
{
    _cleanup_free_ char *dir = xasprintf("%sobjects/pack", git_repository_path(c->to));

    if (git_packbuilder_object_count(c->pack) == 0)
        return true;
    if (git_packbuilder_write(c->pack, dir, 0, on_write, c) != 0)
        return git_fail(c->err, "cannot copy from %s into the mirror", c->path);
    /* Without this the open database does not look for new packs. */
    return git_odb_refresh(c->have) == 0 ||
           git_fail(c->err, "cannot read the mirror of %s", c->path);
}

static bool copy_objects(struct copy *c, const struct repo_commit *commit)
{
    if (git_repository_odb(&c->have, c->to) != 0 || git_packbuilder_new(&c->pack, c->from) != 0)
        return git_fail(c->err, "cannot copy from %s", c->path);
    git_packbuilder_set_threads(c->pack, 0);
    git_packbuilder_set_callbacks(c->pack, on_pack, c);
    return fill_pack(c, commit) && write_pack(c);
}

/* Say that the commit's parents are elsewhere, in git's own way, so that git can read the mirror.
 */
static bool mark_shallow(struct copy *c, const char *commit)
{
    _cleanup_free_ char *file = xasprintf("%sshallow", git_repository_path(c->to));
    _cleanup_(buf_release) struct buf text = BUF_INIT;

    if (fs_exists(file) && !fs_read(file, 1024 * 1024, &text, c->err))
        return false;
    if (strstr(text.data, commit))
        return true;
    buf_addf(&text, "%s\n", commit);
    return fs_write(file, text.data, text.len, 0644, c->err);
}

static bool set_ref(struct copy *c, const char *ref, const struct repo_commit *commit)
{
    git_oid id;
    git_reference *made = NULL;

    git_oid_fromstr(&id, commit->object);
    if (commit->kind == REPO_COMMIT)
        return git_keep(c->to, &id, c->err);
    _cleanup_free_ char *name =
        xasprintf("%s%s", commit->kind == REPO_TAG ? "refs/tags/" : "refs/heads/", ref);
    if (git_reference_create(&made, c->to, name, &id, true, NULL) != 0)
        return git_fail(c->err, "cannot write %s into the mirror of %s", name, c->path);
    git_reference_free(made);
    return true;
}

bool repo_copy(struct git_repository *repo, const char *path, const char *ref,
               struct events *events, struct strv *names, struct err **err)
{
    _cleanup_repo_ struct git_repository *from = NULL;
    _cleanup_(repo_commit_release) struct repo_commit commit = REPO_COMMIT_INIT;
    _cleanup_(repo_commit_release) struct repo_commit copied = REPO_COMMIT_INIT;
    struct copy c = {NULL, repo, NULL, NULL, path, events, err};

    if (!repo_open(path, &from, err)) {
        (*err)->code = ERR_FETCH; /* ERR_NOT_FOUND is for the ref */
        return false;
    }
    c.from = from;
    repo_names(from, names);
    if (!repo_find(from, ref, &commit, err))
        return false;
    bool ok = copy_objects(&c, &commit) && repo_find(repo, commit.id, &copied, err) &&
              (copied.complete || mark_shallow(&c, commit.id)) && set_ref(&c, ref, &commit);
    git_packbuilder_free(c.pack);
    git_odb_free(c.have);
    return ok;
}
