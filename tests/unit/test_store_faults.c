/*
 * A disk that fails at each write in turn, once or from then on (fault_vfs.h): a call that fails
 * leaves the store as it was before, says why, and afterwards the session goes on; what was
 * acknowledged is there.
 *
 * One thing cannot be had: a commit whose fsync fails, on a disk that goes on failing, may be there
 * when the file is opened again. Then all of it is.
 */
#include "tests/unit/store_fixture.h"

#include "tests/unit/fault_vfs.h"

/* ---- what is in a store, as text ---- */

static void add_table(struct db *db, const char *sql, struct buf *out)
{
    struct err *err = NULL;
    struct db_result rows;
    assert_ok(db_query(db, sql, NULL, 0, &rows, &err), &err);
    for (size_t i = 0; i < rows.count * rows.columns; i++) {
        if (rows.cells[i].type == DB_TEXT)
            buf_addf(out, "%s|", rows.cells[i].data);
        else
            buf_addf(out, "%lld|", (long long)rows.cells[i].integer);
    }
    buf_addc(out, '\n');
    db_result_release(&rows);
}

/* Times are left out: they differ from session to session. */
static char *content_of(const struct store_fixture *f)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    struct db *db = store_database(f);
    add_table(db, "SELECT id, state, image, token, attempt, phases FROM jobs ORDER BY id", &text);
    add_table(db, "SELECT key, job FROM keys ORDER BY key", &text);
    add_table(db, "SELECT count(*), max(id) FROM events", &text);
    add_table(db, "SELECT digest, length(json) FROM bundles", &text);
    add_table(db, "SELECT name, json FROM products", &text);
    add_table(db, "SELECT digest, released, here FROM images", &text);
    add_table(db, "SELECT seq, kind FROM records ORDER BY seq", &text);
    add_table(db, "SELECT id, name FROM tokens", &text);
    db_close(db);
    return buf_detach(&text, NULL);
}

static void assert_whole(const struct store_fixture *f)
{
    struct err *err = NULL;
    struct db_result rows;
    struct db *db = store_database(f);
    assert_ok(db_query(db, "PRAGMA integrity_check", NULL, 0, &rows, &err), &err);
    assert_string_equal(db_get_text(&rows, 0, 0), "ok");
    db_result_release(&rows);
    db_close(db);
    struct store *store = store_open_as(f, "checker");
    assert_chain(store);
    store_close(store);
}

/* ---- a session ---- */

/* What the steps know of each other. */
struct session {
    int64_t build, token;
};

static bool step_add_build(struct store *store, struct session *s, struct err **err)
{
    struct job job = a_build("greeter", "b1"), got;
    const struct job_request request = {&job, "k", "h", 100};
    enum job_added how;
    if (!store_job_add(store, &request, &how, &got, err))
        return false;
    s->build = got.id;
    job_release(&got);
    return true;
}

static bool step_add_flash(struct store *store, struct session *s, struct err **err)
{
    struct job job = a_flash(s->build, NULL, "1-1"), got;
    const struct job_request request = {&job, "k2", "h", 100};
    enum job_added how;
    if (!store_job_add(store, &request, &how, &got, err))
        return false;
    job_release(&got);
    return true;
}

static bool step_bundle(struct store *store, struct session *s, struct err **err)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    (void)s;
    buf_fill(&text, 'x', 60000);
    return store_bundle_put(store, "b1", text.data, text.len, err);
}

static bool step_product(struct store *store, struct session *s, struct err **err)
{
    struct record_new record = a_record("product", 1);
    (void)s;
    bool ok = store_product_put(store, "greeter", record.body, record.body, &record, 1, err);
    json_decref(record.body);
    return ok;
}

static bool step_claim(struct store *store, struct session *s, struct err **err)
{
    struct job job;
    bool got;
    if (!store_job_claim(store, JOB_BUILD, 1000, NULL, NULL, &got, &job, err))
        return false;
    assert_true(got);
    assert_int_equal(job.id, s->build);
    s->token = job.token;
    job_release(&job);
    return true;
}

