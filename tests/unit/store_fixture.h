/*
 * A store of its own for each test: SQLite in a temporary directory; or, where FIRN_TEST_POSTGRESQL
 * is the URL of a server (tests/postgresql), a new database there. A test that says so gets a
 * second station on it.
 */
#ifndef FIRN_TESTS_UNIT_STORE_FIXTURE_H
#define FIRN_TESTS_UNIT_STORE_FIXTURE_H

#include <stdio.h>
#include <unistd.h>

#include "base/chain.h"
#include "base/fs.h"
#include "base/json_get.h"
#include "station/db.h"
#include "station/store.h"
#include "unit.h"

struct fixture {
    char *dir, *url;
    struct store *store;
    struct err *err;
};

/* Is the test run on a server? */
static inline bool on_postgresql(void)
{
    return getenv("FIRN_TEST_POSTGRESQL") != NULL;
}

/* ".../postgres?host=..." with another database. */
static inline char *new_database(void)
{
    static int count;
    const char *url = getenv("FIRN_TEST_POSTGRESQL"), *name = strstr(url, "/postgres?");
    struct err *err = NULL;
    struct db *db = db_open(url, &err);
    assert_ok(db != NULL, &err);
    _cleanup_free_ char *sql = xasprintf("CREATE DATABASE t%d_%d", (int)getpid(), ++count);
    assert_ok(db_script(db, sql, &err), &err);
    db_close(db);
    return xasprintf("%.*s/t%d_%d%s", (int)(name - url), url, (int)getpid(), count,
                     name + strlen("/postgres"));
}

static inline struct store *open_store(struct fixture *f, const char *station)
{
    struct store *store = store_open(f->url, station, &f->err);
    assert_ok(store != NULL, &f->err);
    return store;
}

static inline int set_up_store(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    assert_ok(fs_temp_dir_anywhere(&f->dir, &f->err), &f->err);
    f->url = on_postgresql() ? new_database() : xasprintf("sqlite:%s/firn.db", f->dir);
    f->store = open_store(f, "a");
    *state = f;
    return 0;
}

static inline int tear_down_store(void **state)
{
    struct fixture *f = *state;
    store_close(f->store);
    assert_ok(fs_remove_tree(f->dir, &f->err), &f->err);
    free(f->dir);
    free(f->url);
    free(f);
    return 0;
}
#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_store, tear_down_store)

/* SQL beside the store, as somebody with another program would do it. */
static inline bool run_sql(struct fixture *f, const char *sql)
{
    struct err *err = NULL;
    struct db *db = db_open(f->url, &err);
    assert_ok(db != NULL, &err);
    bool ok = db_script(db, sql, &err);
    err_free(err);
    db_close(db);
    return ok;
}

/* ---- jobs ---- */

static inline struct job a_job(enum job_kind kind, const char *product, const char *bundle)
{
    struct job job;
    job_init(&job);
    job.kind = kind;
    job.product = product ? xstrdup(product) : NULL;
    job.bundle = bundle ? xstrdup(bundle) : NULL;
    job.submitted_by = xstrdup("alice");
    job.submitted_ms = now_ms();
    job.need_memory = 1000;
    job.need_cores = 1;
    return job;
}

static inline struct job a_flash(const char *path, int64_t build, const char *image)
{
    struct job job = a_job(JOB_FLASH, NULL, NULL);
    job.station = xstrdup("a");
    job.path = path ? xstrdup(path) : NULL;
    job.waits_for = build;
    job.image = image ? xstrdup(image) : NULL;
    return job;
}

/* Adds it (taken); its number, or that of the job that stands for it, 0 for none. */
static inline int64_t add_as(struct fixture *f, struct store *store, struct job job,
                             const char *key, const char *hash, int64_t max, enum job_added *how)
{
    struct job_request request = {&job, key, hash, max};
    struct job added;
    assert_ok(store_job_add(store, &request, how, &added, &f->err), &f->err);
    int64_t id = 0;
    if (*how != JOB_KEY_REUSED && *how != JOB_QUEUE_FULL) {
        id = added.id;
        job_release(&added);
    }
    job_release(&job);
    return id;
}

static inline int64_t add(struct fixture *f, struct job job)
{
    enum job_added how;
    return add_as(f, f->store, job, NULL, NULL, 1000000, &how);
}

/* Claims the next one; 0: there is none. *token may be NULL. */
static inline int64_t claim_by(struct fixture *f, struct store *store, enum job_kind kind,
                               int64_t lease_ms, int64_t *token)
{
    struct job job;
    bool got;
    assert_ok(store_job_claim(store, kind, lease_ms, NULL, NULL, &got, &job, &f->err), &f->err);
    if (!got)
        return 0;
    int64_t id = job.id;
    assert_int_equal(job.state, JOB_RUNNING);
    if (token)
        *token = job.token;
    job_release(&job);
    return id;
}

static inline int64_t claim(struct fixture *f, enum job_kind kind, int64_t *token)
{
    return claim_by(f, f->store, kind, 30000, token);
}

/* The state of a job; *job (may be NULL) is the whole of it, the caller's. */
static inline enum job_state state_of(struct fixture *f, int64_t id, struct job *job)
{
    struct job found;
    assert_ok(store_job_get(f->store, id, &found, &f->err), &f->err);
    enum job_state state = found.state;
    if (job)
        *job = found;
    else
        job_release(&found);
    return state;
}

/* Ends a job; false: it was not held any more. */
static inline bool end_by(struct fixture *f, struct store *store, int64_t id, int64_t token,
                          enum job_state state, const char *image)
{
    json_t *body = json_pack("{s:I}", "job", (json_int_t)id);
    struct record_new record = {"build", body};
    struct job_end end = {.state = state,
                          .exit_status = state == JOB_DONE ? 0 : 1,
                          .reason = state == JOB_DONE ? NULL : "why",
                          .image = image,
                          .records = &record,
                          .record_count = 1};
    bool lost;
    assert_ok(store_job_end(store, id, token, &end, &lost, &f->err), &f->err);
    json_decref(body);
    return !lost;
}

/* How many events there are after this one. */
static inline size_t count_events(struct fixture *f, int64_t after)
{
    struct store_events events = STORE_EVENTS_INIT;
    assert_ok(store_events_after(f->store, after, 100000, &events, &f->err), &f->err);
    size_t count = events.count;
    store_events_release(&events);
    return count;
}

/* All records, verified; how many. */
static inline size_t verify_records(struct fixture *f)
{
    struct record_filter filter = {.oldest_first = true, .limit = 100000};
    struct chain chain;
    json_t *records, *record;
    size_t i, count;
    assert_ok(store_records_list(f->store, &filter, &records, &f->err), &f->err);
    chain_init(&chain);
    json_array_foreach(records, i, record) assert_ok(chain_take(&chain, record, &f->err), &f->err);
    count = json_array_size(records);
    json_decref(records);
    return count;
}

#endif
