/* store.h: events, records, products, images, tokens, the schema. On both databases. */
#include <sys/stat.h>

#include "store_fixture.h"

/* ---- events ---- */

static void events_are_in_order_and_complete(void **state)
{
    struct fixture *f = *state;
    json_t *data = json_pack("{s:s}", "a", "b");
    struct store_events events = STORE_EVENTS_INIT;
    int64_t oldest, latest;
    assert_ok(store_events_range(f->store, &oldest, &latest, &f->err), &f->err);
    assert_true(oldest == 0 && latest == 0);
    for (int i = 0; i < 10; i++)
        assert_ok(store_event_add(f->store, i % 2 ? "odd" : "even", data, &f->err), &f->err);
    assert_ok(store_events_after(f->store, 3, 4, &events, &f->err), &f->err);
    assert_int_equal(events.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(events.items[i].id, 4 + i);
        assert_string_equal(events.items[i].type, i % 2 ? "even" : "odd");
        assert_string_equal(events.items[i].data, "{\"a\":\"b\"}");
    }
    store_events_release(&events);
    assert_ok(store_prune(f->store, 3, &f->err), &f->err);
    assert_ok(store_events_range(f->store, &oldest, &latest, &f->err), &f->err);
    assert_true(oldest == 8 && latest == 10);
    /* Numbers are not used again. */
    assert_ok(store_prune(f->store, 0, &f->err), &f->err);
    assert_ok(store_event_add(f->store, "x", data, &f->err), &f->err);
    assert_ok(store_events_range(f->store, &oldest, &latest, &f->err), &f->err);
    assert_int_equal(latest, 11);
    json_decref(data);
}

/* ---- records ---- */

static void add_record(struct fixture *f, const char *kind, const char *text)
{
    json_t *body = json_pack("{s:s}", "text", text);
    struct record_new record = {kind, body};
    assert_ok(store_record_add(f->store, &record, &f->err), &f->err);
    json_decref(body);
}

static size_t count_records(struct fixture *f, struct record_filter filter)
{
    json_t *records;
    assert_ok(store_records_list(f->store, &filter, &records, &f->err), &f->err);
    size_t count = json_array_size(records);
    json_decref(records);
    return count;
}

static void records_are_chained_and_searched(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 10; i++)
        add_record(f, i % 2 ? "flash" : "build", i == 4 ? "100% of Gr\xc3\xbc_n" : "other");
    assert_int_equal(verify_records(f), 10);
    assert_int_equal(count_records(f, (struct record_filter){.kind = "flash", .limit = 100}), 5);
    assert_int_equal(count_records(f, (struct record_filter){.text = "100%", .limit = 100}), 1);
    assert_int_equal(count_records(f, (struct record_filter){.text = "0% OF", .limit = 100}), 1);
    assert_int_equal(count_records(f, (struct record_filter){.text = "_n", .limit = 100}), 1);
    assert_int_equal(count_records(f, (struct record_filter){.text = "o%r", .limit = 100}), 0);
    assert_int_equal(count_records(f, (struct record_filter){.text = "' OR 1=1", .limit = 100}), 0);
    assert_int_equal(count_records(f, (struct record_filter){.before = 4, .limit = 100}), 3);
    assert_int_equal(count_records(f, (struct record_filter){.after = 4, .limit = 100}), 6);
    json_t *records;
    struct record_filter newest = {.limit = 2};
    assert_ok(store_records_list(f->store, &newest, &records, &f->err), &f->err);
    assert_int_equal(json_get_int(json_array_get(records, 0), "seq"), 10);
    json_decref(records);
}

static void records_cannot_be_changed(void **state)
{
    struct fixture *f = *state;
    add_record(f, "build", "x");
    add_record(f, "build", "y");
    assert_false(run_sql(f, "UPDATE records SET body = '{}' WHERE seq = 1"));
    assert_false(run_sql(f, "DELETE FROM records WHERE seq = 2"));
    assert_false(run_sql(f, "DELETE FROM records"));
    if (on_postgresql())
        assert_false(run_sql(f, "TRUNCATE records"));
    assert_int_equal(verify_records(f), 2);
}

