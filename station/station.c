#include "station/station.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/text.h"
#include "base/version.h"
#include "station/api.h"
#include "station/catalogue.h"
#include "station/devices.h"
#include "station/disk.h"
#include "station/follow.h"
#include "station/identity.h"
#include "station/runner.h"
#include "station/scheduler.h"

#define POLL_USEC (500ull * 1000)
#define PUMP_AT_ONCE 500
#define LOCK_WAIT_MS 2000

void station_log(int priority, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    _cleanup_free_ char *text = xvasprintf(fmt, ap);
    va_end(ap);
    _cleanup_(buf_release) struct buf line = BUF_INIT;
    text_add_printable(&line, text, strlen(text));
    /* sd-daemon(3): the number is taken off by systemd; on a terminal it is left out. */
    if (getenv("JOURNAL_STREAM"))
        fprintf(stderr, "<%d>%s\n", priority, line.data);
    else
        fprintf(stderr, "firnd: %s\n", line.data);
}

/* ---- what the store has new, to the clients ---- */

static bool pump(struct station *station)
{
    struct store_events events = STORE_EVENTS_INIT;
    struct err *err = NULL;
    if (!store_events_after(station->store, station->last_event, PUMP_AT_ONCE, &events, &err)) {
        station_store_failed(station, &err);
        return false;
    }
    for (size_t i = 0; i < events.count; i++) {
        const struct store_event *event = &events.items[i];
        http_server_publish(station->http, event->id, event->type, event->data);
        station->last_event = event->id;
    }
    bool more = events.count == PUMP_AT_ONCE;
    store_events_release(&events);
    return more;
}

static int on_pump(sd_event_source *source, void *data)
{
    if (pump(data))
        sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
    return 0;
}

void station_changed(struct station *station)
{
    if (station->pump)
        sd_event_source_set_enabled(station->pump, SD_EVENT_ONESHOT);
}

static bool replay(void *app, int64_t after, int limit, int64_t *oldest,
                   void (*add)(void *data, int64_t id, const char *type, const char *text),
                   void *data)
{
    struct station *station = app;
    struct store_events events = STORE_EVENTS_INIT;
    struct err *err = NULL;
    int64_t latest;
    if (!store_events_range(station->store, oldest, &latest, &err) ||
        !store_events_after(station->store, after, limit, &events, &err)) {
        station_store_failed(station, &err);
        return false;
    }
    for (size_t i = 0; i < events.count; i++)
        add(data, events.items[i].id, events.items[i].type, events.items[i].data);
    store_events_release(&events);
    return true;
}

/* ---- a store that cannot be written ---- */

void station_store_failed(struct station *station, struct err **err)
{
    station_note_fault(station, *err);
    err_free_ptr(err);
}

void station_note_fault(struct station *station, const struct err *err)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    if (station->store_fault)
        return;
    err_add_message(err, &text);
    station_log(LOG_ERR, "the store fails, no new work is taken: %s", text.data);
    station->store_fault = xstrdup(text.data);
    station_status_changed(station);
}

static void try_store(struct station *station)
{
    struct err *err = NULL;
    if (!store_probe(station->store, &err)) {
        err_free(err);
        return;
    }
    station_log(LOG_NOTICE, "the store is back");
    free(station->store_fault);
    station->store_fault = NULL;
    runner_retry(station->runner);
    station_status_changed(station);
    scheduler_kick(station->scheduler);
    catalogue_retry(station->catalogue);
}

static int on_poll(sd_event_source *source, uint64_t usec, void *data)
{
    struct station *station = data;
    (void)usec;
    if (station->store_fault)
        try_store(station);
    else if (store_is_shared(station->store))
        station_changed(station);
    sd_event_source_set_time_relative(source, POLL_USEC);
    return 0;
}

/* ---- status ---- */

char *station_refuses(const struct station *station)
{
    if (station->stopping)
        return xstrdup("the daemon is stopping");
    if (station->store_fault)
        return xasprintf("the store cannot be written: %s", station->store_fault);
    if (!disk_is_low(station->disk))
        return NULL;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    text_add_size(&text, disk_free_bytes(station->disk));
    buf_addf(&text, " are free on %s, the floor is ", station->settings->home);
    text_add_size(&text, station->settings->disk_floor);
    return xstrdup(text.data);
}

