#include "station/devices.h"

#include <string.h>
#include <syslog.h>

#include "base/fs.h"
#include "base/json_get.h"
#include "station/child.h"
#include "station/runner.h"

#define FRESH_MS 2000

struct device_list {
    struct station *station;
    json_t *items;      /* of the last look */
    json_t *found;      /* of the one that is going on */
    int64_t looked_ms;  /* when it was looked last, or begun to */
    int64_t scanned_ms; /* what `items` are as of; 0 = nothing was seen yet */
    struct child *child;
};

/* "0483:df11 3157..." of a board: what tells it from another on the same port. */
static void add_identity(const json_t *item, struct buf *out)
{
    buf_addf(out, "%s:%s %s %s", json_get_text(item, "vendor"), json_get_text(item, "product"),
             json_get_text(item, "serial"), json_get_text(item, "path"));
}

static bool is_among(const json_t *items, const json_t *item)
{
    size_t i;
    json_t *other;
    _cleanup_(buf_release) struct buf identity = BUF_INIT;
    add_identity(item, &identity);
    json_array_foreach(items, i, other)
    {
        _cleanup_(buf_release) struct buf its = BUF_INIT;
        add_identity(other, &its);
        if (strcmp(its.data, identity.data) == 0)
            return true;
    }
    return false;
}

/* A board that came gets a record, once each time. */
static void record_new_ones(struct device_list *devices)
{
    static const char *const keys[] = {"path", "vendor", "product", "serial", "name", "mode"};
    size_t i;
    json_t *item;
    json_array_foreach(devices->found, i, item)
    {
        if (is_among(devices->items, item))
            continue;
        json_t *body = json_pack("{s:s}", "station", devices->station->settings->name);
        for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
            json_t *value = json_object_get(item, keys[k]);
            json_object_set_new(body, keys[k], value ? json_incref(value) : json_null());
        }
        struct record_new record = {"device", body};
        struct err *err = NULL;
        if (!store_record_add(devices->station->store, &record, &err))
            station_store_failed(devices->station, &err);
        json_decref(body);
    }
}

static void on_event(void *data, const json_t *event)
{
    struct device_list *devices = data;
    const json_t *items = json_object_get(event, "devices");
    if (strcmp(json_get_text(event, "event"), "result") != 0 || !json_is_array(items))
        return;
    json_decref(devices->found);
    devices->found = json_deep_copy(items);
}

static void on_end(void *data, int exit_status)
{
    struct device_list *devices = data;
    child_free(devices->child);
    devices->child = NULL;
    devices->looked_ms = now_ms();
    if (exit_status != 0 || !devices->found) {
        station_log(LOG_WARNING, "firn devices failed: see %s/devices/" CHILD_LOG,
                    devices->station->dir);
        return;
    }
    bool same = devices->scanned_ms && json_equal(devices->items, devices->found);
    devices->scanned_ms = devices->looked_ms;
    record_new_ones(devices);
    json_decref(devices->items);
    devices->items = devices->found;
    devices->found = NULL;
    if (same)
        return;
    json_t *all = devices_to_json(devices);
    struct err *err = NULL;
    if (!store_event_add(devices->station->store, "devices", all, &err))
        station_store_failed(devices->station, &err);
    json_decref(all);
    station_changed(devices->station);
}

void devices_look(struct device_list *devices)
{
    struct station *station = devices->station;
    _cleanup_free_ char *dir = path_join(station->dir, "devices");
    const char *argv[] = {station->settings->firn, "devices", "--events=3", "--no-color", NULL};
    struct child_command command = {
        .argv = argv, .home = station->settings->home, .dies_with_us = true};
    struct child_owner owner = {on_event, NULL, on_end, devices};
    struct err *err = NULL;
    if (devices->child || now_ms() - devices->looked_ms < FRESH_MS)
        return;
    json_decref(devices->found);
    devices->found = NULL;
    devices->looked_ms = now_ms();
    if (fs_mkdirs(dir, &err))
        devices->child = child_start(station->loop, dir, &command, &owner, &err);
    if (err) {
        station_log(LOG_WARNING, "cannot look for devices");
        err_free(err);
    }
}

json_t *devices_to_json(const struct device_list *devices)
{
    json_t *items = json_deep_copy(devices->items);
    size_t i;
    json_t *item;
    json_array_foreach(items, i, item)
    {
        int64_t job = runner_job_on(devices->station->runner, json_get_text(item, "path"));
        json_object_set_new(item, "job", job ? json_integer(job) : json_null());
    }
    return json_pack("{s:o, s:o, s:b}", "items", items, "scanned_at",
                     json_time(devices->scanned_ms), "scanning", devices->child != NULL);
}

struct device_list *devices_new(struct station *station)
{
    struct device_list *devices = xcalloc(1, sizeof(*devices));
    devices->station = station;
    devices->items = json_array();
    return devices;
}

void devices_free(struct device_list *devices)
{
    if (!devices)
        return;
    child_free(devices->child);
    json_decref(devices->items);
    json_decref(devices->found);
    free(devices);
}