static void what_fails_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    add_record(f, "build", "x");
    int64_t id = add(f, a_job(JOB_BUILD, "p", "b")), token;
    assert_int_equal(claim(f, JOB_BUILD, &token), id);
    size_t events = count_events(f, 0);
    /* The second record has no kind: the first, the job's end and its events go with it. */
    json_t *body = json_object();
    struct record_new records[] = {{"build", body}, {NULL, body}};
    struct job_end end = {.state = JOB_DONE, .records = records, .record_count = 2};
    bool lost;
    assert_false(store_job_end(f->store, id, token, &end, &lost, &f->err));
    assert_non_null(f->err);
    err_free_ptr(&f->err);
    json_decref(body);
    assert_int_equal(state_of(f, id, NULL), JOB_RUNNING);
    assert_int_equal(count_events(f, 0), events);
    assert_int_equal(verify_records(f), 1);
    assert_true(end_by(f, f->store, id, token, JOB_DONE, NULL)); /* and it goes on */
}

/* ---- products ---- */

static void products_are_kept(void **state)
{
    struct fixture *f = *state;
    json_t *product = json_pack("{s:s, s:s}", "name", "p", "state", "checking"), *found;
    struct record_new record = {"product", product};
    assert_ok(store_product_put(f->store, "p", product, product, NULL, 0, &f->err), &f->err);
    json_object_set_new(product, "state", json_string("valid"));
    assert_ok(store_product_put(f->store, "p", product, product, &record, 1, &f->err), &f->err);
    assert_ok(store_product_get(f->store, "p", &found, &f->err), &f->err);
    assert_true(json_equal(found, product));
    json_decref(found);
    assert_int_equal(verify_records(f), 1);
    assert_int_equal(count_events(f, 0), 2);
    assert_ok(store_products_list(f->store, &found, &f->err), &f->err);
    assert_int_equal(json_array_size(found), 1);
    json_decref(found);
    assert_ok(store_product_remove(f->store, "p", &f->err), &f->err);
    assert_int_equal(count_events(f, 0), 3);
    assert_false(store_product_remove(f->store, "p", &f->err));
    assert_error(&f->err, ERR_NOT_FOUND, "there is no product 'p'");
    assert_false(store_product_get(f->store, "p", &found, &f->err));
    assert_error(&f->err, ERR_NOT_FOUND, "there is no product 'p'");
    json_decref(product);
}

static void bundles_are_kept(void **state)
{
    struct fixture *f = *state;
    static const char text[] = "{\"files\":[\"\xc3\xbc \\u0000 '\"]}";
    _cleanup_(buf_release) struct buf found = BUF_INIT;
    for (int i = 0; i < 2; i++) /* again is no error */
        assert_ok(store_bundle_put(f->store, "d", text, strlen(text), &f->err), &f->err);
    assert_ok(store_bundle_get(f->store, "d", &found, &f->err), &f->err);
    assert_string_equal(found.data, text);
    assert_false(store_bundle_get(f->store, "e", &found, &f->err));
    assert_error(&f->err, ERR_NOT_FOUND, "there is no bundle e");
}

static void the_latest_build_of_a_product(void **state)
{
    struct fixture *f = *state;
    struct job job;
    bool found;
    assert_ok(store_product_job(f->store, "p", &found, &job, &f->err), &f->err);
    assert_false(found);
    add(f, a_job(JOB_BUILD, "p", "1"));
    int64_t latest = add(f, a_job(JOB_BUILD, "p", "2"));
    add(f, a_job(JOB_FOLLOW, "p", "2"));
    add(f, a_job(JOB_BUILD, "q", "2"));
    assert_ok(store_product_job(f->store, "p", &found, &job, &f->err), &f->err);
    assert_true(found);
    assert_int_equal(job.id, latest);
    job_release(&job);
}

/* ---- images ---- */

