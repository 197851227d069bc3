/*
 * The store: everything that must outlive the daemon.
 *
 * One interface, two databases behind it (db.h): SQLite in a file (WAL, synchronous=FULL, one
 * writer: this process) and PostgreSQL, which several daemons may share. The SQL is the same but
 * for the schema and the locks. Each function that writes is one transaction: when it has returned
 * true, it is on the disk. When it returns false, nothing of it is there, but for a commit in
 * doubt, of which all is there or nothing: one whose connection was lost (PostgreSQL), or whose
 * fsync failed on a disk that goes on failing (SQLite). An Idempotency-Key tells. After an I/O
 * error the database is opened anew by the next call (a failed fsync is never retried on the same
 * handle).
 *
 * Every change that others want to see adds an event (store_events_after()) in the same
 * transaction, so that the stream of events and the state cannot disagree. Single-threaded.
 *
 *     struct store *store = store_open("sqlite:/var/lib/firn/firn.db", "bench-1", &err);
 *     ...
 *     store_close(store);
 *
 * Errors: ERR_FAILED, and ERR_NOT_FOUND where a thing is asked for by its name; a PostgreSQL that
 * does not answer within 5 s is an error, too. Strings and JSON that come out are yours, unless
 * said otherwise.
 */
#ifndef FIRN_STATION_STORE_H
#define FIRN_STATION_STORE_H

#include "station/access.h"
#include "station/job.h"

struct store;

/* url: "sqlite:PATH" or "postgresql://..." (libpq's URI). Creates or upgrades the schema; a schema
 * newer than ours is refused. `station` is this daemon's name, the owner of its leases. */
struct store *store_open(const char *url, const char *station, struct err **err) MUST_CHECK;
void store_close(struct store *store);
static inline void store_close_ptr(struct store **store)
{
    store_close(*store);
}
/* May other daemons use it at the same time? (PostgreSQL) */
bool store_is_shared(const struct store *store);
/* "sqlite" or "postgresql". */
const char *store_kind(const struct store *store);
/* Writes and removes a row: can it be written? Also brings a store back after an I/O error. */
bool store_probe(struct store *store, struct err **err) MUST_CHECK;

/* ---- jobs ---- */

/* What became of a new job. */
enum job_added {
    JOB_ADDED,
    JOB_REPEATED,   /* this caller's Idempotency-Key: the job from then */
    JOB_KEY_REUSED, /* the same key with another request: nothing added */
    JOB_SAME,       /* the same build is queued or running: that job */
    JOB_QUEUE_FULL, /* nothing added */
};

struct job_request {
    const struct job *job;    /* kind, product, bundle, image, path, waits_for, retry_of, priority,
                                 need_*, station (of a flash), submitted_by, submitted_ms */
    const char *key;          /* Idempotency-Key, or NULL */
    const char *request_hash; /* of the request with that key */
    int64_t queue_max;        /* jobs that are queued, at most */
};

/* Accept a job. *job (uninitialised) is the new one or the one that stands for it, but for
 * JOB_KEY_REUSED and JOB_QUEUE_FULL. A flash whose waits_for is done already gets its image; is
 * that failed, cancelled or interrupted, the flash is added as failed. Adds the event "job". */
bool store_job_add(struct store *store, const struct job_request *request, enum job_added *how,
                   struct job *job, struct err **err) MUST_CHECK;
/* *job is uninitialised before, and yours (job_release()) on success. */
bool store_job_get(struct store *store, int64_t id, struct job *job, struct err **err) MUST_CHECK;

struct job_list {
    struct job *items;
    size_t count;
};
#define JOB_LIST_INIT                                                                              \
    {                                                                                              \
        NULL, 0                                                                                    \
    }
void job_list_release(struct job_list *list);

struct job_filter {
    int state;           /* enum job_state, -1 = any */
    int kind;            /* enum job_kind, -1 = any */
    const char *product; /* NULL = any */
    const char *station; /* NULL = any */
    int64_t before;      /* ids below this one only; 0 = all */
    int limit;
};
/* The newest first; phases and results are left out. */
bool store_jobs_list(struct store *store, const struct job_filter *filter, struct job_list *list,
                     struct err **err) MUST_CHECK;

/* Take the first queued job of a kind: highest priority, then the oldest; a flash of this station
 * only, whose board's port (station and path; a NULL path: any other flash of this station) is not
 * being flashed, and whose waits_for is done. `fits` (may be NULL) is asked about that one job, and
 * no other is taken instead if it does not fit: large jobs would never have their turn. *got: it
 * was claimed: running, ours, attempt and token each one more, started_ms now. PostgreSQL: FOR
 * UPDATE SKIP LOCKED, so that daemons do not wait for each other. Adds the event "job". */
