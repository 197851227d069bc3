#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"
#include "builder/git_internal.h"

#define MAX_DEPTH 64
#define PROGRESS_STEP 64

struct export
{
    git_repository *repo;
    struct events *events;
    size_t *files;
    struct err **err;
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* A name out of a tree object becomes a path of ours: one component, and none that means something
 * else to the file system or to git. */
static bool is_safe_name(const char *name)
{
    return name[0] && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
           strcasecmp(name, ".git") != 0;
}

static bool write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

static bool write_link(struct export *ex, int dir, const char *name, const char *path,
                       git_blob *blob, unsigned depth)
{
    _cleanup_free_ char *target =
        xstrndup(git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob));

    if (!path_link_stays(target, depth))
        return err_set(ex->err, ERR_FETCH,
                       "refusing the symbolic link %s -> %s: it may lead out of "
                       "the source",
                       path, target);
    return symlinkat(target, dir, name) == 0 ||
           err_set_errno(ex->err, ERR_FAILED, errno, "cannot write %s", path);
}

static bool write_file(struct export *ex, int dir, const char *name, const char *path,
                       git_blob *blob, mode_t mode)
{
    _cleanup_(close_fd) int fd =
        openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    /* fchmod, because the umask must not change what is built. */
    if (fd < 0 || !write_all(fd, git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob)) ||
        fchmod(fd, mode) != 0 || !fs_close(&fd))
        return err_set_errno(ex->err, ERR_FAILED, errno, "cannot write %s", path);
    return true;
}

static bool write_blob(struct export *ex, int dir, const git_tree_entry *entry, const char *path,
                       unsigned depth)
{
    git_blob *blob = NULL;
    git_filemode_t mode = git_tree_entry_filemode(entry);
    const char *name = git_tree_entry_name(entry);
    bool ok;

    if (git_blob_lookup(&blob, ex->repo, git_tree_entry_id(entry)) != 0)
        return git_fail(ex->err, "cannot read %s", path);
    if (mode == GIT_FILEMODE_LINK)
        ok = write_link(ex, dir, name, path, blob, depth);
    else
        ok = write_file(ex, dir, name, path, blob,
                        mode == GIT_FILEMODE_BLOB_EXECUTABLE ? 0755 : 0644);
    git_blob_free(blob);
    if (++*ex->files % PROGRESS_STEP == 0)
        event_progress(ex->events, "source", *ex->files, 0, "files", path);
    return ok;
}

/* A new directory; open, or -1. One that is there already was a file or link of the same name in a
 * malformed tree. */
static int make_dir(struct export *ex, int parent, const char *name, const char *path)
{
    int fd = -1;

    if (mkdirat(parent, name, 0700) == 0)
        fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fchmod(fd, 0755) != 0) {
        err_set_errno(ex->err, ERR_FAILED, errno, "cannot make the directory %s", path);
        close_fd(&fd);
        return -1;
    }
    return fd;
}

static bool write_tree(struct export *ex, int dir, git_tree *tree, const char *prefix,
                       unsigned depth);

static bool write_subtree(struct export *ex, int dir, const git_tree_entry *entry, const char *path,
                          unsigned depth)
{
    git_tree *tree = NULL;
    _cleanup_(close_fd) int fd = make_dir(ex, dir, git_tree_entry_name(entry), path);

    if (fd < 0)
        return false;
    if (git_tree_entry_filemode(entry) == GIT_FILEMODE_COMMIT)
        return true; /* a submodule's place */
    if (git_tree_lookup(&tree, ex->repo, git_tree_entry_id(entry)) != 0)
        return git_fail(ex->err, "cannot read %s", path);
    bool ok = write_tree(ex, fd, tree, path, depth + 1);
    git_tree_free(tree);
    return ok;
}

static bool write_tree(struct export *ex, int dir, git_tree *tree, const char *prefix,
                       unsigned depth)
{
    if (depth > MAX_DEPTH)
        return err_set(ex->err, ERR_FETCH, "%s: too many directories in each other", prefix);
    for (size_t i = 0; i < git_tree_entrycount(tree); i++) {
        const git_tree_entry *entry = git_tree_entry_byindex(tree, i);
        const char *name = git_tree_entry_name(entry);
        _cleanup_free_ char *path = xasprintf("%s%s%s", prefix, *prefix ? "/" : "", name);

        if (interrupt_requested())
            return err_set(ex->err, ERR_INTERRUPTED, "checkout: interrupted");
        if (!is_safe_name(name))
            return err_set(ex->err, ERR_FETCH, "refusing the file name '%s' in the source", path);
        git_object_t type = git_tree_entry_type(entry);
        if (type == GIT_OBJECT_BLOB ? !write_blob(ex, dir, entry, path, depth)
                                    : !write_subtree(ex, dir, entry, path, depth))
            return false;
    }
    return true;
}

bool repo_export(struct git_repository *repo, const char *commit, const char *dir,
                 struct events *events, size_t *files, struct err **err)
{
    struct export ex = {repo, events, files, err};
    git_tree *tree = NULL;
    _cleanup_(close_fd) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot open %s", dir);
    if (!git_commit_tree_of(repo, commit, &tree, err))
        return false;
    bool ok = write_tree(&ex, fd, tree, "", 0);
    git_tree_free(tree);
    return ok;
}