static void put_image(struct fixture *f, const char *digest, const char *version, int64_t built_ms)
{
    int64_t id = add(f, a_job(JOB_BUILD, "p", digest)), token;
    struct image_row image = {
        .digest = xstrdup(digest),
        .product = xstrdup("p"),
        .name = xstrdup("greeter_1"),
        .version = xstrdup(version),
        .board = xstrdup("PYBV11"),
        .bundle = xstrdup(digest),
        .station = xstrdup("a"),
        .job = id,
        .bytes = 1000,
        .flash = 900,
        .ram = 80,
        .built_ms = built_ms,
        .used_ms = built_ms,
        .on_disk = 4096,
        .files = json_pack("[{s:s, s:i}]", "name", "x.dfu", "bytes", 1),
        .sidecar = json_pack("{s:{s:i}}", "size", "flash", 900),
    };
    struct job_end end = {.state = JOB_DONE, .image = digest, .image_row = &image};
    bool lost;
    assert_int_equal(claim(f, JOB_BUILD, &token), id);
    assert_ok(store_job_end(f->store, id, token, &end, &lost, &f->err), &f->err);
    image_row_release(&image);
}

static size_t count_images(struct fixture *f, struct image_filter filter)
{
    struct image_list list = IMAGE_LIST_INIT;
    filter.limit = filter.limit ? filter.limit : 100;
    assert_ok(store_images_list(f->store, &filter, &list, &f->err), &f->err);
    size_t count = list.count;
    image_list_release(&list);
    return count;
}

static void images_are_found_and_paged(void **state)
{
    struct fixture *f = *state;
    static const char *const digests[] = {"aa", "bb", "cc", "dd", "ee"};
    for (size_t i = 0; i < ARRAY_SIZE(digests); i++) /* two of one moment each */
        put_image(f, digests[i], i == 2 ? "1.0%" : "1.0.0", 1000 + (int64_t)i / 2);
    assert_int_equal(count_images(f, (struct image_filter){.product = "p"}), 5);
    assert_int_equal(count_images(f, (struct image_filter){.product = "q"}), 0);
    assert_int_equal(count_images(f, (struct image_filter){.text = "GREETER_"}), 5);
    assert_int_equal(count_images(f, (struct image_filter){.text = "greeterX"}), 0);
    assert_int_equal(count_images(f, (struct image_filter){.text = "pybv"}), 5);
    assert_int_equal(count_images(f, (struct image_filter){.text = "0%"}), 1);
    assert_int_equal(count_images(f, (struct image_filter){.text = "cc"}), 1);
    assert_int_equal(count_images(f, (struct image_filter){.text = "c", .product = "q"}), 0);
    assert_int_equal(count_images(f, (struct image_filter){.station = "b"}), 0);
    struct image_filter filter = {.limit = 2};
    char seen[16] = "", last[4];
    for (;;) {
        struct image_list list = IMAGE_LIST_INIT;
        assert_ok(store_images_list(f->store, &filter, &list, &f->err), &f->err);
        for (size_t i = 0; i < list.count; i++)
            strncat(seen, list.items[i].digest, 2);
        size_t count = list.count;
        if (count) {
            filter.before_ms = list.items[count - 1].built_ms;
            snprintf(last, sizeof(last), "%s", list.items[count - 1].digest);
            filter.before = last;
        }
        image_list_release(&list);
        if (count < 2)
            break;
    }
    assert_string_equal(seen, "eeddccbbaa");
}

static void an_image_is_released_used_and_gone(void **state)
{
    struct fixture *f = *state;
    struct image_row image;
    put_image(f, "aa", "1", 1000);
    put_image(f, "bb", "2", 2000);
    json_t *body = json_object();
    struct record_new record = {"release", body};
    assert_ok(store_image_release(f->store, "aa", true, &record, &f->err), &f->err);
    json_decref(body);
    assert_ok(store_image_used(f->store, "aa", &f->err), &f->err);
    struct image_filter by_use = {.by_use = true, .here_only = true, .limit = 10};
    struct image_list list = IMAGE_LIST_INIT;
    assert_ok(store_images_list(f->store, &by_use, &list, &f->err), &f->err);
    assert_string_equal(list.items[0].digest, "bb"); /* used longer ago, though built later */
    assert_true(list.items[1].released);
    image_list_release(&list);
    assert_ok(store_image_gone(f->store, "bb", &f->err), &f->err);
    assert_int_equal(count_images(f, by_use), 1);
    assert_ok(store_image_get(f->store, "bb", &image, &f->err), &f->err);
    assert_true(!image.here && image.on_disk == 0 && image.flash == 900);
    assert_non_null(image.sidecar);
    image_row_release(&image);
    /* Built again, it is here again, released as it was, and as old. */
    put_image(f, "aa", "1", 5000);
    assert_ok(store_image_get(f->store, "aa", &image, &f->err), &f->err);
    assert_true(image.released && image.here && image.built_ms == 1000 && image.used_ms == 5000);
    image_row_release(&image);
    assert_false(store_image_get(f->store, "zz", &image, &f->err));
    assert_error(&f->err, ERR_NOT_FOUND, "there is no image zz");
}