bool store_job_claim(struct store *store, enum job_kind kind, int64_t lease_ms,
                     bool (*fits)(void *data, const struct job *job), void *data, bool *got,
                     struct job *job, struct err **err) MUST_CHECK;

/* Of one of our running jobs. */
struct lease {
    int64_t id, token;
    bool cancel_requested;
};
/* Renew all leases that this station holds. *held (free()) has those that it still has: a job that
 * is not among them was lost. */
bool store_leases_renew(struct store *store, int64_t lease_ms, struct lease **held, size_t *count,
                        struct err **err) MUST_CHECK;
/* Jobs whose lease has run out, of other stations: a build that was started once only is queued
 * again (one that is to be cancelled is cancelled); everything else becomes interrupted. *count =
 * how many. Nothing in a store that is not shared. */
bool store_leases_expire(struct store *store, size_t *count, struct err **err) MUST_CHECK;
/* The phases as they are now (array). *lost: the token is no longer valid, nothing was written.
 * Adds the event "job". */
bool store_job_phases(struct store *store, int64_t id, int64_t token, const json_t *phases,
                      bool *lost, struct err **err) MUST_CHECK;
/* Back to the queue: it was claimed and never ran to any effect. attempt is one less again. One
 * that is to be cancelled is cancelled instead. Adds the event "job". */
bool store_job_requeue(struct store *store, int64_t id, int64_t token, bool *lost,
                       struct err **err) MUST_CHECK;

struct image_row; /* below */
struct record_new {
    const char *kind; /* "build", "flash", ... */
    json_t *body;     /* borrowed */
};
/* How a running job ended. */
struct job_end {
    enum job_state state;
    int exit_status;                   /* -1 = none */
    const char *reason, *hint;         /* or NULL */
    const char *image;                 /* digest of what was built; NULL keeps what is there */
    const json_t *phases;              /* NULL keeps what is there */
    const json_t *result;              /* or NULL */
    const struct image_row *image_row; /* an image that is new or built again; or NULL */
    const struct record_new *records;
    size_t record_count;
};
/* All of it in one transaction, with flashes that wait for this build: they get its image, or fail.
 * *lost as above. Adds the events "job" (of each), "image". */
bool store_job_end(struct store *store, int64_t id, int64_t token, const struct job_end *end,
                   bool *lost, struct err **err) MUST_CHECK;
/* Queued: cancelled at once (and what waits for it fails). Running: cancel_requested is set for
 * whoever runs it. *done: false when it had ended. *job (uninitialised) is as it is then, yours on
 * success. */
bool store_job_cancel(struct store *store, int64_t id, bool *done, struct job *job,
                      struct err **err) MUST_CHECK;

/* How many jobs there are by kind and state. */
struct job_counts {
    int64_t of[JOB_KIND_COUNT][JOB_STATE_COUNT];
};
bool store_job_counts(struct store *store, struct job_counts *counts, struct err **err) MUST_CHECK;

/* ---- events ---- */

struct store_event {
    int64_t id;
    char *type; /* "job" */
    char *data; /* JSON, compact */
};
struct store_events {
    struct store_event *items;
    size_t count;
};
#define STORE_EVENTS_INIT                                                                          \
    {                                                                                              \
        NULL, 0                                                                                    \
    }
void store_events_release(struct store_events *events);
/* Events with a greater id, oldest first, up to limit. With several daemons on one store, an event
 * never appears with an id below one that was seen. */
bool store_events_after(struct store *store, int64_t id, int limit, struct store_events *events,
                        struct err **err) MUST_CHECK;
/* The ids of the oldest event that is kept, and the latest; 0, 0 if there is none. */
bool store_events_range(struct store *store, int64_t *oldest, int64_t *latest,
                        struct err **err) MUST_CHECK;
bool store_event_add(struct store *store, const char *type, const json_t *data,
                     struct err **err) MUST_CHECK;
/* Remove all but the latest `keep` events, and Idempotency-Keys older than 24 hours. */
bool store_prune(struct store *store, int64_t keep, struct err **err) MUST_CHECK;

/* ---- products and their files ---- */

/* A bundle is the JSON text {"files":[{"path","text"|"base64"}...]} sorted by path, named by its
 * SHA-256. */
bool store_bundle_put(struct store *store, const char *digest, const char *json, size_t len,
                      struct err **err) MUST_CHECK;
/* ERR_NOT_FOUND. */
bool store_bundle_get(struct store *store, const char *digest, struct buf *json,
                      struct err **err) MUST_CHECK;

