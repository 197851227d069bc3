/*
 * The daemon as a whole: what its parts have in common.
 *
 *     struct station *station = station_new(&settings, &err);
 *     station_run(station)        // until SIGTERM or SIGINT; the exit status
 *     station_free(station);
 *
 * One thread, one loop. Each part has a file of its own and gets the station: the scheduler takes
 * jobs from the store, the runner has their children, the catalogue the products, disk.h the
 * quotas; api_*.c answer requests.
 */
#ifndef FIRN_STATION_STATION_H
#define FIRN_STATION_STATION_H

#include <systemd/sd-event.h>

#include "station/settings.h"
#include "station/store.h"

struct runner;
struct scheduler;
struct catalogue;
struct device_list;
struct disk;
struct follow;

struct station {
    const struct settings *settings;
    sd_event *loop;
    struct store *store;
    struct http_server *http;
    struct runner *runner;
    struct scheduler *scheduler;
    struct catalogue *catalogue;
    struct device_list *devices;
    struct disk *disk;
    struct follow *follow;
    int lock;  /* of the home */
    char *dir; /* <home>/station: everything that is the daemon's and no cache */
    int64_t started_ms;
    bool stopping;
    char *store_fault;     /* why the store cannot be written, or NULL */
    int64_t last_event;    /* that was published */
    sd_event_source *pump; /* publishes what the store has new */
    sd_event_source *poll; /* looks for what other daemons did, and whether the store is back */
};

struct station *station_new(const struct settings *settings, struct err **err) MUST_CHECK;
int station_run(struct station *station);
void station_free(struct station *station);
static inline void station_free_ptr(struct station **station)
{
    station_free(*station);
}

/* Something was written to the store: its events go to the clients, soon. */
void station_changed(struct station *station);
/* Why no new work is taken now, or NULL. Yours. */
char *station_refuses(const struct station *station);
/* The store failed: note it, tell it, try again from time to time. Frees *err. */
void station_store_failed(struct station *station, struct err **err);
/* The same of an error that is somebody else's to tell; it stays theirs. */
void station_note_fault(struct station *station, const struct err *err);
/* GET /v1/status. Yours. */
json_t *station_status(struct station *station);
/* Tell clients that GET /v1/status is another now. */
void station_status_changed(struct station *station);
/* A line in the journal; nothing of an error in a job. */
void station_log(int priority, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
