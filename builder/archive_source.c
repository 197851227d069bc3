#include "builder/archive_source.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

#include "base/fs.h"
#include "builder/fetch.h"
#include "builder/unpack.h"

#define ID_DIGITS 40
#define SHORT_ID 10
#define RECORD "source.json"
#define RECORD_MAX_BYTES (16 * 1024)

/* MICROPY_GIT_TAG, which ends up in a C string and in names of files. */
static bool is_version(const char *s)
{
    for (const char *p = s; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("._+-", *p))
            return false;
    return isdigit((unsigned char)*s) && strlen(s) <= 40;
}

char *archive_source_describe(const char *dir_name, const char *id)
{
    for (const char *dash = strchr(dir_name, '-'); dash; dash = strchr(dash + 1, '-')) {
        const char *version = dash + 1 + (dash[1] == 'v' && isdigit((unsigned char)dash[2]));
        if (is_version(version))
            return xasprintf("v%s", version);
    }
    return xasprintf("archive-%.*s", SHORT_ID, id);
}

/* ---- unpacking ---- */

static bool write_record(void *data, const char *dir, const struct unpacked *unpacked,
                         struct err **err)
{
    (void)data;
    _cleanup_free_ char *path = path_join(dir, RECORD);
    if (!unpacked->top) {
        err_set(err, ERR_FETCH, "the archive does not consist of one directory");
        return err_hint(err, "an archive of sources is expected, such as "
                             "micropython-1.25.0.tar.xz of MicroPython's releases");
    }
    json_t *record = json_pack("{s:s, s:I}", "directory", unpacked->top, "time",
                               (json_int_t)unpacked->newest_mtime);
    _cleanup_free_ char *text = record ? json_dumps(record, JSON_SORT_KEYS | JSON_INDENT(1)) : NULL;
    json_decref(record);
    return text ? fs_write(path, text, strlen(text), 0644, err)
                : err_set(err, ERR_FETCH, "the name of the archive's directory is not UTF-8");
}

static bool read_record(const char *dir, struct source *source, struct err **err)
{
    _cleanup_free_ char *path = path_join(dir, RECORD);
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    const char *name = NULL;
    json_int_t time = 0;
    if (!fs_read(path, RECORD_MAX_BYTES, &text, err))
        return false;
    json_t *record = json_loadb(text.data, text.len, 0, NULL);
    bool ok = json_unpack(record, "{s:s, s:I}", "directory", &name, "time", &time) == 0;
    if (ok) {
        source->describe = archive_source_describe(name, source->commit);
        source->commit_time = time;
    }
    json_decref(record);
    if (ok)
        return true;
    err_set(err, ERR_FETCH, "%s is damaged", path);
    return err_hint(err, "remove the directory %s; the next run makes it again", dir);
}

static char *place(const struct config *config, const char *sha256)
{
    return xasprintf("%s/src/%.*s-archive", config->home, ID_DIGITS, sha256);
}

/* The hash to look for here: the manifest's, or what was recorded of the URL; or NULL. */
static char *known_hash(const struct config *config, const char *url, const char *sha256)
{
    return sha256 ? xstrdup(sha256) : fetch_recorded(config, url);
}

char *archive_source_find(const struct config *config, const char *url, const char *sha256)
{
    _cleanup_free_ char *known = known_hash(config, url, sha256);
    _cleanup_free_ char *dir = known ? place(config, known) : NULL;
    return dir && fs_is_dir(dir) ? path_join(dir, "tree") : NULL;
}

/* *known becomes the archive's hash. */
static bool bring(const struct config *config, const char *url, const char *sha256,
                  const struct source_options *options, struct events *events, char **known,
                  struct err **err)
{
    _cleanup_(fetched_release) struct fetched got = FETCHED_INIT;
    const struct fetch fetch = {.config = config,
                                .name = "firmware",
                                .phase = "source",
                                .url = url,
                                .sha256 = sha256,
                                .offline = options->offline};
    if (!fetch_get(&fetch, events, &got, err))
        return false;
    const struct unpack unpack = {
        .archive = got.path, .name = "firmware", .phase = "source", .below = "tree", .strip = 1};
    free(*known);
    *known = xstrdup(got.sha256);
    _cleanup_free_ char *dir = place(config, got.sha256);
    return unpack_publish(&unpack, dir, write_record, NULL, events, err);
}

bool archive_source_open(const struct config *config, const char *url, const char *sha256,
                         const struct source_options *options, struct events *events,
                         struct source *source, struct err **err)
{
    _cleanup_free_ char *known = known_hash(config, url, sha256);
    _cleanup_free_ char *there = archive_source_find(config, url, sha256);
    if (!there && !bring(config, url, sha256, options, events, &known, err))
        return false;
    _cleanup_free_ char *dir = place(config, known);
    source_release(source);
    *source = (struct source){
        .url = xstrdup(url),
        .ref = xstrdup("archive"),
        .commit = xstrndup(known, ID_DIGITS),
        .archive_sha256 = xstrdup(known),
        .origin = xstrdup("archive"),
        .dir = path_join(dir, "tree"),
    };
    return read_record(dir, source, err);
}
