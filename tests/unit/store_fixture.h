/*
 * A store for each test: SQLite in a directory of its own or, when FIRN_TEST_POSTGRESQL names a
 * server (tests/postgresql), a fresh database of that.
 *
 *     cmocka_unit_test_setup_teardown(test, store_setup, store_teardown)
 *
 * The helpers fail the test when the store does; what they return is what it said.
 */
#ifndef FIRN_TESTS_UNIT_STORE_FIXTURE_H
#define FIRN_TESTS_UNIT_STORE_FIXTURE_H

#include <stdlib.h>
#include <unistd.h>

#include "base/chain.h"
#include "base/fs.h"
#include "base/json_get.h"
#include "station/db.h"
#include "station/store.h"
#include "tests/unit/unit.h"

struct store_fixture {
    char *dir; /* of SQLite; NULL for PostgreSQL */
    char *url;
    struct store *store; /* station "a" */
};

static inline const char *store_server(void)
{
    return getenv("FIRN_TEST_POSTGRESQL");
}

/* "postgresql:///NAME?..." of a database that is new. */
static inline char *store_new_database(const char *server)
{
    static int number;
    static const char postgres[] = "/postgres?";
    struct err *err = NULL;
    const char *at = strstr(server, postgres);
    assert_non_null(at);
    _cleanup_free_ char *name = xasprintf("t%d_%d", (int)getpid(), ++number);
    _cleanup_free_ char *sql = xasprintf("CREATE DATABASE %s", name);
    struct db *db = db_open(server, &err);
    assert_ok(db != NULL, &err);
    assert_ok(db_script(db, sql, &err), &err);
    db_close(db);
    return xasprintf("%.*s/%s?%s", (int)(at - server), server, name, at + strlen(postgres));
}

static inline struct store *store_open_as(const struct store_fixture *f, const char *station)
{
    struct err *err = NULL;
    struct store *store = store_open(f->url, station, &err);
    assert_ok(store != NULL, &err);
    return store;
}

static inline int store_setup(void **state)
{
    struct store_fixture *f = xcalloc(1, sizeof(*f));
    struct err *err = NULL;
    if (store_server()) {
        f->url = store_new_database(store_server());
    } else {
        assert_ok(fs_temp_dir_anywhere(&f->dir, &err), &err);
        f->url = xasprintf("sqlite:%s/firn.db", f->dir);
    }
    f->store = store_open_as(f, "a");
    *state = f;
    return 0;
}

static inline int store_teardown(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    store_close(f->store);
    if (f->dir)
        assert_ok(fs_remove_tree(f->dir, &err), &err);
    free(f->dir);
    free(f->url);
    free(f);
    return 0;
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, store_setup, store_teardown)

/* The same database, past the store. */
static inline struct db *store_database(const struct store_fixture *f)
{
    struct err *err = NULL;
    struct db *db = db_open(f->url, &err);
    assert_ok(db != NULL, &err);
    return db;
}

static inline void store_sql(const struct store_fixture *f, const char *sql)
{
    struct err *err = NULL;
    struct db *db = store_database(f);
    assert_ok(db_script(db, sql, &err), &err);
    db_close(db);
}

static inline void store_reopen(struct store_fixture *f)
{
    store_close(f->store);
    f->store = store_open_as(f, "a");
}

/* ---- jobs ---- */

/* Its strings are borrowed: not to be released. */
static inline struct job a_build(const char *product, const char *bundle)
{
    return (struct job){.kind = JOB_BUILD,
                        .product = (char *)product,
                        .bundle = (char *)bundle,
                        .submitted_by = (char *)"anna",
                        .submitted_ms = 1000};
}

/* Of what a build makes (waits_for), or of an image. */
static inline struct job a_flash(int64_t waits_for, const char *image, const char *path)
{
    return (struct job){.kind = JOB_FLASH,
                        .image = (char *)image,
                        .path = (char *)path,
                        .waits_for = waits_for,
                        .station = (char *)"a",
                        .submitted_by = (char *)"anna",
                        .submitted_ms = 1000};
}

static inline enum job_added request_job(struct store *store, const struct job_request *request,
                                         int64_t *id)
{
    struct err *err = NULL;
    struct job job;
    enum job_added how;
    assert_ok(store_job_add(store, request, &how, &job, &err), &err);
    *id = 0;
    if (how != JOB_KEY_REUSED && how != JOB_QUEUE_FULL) {
        *id = job.id;
        job_release(&job);
    }
    return how;
}

static inline enum job_added try_job(struct store *store, struct job job, int64_t *id)
{
    const struct job_request request = {.job = &job, .queue_max = 1000};
    return request_job(store, &request, id);
}