static json_t *lane_status(const struct station *station, enum job_kind kind, int limit)
{
    size_t running = runner_count(station->runner, kind);
    if (kind == JOB_BUILD)
        running += runner_count(station->runner, JOB_FOLLOW);
    return json_pack("{s:I, s:i}", "running", (json_int_t)running, "limit", limit);
}

json_t *station_status(struct station *station)
{
    const struct settings *settings = station->settings;
    struct job_counts counts = {0};
    struct err *err = NULL;
    if (!station->store_fault && !store_job_counts(station->store, &counts, &err))
        station_store_failed(station, &err);
    _cleanup_free_ char *refusal = station_refuses(station);
    json_t *disk = json_pack("{s:I, s:I}", "free", (json_int_t)disk_free_bytes(station->disk),
                             "floor", (json_int_t)settings->disk_floor);
    json_int_t builds = counts.of[JOB_BUILD][JOB_QUEUED] + counts.of[JOB_FOLLOW][JOB_QUEUED];
    json_int_t flashes = counts.of[JOB_FLASH][JOB_QUEUED];
    json_t *queued = json_pack("{s:I, s:I}", "build", builds, "flash", flashes);
    json_t *lanes =
        json_pack("{s:o, s:o}", "build", lane_status(station, JOB_BUILD, settings->build_jobs),
                  "flash", lane_status(station, JOB_FLASH, settings->flash_jobs));
    return json_pack("{s:s, s:s, s:o, s:b, s:o, s:s, s:o, s:o, s:o, s:I}", "name", settings->name,
                     "version", FIRN_VERSION, "started_at", json_time(station->started_ms),
                     "stopping", station->stopping, "refusing", json_text(refusal), "store",
                     store_kind(station->store), "station_jobs", lanes, "queued", queued, "disk",
                     disk, "last_event", (json_int_t)station->last_event);
}

void station_status_changed(struct station *station)
{
    if (!station->http)
        return;
    json_t *status = station_status(station);
    char *text = json_dumps(status, JSON_COMPACT | JSON_SORT_KEYS);
    /* Not through the store: it may be the store that fails. */
    http_server_publish(station->http, 0, "status", text);
    free(text);
    json_decref(status);
}

/* ---- life cycle ---- */

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
    struct station *station = data;
    (void)source, (void)info;
    if (station->stopping) {
        station_log(LOG_NOTICE, "leaving at once; a flash that runs goes on");
        sd_event_exit(station->loop, 0);
        return 0;
    }
    station->stopping = true;
    sd_notify(0, "STOPPING=1");
    scheduler_stop(station->scheduler);
    runner_stop(station->runner);
    station_status_changed(station);
    http_server_stop(station->http);
    size_t running = runner_count_all(station->runner);
    if (running)
        station_log(LOG_NOTICE, "stopping when %zu %s over", running,
                    running == 1 ? "job is" : "jobs are");
    return 0;
}

static int before_waiting(sd_event_source *source, void *data)
{
    struct station *station = data;
    (void)source;
    if (station->stopping && runner_count_all(station->runner) == 0)
        sd_event_exit(station->loop, 0);
    return 0;
}

static bool open_loop(struct station *station, struct err **err)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    int r = sd_event_default(&station->loop);
    if (r >= 0)
        r = sd_event_add_signal(station->loop, NULL, SIGTERM, on_signal, station);
    if (r >= 0)
        r = sd_event_add_signal(station->loop, NULL, SIGINT, on_signal, station);
    if (r >= 0)
        r = sd_event_add_post(station->loop, NULL, before_waiting, station);
    if (r >= 0)
        r = sd_event_add_defer(station->loop, &station->pump, on_pump, station);
    if (r >= 0)
        r = sd_event_add_time_relative(station->loop, &station->poll, CLOCK_MONOTONIC, POLL_USEC,
                                       POLL_USEC / 5, on_poll, station);
    if (r >= 0)
        r = sd_event_set_watchdog(station->loop, true);
    if (r < 0)
        return err_set_errno(err, ERR_FAILED, -r, "cannot make the loop");
    sd_event_source_set_enabled(station->pump, SD_EVENT_OFF);
    sd_event_source_set_enabled(station->poll, SD_EVENT_ON);
    return true;
}

