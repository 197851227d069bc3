/* The service itself: its state, its figures, its description. */
#include <string.h>

#include "base/json_get.h"
#include "base/version.h"
#include "station/api.h"
#include "station/devices.h"
#include "station/disk.h"
#include "station/runner.h"

HANDLER(api_status)
{
    (void)request;
    http_json(r, 200, station_status(app));
}

HANDLER(api_healthz)
{
    const struct station *station = app;
    (void)request;
    if (station->store_fault)
        http_problem(r, 503, "store-failed", "look at the daemon's journal and at the disk",
                     "the store cannot be written");
    else
        http_json(r, 200, json_pack("{s:b}", "ok", 1));
}

HANDLER(api_devices)
{
    struct station *station = app;
    (void)request;
    devices_look(station->devices);
    http_json(r, 200, devices_to_json(station->devices));
}

HANDLER(api_events)
{
    (void)app;
    http_stream(request, r);
}

/* The Makefile knows that this file depends on it. */
__asm__(".pushsection .rodata\n"
        "firn_openapi: .incbin \"station/openapi.json\"\n"
        ".byte 0\n"
        ".popsection\n");
extern const char firn_openapi[];

HANDLER(api_openapi)
{
    (void)app, (void)request;
    http_text(r, 200, "application/json", firn_openapi, strlen(firn_openapi));
}

/* ---- Prometheus text format 0.0.4 ---- */

static void metric(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_addf(out, "# HELP firnd_%s %s\n# TYPE firnd_%s %s\n", name, help, name, type);
}

static void add_jobs(struct station *station, struct buf *out)
{
    struct job_counts counts;
    struct err *err = NULL;
    if (!store_job_counts(station->store, &counts, &err)) {
        station_store_failed(station, &err);
        return;
    }
    metric(out, "jobs", "gauge", "Jobs in the store by kind and state.");
    for (int kind = 0; kind < JOB_KIND_COUNT; kind++)
        for (int state = 0; state < JOB_STATE_COUNT; state++)
            buf_addf(out, "firnd_jobs{kind=\"%s\",state=\"%s\"} %lld\n", job_kind_name(kind),
                     job_state_name(state), (long long)counts.of[kind][state]);
}

static void add_http(const struct station *station, struct buf *out)
{
    struct http_counts counts;
    http_server_counts(station->http, &counts);
    metric(out, "http_requests_total", "counter", "Requests by the class of their status.");
    for (int i = 2; i < 6; i++)
        buf_addf(out, "firnd_http_requests_total{class=\"%dxx\"} %llu\n", i,
                 (unsigned long long)counts.requests[i]);
    const struct {
        const char *reason;
        uint64_t count;
    } refused[] = {{"host", counts.refused_host},
                   {"origin", counts.refused_origin},
                   {"token", counts.refused_token},
                   {"size", counts.refused_size},
                   {"timeout", counts.timeouts}};
    metric(out, "http_refused_total", "counter", "Requests refused, by the reason.");
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
        buf_addf(out, "firnd_http_refused_total{reason=\"%s\"} %llu\n", refused[i].reason,
                 (unsigned long long)refused[i].count);
    metric(out, "http_connections", "gauge", "Connections that are open.");
    buf_addf(out, "firnd_http_connections %d\n", counts.connections);
    metric(out, "event_streams", "gauge", "Clients of /v1/events.");
    buf_addf(out, "firnd_event_streams %d\n", counts.streams);
}

static void add_rest(const struct station *station, struct buf *out)
{
    metric(out, "disk_free_bytes", "gauge", "Bytes that are free where firnd's home is.");
    buf_addf(out, "firnd_disk_free_bytes %llu\n",
             (unsigned long long)disk_free_bytes(station->disk));
    _cleanup_free_ char *refusal = station_refuses(station);
    metric(out, "accepting", "gauge", "1: new work is taken.");
    buf_addf(out, "firnd_accepting %d\n", refusal == NULL);
    metric(out, "start_time_seconds", "gauge", "When it was started, since the epoch.");
    buf_addf(out, "firnd_start_time_seconds %lld\n", (long long)(station->started_ms / 1000));
    metric(out, "build_info", "gauge", "1; the version is a label.");
    buf_addf(out, "firnd_build_info{version=\"%s\"} 1\n", FIRN_VERSION);
}

HANDLER(api_metrics)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    (void)request;
    add_jobs(app, &out);
    add_http(app, &out);
    add_rest(app, &out);
    http_text(r, 200, "text/plain; version=0.0.4; charset=utf-8", out.data, out.len);
}
