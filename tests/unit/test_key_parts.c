/* Keys in parts: what counts into which, and what is said to have changed. */
#include "builder/key_parts.h"

#include "builder/last_build.h"
#include "tests/unit/unit.h"

static void add_all(struct key_parts *parts)
{
    key_add(parts, KEY_BASE, "board", "PYBV11");
    key_add(parts, KEY_HOST, "host version", "12.2.0");
    key_add(parts, KEY_PRODUCT, "version", "1.0");
    key_add_bytes(parts, KEY_PRODUCT, "frozen a.py", "x = 1\n", 6);
    key_add(parts, KEY_PRODUCT, "qstr", "one");
    key_add(parts, KEY_PRODUCT, "qstr", "two");
}

/* Of which keys is this part? */
static void check_counts(enum key_scope scope, bool in_base)
{
    _cleanup_(key_parts_release) struct key_parts a = KEY_PARTS_INIT, b = KEY_PARTS_INIT;
    char key_a[HASH_HEX_SIZE], key_b[HASH_HEX_SIZE];
    add_all(&a);
    add_all(&b);
    key_add(&b, scope, "more", "1");
    key_hash(&a, KEY_PRODUCT, key_a);
    key_hash(&b, KEY_PRODUCT, key_b);
    assert_string_not_equal(key_a, key_b);
    key_hash(&a, KEY_BASE, key_a);
    key_hash(&b, KEY_BASE, key_b);
    assert_int_equal(strcmp(key_a, key_b) != 0, in_base);
}

static void each_scope_counts_where_it_should(void **state)
{
    (void)state;
    check_counts(KEY_PRODUCT, false);
    check_counts(KEY_BASE, true);
    check_counts(KEY_HOST, true);
}

static void long_values_and_those_that_pose_as_hashes_are_hashed(void **state)
{
    (void)state;
    _cleanup_(key_parts_release) struct key_parts parts = KEY_PARTS_INIT;
    char hex[HASH_HEX_SIZE];
    key_add(&parts, KEY_BASE, "short", "1.0");
    key_add(&parts, KEY_BASE, "posing", "sha256 x");
    key_add(&parts, KEY_BASE, "lines", "a\nb");
    assert_string_equal(key_get(&parts, "short"), "1.0");
    hash_bytes("sha256 x", 8, hex);
    assert_string_equal(key_get(&parts, "posing") + 7, hex);
    hash_bytes("a\nb", 3, hex);
    assert_string_equal(key_get(&parts, "lines") + 7, hex);
    assert_null(key_get(&parts, "nothing"));
}

static void json_and_back(void **state)
{
    (void)state;
    _cleanup_(key_parts_release) struct key_parts parts = KEY_PARTS_INIT, back = KEY_PARTS_INIT;
    char key[HASH_HEX_SIZE], again[HASH_HEX_SIZE];
    add_all(&parts);
    json_t *json = key_to_json(&parts);
    assert_true(key_from_json(json, &back));
    json_decref(json);
    for (enum key_scope scope = KEY_PRODUCT; scope <= KEY_BASE; scope++) {
        key_hash(&parts, scope, key);
        key_hash(&back, scope, again);
        assert_string_equal(key, again);
    }
}

static void what_changed_came_and_went(void **state)
{
    (void)state;
    _cleanup_(key_parts_release) struct key_parts before = KEY_PARTS_INIT, now = KEY_PARTS_INIT;
    _cleanup_free_ struct key_change *changes = NULL;
    size_t count;
    add_all(&before);
    key_add(&before, KEY_PRODUCT, "qstr", "three");
    add_all(&now);
    free(now.items[2].value);
    now.items[2].value = xstrdup("1.1");
    key_add(&now, KEY_BASE, "define X", "1");
    key_compare(&before, &now, &changes, &count);
    assert_int_equal(count, 3);
    assert_string_equal(changes[0].name, "version");
    assert_string_equal(changes[0].before, "1.0");
    assert_string_equal(changes[0].now, "1.1");
    assert_string_equal(changes[1].name, "define X");
    assert_null(changes[1].before);
    assert_int_equal(changes[1].scope, KEY_BASE);
    /* The third of a name that stands twice now. */
    assert_string_equal(changes[2].name, "qstr");
    assert_string_equal(changes[2].before, "three");
    assert_null(changes[2].now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_scope_counts_where_it_should),
        cmocka_unit_test(long_values_and_those_that_pose_as_hashes_are_hashed),
        cmocka_unit_test(json_and_back),
        cmocka_unit_test(what_changed_came_and_went),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
