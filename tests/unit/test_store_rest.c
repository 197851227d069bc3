/* Products, bundles, images, tokens, and the store as a whole. */
#include "tests/unit/store_fixture.h"

/* ---- products and bundles ---- */

static void put_product(struct store *store, const char *name, int number)
{
    struct err *err = NULL;
    json_t *product = json_pack("{s:s, s:i}", "name", name, "number", number);
    assert_ok(store_product_put(store, name, product, product, NULL, 0, &err), &err);
    json_decref(product);
}

static void products(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    json_t *got;
    put_product(f->store, "zebra", 1);
    put_product(f->store, "ant", 2);
    put_product(f->store, "zebra", 3);
    assert_last_event(f->store, "product", "\"number\":3");
    store_reopen(f);
    assert_ok(store_product_get(f->store, "zebra", &got, &err), &err);
    assert_int_equal(json_get_int(got, "number"), 3);
    json_decref(got);
    assert_ok(store_products_list(f->store, &got, &err), &err);
    assert_int_equal(json_array_size(got), 2);
    assert_string_equal(json_get_text(json_array_get(got, 0), "name"), "ant");
    json_decref(got);
    assert_false(store_product_get(f->store, "zebr_", &got, &err));
    assert_error(&err, ERR_NOT_FOUND, "there is no product 'zebr_'");
}

static void a_product_is_removed(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    json_t *got;
    put_product(f->store, "ant", 1);
    int64_t id = add_job(f->store, a_build("ant", "b1"));
    assert_ok(store_product_remove(f->store, "ant", &err), &err);
    assert_last_event(f->store, "product", "\"state\":\"removed\"");
    size_t events = count_events(f->store);
    assert_false(store_product_remove(f->store, "ant", &err));
    assert_error(&err, ERR_NOT_FOUND, "there is no product 'ant'");
    assert_int_equal(count_events(f->store), events);
    assert_false(store_product_get(f->store, "ant", &got, &err));
    assert_error(&err, ERR_NOT_FOUND, "ant");
    /* what was built of it stays */
    assert_int_equal(job_state(f->store, id), JOB_QUEUED);
}

static void the_latest_build_of_a_product(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    struct job job, flash = a_flash(0, "d1", NULL), follow = a_build("ant", NULL);
    bool found;
    assert_ok(store_product_job(f->store, "ant", &found, &job, &err), &err);
    assert_false(found);
    add_job(f->store, a_build("ant", "b1"));
    int64_t latest = add_job(f->store, a_build("ant", "b2"));
    add_job(f->store, a_build("bee", "b2"));
    flash.product = (char *)"ant";
    add_job(f->store, flash);
    follow.kind = JOB_FOLLOW;
    add_job(f->store, follow);
    assert_ok(store_product_job(f->store, "ant", &found, &job, &err), &err);
    assert_true(found);
    assert_int_equal(job.id, latest);
    job_release(&job);
}

static void bundles(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    _cleanup_(buf_release) struct buf large = BUF_INIT, got = BUF_INIT;
    buf_adds(&large, "{\"files\":\"");
    buf_fill(&large, '\'', 3 * 1024 * 1024);
    buf_adds(&large, "\\u0000\"}");
    assert_ok(store_bundle_put(f->store, "b1", large.data, large.len, &err), &err);
    /* the same again, as by two who submit it */
    assert_ok(store_bundle_put(f->store, "b1", large.data, large.len, &err), &err);
    store_reopen(f);
    assert_ok(store_bundle_get(f->store, "b1", &got, &err), &err);
    assert_int_equal(got.len, large.len);
    assert_memory_equal(got.data, large.data, got.len);
    assert_false(store_bundle_get(f->store, "b2", &got, &err));
    assert_error(&err, ERR_NOT_FOUND, "there is no bundle b2");
}

/* ---- images ---- */