/* A product: its name and a JSON object with what docs/api.md has of it but `job` and `image`. Adds
 * the event "product" with `shown` (as in lists, borrowed) and the records, if any. */
bool store_product_put(struct store *store, const char *name, const json_t *product,
                       const json_t *shown, const struct record_new *records, size_t record_count,
                       struct err **err) MUST_CHECK;
bool store_product_get(struct store *store, const char *name, json_t **product,
                       struct err **err) MUST_CHECK;
/* An array of all, by name. */
bool store_products_list(struct store *store, json_t **products, struct err **err) MUST_CHECK;
bool store_product_remove(struct store *store, const char *name, struct err **err) MUST_CHECK;
/* The latest build of a product (state, id, ...); *found = there is one. */
bool store_product_job(struct store *store, const char *name, bool *found, struct job *job,
                       struct err **err) MUST_CHECK;

/* ---- images ---- */

struct image_row {
    char *digest;
    char *product;                /* the daemon's name of it */
    char *name, *version, *board; /* the manifest's product ... */
    char *bundle, *station;
    int64_t job;
    int64_t bytes, flash, ram; /* of the image; as `size` counts them */
    int64_t built_ms, used_ms; /* used: built or downloaded */
    bool released;
    bool here;       /* the files are in their place */
    int64_t on_disk; /* bytes of all files */
    json_t *files;   /* [{"name","bytes"}] */
    json_t *sidecar; /* object or NULL; NULL in lists */
};
void image_row_release(struct image_row *image);
struct image_list {
    struct image_row *items;
    size_t count;
};
#define IMAGE_LIST_INIT                                                                            \
    {                                                                                              \
        NULL, 0                                                                                    \
    }
void image_list_release(struct image_list *list);

struct image_filter {
    const char *product; /* NULL = any */
    const char *text; /* part of name, version, board or the beginning of the digest; NULL = any */
    const char *station; /* NULL = any */
    bool here_only;
    bool by_use;        /* the least recently used first, instead of the newest */
    int64_t before_ms;  /* built before this and */
    const char *before; /* (at the same time) with a smaller digest; NULL = from the newest */
    int limit;
};
bool store_images_list(struct store *store, const struct image_filter *filter,
                       struct image_list *list, struct err **err) MUST_CHECK;
/* *image is uninitialised before; ERR_NOT_FOUND. */
bool store_image_get(struct store *store, const char *digest, struct image_row *image,
                     struct err **err) MUST_CHECK;
bool store_image_release(struct store *store, const char *digest, bool released,
                         const struct record_new *record, struct err **err) MUST_CHECK;
bool store_image_used(struct store *store, const char *digest, struct err **err) MUST_CHECK;
/* Its files were cleaned away. Adds the event "image". */
bool store_image_gone(struct store *store, const char *digest, struct err **err) MUST_CHECK;
json_t *image_to_json(const struct image_row *image, bool in_full); /* docs/api.md, but `history` */

/* ---- records ---- */

/* Append-only (the database itself refuses anything else), each with the hash of the one before it
 * (base/chain.h). */
bool store_record_add(struct store *store, const struct record_new *record,
                      struct err **err) MUST_CHECK;
struct record_filter {
    const char *kind; /* NULL = any */
    const char *text; /* somewhere in the body, case-insensitive; NULL = any */
    int64_t before;   /* sequence numbers below this one, newest first; 0 = all */
    int64_t after;    /* > 0 or with oldest_first: above this one, oldest first */
    bool oldest_first;
    int limit;
};
/* An array of records as docs/api.md has them. */
bool store_records_list(struct store *store, const struct record_filter *filter, json_t **records,
                        struct err **err) MUST_CHECK;

/* ---- tokens ---- */

struct token_row {
    char id[17]; /* 16 hexadecimal digits: the first part of the token */
    char *name;
    enum role role;
    char hash[65];                           /* SHA-256 of the secret part, hexadecimal */
    int64_t created_ms, expires_ms, used_ms; /* 0 = never */
};
void token_row_release(struct token_row *token);
bool store_token_add(struct store *store, const struct token_row *token,
                     const struct record_new *record, struct err **err) MUST_CHECK;
/* ERR_NOT_FOUND; one that has expired is found. */
bool store_token_get(struct store *store, const char *id, struct token_row *token,
                     struct err **err) MUST_CHECK;
bool store_token_used(struct store *store, const char *id, struct err **err) MUST_CHECK;
bool store_token_remove(struct store *store, const char *id, const struct record_new *record,
                        struct err **err) MUST_CHECK;
bool store_tokens_list(struct store *store, struct token_row **tokens, size_t *count,
                       struct err **err) MUST_CHECK;

#endif
