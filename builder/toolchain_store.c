#include "builder/toolchain_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "builder/fetch.h"
#include "builder/unpack.h"

#define RECORD ".firn.json"
#define RECORD_MAX_BYTES (64u * 1024 * 1024)

static char *store_path(const struct config *config, const char *sha256)
{
    return xasprintf("%s/toolchains/store/%s", config->home, sha256);
}

struct stored_toolchain toolchain_store_find(const struct config *config,
                                             const struct toolchain_download *download)
{
    struct stored_toolchain stored = STORED_TOOLCHAIN_INIT;
    char *sha256 = download->sha256 ? xstrdup(download->sha256)
                   : download->url  ? fetch_recorded(config, download->url)
                                    : NULL;
    char *root = sha256 ? store_path(config, sha256) : NULL;
    if (root && fs_is_dir(root))
        return (struct stored_toolchain){root, sha256};
    free(root);
    free(sha256);
    return stored;
}

/* The last word on a directory that was unpacked: every file's hash goes with it. */
static bool write_record(void *data, const char *dir, const struct unpacked *unpacked,
                         struct err **err)
{
    const struct toolchain_download *download = data;
    _cleanup_free_ char *path = path_join(dir, RECORD);
    json_t *record = json_pack("{s:s, s:O}", "url", download->url, "files", unpacked->digests);
    _cleanup_free_ char *text = record ? json_dumps(record, JSON_SORT_KEYS | JSON_INDENT(1)) : NULL;
    json_decref(record);
    return text ? fs_write(path, text, strlen(text), 0644, err)
                : err_set(err, ERR_FETCH, "the URL is not UTF-8");
}

bool toolchain_store_get(const struct config *config, const char *name,
                         const struct toolchain_download *download, bool offline,
                         struct events *events, struct stored_toolchain *stored, struct err **err)
{
    *stored = toolchain_store_find(config, download);
    if (stored->root)
        return true;
    _cleanup_free_ char *shown = xasprintf("toolchain '%s'", name);
    _cleanup_(fetched_release) struct fetched got = FETCHED_INIT;
    const struct fetch fetch = {.config = config,
                                .name = shown,
                                .phase = "toolchain",
                                .url = download->url,
                                .sha256 = download->sha256,
                                .offline = offline};
    if (!fetch_get(&fetch, events, &got, err))
        return false;
    const struct unpack unpack = {.archive = got.path,
                                  .name = shown,
                                  .phase = "toolchain",
                                  .strip = (unsigned)download->strip,
                                  .read_only = true};
    char *root = store_path(config, got.sha256);
    struct toolchain_download of = *download;
    *stored = (struct stored_toolchain){root, xstrdup(got.sha256)};
    if (unpack_publish(&unpack, root, write_record, &of, events, err))
        return true;
    stored_toolchain_release(stored);
    return false;
}

void stored_toolchain_release(struct stored_toolchain *stored)
{
    free(stored->root);
    free(stored->sha256);
    *stored = (struct stored_toolchain)STORED_TOOLCHAIN_INIT;
}

/* ---- is it still what was unpacked? ---- */

static json_t *read_record(const char *root, struct err **err)
{
    _cleanup_free_ char *path = path_join(root, RECORD);
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    if (!fs_read(path, RECORD_MAX_BYTES, &text, err))
        return NULL;
    json_t *record = json_loadb(text.data, text.len, 0, NULL);
    json_t *files = json_incref(json_object_get(record, "files"));
    json_decref(record);
    if (json_is_object(files))
        return files;
    json_decref(files);
    err_set(err, ERR_AUTHENTIC, "%s is damaged", path);
    return NULL;
}

static bool check_file(const char *root, const json_t *digests, const json_t *file,
                       struct err **err)
{
    const char *path = json_string_value(json_object_get(file, "path"));
    const char *now = json_string_value(json_object_get(file, "sha256"));
    _cleanup_free_ char *real = path ? realpath(path, NULL) : NULL;
    if (!real || !path_is_beneath(real, root))
        return true; /* not of this toolchain: it counts by its hash alone */
    const char *then = json_string_value(json_object_get(digests, real + strlen(root) + 1));
    if (then && now && !strcmp(then, now))
        return true;
    return err_set(err, ERR_AUTHENTIC, "%s %s", real,
                   then ? "is not what it was when the toolchain was unpacked"
                        : "was not there when the toolchain was unpacked");
}

bool toolchain_store_check(const char *root, const json_t *files, struct err **err)
{
    _cleanup_free_ char *real = realpath(root, NULL);
    json_t *digests = read_record(root, err), *file;
    const char *name;
    bool ok = digests != NULL && real;
    json_object_foreach((json_t *)files, name, file)
    {
        ok = ok && check_file(real, digests, file, err);
    }
    json_decref(digests);
    if (ok)
        return true;
    if (!*err)
        err_set(err, ERR_AUTHENTIC, "%s is not there any more", root);
    return err_hint(err, "remove %s: the next build unpacks it anew; and find out who changed it",
                    root);
}
