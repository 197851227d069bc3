/* What the files of the store have in common. */
#ifndef FIRN_STATION_STORE_INTERNAL_H
#define FIRN_STATION_STORE_INTERNAL_H

#include "station/db.h"
#include "station/store.h"

struct store {
    struct db *db;
    char *station;
};

/* store_schema.c: make the tables, or check that they are ours. */
bool store_schema_prepare(struct db *db, struct err **err) MUST_CHECK;

/* End a transaction that was begun: commit if ok, otherwise roll back. Returns whether it was
 * committed. */
bool store_end(struct store *store, bool ok, struct err **err) MUST_CHECK;
/* PostgreSQL: from here to the end of the transaction no other daemon adds what has to be in order.
 * Taken after all rows that are changed: the order in which locks are taken is the same everywhere.
 */
bool store_lock_order(struct store *store, struct err **err) MUST_CHECK;
/* PostgreSQL: no other daemon adds a job now. */
bool store_lock_queue(struct store *store, struct err **err) MUST_CHECK;
/* The database's clock, ms since the epoch: that of leases, whatever the daemons' clocks say. */
bool store_clock(struct store *store, int64_t *ms, struct err **err) MUST_CHECK;

/* Within a transaction, after store_lock_order(). */
bool store_add_event(struct store *store, const char *type, const json_t *data,
                     struct err **err) MUST_CHECK;
bool store_add_job_event(struct store *store, int64_t id, struct err **err) MUST_CHECK;
bool store_add_image_event(struct store *store, const char *digest, struct err **err) MUST_CHECK;
bool store_add_records(struct store *store, const struct record_new *records, size_t count,
                       struct err **err) MUST_CHECK;
bool store_put_image(struct store *store, const struct image_row *image,
                     struct err **err) MUST_CHECK;

/* All columns of a job, in the order of store_take_job(). */
#define JOB_COLUMNS                                                                                \
    "id, kind, state, product, bundle, image, path, waits_for, retry_of, priority, need_memory, "  \
    "need_cores, station, submitted_by, attempt, token, cancel_requested, submitted_ms, "          \
    "started_ms, ended_ms, exit_status, reason, hint"
#define JOB_COLUMNS_IN_FULL JOB_COLUMNS ", phases, result"
/* *job is uninitialised before. */
void store_take_job(const struct db_result *rows, size_t row, struct job *job);
/* A JSON column; NULL for NULL or what cannot be read. */
json_t *store_get_json(const struct db_result *rows, size_t row, size_t column);
/* JSON as text, sorted and compact; NULL for NULL. Yours. */
char *store_json_text(const json_t *json);

#endif
