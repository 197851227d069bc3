#include "builder/working_copy.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/text.h"
#include "builder/git.h"

#define COMMIT_DIGITS 40
#define PROGRESS_EVERY 256

bool working_copy_skips(const char *name)
{
    return !strcmp(name, ".git") || !strcmp(name, "build") || text_starts_with(name, "build-") ||
           !strcmp(name, "__pycache__");
}

/* Is a part of the path a directory that make or git writes to? */
static bool is_output(const char *path)
{
    for (const char *end; (end = strchr(path, '/')); path = end + 1) {
        _cleanup_free_ char *name = xstrndup(path, (size_t)(end - path));
        if (working_copy_skips(name))
            return true;
    }
    return false;
}

/* A link counts by where it leads, and the file there by its content; of a directory outside the
 * working copy, nothing else. */
static bool hash_entry(struct hash *hash, const char *path, const char *name, struct err **err)
{
    char digest[HASH_HEX_SIZE] = "", target[PATH_MAX];
    ssize_t len = readlink(path, target, sizeof(target));
    if (len >= 0)
        hash_field(hash, "link", target, (size_t)len);
    if ((len < 0 || fs_is_file(path)) && !hash_file(path, digest, err))
        return false;
    hash_field_str(hash, name, digest);
    return true;
}

static bool hash_tree(const char *dir, const struct strv *files, struct events *events,
                      char hex[HASH_HEX_SIZE], struct err **err)
{
    struct hash hash;
    hash_init(&hash);
    for (size_t i = 0; i < files->count; i++) {
        if (is_output(files->items[i]))
            continue;
        _cleanup_free_ char *path = path_join(dir, files->items[i]);
        if (!hash_entry(&hash, path, files->items[i], err))
            return false;
        if (i % PROGRESS_EVERY == 0)
            event_progress(events, "source", i, files->count, "files", NULL);
    }
    hash_final(&hash, hex);
    return true;
}

bool working_copy_open(const char *dir, const char *name, struct events *events,
                       struct source *source, struct err **err)
{
    _cleanup_(strv_release) struct strv files = STRV_INIT;
    char hex[HASH_HEX_SIZE];
    if (!fs_walk(dir, WORKING_COPY_MAX_FILES, &files, err) ||
        !hash_tree(dir, &files, events, hex, err))
        return err_wrap(err, "cannot read the working copy %s", name);
    *source = (struct source){
        .url = xstrdup(name),
        .ref = xstrdup("working copy"),
        .commit = xstrndup(hex, COMMIT_DIGITS),
        .origin = xstrdup("working copy"),
        .dir = xstrdup(dir),
        .describe = xstrdup("working-copy"),
        .dirty = !repo_is_clean(dir),
    };
    return true;
}
