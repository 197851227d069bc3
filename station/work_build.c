/* A build, and the look whether a ref has moved: both work on a product's files. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bundle.h"
#include "base/fs.h"
#include "base/json_get.h"
#include "station/work.h"

#define SIDECAR_MAX (4u * 1024 * 1024)
#define PLACES_MAX 100 /* builds of one product at the same time */

/* ---- before ---- */

/* An empty directory for the work of this product, which no other job has. */
static char *make_place(const struct station *station, const char *product, struct err **err)
{
    _cleanup_free_ char *parent = path_join(station->dir, "work");
    if (!fs_mkdirs(parent, err))
        return NULL;
    for (int i = 1; i <= PLACES_MAX; i++) {
        char *place = i == 1 ? xasprintf("%s/%s", parent, product)
                             : xasprintf("%s/%s~%d", parent, product, i);
        if (mkdir(place, 0750) == 0)
            return place;
        int errnum = errno;
        free(place);
        if (errnum != EEXIST) {
            err_set_errno(err, ERR_FAILED, errnum, "cannot make a directory in %s", parent);
            return NULL;
        }
    }
    err_set(err, ERR_FAILED, "%d builds of %s run already", PLACES_MAX, product);
    return NULL;
}

static bool write_files(struct station *station, const char *digest, const char *place,
                        struct err **err)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_(bundle_release) struct bundle bundle = BUNDLE_INIT;
    if (!store_bundle_get(station->store, digest, &text, err))
        return err_wrap(err, "the product's files are not in the store");
    json_t *json = json_loadb(text.data, text.len, 0, NULL);
    bool ok = bundle_parse(json_object_get(json, "files"), &bundle, err) &&
              bundle_write_dir(&bundle, place, err);
    json_decref(json);
    return ok;
}

bool work_build_prepare(struct station *station, const struct job *job, const char *dir,
                        struct strv *argv, char **cwd, struct err **err)
{
    _cleanup_free_ char *link = path_join(dir, "work");
    _cleanup_free_ char *place = make_place(station, job->product, err);
    if (!place)
        return false;
    if (symlink(place, link) != 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot make %s", link);
    if (!write_files(station, job->bundle, place, err))
        return false;
    strv_add(argv, job->kind == JOB_BUILD ? "build" : "lock");
    strv_add(argv, "--events=3");
    strv_add(argv, "--no-color");
    if (job->kind == JOB_BUILD) {
        strv_addf(argv, "--output=%s/out", dir);
        strv_addf(argv, "--jobs=%d", job->need_cores);
    } else {
        strv_add(argv, "--update=source");
    }
    strv_add(argv, BUNDLE_MANIFEST);
    *cwd = xstrdup(place);
    return true;
}

/* ---- afterwards ---- */

static json_t *load_sidecar(const char *dir, const char *name)
{
    _cleanup_free_ char *file = xasprintf("%s/%s.json", dir, name);
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    struct err *err = NULL;
    if (!fs_read(file, SIDECAR_MAX, &text, &err)) {
        err_free(err);
        return NULL;
    }
    return json_loadb(text.data, text.len, 0, NULL);
}

static bool list_files(const char *dir, struct image_row *image, struct err **err)
{
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    if (!fs_list(dir, &names, err))
        return false;
    image->files = json_array();
    for (size_t i = 0; i < names.count; i++) {
        _cleanup_free_ char *path = path_join(dir, names.items[i]);
        struct stat st;
        if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
            continue;
        image->on_disk += (int64_t)st.st_blocks * 512;
        json_array_append_new(image->files, json_pack("{s:s, s:I}", "name", names.items[i], "bytes",
                                                      (json_int_t)st.st_size));
    }
    return true;
}

static void describe(struct image_row *image, const struct work_end *end, const json_t *built)
{
    const json_t *size = json_object_get(image->sidecar, "size");
    const json_t *ram = json_object_get(size, "ram");
    image->digest = xstrdup(json_get_text(built, "digest"));
    image->product = xstrdup(end->job->product);
    image->name = xstrdup(json_get_text(built, "product"));
    image->version = xstrdup(json_get_text(built, "version"));
    image->board = xstrdup(json_get_text(built, "board"));
    image->bundle = xstrdup(end->job->bundle);
    image->station = xstrdup(end->job->station);
    image->job = end->job->id;
    image->bytes = json_get_int(built, "size");
    image->flash = json_get_int(size, "flash");
    image->ram = json_get_int(ram, "data") + json_get_int(ram, "bss");
    image->built_ms = image->used_ms = now_ms();
    image->here = true;
}

/* <home>/station/images/<digest>, made whole or not at all. What lies there is the same image. */
static bool put_in_place(const char *out, const char *place, struct err **err)
{
    _cleanup_free_ char *parent = path_dirname(place);
    if (!fs_exists(out) && fs_is_dir(place))
        return true; /* by an earlier attempt to write this end down */
    return fs_mkdirs(parent, err) && fs_publish_dir(out, place, err);
}

bool work_build_finish(struct station *station, const struct work_end *end,
                       struct work_outcome *outcome, struct err **err)
{
    const json_t *built = json_array_get(json_object_get(end->result, "images"), 0);
    const char *digest = json_get_text(built, "digest");
    if (!hash_is_hex(digest))
        return err_set(err, ERR_FAILED, "firn build did not say which image it made");
    _cleanup_free_ char *out = path_join(end->dir, "out");
    _cleanup_free_ char *place = work_image_dir(station, digest);
    _cleanup_free_ char *name =
        xasprintf("%s-%s", json_get_text(built, "product"), json_get_text(built, "version"));
    if (!put_in_place(out, place, err))
        return err_wrap(err, "cannot keep the image");
    outcome->image = (struct image_row){.sidecar = load_sidecar(place, name)};
    outcome->has_image = true;
    describe(&outcome->image, end, built);
    return list_files(place, &outcome->image, err);
}

void work_build_record(const struct work_outcome *outcome, json_t *body)
{
    const struct image_row *image = &outcome->image;
    if (!outcome->has_image)
        return;
    json_object_set_new(body, "name", json_text(image->name));
    json_object_set_new(body, "version", json_text(image->version));
    json_object_set_new(body, "board", json_text(image->board));
    json_object_set_new(body, "bytes", json_integer(image->bytes));
    json_object_set_new(body, "flash", json_integer(image->flash));
    json_object_set_new(body, "ram", json_integer(image->ram));
    static const char *const inputs[] = {"source", "toolchain", "key", "files"};
    for (size_t i = 0; i < ARRAY_SIZE(inputs); i++) {
        json_t *value = json_object_get(image->sidecar, inputs[i]);
        if (value)
            json_object_set(body, inputs[i], value);
    }
}