static bool step_phases(struct store *store, struct session *s, struct err **err)
{
    json_t *phases = json_pack("[{s:s}]", "id", "compile");
    bool lost;
    bool ok = store_job_phases(store, s->build, s->token, phases, &lost, err);
    json_decref(phases);
    assert_true(!ok || !lost);
    return ok;
}

static bool step_end(struct store *store, struct session *s, struct err **err)
{
    struct record_new records[] = {a_record("build", 1), a_record("build", 2)};
    const struct image_row image = an_image("d1", 1);
    const struct job_end end = {.state = JOB_DONE,
                                .image = "d1",
                                .image_row = &image,
                                .records = records,
                                .record_count = 2};
    bool lost;
    bool ok = store_job_end(store, s->build, s->token, &end, &lost, err);
    json_decref(records[0].body);
    json_decref(records[1].body);
    assert_true(!ok || !lost);
    return ok;
}

static bool step_release(struct store *store, struct session *s, struct err **err)
{
    struct record_new record = a_record("release", 1);
    (void)s;
    bool ok = store_image_release(store, "d1", true, &record, err);
    json_decref(record.body);
    return ok;
}

static bool step_token(struct store *store, struct session *s, struct err **err)
{
    struct record_new record = a_record("token", 1);
    struct token_row token = {.id = "0123456789abcdef", .name = (char *)"ci"};
    (void)s;
    bool ok = store_token_add(store, &token, &record, err);
    json_decref(record.body);
    return ok;
}

static bool step_prune(struct store *store, struct session *s, struct err **err)
{
    (void)s;
    return store_prune(store, 3, err);
}

static bool (*const steps[])(struct store *, struct session *, struct err **) = {
    step_bundle, step_product, step_add_build, step_add_flash, step_claim,
    step_phases, step_end,     step_release,   step_token,     step_prune,
};

/* What the store holds after each step when nothing fails. */
static char *expected[ARRAY_SIZE(steps) + 1];

/* ---- one fault ---- */

static void assert_says_why(struct err **err, int code)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    assert_non_null(*err);
    err_format(*err, &text);
    assert_contains(text.data, "firn.db: ");
    assert_int_equal((*err)->code, ERR_FAILED);
    assert_true(err_is_of_machine(*err));
    if (code == SQLITE_FULL && !fault.failed_sync && strstr(text.data, "full"))
        assert_contains(text.data, "free some space");
    err_free_ptr(err);
}

static int doubts; /* commits that were there although their call failed */

/* The step was done although it said that it was not: what it would have told the next ones. */
static void take_up(struct store *store, size_t step, struct session *session)
{
    if (steps[step] != step_add_build && steps[step] != step_claim)
        return;
    struct job job = get_job(store, 1);
    session->build = job.id;
    session->token = job.token;
    job_release(&job);
}

/* The step is done again until it succeeds, as a client would; what a commit in doubt has left is
 * known by the store's content. */
static void try_step(struct store_fixture *f, size_t i, struct session *session, int code)
{
    struct err *err = NULL;
    if (steps[i](f->store, session, &err))
        return;
    bool in_doubt = fault.lasting && fault.failed_sync;
    assert_says_why(&err, code);
    if (fault.lasting) {
        /* all of them are refused as long as it lasts */
        assert_false(store_probe(f->store, &err));
        assert_says_why(&err, code);
    }
    fault_vfs_mend();
    assert_ok(store_probe(f->store, &err), &err);
    _cleanup_free_ char *content = content_of(f);
    if (in_doubt && strcmp(content, expected[i + 1]) == 0) {
        doubts++;
        take_up(f->store, i, session);
        return;
    }
    assert_string_equal(content, expected[i]);
    assert_ok(steps[i](f->store, session, &err), &err);
}

/* True: the fault struck. */
static bool run_with(int at, int code, bool lasting)
{
    struct store_fixture *f;
    struct session session = {0};
    fault_vfs_mend();
    store_setup((void **)&f);
    fault.calls = 0;
    fault.at = at;
    fault.code = code;
    fault.lasting = lasting;
    bool struck = false;
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        try_step(f, i, &session, code);
        struck |= fault.failed > 0 || !fault.at;
    }
    fault_vfs_mend();
    _cleanup_free_ char *content = content_of(f);
    assert_string_equal(content, expected[ARRAY_SIZE(steps)]);
    assert_whole(f);
    store_teardown((void **)&f);
    return struck;
}

