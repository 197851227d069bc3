/*
 * firnd.yaml: what the daemon is told (docs/firnd.md). Read once, before anything is opened; a key
 * that is not known, or a setting that would leave a door open, is an error at its line.
 */
#ifndef FIRN_STATION_SETTINGS_H
#define FIRN_STATION_SETTINGS_H

#include "base/err.h"
#include "base/mem.h"
#include "station/http.h"

struct settings {
    struct arena arena; /* owns all strings */
    const char *file;   /* that was read, or NULL */
    const char *name;
    const char *home;      /* absolute */
    const char *manifests; /* absolute */
    const char *store;     /* "sqlite:PATH" or "postgresql://..." */
    const char *firn;      /* path of the program */
    struct http_settings http;
    struct {
        const char *name; /* of a user; "*" = any other who may open the socket */
        enum role role;
    } * users;
    size_t user_count;
    int build_jobs, flash_jobs;
    uint64_t build_memory; /* bytes, of one build */
    int build_cores;
    int64_t queue_max;
    int64_t lease_ms; /* of a shared store: how long a daemon that does not answer is waited for */
    uint64_t disk_floor, logs_quota, images_quota; /* bytes */
    int follow_minute;                             /* of the day, local time */
};

/* path NULL: $FIRND_CONFIG, /etc/firn/firnd.yaml or ~/.config/firn/firnd.yaml, whichever is there;
 * none: all defaults. False: diags has at least one error. */
bool settings_load(struct settings *settings, const char *path, struct diags *diags) MUST_CHECK;
void settings_release(struct settings *settings);

#endif