static void an_image_is_read_again(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    struct image_row image = an_image("d1", 7), got;
    image.bundle = (char *)"b1";
    image.flash = 300, image.ram = 200;
    image.files = json_pack("[{s:s, s:i}]", "name", "firmware.dfu", "bytes", 1000);
    image.sidecar = json_pack("{s:{s:i}}", "size", "flash", 300);
    int64_t job = add_image(f->store, image);
    assert_ok(store_image_get(f->store, "d1", &got, &err), &err);
    assert_string_equal(got.product, "greeter");
    assert_string_equal(got.name, "Greeter");
    assert_string_equal(got.version, "1.0");
    assert_string_equal(got.board, "PYBV11");
    assert_string_equal(got.bundle, "b1");
    assert_string_equal(got.station, "a");
    assert_int_equal(got.job, job);
    assert_int_equal(got.bytes, 1000);
    assert_int_equal(got.flash, 300);
    assert_int_equal(got.ram, 200);
    assert_int_equal(got.built_ms, 7);
    assert_int_equal(got.on_disk, 5000);
    assert_true(got.here);
    assert_false(got.released);
    assert_true(json_equal(got.files, image.files));
    assert_true(json_equal(got.sidecar, image.sidecar));
    json_t *json = image_to_json(&got, true);
    assert_int_equal(json_get_int(json_object_get(json, "size"), "flash"), 300);
    json_decref(json);
    image_row_release(&got);
    json_decref(image.files);
    json_decref(image.sidecar);
    assert_false(store_image_get(f->store, "d2", &got, &err));
    assert_error(&err, ERR_NOT_FOUND, "there is no image d2");
}

static void release_image(struct store *store, const char *digest, bool released)
{
    struct err *err = NULL;
    struct record_new record = a_record("release", released);
    assert_ok(store_image_release(store, digest, released, &record, &err), &err);
    json_decref(record.body);
}

static void released_and_cleaned_away(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    struct record_new record = a_record("release", 1);
    struct image_row got;
    add_image(f->store, an_image("d1", 7));
    release_image(f->store, "d1", true);
    assert_last_event(f->store, "image", "\"released\":true");
    assert_ok(store_image_gone(f->store, "d1", &err), &err);
    assert_last_event(f->store, "image", "\"here\":false");
    assert_ok(store_image_get(f->store, "d1", &got, &err), &err);
    assert_true(got.released);
    assert_false(got.here);
    assert_int_equal(got.on_disk, 0);
    image_row_release(&got);
    /* built again it is the same image, and its event says so */
    add_image(f->store, an_image("d1", 99));
    assert_last_event(f->store, "image", "\"released\":true");
    assert_ok(store_image_get(f->store, "d1", &got, &err), &err);
    assert_true(got.released && got.here);
    assert_int_equal(got.built_ms, 7);
    assert_int_equal(got.used_ms, 99);
    assert_int_equal(got.on_disk, 5000);
    image_row_release(&got);
    release_image(f->store, "d1", false);
    assert_last_event(f->store, "image", "\"released\":false");
    assert_int_equal(assert_chain(f->store), 2);
    size_t events = count_events(f->store);
    assert_false(store_image_release(f->store, "d2", true, &record, &err));
    assert_error(&err, ERR_NOT_FOUND, "there is no image d2");
    assert_false(store_image_gone(f->store, "d2", &err));
    assert_error(&err, ERR_NOT_FOUND, "there is no image d2");
    assert_int_equal(assert_chain(f->store), 2);
    assert_int_equal(count_events(f->store), events);
    json_decref(record.body);
}

/* The digests that a filter finds. */
static char *digests(struct store *store, struct image_filter filter)
{
    struct err *err = NULL;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    struct image_list list = IMAGE_LIST_INIT;
    filter.limit = filter.limit ? filter.limit : 100;
    assert_ok(store_images_list(store, &filter, &list, &err), &err);
    for (size_t i = 0; i < list.count; i++)
        buf_addf(&text, "%s%s", i ? " " : "", list.items[i].digest);
    image_list_release(&list);
    return buf_detach(&text, NULL);
}

#define DIGESTS(want, ...)                                                                         \
    do {                                                                                           \
        _cleanup_free_ char *got_ = digests(f->store, (struct image_filter){__VA_ARGS__});         \
        assert_string_equal(got_ ? got_ : "", want);                                               \
    } while (0)