static int learn(void **state)
{
    struct store_fixture *f;
    struct session session = {0};
    struct err *err = NULL;
    (void)state;
    store_setup((void **)&f);
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        expected[i] = content_of(f);
        assert_ok(steps[i](f->store, &session, &err), &err);
    }
    expected[ARRAY_SIZE(steps)] = content_of(f);
    store_teardown((void **)&f);
    return 0;
}

static int forget(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
        free(expected[i]);
    return 0;
}

static void at_each_call(int code, bool lasting)
{
    int at = 1;
    doubts = 0;
    while (run_with(at, code, lasting))
        at++;
    print_message("# %d calls failed, one in each session; %d commits in doubt\n", at - 1, doubts);
    assert_true(at > 30);
}

static void full_once(void **state)
{
    (void)state;
    at_each_call(SQLITE_FULL, false);
}
static void full_from_then_on(void **state)
{
    (void)state;
    at_each_call(SQLITE_FULL, true);
}
static void broken_once(void **state)
{
    (void)state;
    at_each_call(0, false);
}
static void broken_from_then_on(void **state)
{
    (void)state;
    at_each_call(0, true);
}

/* A store that cannot be made is an error and leaves what the next attempt can use. */
static void opening(void **state)
{
    int struck = 0;
    (void)state;
    for (int at = 1;; at++) {
        struct err *err = NULL;
        struct store_fixture f = {0};
        fault_vfs_mend();
        assert_ok(fs_temp_dir_anywhere(&f.dir, &err), &err);
        f.url = xasprintf("sqlite:%s/firn.db", f.dir);
        fault.at = at;
        f.store = store_open(f.url, "a", &err);
        bool failed = fault.failed > 0;
        if (!f.store)
            assert_says_why(&err, 0);
        store_close(f.store);
        fault_vfs_mend();
        f.store = store_open_as(&f, "a");
        add_build(f.store);
        store_close(f.store);
        assert_whole(&f);
        assert_ok(fs_remove_tree(f.dir, &err), &err);
        free(f.dir);
        free(f.url);
        if (!failed)
            break;
        struck = at;
    }
    print_message("# %d calls failed, one in each opening\n", struck);
    assert_true(struck > 5);
}

/* A checkpoint that fails has no say in what was committed. */
static void a_checkpoint_that_fails(void **state)
{
    struct store_fixture *f;
    struct err *err = NULL;
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        int64_t last = 0;
        fault_vfs_mend();
        store_setup((void **)&f);
        for (int i = 0; i < 400; i++) {
            _cleanup_free_ char *bundle = xasprintf("c%d", i);
            struct job job = a_build("greeter", bundle), got;
            const struct job_request request = {.job = &job, .queue_max = 1000};
            enum job_added how;
            fault.at = i % 20 == 19 ? 1 + i / 20 : 0;
            fault.calls = 0;
            fault.lasting = kind;
            bool ok = store_job_add(f->store, &request, &how, &got, &err);
            if (ok) {
                last++;
                job_release(&got);
            } else {
                assert_says_why(&err, 0);
            }
        }
        fault_vfs_mend();
        assert_ok(store_probe(f->store, &err), &err);
        struct job_counts counts;
        assert_ok(store_job_counts(f->store, &counts, &err), &err);
        int64_t there = counts.of[JOB_BUILD][JOB_QUEUED];
        assert_in_range(there, last, kind ? 400 : last);
        assert_whole(f);
        store_teardown((void **)&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_once),   cmocka_unit_test(full_from_then_on),
        cmocka_unit_test(broken_once), cmocka_unit_test(broken_from_then_on),
        cmocka_unit_test(opening),     cmocka_unit_test(a_checkpoint_that_fails),
    };
    unsetenv("FIRN_TEST_POSTGRESQL");
    fault_vfs_install();
    return cmocka_run_group_tests(tests, learn, forget);
}
