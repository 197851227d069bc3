/*
 * A bundle: the files of one product, as they travel from `firn submit` to the daemon and lie in
 * its store.
 *
 *     {"files":[{"path":"lib/x.mpy","base64":"..."},{"path":"manifest.yaml","text":"..."}]}
 *
 * One content has one JSON text: files sorted by path (byte order), keys sorted, no white space,
 * "text" where the bytes are UTF-8 without NUL, else "base64". Its SHA-256 names the bundle.
 *
 * A path is relative and UTF-8, at most BUNDLE_PATH_MAX bytes with segments of at most
 * BUNDLE_NAME_MAX; no segment is empty or begins with a dot (so there is no ".." either), none has
 * a backslash or a control character. No two files have the same path, and none is another's
 * directory. So a bundle can be written into an empty directory and stays in it.
 *
 * Errors are ERR_USAGE where the content is wrong, others where the machine failed.
 * Single-threaded.
 *
 *     _cleanup_(bundle_release) struct bundle bundle = BUNDLE_INIT;
 *     if (!bundle_parse(json_object_get(body, "files"), &bundle, err))
 *         return false;
 */
#ifndef FIRN_BASE_BUNDLE_H
#define FIRN_BASE_BUNDLE_H

#include <jansson.h>

#include "base/err.h"
#include "base/hash.h"

#define BUNDLE_FILES_MAX 2000
#define BUNDLE_BYTES_MAX (8u * 1024 * 1024) /* of all files together, and of the JSON text */
#define BUNDLE_PATH_MAX 1024
#define BUNDLE_NAME_MAX 255
#define BUNDLE_MANIFEST "manifest.yaml" /* a bundle that is submitted has one */

struct bundle_file {
    char *path;
    char *data; /* with a NUL behind it */
    size_t size;
};

struct bundle {
    struct bundle_file *items; /* sorted by path */
    size_t count;
    size_t bytes; /* of all files */
};
#define BUNDLE_INIT                                                                                \
    {                                                                                              \
        NULL, 0, 0                                                                                 \
    }

/* May a file have this path? */
bool bundle_check_path(const char *path, struct err **err) MUST_CHECK;
/* Is it left out of what is sent of a directory: a hidden name, or __pycache__? */
bool bundle_skips_name(const char *name);
/* Copy one file in, at its place. False: its path is wrong or there already, or there is too much;
 * the bundle is as it was. */
bool bundle_add(struct bundle *bundle, const char *path, const void *data, size_t size,
                struct err **err) MUST_CHECK;
/* NULL = there is none. */
const struct bundle_file *bundle_find(const struct bundle *bundle, const char *path);
/* UTF-8 without NUL. */
bool bundle_is_text(const struct bundle_file *file);
/* Is no file the directory of another? The functions below that fill a bundle ask it themselves. */
bool bundle_check(const struct bundle *bundle, struct err **err) MUST_CHECK;

/* The value of "files", as somebody sent it; the bundle is empty before. Checks everything, and
 * that BUNDLE_MANIFEST is there. On failure what was read may be in the bundle. */
bool bundle_parse(const json_t *files, struct bundle *bundle, struct err **err) MUST_CHECK;
/* {"files":[...]}; yours. */
json_t *bundle_to_json(const struct bundle *bundle);
/* The same as the one text that it has, appended; and that text's SHA-256. */
void bundle_add_text(const struct bundle *bundle, struct buf *out);
void bundle_digest(const struct bundle *bundle, char hex[HASH_HEX_SIZE]);

/* Add every regular file below dir/path (path relative, "" = dir itself), with its path from dir.
 * Symbolic links, what is neither file nor directory, and names that bundle_skips_name() are left
 * out. A file that is in the bundle already stays as it is. (bundle_dir.c) */
bool bundle_add_dir(struct bundle *bundle, const char *dir, const char *path,
                    struct err **err) MUST_CHECK;
/* A whole directory into an empty bundle. */
bool bundle_read_dir(const char *dir, struct bundle *bundle, struct err **err) MUST_CHECK;
/* Into a directory that is there and empty: files (0644) and directories of their own, neither
 * synced nor renamed, since the bundle itself is kept elsewhere. */
bool bundle_write_dir(const struct bundle *bundle, const char *dir, struct err **err) MUST_CHECK;

void bundle_release(struct bundle *bundle);

#endif
