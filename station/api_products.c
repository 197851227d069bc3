/* /v1/products: what there is to build, and putting it there. */
#include <string.h>

#include "base/json_get.h"
#include "base/text.h"
#include "station/api.h"
#include "station/catalogue.h"

struct listing {
    struct station *station;
    json_t *items;
};

static void add_shown(void *data, const json_t *product)
{
    struct listing *listing = data;
    json_array_append_new(listing->items, product_shown(listing->station, product, false));
}

HANDLER(api_products_list)
{
    struct station *station = app;
    struct listing listing = {station, json_array()};
    catalogue_each(station->catalogue, add_shown, &listing);
    http_json_etag(request, r, json_pack("{s:o, s:n}", "items", listing.items, "next"));
}

/* NULL: 404 was answered. */
static const json_t *find(struct station *station, const struct http_request *request,
                          struct http_response *r)
{
    const json_t *product = catalogue_get(station->catalogue, request->params[0]);
    if (!product)
        http_problem(r, 404, "not-found", "GET /v1/products has all of them",
                     "there is no product '%s'", request->params[0]);
    return product;
}

/* Begins with the bundle: If-Match of a PUT looks at that part. */
static char *tag_of(const json_t *product, const json_t *shown)
{
    _cleanup_free_ char *all = http_etag(shown);
    const char *bundle = json_get_text(product, "bundle");
    return xasprintf("\"%s-%s", *bundle ? bundle : "none", all + 1);
}

HANDLER(api_product_get)
{
    const json_t *product = find(app, request, r);
    if (!product)
        return;
    json_t *shown = product_shown(app, product, true);
    _cleanup_free_ char *tag = tag_of(product, shown);
    const char *known = http_header(request, "If-None-Match");
    http_add_header(r, "ETag", "%s", tag);
    http_add_header(r, "Cache-Control", "no-cache");
    if (known && strcmp(known, tag) == 0) {
        json_decref(shown);
        http_text(r, 304, NULL, "", 0);
        return;
    }
    http_json(r, 200, shown);
}

/* Did somebody else change it? */
static bool check_match(struct station *station, const struct http_request *request,
                        struct http_response *r)
{
    const char *wanted = http_header(request, "If-Match");
    const json_t *product = catalogue_get(station->catalogue, request->params[0]);
    const char *bundle = json_get_text(product, "bundle");
    size_t len = strlen(bundle);
    if (!wanted)
        return true;
    if (strcmp(wanted, "*") == 0
            ? product != NULL
            : len && wanted[0] == '"' && strncmp(wanted + 1, bundle, len) == 0 &&
                  (wanted[len + 1] == '-' || wanted[len + 1] == '"'))
        return true;
    http_problem(r, 412, "changed-meanwhile", "get it again, and make your change to that",
                 "%s is not any more what you changed", request->params[0]);
    return false;
}

HANDLER(api_product_put)
{
    static const char *const known[] = {"files", "build", NULL};
    struct station *station = app;
    const char *name = request->params[0];
    _cleanup_(bundle_release) struct bundle bundle = BUNDLE_INIT;
    struct err *err = NULL;
    const json_t *build = json_object_get(request->json, "build");
    if (api_refuses(station, r) || !api_only_keys(request, r, known) ||
        !check_match(station, request, r))
        return;
    if (!catalogue_is_name(name)) {
        http_problem(r, 400, "wrong-name", "lower-case letters, digits, '.', '_', '-', up to 64",
                     "'%s' is no name of a product", name);
        return;
    }
    if (!bundle_parse(json_object_get(request->json, "files"), &bundle, &err)) {
        api_error(app, r, &err);
        return;
    }
    if (!catalogue_put(station->catalogue, name, &bundle, json_is_true(build), request->who.name,
                       &err)) {
        bool of_directory = err->code == ERR_USAGE;
        if (!of_directory) {
            api_error(app, r, &err);
            return;
        }
        _cleanup_(buf_release) struct buf text = BUF_INIT;
        err_add_message(err, &text);
        http_problem(r, 409, "not-submitted", err_get_hint(err), "%s", text.data);
        err_free(err);
        return;
    }
    http_add_header(r, "Location", "/v1/products/%s", name);
    http_json(r, 202, product_shown(station, catalogue_get(station->catalogue, name), true));
}

HANDLER(api_product_delete)
{
    struct station *station = app;
    struct err *err = NULL;
    if (catalogue_remove(station->catalogue, request->params[0], &err)) {
        http_text(r, 204, NULL, "", 0);
        return;
    }
    if (err->code != ERR_USAGE) {
        api_error(app, r, &err);
        return;
    }
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    err_add_message(err, &text);
    http_problem(r, 409, "not-submitted", err_get_hint(err), "%s", text.data);
    err_free(err);
}

HANDLER(api_product_file)
{
    struct station *station = app;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_(bundle_release) struct bundle bundle = BUNDLE_INIT;
    struct err *err = NULL;
    const json_t *product = find(station, request, r);
    if (!product)
        return;
    if (!store_bundle_get(station->store, json_get_text(product, "bundle"), &text, &err)) {
        api_error(app, r, &err);
        return;
    }
    json_t *json = json_loadb(text.data, text.len, 0, NULL);
    bool ok = bundle_parse(json_object_get(json, "files"), &bundle, &err);
    json_decref(json);
    const struct bundle_file *file = ok ? bundle_find(&bundle, request->params[1]) : NULL;
    if (!ok) {
        api_error(app, r, &err);
    } else if (!file) {
        http_problem(r, 404, "not-found", "its \"files\" has all of them", "%s has no file '%s'",
                     request->params[0], request->params[1]);
    } else {
        bool is_text = bundle_is_text(file);
        http_add_header(r, "Content-Disposition", "attachment");
        http_text(r, 200, is_text ? "text/plain; charset=utf-8" : "application/octet-stream",
                  file->data, file->size);
    }
}
