/*
 * How long the store takes with a long queue: medians of listing, claiming and adding, with 10,000
 * jobs queued and as many done. usage: store [URL]: sqlite:PATH (a file that is not there yet) or
 * postgresql://..., by default a file in the temporary directory. And which index SQLite takes: a
 * scan of a table is a failure.
 */
#include <stdio.h>
#include <time.h>

#include "base/fs.h"
#include "station/db.h"
#include "station/store.h"

#define JOBS 10000
#define RUNS 201

static void must(bool ok, struct err *err)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    if (ok)
        return;
    err_format(err, &text);
    fputs(text.data, stderr);
    exit(1);
}

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void fill(const char *url)
{
    struct err *err = NULL;
    struct db *db = db_open(url, &err);
    must(db != NULL, err);
    must(db_begin(db, &err), err);
    for (int i = 0; i < 2 * JOBS; i++) {
        _cleanup_free_ char *bundle = xasprintf("%064d", i), *product = xasprintf("p%d", i % 50);
        must(DB_QUERY(db, NULL, &err,
                      "INSERT INTO jobs (kind, state, product, bundle, waits_for, retry_of,"
                      " priority, need_memory, need_cores, attempt, token, lease_until, station,"
                      " cancel_requested, submitted_ms, started_ms, ended_ms, exit_status, phases)"
                      " VALUES ('build', $1, $2, $3, 0, 0, 0, 0, 0, 0, 0, 0, $4, 0, 0, 0, 0, -1,"
                      " '[]')",
                      db_text(i < JOBS ? "done" : "queued"), db_text(product), db_text(bundle),
                      db_text(i % 1000 ? NULL : "other")),
             err);
    }
    must(db_commit(db, &err), err);
    if (db_is_postgresql(db))
        must(db_script(db, "ANALYZE", &err), err);
    db_close(db);
}

/* ---- what is measured ---- */

static void list(struct store *store, const struct job_filter *filter)
{
    struct err *err = NULL;
    struct job_list jobs = JOB_LIST_INIT;
    must(store_jobs_list(store, filter, &jobs, &err), err);
    job_list_release(&jobs);
}

static void list_all(struct store *store, int i)
{
    (void)i;
    list(store, &(struct job_filter){.state = -1, .kind = -1, .limit = 50});
}
static void list_state(struct store *store, int i)
{
    list(store,
         &(struct job_filter){.state = i % 2 ? JOB_QUEUED : JOB_FAILED, .kind = -1, .limit = 50});
}
static void list_kind(struct store *store, int i)
{
    list(store,
         &(struct job_filter){.state = i % 2 ? -1 : JOB_DONE, .kind = JOB_FLASH, .limit = 50});
}
static void list_product(struct store *store, int i)
{
    (void)i;
    list(store,
         &(struct job_filter){.state = JOB_DONE, .kind = JOB_BUILD, .product = "p7", .limit = 50});
}
static void list_station(struct store *store, int i)
{
    (void)i;
    list(store, &(struct job_filter){.state = -1, .kind = -1, .station = "nobody", .limit = 50});
}

static void claim(struct store *store, int i)
{
    struct err *err = NULL;
    struct job job;
    bool got;
    (void)i;
    must(store_job_claim(store, JOB_BUILD, 60000, NULL, NULL, &got, &job, &err) && got, err);
    job_release(&job);
}

static void add_named(struct store *store, const char *bundle)
{
    struct err *err = NULL;
    const struct job job = {.product = (char *)"p7",
                            .bundle = (char *)bundle,
                            .submitted_by = (char *)"anna",
                            .submitted_ms = 1};
    const struct job_request request = {.job = &job, .queue_max = 2 * JOBS};
    enum job_added how;
    struct job got;
    must(store_job_add(store, &request, &how, &got, &err), err);
    job_release(&got);
}
static void add(struct store *store, int i)
{
    _cleanup_free_ char *bundle = xasprintf("n%d", i);
    add_named(store, bundle);
}
static void add_same(struct store *store, int i)
{
    (void)i;
    add_named(store, "n0");
}

static void counts(struct store *store, int i)
{
    struct err *err = NULL;
    struct job_counts all;
    (void)i;
    must(store_job_counts(store, &all, &err), err);
}

static void measure(struct store *store, const char *what, void (*run)(struct store *, int))
{
    double took[RUNS];
    for (int i = 0; i < RUNS; i++) {
        double start = now_us();
        run(store, i);
        took[i] = now_us() - start;
    }
    qsort(took, RUNS, sizeof(*took), compare);
    printf("| %-42s | %9.0f us | %9.0f us |\n", what, took[RUNS / 2], took[RUNS - 3]);
}

int main(int argc, char **argv)
{
    struct err *err = NULL;
    _cleanup_free_ char *dir = NULL;
    must(fs_temp_dir_anywhere(&dir, &err), err);
    _cleanup_free_ char *url = argc > 1 ? xstrdup(argv[1]) : xasprintf("sqlite:%s/firn.db", dir);
    struct store *store = store_open(url, "bench", &err);
    must(store != NULL, err);
    fill(url);
    printf("%s, %d jobs queued, %d done, %d runs\n", store_kind(store), JOBS, JOBS, RUNS);
    printf("| %-42s | %-12s | %-12s |\n|---|---|---|\n", "call", "median", "99 %");
    measure(store, "store_jobs_list(50)", list_all);
    measure(store, "store_jobs_list(50) of a state", list_state);
    measure(store, "store_jobs_list(50) of a kind", list_kind);
    measure(store, "store_jobs_list(50) of a product", list_product);
    measure(store, "store_jobs_list(50) of a station", list_station);
    measure(store, "store_job_counts", counts);
    measure(store, "store_job_claim", claim);
    measure(store, "store_job_add", add);
    measure(store, "store_job_add of the same", add_same);
    store_close(store);
    must(fs_remove_tree(dir, &err), err);
    return 0;
}
