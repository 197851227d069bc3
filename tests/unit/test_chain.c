/* A chain of records, and every way to break it. */
#include "base/chain.h"

#include "base/json_get.h"
#include "tests/unit/unit.h"

#define COUNT 6

/* Records 1 to COUNT. */
static json_t *make_chain(void)
{
    json_t *records = json_array();
    char hash[HASH_HEX_SIZE] = CHAIN_START;
    for (int i = 1; i <= COUNT; i++) {
        json_t *record = json_pack("{s:i, s:s, s:s, s:{s:i}, s:s}", "seq", i, "at", "2026-11-28",
                                   "kind", "build", "body", "n", i, "previous", hash);
        chain_hash(record, hash);
        json_object_set_new(record, "hash", json_string(hash));
        json_array_append_new(records, record);
    }
    return records;
}

/* How many are taken before one is refused; *err says why. */
static size_t take_all(const json_t *records, struct err **err)
{
    struct chain chain;
    size_t i;
    const json_t *record;
    chain_init(&chain);
    json_array_foreach(records, i, record) if (!chain_take(&chain, record, err)) break;
    assert_int_equal(chain.seq, i);
    return i;
}

static void whole(void **state)
{
    struct err *err = NULL;
    json_t *records = make_chain();
    (void)state;
    assert_int_equal(take_all(records, &err), COUNT);
    assert_null(err);
    json_decref(records);
}

/* So that others can verify it, too: what is hashed is written down here. */
static void the_hash_is_sha256_of_canonical_json(void **state)
{
    static const char canonical[] =
        "{\"at\":\"2026-11-28\",\"body\":{\"a\":[1,2.5],\"b\":\"\u00e4\"},\"kind\":\"build\","
        "\"previous\":\"" CHAIN_START "\",\"seq\":1}";
    char got[HASH_HEX_SIZE], want[HASH_HEX_SIZE];
    (void)state;
    json_t *record = json_loads("{\"seq\": 1, \"kind\":\"build\", \"body\":{\"b\":\"\\u00e4\","
                                "\"a\":[1,2.50]}, \"previous\":\"" CHAIN_START
                                "\", \"at\":\"2026-11-28\", \"hash\":\"x\", \"more\":1}",
                                0, NULL);
    chain_hash(record, got);
    hash_bytes(canonical, strlen(canonical), want);
    assert_string_equal(got, want);
    json_decref(record);
}

/* Refused at record `at` (from 1), by its number. Takes the records. */
static void assert_broken(json_t *records, size_t at, const char *why)
{
    struct err *err = NULL;
    _cleanup_free_ char *text = xasprintf("record %zu %s", at, why);
    assert_int_equal(take_all(records, &err), at - 1);
    assert_error(&err, ERR_AUTHENTIC, text);
    json_decref(records);
}

static void each_member_of_each_record_changed(void **state)
{
    static const char *const names[] = {"seq", "at", "kind", "body", "previous", "hash"};
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
            json_t *records = make_chain(), *record = json_array_get(records, i);
            json_object_set_new(record, names[n], json_string("other"));
            assert_broken(records, i + 1, "");
            records = make_chain();
            json_object_del(json_array_get(records, i), names[n]);
            assert_broken(records, i + 1, "");
        }
        json_t *records = make_chain(), *record = json_array_get(records, i);
        json_object_set_new(json_object_get(record, "body"), "n", json_integer(99));
        assert_broken(records, i + 1, "does not have the hash of its content");
        records = make_chain();
        json_object_set_new(json_object_get(json_array_get(records, i), "body"), "more",
                            json_null());
        assert_broken(records, i + 1, "does not have the hash of its content");
    }
}

/* Who changes a record and makes its hash right is found at the next one. */
static void changed_with_its_hash(void **state)
{
    (void)state;
    for (size_t i = 0; i + 1 < COUNT; i++) {
        char hash[HASH_HEX_SIZE];
        json_t *records = make_chain(), *record = json_array_get(records, i);
        json_object_set_new(record, "kind", json_string("flash"));
        chain_hash(record, hash);
        json_object_set_new(record, "hash", json_string(hash));
        assert_broken(records, i + 2, "does not follow the one before it");
    }
}

static void removed(void **state)
{
    (void)state;
    for (size_t i = 0; i + 1 < COUNT; i++) {
        json_t *records = make_chain();
        json_array_remove(records, i);
        assert_broken(records, i + 1, "is missing");
        /* and those behind it numbered anew */
        records = make_chain();
        json_array_remove(records, i);
        for (size_t k = i; k + 1 < COUNT; k++)
            json_object_set_new(json_array_get(records, k), "seq", json_integer((int)k + 1));
        assert_broken(records, i + 1, "does not");
    }
}

static void inserted(void **state)
{
    (void)state;
    for (size_t i = 0; i <= COUNT; i++) {
        json_t *records = make_chain();
        json_t *copy = json_deep_copy(json_array_get(records, i < COUNT ? i : i - 1));
        json_array_insert_new(records, i, copy);
        assert_broken(records, i < COUNT ? i + 2 : i + 1, "is missing");
    }
}

static void reordered(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++)
        for (size_t k = i + 1; k < COUNT; k++) {
            json_t *records = make_chain(), *one = json_incref(json_array_get(records, i));
            json_array_set(records, i, json_array_get(records, k));
            json_array_set_new(records, k, one);
            assert_broken(records, i + 1, "is missing");
        }
}

static void no_records(void **state)
{
    static const char *const texts[] = {"null",        "[]",
                                        "1",           "{}",
                                        "{\"seq\":1}", "{\"seq\":\"1\"}",
                                        "\"x\"",       "{\"seq\":1,\"previous\":5,\"hash\":null}"};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        json_t *records = json_array();
        json_array_append_new(records, json_loads(texts[i], JSON_DECODE_ANY, NULL));
        assert_broken(records, 1, "");
    }
}

/* One that was refused does not count: the right one may follow. */
static void goes_on_after_a_refusal(void **state)
{
    struct err *err = NULL;
    struct chain chain;
    json_t *records = make_chain();
    (void)state;
    chain_init(&chain);
    assert_ok(chain_take(&chain, json_array_get(records, 0), &err), &err);
    assert_false(chain_take(&chain, json_array_get(records, 3), &err));
    assert_error(&err, ERR_AUTHENTIC, "record 2 is missing");
    assert_ok(chain_take(&chain, json_array_get(records, 1), &err), &err);
    json_decref(records);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole),
        cmocka_unit_test(the_hash_is_sha256_of_canonical_json),
        cmocka_unit_test(each_member_of_each_record_changed),
        cmocka_unit_test(changed_with_its_hash),
        cmocka_unit_test(removed),
        cmocka_unit_test(inserted),
        cmocka_unit_test(reordered),
        cmocka_unit_test(no_records),
        cmocka_unit_test(goes_on_after_a_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
