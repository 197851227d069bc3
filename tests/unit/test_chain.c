/* chain.h: any change of a record that was written is found, and named. */
#include "base/chain.h"
#include "base/json_get.h"
#include "unit.h"

#define COUNT 5

/* Records 1 to COUNT, as a store would have made them. */
static json_t *make_records(void)
{
    json_t *records = json_array();
    char hash[HASH_HEX_SIZE] = CHAIN_START;
    for (int i = 1; i <= COUNT; i++) {
        json_t *record = json_pack("{s:i, s:s, s:s, s:{s:i, s:s}, s:s}", "seq", i, "at",
                                   "2026-11-28T22:10:50.123Z", "kind", "build", "body", "job", i,
                                   "name", "gr\xc3\xbc\xc3\x9f", "previous", hash);
        chain_hash(record, hash);
        json_object_set_new(record, "hash", json_string(hash));
        json_array_append_new(records, record);
    }
    return records;
}

/* What is wrong, or NULL; yours. */
static char *verify(const json_t *records)
{
    struct chain chain;
    struct err *err = NULL;
    size_t i;
    json_t *record;
    chain_init(&chain);
    json_array_foreach(records, i, record)
    {
        if (chain_take(&chain, record, &err))
            continue;
        _cleanup_(buf_release) struct buf text = BUF_INIT;
        assert_int_equal(err->code, ERR_AUTHENTIC);
        err_add_message(err, &text);
        err_free(err);
        return xstrdup(text.data);
    }
    assert_int_equal(chain.seq, json_array_size(records));
    return NULL;
}

static void assert_wrong(json_t *records, const char *what)
{
    _cleanup_free_ char *said = verify(records);
    assert_non_null(said);
    assert_string_equal(said, what);
    json_decref(records);
}

static void a_whole_chain_is_right(void **state)
{
    (void)state;
    json_t *records = make_records();
    assert_null(verify(records));
    json_decref(records);
}

/* The hash of the first record, by another program: printf '...' | sha256sum. */
static void the_hash_is_of_the_canonical_text(void **state)
{
    (void)state;
    static const char text[] =
        "{\"at\":\"2026-11-28T22:10:50.123Z\",\"body\":{\"job\":1,\"name\":\"gr\xc3\xbc\xc3\x9f\"},"
        "\"kind\":\"build\",\"previous\":\"" CHAIN_START "\",\"seq\":1}";
    char expected[HASH_HEX_SIZE], hash[HASH_HEX_SIZE];
    json_t *records = make_records();
    hash_bytes(text, strlen(text), expected);
    chain_hash(json_array_get(records, 0), hash);
    assert_string_equal(hash, expected);
    json_decref(records);
}

static void a_changed_member_is_found(void **state)
{
    (void)state;
    static const char *const members[] = {"at", "kind", "hash"};
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        json_t *records = make_records();
        json_object_set_new(json_array_get(records, 2), members[i], json_string("x"));
        assert_wrong(records, "record 3 does not have the hash of its content");
    }
    json_t *records = make_records();
    json_object_set_new(json_object_get(json_array_get(records, 3), "body"), "job",
                        json_integer(9));
    assert_wrong(records, "record 4 does not have the hash of its content");
    records = make_records();
    json_object_set_new(json_array_get(records, 1), "previous", json_string(CHAIN_START));
    assert_wrong(records, "record 2 does not follow the one before it");
}

/* Somebody who also makes the hash right breaks the link to the next. */
static void a_rewritten_record_is_found_by_the_next(void **state)
{
    (void)state;
    char hash[HASH_HEX_SIZE];
    json_t *records = make_records(), *record = json_array_get(records, 1);
    json_object_set_new(json_object_get(record, "body"), "job", json_integer(9));
    chain_hash(record, hash);
    json_object_set_new(record, "hash", json_string(hash));
    assert_wrong(records, "record 3 does not follow the one before it");
}

static void a_record_that_is_gone_or_new_is_found(void **state)
{
    (void)state;
    json_t *records = make_records();
    json_array_remove(records, 2);
    assert_wrong(records, "record 3 is missing");
    records = make_records();
    json_array_remove(records, 0);
    assert_wrong(records, "record 1 is missing");
    records = make_records();
    json_array_insert_new(records, 2, json_deep_copy(json_array_get(records, 1)));
    assert_wrong(records, "record 3 is missing");
    records = make_records();
    json_t *second = json_incref(json_array_get(records, 1));
    json_array_remove(records, 1);
    json_array_insert_new(records, 2, second);
    assert_wrong(records, "record 2 is missing");
    records = make_records();
    json_array_insert_new(records, 1, json_string("no record"));
    assert_wrong(records, "record 2 is no record");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_chain_is_right),
        cmocka_unit_test(the_hash_is_of_the_canonical_text),
        cmocka_unit_test(a_changed_member_is_found),
        cmocka_unit_test(a_rewritten_record_is_found_by_the_next),
        cmocka_unit_test(a_record_that_is_gone_or_new_is_found),
    };
    return cmocka_run_group_tests_name("chain", tests, NULL, NULL);
}