/* One daemon a home: what another runs there is not ours to take over. A child that one which was
 * killed had just forked holds the lock, too, until it gets to run: so it is waited for a moment.
 */
static bool lock_home(struct station *station, struct err **err)
{
    _cleanup_free_ char *path = path_join(station->dir, "lock");
    if (!fs_mkdirs(station->dir, err) || !fs_try_lock(path, &station->lock, err))
        return false;
    for (int waited_ms = 0; station->lock < 0 && waited_ms < LOCK_WAIT_MS; waited_ms += 20) {
        usleep(20 * 1000);
        if (!fs_try_lock(path, &station->lock, err))
            return false;
    }
    if (station->lock >= 0)
        return true;
    err_set(err, ERR_USAGE, "another firnd uses %s", station->settings->home);
    return err_hint(err, "stop that one, or give this one a `home:` of its own");
}

static bool open_parts(struct station *station, struct err **err)
{
    station->store = store_open(station->settings->store, station->settings->name, err);
    if (!station->store)
        return err_wrap(err, "cannot open the store");
    int64_t oldest;
    if (!store_events_range(station->store, &oldest, &station->last_event, err))
        return false;
    station->runner = runner_new(station);
    station->devices = devices_new(station);
    station->scheduler = scheduler_new(station, err);
    station->disk = station->scheduler ? disk_new(station, err) : NULL;
    station->catalogue = station->disk ? catalogue_new(station, err) : NULL;
    station->follow = station->catalogue ? follow_new(station, err) : NULL;
    return station->follow != NULL;
}

static bool have_tokens(struct station *station, bool *have, struct err **err)
{
    struct token_row *tokens = NULL;
    size_t count = 0;
    if (!store_tokens_list(station->store, &tokens, &count, err))
        return false;
    *have = count > 0;
    for (size_t i = 0; i < count; i++)
        token_row_release(&tokens[i]);
    free(tokens);
    return true;
}

static bool open_http(struct station *station, struct err **err)
{
    struct http_settings http = station->settings->http;
    bool have = false;
    _cleanup_free_ char *socket_dir = path_dirname(http.socket);
    if (!fs_mkdirs(socket_dir, err))
        return err_wrap(err, "there is no place for the socket");
    if (!have_tokens(station, &have, err))
        return false;
    http.without_tokens = !have;
    http.socket_user = identity_of_peer;
    http.token_check = identity_of_token;
    station->http = http_server_new(station->loop, &http, api_routes, station, err);
    if (!station->http)
        return false;
    http_server_set_replay(station->http, replay, station->last_event);
    return true;
}

struct station *station_new(const struct settings *settings, struct err **err)
{
    struct station *station = xcalloc(1, sizeof(*station));
    station->settings = settings;
    station->started_ms = now_ms();
    station->lock = -1;
    station->dir = path_join(settings->home, "station");
    if (lock_home(station, err) && open_loop(station, err) && open_parts(station, err) &&
        open_http(station, err) && runner_adopt(station->runner, err))
        return station;
    station_free(station);
    return NULL;
}

int station_run(struct station *station)
{
    scheduler_kick(station->scheduler);
    station_changed(station);
    sd_notify(0, "READY=1");
    int r = sd_event_loop(station->loop);
    if (r < 0)
        station_log(LOG_ERR, "the loop failed: %s", strerror(-r));
    return r < 0 ? 1 : 0;
}

void station_free(struct station *station)
{
    if (!station)
        return;
    http_server_free(station->http);
    runner_free(station->runner);
    follow_free(station->follow);
    catalogue_free(station->catalogue);
    devices_free(station->devices);
    disk_free(station->disk);
    scheduler_free(station->scheduler);
    store_close(station->store);
    sd_event_source_disable_unref(station->pump);
    sd_event_source_disable_unref(station->poll);
    sd_event_unref(station->loop);
    fs_unlock(&station->lock);
    free(station->store_fault);
    free(station->dir);
    free(station);
}