static inline int64_t add_job(struct store *store, struct job job)
{
    int64_t id;
    assert_int_equal(try_job(store, job, &id), JOB_ADDED);
    return id;
}

/* A build that is like no other. */
static inline int64_t add_build(struct store *store)
{
    static int number;
    _cleanup_free_ char *bundle = xasprintf("%064d", ++number);
    return add_job(store, a_build("greeter", bundle));
}

/* To be released. */
static inline struct job get_job(struct store *store, int64_t id)
{
    struct err *err = NULL;
    struct job job;
    assert_ok(store_job_get(store, id, &job, &err), &err);
    return job;
}

static inline enum job_state job_state(struct store *store, int64_t id)
{
    struct job job = get_job(store, id);
    job_release(&job);
    return job.state;
}

/* 0 = there was none. */
static inline int64_t claim_for(struct store *store, enum job_kind kind, int64_t lease_ms,
                                int64_t *token)
{
    struct err *err = NULL;
    struct job job;
    bool got;
    assert_ok(store_job_claim(store, kind, lease_ms, NULL, NULL, &got, &job, &err), &err);
    if (!got)
        return 0;
    assert_int_equal(job.state, JOB_RUNNING);
    if (token)
        *token = job.token;
    job_release(&job);
    return job.id;
}

static inline int64_t claim(struct store *store, enum job_kind kind, int64_t *token)
{
    return claim_for(store, kind, 60000, token);
}

/* Whether it was ours to end. */
static inline bool end_as(struct store *store, int64_t id, int64_t token, const struct job_end *end)
{
    struct err *err = NULL;
    bool lost;
    assert_ok(store_job_end(store, id, token, end, &lost, &err), &err);
    return !lost;
}

static inline bool end_job(struct store *store, int64_t id, int64_t token, enum job_state state,
                           const char *image)
{
    return end_as(store, id, token,
                  &(struct job_end){.state = state, .exit_status = 0, .image = image});
}

/* ---- events, records ---- */

static inline struct store_events all_events(struct store *store)
{
    struct err *err = NULL;
    struct store_events events;
    assert_ok(store_events_after(store, 0, 100000, &events, &err), &err);
    return events;
}

static inline size_t count_events(struct store *store)
{
    struct store_events events = all_events(store);
    size_t count = events.count;
    store_events_release(&events);
    return count;
}

/* The last event is of this type and has this in its data. */
static inline void assert_last_event(struct store *store, const char *type, const char *part)
{
    struct store_events events = all_events(store);
    assert_true(events.count > 0);
    assert_string_equal(events.items[events.count - 1].type, type);
    assert_contains(events.items[events.count - 1].data, part);
    store_events_release(&events);
}

/* All of them, oldest first. */
static inline json_t *all_records(struct store *store)
{
    struct err *err = NULL;
    json_t *records;
    const struct record_filter filter = {.oldest_first = true, .limit = 100000};
    assert_ok(store_records_list(store, &filter, &records, &err), &err);
    return records;
}

/* The chain is whole; how many records it has. */
static inline size_t assert_chain(struct store *store)
{
    struct err *err = NULL;
    json_t *records = all_records(store);
    struct chain chain;
    size_t i;
    json_t *record;
    chain_init(&chain);
    json_array_foreach(records, i, record) assert_ok(chain_take(&chain, record, &err), &err);
    size_t count = json_array_size(records);
    json_decref(records);
    return count;
}

/* A record about nothing; body is to be released. */
static inline struct record_new a_record(const char *kind, int number)
{
    return (struct record_new){kind, json_pack("{s:i}", "number", number)};
}

static inline void add_record(struct store *store, const char *kind, int number)
{
    struct err *err = NULL;
    struct record_new record = a_record(kind, number);
    assert_ok(store_record_add(store, &record, &err), &err);
    json_decref(record.body);
}

/* ---- images ---- */

/* Its strings are borrowed: not to be released. */
static inline struct image_row an_image(const char *digest, int64_t built_ms)
{
    return (struct image_row){.digest = (char *)digest,
                              .product = (char *)"greeter",
                              .name = (char *)"Greeter",
                              .version = (char *)"1.0",
                              .board = (char *)"PYBV11",
                              .station = (char *)"a",
                              .bytes = 1000,
                              .built_ms = built_ms,
                              .used_ms = built_ms,
                              .here = true,
                              .on_disk = 5000};
}

/* By a build of its own. */
static inline int64_t add_image(struct store *store, struct image_row image)
{
    int64_t token, id = add_build(store);
    assert_int_equal(claim(store, JOB_BUILD, &token), id);
    image.job = id;
    assert_true(
        end_as(store, id, token,
               &(struct job_end){.state = JOB_DONE, .image = image.digest, .image_row = &image}));
    return id;
}

#endif