static void images_are_found(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    struct image_row one = an_image("aa1", 1), two = an_image("ab2", 2), three = an_image("bb3", 3);
    one.version = (char *)"1.0_rc";
    two.name = (char *)"50% Faster", two.product = (char *)"faster";
    three.board = (char *)"NUCLEO\\F4", three.station = (char *)"b";
    add_image(f->store, one);
    add_image(f->store, two);
    add_image(f->store, three);
    DIGESTS("bb3 ab2 aa1", .limit = 10);
    DIGESTS("bb3 ab2", .limit = 2);
    DIGESTS("bb3 aa1", .product = "greeter");
    DIGESTS("", .product = "greete_");
    DIGESTS("bb3", .station = "b");
    DIGESTS("bb3 aa1", .text = "GREETER");
    DIGESTS("ab2", .text = "50%");
    DIGESTS("", .text = "5%r");
    DIGESTS("aa1", .text = "0_R");
    DIGESTS("bb3", .text = "nucleo\\");
    DIGESTS("ab2 aa1", .text = "pybv");
    DIGESTS("ab2 aa1", .text = "A", .limit = 100, .station = "a");
    DIGESTS("ab2", .text = "AB");
    DIGESTS("", .text = "b2"); /* a digest by its beginning only */
    DIGESTS("", .text = "' OR 1 = 1 --");
    assert_ok(store_image_gone(f->store, "ab2", &err), &err);
    DIGESTS("bb3 aa1", .here_only = true);
    assert_ok(store_image_used(f->store, "aa1", &err), &err);
    DIGESTS("ab2 bb3 aa1", .by_use = true);
    DIGESTS("bb3", .by_use = true, .here_only = true, .limit = 1);
}

/* Many of the same time, while others are added and taken into use. */
static void images_are_paged(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    struct image_filter filter = {.limit = 4};
    bool seen[23] = {false};
    size_t count = 0;
    char before[16];
    for (int i = 0; i < (int)ARRAY_SIZE(seen); i++) {
        char digest[16];
        snprintf(digest, sizeof(digest), "d%03d", i * 7 % 23);
        add_image(f->store, an_image(digest, i / 5));
    }
    for (;;) {
        struct image_list list = IMAGE_LIST_INIT;
        assert_ok(store_images_list(f->store, &filter, &list, &err), &err);
        for (size_t i = 0; i < list.count; i++, count++) {
            long number = strtol(list.items[i].digest + 1, NULL, 10);
            assert_false(seen[number]);
            seen[number] = true;
            filter.before_ms = list.items[i].built_ms;
            snprintf(before, sizeof(before), "%s", list.items[i].digest);
            filter.before = before;
        }
        size_t page = list.count;
        image_list_release(&list);
        if (!page)
            break;
        char digest[16];
        snprintf(digest, sizeof(digest), "e%zu", count);
        add_image(f->store, an_image(digest, 100));
        assert_ok(store_image_used(f->store, "d001", &err), &err);
    }
    assert_int_equal(count, ARRAY_SIZE(seen));
}

/* ---- tokens ---- */

static void add_token(struct store *store, const char *id, const char *name, enum role role)
{
    struct err *err = NULL;
    struct token_row token = {.name = (char *)name, .role = role, .created_ms = 5};
    struct record_new record = a_record("token", 1);
    snprintf(token.id, sizeof(token.id), "%s", id);
    memset(token.hash, 'f', sizeof(token.hash) - 1);
    token.expires_ms = 1000; /* long ago */
    assert_ok(store_token_add(store, &token, &record, &err), &err);
    json_decref(record.body);
}

static void tokens(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    struct record_new record = a_record("token", 2);
    struct token_row token, *all;
    size_t count;
    add_token(f->store, "00000000000000b1", "ci", ROLE_OPERATE);
    add_token(f->store, "00000000000000a1", "\u00fc ' \"", ROLE_VIEW);
    assert_ok(store_token_get(f->store, "00000000000000a1", &token, &err), &err);
    assert_string_equal(token.name, "\u00fc ' \"");
    assert_int_equal(token.role, ROLE_VIEW);
    assert_int_equal(strlen(token.hash), 64);
    assert_int_equal(token.created_ms, 5);
    assert_int_equal(token.expires_ms, 1000);
    assert_int_equal(token.used_ms, 0);
    token_row_release(&token);
    assert_ok(store_token_used(f->store, "00000000000000a1", &err), &err);
    assert_ok(store_tokens_list(f->store, &all, &count, &err), &err);
    assert_int_equal(count, 2);
    assert_string_equal(all[0].id, "00000000000000a1");
    assert_true(all[0].used_ms > 0);
    assert_int_equal(all[1].used_ms, 0);
    for (size_t i = 0; i < count; i++)
        token_row_release(&all[i]);
    free(all);
    assert_int_equal(assert_chain(f->store), 2);
    assert_ok(store_token_remove(f->store, "00000000000000b1", &record, &err), &err);
    assert_int_equal(assert_chain(f->store), 3);
    assert_false(store_token_get(f->store, "00000000000000b1", &token, &err));
    assert_error(&err, ERR_NOT_FOUND, "there is no token '00000000000000b1'");
    /* what did not happen is not recorded */
    assert_false(store_token_remove(f->store, "00000000000000b1", &record, &err));
    assert_error(&err, ERR_NOT_FOUND, "there is no token '00000000000000b1'");
    assert_int_equal(assert_chain(f->store), 3);
    json_decref(record.body);
}