/* ---- tokens ---- */

static void tokens_are_kept(void **state)
{
    struct fixture *f = *state;
    struct token_row row = {.id = "0123456789abcdef",
                            .name = xstrdup("ci"),
                            .role = ROLE_OPERATE,
                            .hash = "h",
                            .created_ms = 5,
                            .expires_ms = 7},
                     found, *all;
    json_t *body = json_object();
    struct record_new record = {"token", body};
    size_t count;
    assert_ok(store_token_add(f->store, &row, &record, &f->err), &f->err);
    assert_ok(store_token_used(f->store, row.id, &f->err), &f->err);
    assert_ok(store_token_get(f->store, row.id, &found, &f->err), &f->err);
    assert_string_equal(found.name, "ci");
    assert_string_equal(found.hash, "h");
    assert_true(found.role == ROLE_OPERATE && found.expires_ms == 7 && found.used_ms > 7);
    token_row_release(&found);
    assert_ok(store_tokens_list(f->store, &all, &count, &f->err), &f->err);
    assert_int_equal(count, 1);
    token_row_release(&all[0]);
    free(all);
    assert_ok(store_token_remove(f->store, row.id, &record, &f->err), &f->err);
    assert_false(store_token_get(f->store, row.id, &found, &f->err));
    assert_error(&f->err, ERR_NOT_FOUND, "there is no token");
    assert_int_equal(verify_records(f), 2);
    token_row_release(&row);
    json_decref(body);
}

/* ---- the whole ---- */

static void what_was_written_is_there_again(void **state)
{
    struct fixture *f = *state;
    int64_t id = add(f, a_job(JOB_BUILD, "p", "b"));
    store_close(f->store);
    f->store = open_store(f, "a");
    assert_int_equal(state_of(f, id, NULL), JOB_QUEUED);
    assert_ok(store_probe(f->store, &f->err), &f->err);
}

static void another_schema_is_refused(void **state)
{
    struct fixture *f = *state;
    store_close(f->store);
    assert_true(run_sql(f, "UPDATE meta SET value = '999' WHERE key = 'schema'"));
    f->store = store_open(f->url, "a", &f->err);
    assert_null(f->store);
    assert_error(&f->err, ERR_USAGE, "the store has schema 999");
}

static void sqlite_is_safe_and_private(void **state)
{
    struct fixture *f = *state;
    struct db_result rows;
    struct stat st;
    _cleanup_free_ char *path = path_join(f->dir, "firn.db");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    struct db *db = db_open(f->url, &f->err);
    assert_ok(db != NULL, &f->err);
    assert_ok(db_query(db, "PRAGMA journal_mode", NULL, 0, &rows, &f->err), &f->err);
    assert_string_equal(db_get_text(&rows, 0, 0), "wal");
    db_result_release(&rows);
    assert_ok(db_query(db, "PRAGMA synchronous", NULL, 0, &rows, &f->err), &f->err);
    assert_int_equal(db_get_int(&rows, 0, 0), 2); /* FULL */
    db_result_release(&rows);
    db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(events_are_in_order_and_complete),
        STORE_TEST(records_are_chained_and_searched),
        STORE_TEST(records_cannot_be_changed),
        STORE_TEST(what_fails_leaves_nothing),
        STORE_TEST(products_are_kept),
        STORE_TEST(bundles_are_kept),
        STORE_TEST(the_latest_build_of_a_product),
        STORE_TEST(images_are_found_and_paged),
        STORE_TEST(an_image_is_released_used_and_gone),
        STORE_TEST(tokens_are_kept),
        STORE_TEST(what_was_written_is_there_again),
        STORE_TEST(another_schema_is_refused),
        STORE_TEST(sqlite_is_safe_and_private), /* the last one: not on a server */
    };
    size_t count = ARRAY_SIZE(tests) - on_postgresql();
    return _cmocka_run_group_tests("store_rest", tests, count, NULL, NULL);
}
