/* /v1/images: what was built, to look at and to take away. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/json_get.h"
#include "base/text.h"
#include "station/api.h"
#include "station/work.h"

#define HISTORY_MAX 500

/* A cursor is "<built_ms>-<digest>" of the last one of the page. */
static bool take_cursor(const struct http_request *request, struct http_response *r,
                        struct image_filter *filter)
{
    const char *cursor = http_query(request, "cursor");
    char *end = NULL;
    if (!cursor || !*cursor)
        return true;
    filter->before_ms = strtoll(cursor, &end, 10);
    if (filter->before_ms > 0 && *end == '-' && hash_is_hex(end + 1)) {
        filter->before = end + 1;
        return true;
    }
    http_problem(r, 400, "wrong-cursor", "take it from \"next\" of the page before",
                 "this is no cursor");
    return false;
}

HANDLER(api_images_list)
{
    struct station *station = app;
    struct image_filter filter = {.product = http_query(request, "product"),
                                  .text = http_query(request, "q")};
    _cleanup_(image_list_release) struct image_list list = IMAGE_LIST_INIT;
    struct err *err = NULL;
    int64_t limit = 50;
    char next[96];
    if (!http_query_int(request, r, "limit", 1, 500, &limit) || !take_cursor(request, r, &filter))
        return;
    filter.limit = (int)limit;
    if (filter.product && !*filter.product)
        filter.product = NULL;
    if (!store_images_list(station->store, &filter, &list, &err)) {
        api_error(app, r, &err);
        return;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < list.count; i++)
        json_array_append_new(items, image_to_json(&list.items[i], false));
    bool more = list.count == (size_t)limit;
    if (more)
        snprintf(next, sizeof(next), "%lld-%s", (long long)list.items[list.count - 1].built_ms,
                 list.items[list.count - 1].digest);
    api_list(r, items, more ? next : NULL);
}

static bool get_image(struct station *station, const struct http_request *request,
                      struct http_response *r, struct image_row *image)
{
    struct err *err = NULL;
    if (!hash_is_hex(request->params[0])) {
        http_problem(r, 404, "not-found", "GET /v1/images has all of them",
                     "'%s' is no digest of an image", request->params[0]);
        return false;
    }
    if (store_image_get(station->store, request->params[0], image, &err))
        return true;
    api_error(station, r, &err);
    return false;
}

/* Of all images of its product, the oldest first. */
static json_t *history(struct station *station, const char *product)
{
    struct image_filter filter = {.product = product, .limit = HISTORY_MAX};
    _cleanup_(image_list_release) struct image_list list = IMAGE_LIST_INIT;
    struct err *err = NULL;
    json_t *items = json_array();
    if (!store_images_list(station->store, &filter, &list, &err)) {
        err_free(err);
        return items;
    }
    for (size_t i = list.count; i-- > 0;) {
        const struct image_row *row = &list.items[i];
        json_array_append_new(
            items, json_pack("{s:s, s:s, s:o, s:I, s:I}", "digest", row->digest, "version",
                             row->version, "built_at", json_time(row->built_ms), "flash",
                             (json_int_t)row->flash, "ram", (json_int_t)row->ram));
    }
    return items;
}

/* Are its files here to be had? Another station's are not, nor those that were cleaned away. */
static bool is_here(const struct station *station, const struct image_row *image)
{
    _cleanup_free_ char *dir = work_image_dir(station, image->digest);
    return image->here && fs_is_dir(dir);
}

HANDLER(api_image_get)
{
    struct image_row image;
    if (!get_image(app, request, r, &image))
        return;
    json_t *json = image_to_json(&image, true);
    json_object_set_new(json, "history", history(app, image.product));
    json_object_set_new(json, "here", json_boolean(is_here(app, &image)));
    http_json_etag(request, r, json);
    image_row_release(&image);
}

static const char *type_of(const char *name)
{
    if (text_ends_with(name, ".json"))
        return "application/json";
    if (text_ends_with(name, ".map") || text_ends_with(name, ".hex"))
        return "text/plain; charset=utf-8";
    return "application/octet-stream";
}

static bool has_file(const struct image_row *image, const char *name)
{
    size_t i;
    json_t *file;
    json_array_foreach(image->files, i,
                       file) if (strcmp(json_get_text(file, "name"), name) == 0) return true;
    return false;
}

HANDLER(api_image_file)
{
    struct station *station = app;
    struct image_row image;
    const char *name = request->params[1];
    struct err *err = NULL;
    if (!get_image(station, request, r, &image))
        return;
    _cleanup_free_ char *dir = work_image_dir(station, image.digest);
    _cleanup_free_ char *path = path_join(dir, name);
    /* Only what was listed when it was built: nothing else in the directory has a name here. */
    bool listed = has_file(&image, name);
    int fd = listed && image.here ? open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (fd >= 0) {
        http_file(request, r, fd, type_of(name), name);
        if (!station->store_fault && !store_image_used(station->store, image.digest, &err))
            station_store_failed(station, &err);
    } else if (listed) {
        http_problem(r, 404, "image-gone", "build the product again: the same image comes out",
                     "the files of image %.12s were cleaned away, or are at station %s",
                     image.digest, image.station);
    } else {
        http_problem(r, 404, "not-found", "\"files\" of the image has all of them",
                     "image %.12s has no file '%s'", image.digest, name);
    }
    image_row_release(&image);
}

HANDLER(api_image_release)
{
    static const char *const known[] = {"released", NULL};
    struct station *station = app;
    const json_t *released = json_object_get(request->json, "released");
    struct image_row image;
    struct err *err = NULL;
    if (!api_only_keys(request, r, known) || !get_image(station, request, r, &image))
        return;
    if (!json_is_boolean(released)) {
        http_problem(r, 400, "wrong-type", "send {\"released\": true} or false",
                     "\"released\" is not there");
        image_row_release(&image);
        return;
    }
    json_t *body =
        json_pack("{s:s, s:s, s:s, s:O, s:s}", "image", image.digest, "product", image.product,
                  "version", image.version, "released", released, "by", request->who.name);
    struct record_new record = {"release", body};
    if (store_image_release(station->store, image.digest, json_is_true(released), &record, &err)) {
        image.released = json_is_true(released);
        http_json(r, 200, image_to_json(&image, false));
        station_changed(station);
    } else {
        api_error(app, r, &err);
    }
    json_decref(body);
    image_row_release(&image);
}