static void an_id_is_given_once(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    struct record_new record = a_record("token", 2);
    struct token_row token = {.id = "00000000000000b1", .name = (char *)"other"};
    add_token(f->store, "00000000000000b1", "ci", ROLE_OPERATE);
    assert_false(store_token_add(f->store, &token, &record, &err));
    assert_error(&err, ERR_FAILED, "");
    assert_int_equal(assert_chain(f->store), 1);
    json_decref(record.body);
}

/* ---- the store itself ---- */

static void opening_again(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    assert_string_equal(store_kind(f->store), store_server() ? "postgresql" : "sqlite");
    assert_int_equal(store_is_shared(f->store), store_server() != NULL);
    for (int i = 0; i < 3; i++) {
        store_reopen(f);
        assert_ok(store_probe(f->store, &err), &err);
    }
}

static void another_schema_is_refused(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    static const struct {
        const char *sql, *message, *hint;
    } cases[] = {
        {"UPDATE meta SET value = '2' WHERE key = 'schema'", "the store has schema 2",
         "a newer firnd made it"},
        {"UPDATE meta SET value = 'zebra' WHERE key = 'schema'", "the store has schema zebra",
         "made by something else"},
        {"DELETE FROM meta WHERE key = 'schema'", "the store has schema none",
         "made by something else"},
    };
    add_build(f->store);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_(buf_release) struct buf text = BUF_INIT;
        store_sql(f, cases[i].sql);
        assert_null(store_open(f->url, "b", &err));
        assert_non_null(err);
        err_format(err, &text);
        assert_contains(text.data, cases[i].message);
        assert_contains(text.data, cases[i].hint);
        err_free_ptr(&err);
    }
    store_sql(f, "INSERT INTO meta VALUES ('schema', '1')");
    store_reopen(f);
    assert_int_equal(job_state(f->store, 1), JOB_QUEUED);
}

/* Whatever combinations of filters clients ask for (each is a statement of its own). */
static void every_filter_of_a_list(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    add_image(f->store, an_image("d1", 1));
    for (unsigned i = 0; i < 128; i++) {
        const struct image_filter images = {.product = i & 1 ? "greeter" : NULL,
                                            .text = i & 2 ? "gree" : NULL,
                                            .station = i & 4 ? "a" : NULL,
                                            .here_only = i & 8,
                                            .by_use = i & 16,
                                            .before_ms = 2,
                                            .before = i & 32 ? "d" : NULL,
                                            .limit = 5};
        const struct job_filter jobs = {i & 1 ? JOB_DONE : -1,    i & 2 ? JOB_BUILD : -1,
                                        i & 4 ? "greeter" : NULL, i & 8 ? "a" : NULL,
                                        i & 16 ? 9 : 0,           5};
        const struct record_filter records = {.kind = i & 1 ? "x" : NULL,
                                              .text = i & 2 ? "x" : NULL,
                                              .oldest_first = i & 4,
                                              .limit = 5};
        struct image_list image_list = IMAGE_LIST_INIT;
        struct job_list job_list = JOB_LIST_INIT;
        json_t *array;
        assert_ok(store_images_list(f->store, &images, &image_list, &err), &err);
        assert_int_equal(image_list.count, 1);
        image_list_release(&image_list);
        assert_ok(store_jobs_list(f->store, &jobs, &job_list, &err), &err);
        assert_true(job_list.count >= 1);
        job_list_release(&job_list);
        assert_ok(store_records_list(f->store, &records, &array, &err), &err);
        json_decref(array);
        if (i % 16 == 0)
            add_image(f->store, an_image("d1", 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(products),
        STORE_TEST(a_product_is_removed),
        STORE_TEST(the_latest_build_of_a_product),
        STORE_TEST(bundles),
        STORE_TEST(an_image_is_read_again),
        STORE_TEST(released_and_cleaned_away),
        STORE_TEST(images_are_found),
        STORE_TEST(images_are_paged),
        STORE_TEST(tokens),
        STORE_TEST(an_id_is_given_once),
        STORE_TEST(opening_again),
        STORE_TEST(another_schema_is_refused),
        STORE_TEST(every_filter_of_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
