/* Records: chained, append-only, found again. */
#include "tests/unit/store_fixture.h"

static void chained_across_restarts(void **state)
{
    struct store_fixture *f = *state;
    for (int i = 0; i < 5; i++) {
        add_record(f->store, i % 2 ? "flash" : "build", i);
        store_reopen(f);
    }
    json_t *records = all_records(f->store), *first = json_array_get(records, 0);
    assert_int_equal(assert_chain(f->store), 5);
    assert_int_equal(json_get_int(first, "seq"), 1);
    assert_string_equal(json_get_text(first, "previous"), CHAIN_START);
    assert_string_equal(json_get_text(first, "kind"), "build");
    assert_int_equal(json_get_int(json_object_get(first, "body"), "number"), 0);
    assert_int_equal(strlen(json_get_text(first, "at")), strlen("2026-11-28T22:10:50.123Z"));
    json_decref(records);
}

/* Whatever a body holds comes back as the same JSON: otherwise its hash would be wrong. */
static void any_body(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    static const char *const bodies[] = {
        "{}",
        "{\"b\":1,\"a\":{\"z\":[],\"y\":null},\"c\":[true,false,0,-1,9223372036854775807]}",
        "{\"real\":0.1,\"large\":1e300,\"small\":5e-324,\"whole\":1.0,\"third\":0.333333333333333}",
        "{\"text\":\"\\u0001\\n\\\"\\\\/ \\u00e4\\u20ac\\ud83d\\ude00 %_' -- ; \\u007f\"}",
        "{\"\":\"\",\" \":\"'\"}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        struct record_new record = {"build", json_loads(bodies[i], 0, NULL)};
        assert_non_null(record.body);
        assert_ok(store_record_add(f->store, &record, &err), &err);
        json_decref(record.body);
    }
    assert_int_equal(assert_chain(f->store), ARRAY_SIZE(bodies));
    json_t *records = all_records(f->store);
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        json_t *body = json_loads(bodies[i], 0, NULL);
        assert_true(json_equal(json_object_get(json_array_get(records, i), "body"), body));
        json_decref(body);
    }
    json_decref(records);
}

/* The records that a filter finds, by their numbers: "3 2 1". */
static char *numbers(struct store *store, struct record_filter filter)
{
    struct err *err = NULL;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    json_t *records, *record;
    size_t i;
    filter.limit = filter.limit ? filter.limit : 100;
    assert_ok(store_records_list(store, &filter, &records, &err), &err);
    json_array_foreach(records, i, record) buf_addf(
        &text, "%s%d", i ? " " : "", (int)json_get_int(json_object_get(record, "body"), "number"));
    json_decref(records);
    return buf_detach(&text, NULL);
}

#define NUMBERS(want, ...)                                                                         \
    do {                                                                                           \
        _cleanup_free_ char *got_ = numbers(f->store, (struct record_filter){__VA_ARGS__});        \
        assert_string_equal(got_ ? got_ : "", want);                                               \
    } while (0)

static void found_by_kind_text_and_place(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    static const char *const texts[] = {"Greeter 1.0", "50% of_it", "50x of it", "a\\b", "gReEtEr"};
    for (int i = 0; i < (int)ARRAY_SIZE(texts); i++) {
        struct record_new record = {i < 3 ? "build" : "flash",
                                    json_pack("{s:i, s:s}", "number", i + 1, "text", texts[i])};
        assert_ok(store_record_add(f->store, &record, &err), &err);
        json_decref(record.body);
    }
    NUMBERS("5 4 3 2 1", .limit = 100);
    NUMBERS("5 4", .limit = 2);
    NUMBERS("3 2", .before = 4, .limit = 2);
    NUMBERS("", .before = 1);
    NUMBERS("1 2 3 4 5", .oldest_first = true);
    NUMBERS("3 4", .after = 2, .limit = 2);
    NUMBERS("", .after = 5);
    NUMBERS("3 2 1", .kind = "build");
    NUMBERS("4 5", .kind = "flash", .after = 1);
    NUMBERS("", .kind = "buil_");
    NUMBERS("5 1", .text = "GREETER");
    NUMBERS("5", .text = "GREETER", .kind = "flash");
    NUMBERS("2", .text = "50%");
    NUMBERS("2", .text = "of_it");
    NUMBERS("4", .text = "\\");
    NUMBERS("", .text = "'; DROP TABLE records; --");
}

