/* Checking a product whose files have changed: into the store with them, then firn validate. */
#include <string.h>

#include "base/fs.h"
#include "base/json_get.h"
#include "station/catalogue_internal.h"
#include "station/submit.h"

void catalogue_store(struct catalogue *catalogue, struct product *product, bool record)
{
    struct station *station = catalogue->station;
    json_t *shown = product_shown(station, product->json, false);
    json_t *body = json_pack(
        "{s:s, s:O, s:O, s:O, s:O, s:s}", "product", product->name, "state",
        json_object_get(product->json, "state"), "bundle", json_object_get(product->json, "bundle"),
        "version", json_object_get(product->json, "version"), "title",
        json_object_get(product->json, "title"), "station", station->settings->name);
    struct record_new new_record = {"product", body};
    struct err *err = NULL;
    if (!store_product_put(station->store, product->name, product->json, shown, &new_record,
                           record ? 1 : 0, &err))
        station_store_failed(station, &err);
    json_decref(shown);
    json_decref(body);
    station_changed(station);
}

/* The files into the store. *changed: they are others than before. */
static bool keep_files(struct catalogue *catalogue, struct product *product, bool *changed,
                       struct err **err)
{
    _cleanup_(bundle_release) struct bundle bundle = BUNDLE_INIT;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    char digest[HASH_HEX_SIZE];
    if (!product_read(product, &bundle, err))
        return false;
    bundle_add_text(&bundle, &text);
    hash_bytes(text.data, text.len, digest);
    *changed = strcmp(json_get_text(product->json, "bundle"), digest) != 0;
    if (!store_bundle_put(catalogue->station->store, digest, text.data, text.len, err))
        return false;
    product_set_bundle(product, &bundle, digest);
    return true;
}

static void say_invalid(struct catalogue *catalogue, struct product *product, struct err **err)
{
    _cleanup_(buf_release) struct buf message = BUF_INIT;
    err_add_message(*err, &message);
    json_decref(product->errors);
    product->errors =
        json_pack("[{s:n, s:n, s:n, s:s, s:o, s:s}]", "file", "line", "column", "message",
                  message.data, "hint", json_text(err_get_hint(*err)), "text", message.data);
    err_free_ptr(err);
    product_checked(product);
    catalogue_store(catalogue, product, true);
}

/* ---- firn validate ---- */

static void build_if_asked(struct catalogue *catalogue, struct product *product, bool changed)
{
    bool by_itself = changed && json_is_true(json_object_get(product->json, "auto_build"));
    if (product->build || by_itself)
        submit_build(catalogue->station, product->name,
                     product->build ? product->build_by : "auto_build");
    product->build = false;
}

static void on_event(void *data, const json_t *event)
{
    product_take_event(data, event);
}

static void on_end(void *data, int exit_status)
{
    struct product *product = data;
    struct catalogue *catalogue = product->catalogue;
    struct err *err = NULL;
    bool changed = product->changed;
    (void)exit_status;
    child_free(product->check);
    product->check = NULL;
    catalogue->checks--;
    if (!product->waits) { /* otherwise they have changed again meanwhile */
        product_checked(product);
        bool more = false;
        if (product->flat && !keep_files(catalogue, product, &more, &err))
            say_invalid(catalogue, product, &err);
        changed |= more;
        product_signature(product, product->signature);
        product->changed = false;
        catalogue_store(catalogue, product, changed);
        if (strcmp(json_get_text(product->json, "state"), "valid") == 0)
            build_if_asked(catalogue, product, changed);
    }
    catalogue_check_next(catalogue);
}

static bool start_check(struct catalogue *catalogue, struct product *product, struct err **err)
{
    struct station *station = catalogue->station;
    _cleanup_free_ char *dir = xasprintf("%s/checks/%s", station->dir, product->name);
    const char *argv[] = {
        station->settings->firn, "validate", "--files", "--events=3", "--no-color",
        product->manifest,       NULL};
    struct child_command command = {
        .argv = argv, .cwd = product->dir, .home = station->settings->home, .dies_with_us = true};
    struct child_owner owner = {on_event, NULL, on_end, product};
    json_decref(product->errors);
    json_decref(product->warnings);
    json_decref(product->result);
    product->errors = json_array();
    product->warnings = json_array();
    product->result = NULL;
    if (!fs_mkdirs(dir, err))
        return false;
    product->check = child_start(station->loop, dir, &command, &owner, err);
    return product->check != NULL;
}

static void check(struct catalogue *catalogue, struct product *product)
{
    struct err *err = NULL;
    bool changed = false;
    product->waits = false;
    if (!keep_files(catalogue, product, &changed, &err)) {
        say_invalid(catalogue, product, &err);
        return;
    }
    product->changed |= changed;
    /* The same files as before the daemon was started are as right as they were. */
    if (!changed && !product->build &&
        strcmp(json_get_text(product->json, "state"), "checking") != 0)
        return;
    json_object_set_new(product->json, "state", json_string("checking"));
    catalogue_store(catalogue, product, false);
    if (start_check(catalogue, product, &err))
        catalogue->checks++;
    else
        say_invalid(catalogue, product, &err);
}

void catalogue_check_next(struct catalogue *catalogue)
{
    for (struct product *p = catalogue->first; p && catalogue->checks < CHECKS_MAX; p = p->next)
        if (p->waits && !p->check)
            check(catalogue, p);
}

void catalogue_changed(struct catalogue *catalogue, struct product *product)
{
    product->waits = true;
    catalogue_check_next(catalogue);
}
