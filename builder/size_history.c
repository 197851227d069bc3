#include "builder/size_history.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "builder/last_build.h"

static char *history_path(const struct config *config, const char *manifest_path)
{
    _cleanup_free_ char *name = last_build_name(manifest_path);
    return xasprintf("%s/history/%s.jsonl", config->home, name);
}

static void read_lines(const char *path, struct buf *text)
{
    _cleanup_err_ struct err *ignored = NULL;
    if (!fs_read_shared(path, 2 * SIZE_HISTORY_MAX_BYTES, text, &ignored))
        buf_clear(text);
}

json_t *size_history_load(const struct config *config, const char *manifest_path)
{
    _cleanup_free_ char *path = history_path(config, manifest_path);
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    json_t *list = json_array();
    read_lines(path, &text);
    for (char *line = text.data, *end; (end = strchr(line, '\n')); line = end + 1) {
        json_t *entry = json_loadb(line, (size_t)(end - line), 0, NULL);
        if (json_is_object(json_object_get(entry, "size")))
            json_array_append(list, entry);
        json_decref(entry);
    }
    return list;
}

/* The last line, without its end; NULL: there is none that is whole. */
static const char *last_line(const struct buf *text, size_t *len)
{
    if (!text->len || text->data[text->len - 1] != '\n')
        return NULL;
    const char *end = text->data + text->len - 1;
    const char *start = memrchr(text->data, '\n', (size_t)(end - text->data));
    start = start ? start + 1 : text->data;
    *len = (size_t)(end - start);
    return start;
}

static bool is_last(const struct buf *text, const char *key)
{
    size_t len = 0;
    const char *line = last_line(text, &len);
    json_t *entry = line ? json_loadb(line, len, 0, NULL) : NULL;
    const char *kept = json_string_value(json_object_get(entry, "key"));
    bool same = kept && key && !strcmp(kept, key);
    json_decref(entry);
    return same;
}

/* NULL: the sidecar has no size. The caller frees. */
static char *make_line(const json_t *sidecar)
{
    json_t *size = json_object_get(sidecar, "size");
    if (!size)
        return NULL;
    json_t *entry = json_pack(
        "{s:I, s:O, s:O, s:O?, s:O}", "time", (json_int_t)time(NULL), "version",
        json_object_get(sidecar, "version"), "key", json_object_get(sidecar, "key"), "board",
        json_object_get(json_object_get(sidecar, "board"), "name"), "size", size);
    char *text = entry ? json_dumps(entry, JSON_SORT_KEYS | JSON_COMPACT) : NULL;
    json_decref(entry);
    return text;
}

/* One write at the end. A line that a killed process left unfinished is ended first. */
static bool append(const char *path, const struct buf *text, const char *line, struct err **err)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
    buf_addf(&out, "%s%s\n", text->len && text->data[text->len - 1] != '\n' ? "\n" : "", line);
    bool ok = fd >= 0 && write(fd, out.data, out.len) == (ssize_t)out.len;
    int errnum = errno;
    if (fd >= 0)
        close(fd);
    return ok || err_set_errno(err, ERR_FAILED, errnum, "cannot write '%s'", path);
}

static bool drop_older_half(const char *path, const struct buf *text, const char *line,
                            struct err **err)
{
    _cleanup_(buf_release) struct buf kept = BUF_INIT;
    const char *from = memchr(text->data + text->len / 2, '\n', text->len - text->len / 2);
    if (from)
        buf_adds(&kept, from + 1);
    buf_addf(&kept, "%s\n", line);
    return fs_write(path, kept.data, kept.len, 0644, err);
}

bool size_history_add(const struct config *config, const char *manifest_path, const json_t *sidecar,
                      struct err **err)
{
    _cleanup_free_ char *path = history_path(config, manifest_path);
    _cleanup_free_ char *dir = path_dirname(path);
    _cleanup_free_ char *lock_path = path_join(dir, ".lock");
    _cleanup_free_ char *line = make_line(sidecar);
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_(fs_unlock) int lock = -1;
    if (!line)
        return true;
    if (!fs_mkdirs(dir, err) || !fs_lock(lock_path, NULL, NULL, &lock, err))
        return false;
    read_lines(path, &text);
    if (is_last(&text, json_string_value(json_object_get(sidecar, "key"))))
        return true;
    return text.len > SIZE_HISTORY_MAX_BYTES ? drop_older_half(path, &text, line, err)
                                             : append(path, &text, line, err);
}
