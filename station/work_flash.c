/* A flash: an image that was built here, into the board on a port. */
#include <string.h>

#include "base/fs.h"
#include "base/json_get.h"
#include "base/text.h"
#include "station/work.h"

/* The file that is flashed: the first of these that the image has. Borrowed, or NULL. */
static const char *flashable(const json_t *files)
{
    static const char *const suffixes[] = {".dfu", ".hex", ".elf"};
    size_t i;
    json_t *file;
    for (size_t s = 0; s < ARRAY_SIZE(suffixes); s++) {
        json_array_foreach(files, i, file)
        {
            const char *name = json_get_text(file, "name");
            if (text_ends_with(name, suffixes[s]))
                return name;
        }
    }
    return NULL;
}

bool work_flash_prepare(struct station *station, const struct job *job, const char *dir,
                        struct strv *argv, char **cwd, struct err **err)
{
    struct image_row image;
    if (!job->image)
        return err_set(err, ERR_FAILED, "the build that it waited for made no image");
    if (!store_image_get(station->store, job->image, &image, err))
        return err_wrap(err, "cannot flash %s", job->image);
    const char *name = flashable(image.files);
    _cleanup_free_ char *place = work_image_dir(station, job->image);
    _cleanup_free_ char *path = name ? path_join(place, name) : NULL;
    bool ok = path && fs_is_file(path);
    if (ok) {
        strv_add(argv, "flash");
        strv_add(argv, "--events=3");
        strv_add(argv, "--no-color");
        if (job->path)
            strv_addf(argv, "--path=%s", job->path);
        strv_add(argv, path);
        *cwd = xstrdup(dir);
    } else {
        err_set(err, ERR_FAILED, "the files of image %.12s (%s %s) are not here", job->image,
                image.name, image.version);
        err_hint(err, "build %s again: the same image comes out", image.product);
    }
    image_row_release(&image);
    return ok;
}

void work_flash_record(const struct work_end *end, json_t *body)
{
    static const char *const members[] = {"serial",         "seconds",        "bytes_written",
                                          "sectors_erased", "verified",       "left",
                                          "returned",       "bytes_unchanged"};
    const json_t *board = json_array_get(json_object_get(end->result, "boards"), 0);
    const char *path = json_get_text(board, "path");
    json_object_set_new(body, "path", *path ? json_string(path) : json_text(end->job->path));
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        json_t *value = json_object_get(board, members[i]);
        json_object_set_new(body, members[i], value ? json_incref(value) : json_null());
    }
}