/* ---- append-only ---- */

static void the_database_refuses_changes(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    static const char *const both[] = {
        "UPDATE records SET kind = 'x'",
        "UPDATE records SET body = '{}' WHERE seq = 2",
        "DELETE FROM records",
        "DELETE FROM records WHERE seq = 3",
    };
    static const char *const one[] = {
        "INSERT OR REPLACE INTO records SELECT seq, at, kind, '{}', previous, hash FROM records",
        "REPLACE INTO records SELECT seq, at, 'x', body, previous, hash FROM records WHERE seq = 1",
        "INSERT INTO records SELECT seq, at, kind, body, previous, hash FROM records WHERE 1 = 1"
        " ON CONFLICT (seq) DO UPDATE SET kind = 'x'",
    };
    static const char *const other[] = {
        "TRUNCATE records",
        "TRUNCATE records CASCADE",
        "INSERT INTO records SELECT seq, at, kind, body, previous, hash FROM records"
        " ON CONFLICT (seq) DO UPDATE SET kind = 'x'",
    };
    for (int i = 0; i < 3; i++)
        add_record(f->store, "build", i);
    struct db *db = store_database(f);
    bool shared = db_is_postgresql(db);
    for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
        assert_false(db_script(db, both[i], &err));
        assert_error(&err, ERR_FAILED, "append-only");
    }
    for (size_t i = 0; i < ARRAY_SIZE(one); i++) {
        assert_false(db_script(db, shared ? other[i] : one[i], &err));
        assert_error(&err, ERR_FAILED, "append-only");
    }
    db_close(db);
    assert_int_equal(assert_chain(f->store), 3);
    add_record(f->store, "build", 3);
    assert_int_equal(assert_chain(f->store), 4);
}

/* Somebody who may do anything with the database is found out by the chain. */
static void what_was_changed_by_force_is_found(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    struct chain chain;
    size_t i;
    json_t *record;
    for (i = 0; i < 4; i++)
        add_record(f->store, "build", (int)i);
    store_sql(f, store_is_shared(f->store)
                     ? "ALTER TABLE records DISABLE TRIGGER ALL;"
                       "UPDATE records SET body = '{\"number\":9}' WHERE seq = 3"
                     : "DROP TRIGGER records_no_update;"
                       "UPDATE records SET body = '{\"number\":9}' WHERE seq = 3");
    json_t *records = all_records(f->store);
    chain_init(&chain);
    json_array_foreach(records, i, record) if (!chain_take(&chain, record, &err)) break;
    assert_int_equal(i, 2);
    assert_error(&err, ERR_AUTHENTIC, "record 3 does not have the hash of its content");
    json_decref(records);
}

/* ---- in the same transaction ---- */

static void a_record_is_with_what_it_is_about(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    json_t *product = json_pack("{s:s}", "name", "greeter"), *shown = json_pack("{}");
    struct record_new good = a_record("product", 1), bad = {NULL, good.body};
    const struct record_new both[] = {good, good};
    assert_ok(store_product_put(f->store, "greeter", product, shown, both, 2, &err), &err);
    assert_int_equal(assert_chain(f->store), 2);
    /* a record that cannot be written takes the rest with it */
    add_image(f->store, an_image("d1", 1));
    struct image_row image;
    json_t *got;
    size_t events = count_events(f->store);
    bad.kind = "product\xff";
    assert_false(store_product_put(f->store, "other", product, shown, &bad, 1, &err));
    assert_non_null(err);
    err_free_ptr(&err);
    assert_false(store_product_get(f->store, "other", &got, &err));
    assert_error(&err, ERR_NOT_FOUND, "other");
    assert_false(store_image_release(f->store, "d1", true, &bad, &err));
    err_free_ptr(&err);
    assert_ok(store_image_get(f->store, "d1", &image, &err), &err);
    assert_false(image.released);
    image_row_release(&image);
    assert_int_equal(assert_chain(f->store), 2);
    assert_int_equal(count_events(f->store), events);
    json_decref(good.body);
    json_decref(product);
    json_decref(shown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(chained_across_restarts),
        STORE_TEST(any_body),
        STORE_TEST(found_by_kind_text_and_place),
        STORE_TEST(the_database_refuses_changes),
        STORE_TEST(what_was_changed_by_force_is_found),
        STORE_TEST(a_record_is_with_what_it_is_about),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
