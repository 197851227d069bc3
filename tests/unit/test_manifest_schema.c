#include <jansson.h>

#include "base/fs.h"
#include "builder/manifest.h"
#include "tests/unit/unit.h"

static json_t *schema(void)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    json_error_t error;

    manifest_schema(&text);
    json_t *parsed = json_loads(text.data, 0, &error);
    assert_non_null(parsed);
    return parsed;
}

static void the_file_is_what_the_reader_accepts(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf text = BUF_INIT, file = BUF_INIT;
    struct err *err = NULL;

    manifest_schema(&text);
    assert_ok(fs_read("manifests/manifest.schema.json", 1024 * 1024, &file, &err), &err);
    if (strcmp(text.data, file.data))
        fail_msg("run: ./firn validate --schema > manifests/manifest.schema.json");
}

/* Every object in the schema refuses what it does not know, as the reader does. */
static void assert_closed(const json_t *node)
{
    const json_t *item;
    const char *name;
    size_t i;

    if (json_is_object(node) && json_object_get(node, "properties"))
        assert_true(json_is_false(json_object_get(node, "additionalProperties")));
    if (json_is_array(node))
        json_array_foreach(node, i, item) assert_closed(item);
    json_object_foreach((json_t *)node, name, item) assert_closed(item);
}

static void unknown_keys_are_refused_everywhere(void **state)
{
    (void)state;
    json_t *parsed = schema();

    assert_closed(parsed);
    json_decref(parsed);
}

static void constraints_are_there(void **state)
{
    (void)state;
    json_t *s = schema(), *properties = json_object_get(s, "properties");
    const char *pattern = NULL, *needs = NULL, *mode = NULL;
    json_t *names = NULL;
    int format = 0;

    assert_int_equal(json_unpack(properties, "{s:{s:i}, s:{s:s}}", "firn", "const", &format,
                                 "product", "pattern", &pattern),
                     0);
    assert_int_equal(format, 1);
    assert_string_equal(pattern, "^[a-z0-9][a-z0-9_-]{0,63}$");
    assert_int_equal(json_unpack(properties, "{s:{s:{s:[s]}, s:[{s:[s]}]}}", "firmware",
                                 "dependentRequired", "git", &needs, "oneOf", "required", &mode),
                     0);
    assert_string_equal(needs, "ref");
    assert_string_equal(mode, "git");
    assert_int_equal(json_unpack(properties, "{s:{s:{s:{s:{s:{s:o}}}}}}", "config", "properties",
                                 "make", "propertyNames", "not", "enum", &names),
                     0);
    assert_string_equal(json_string_value(json_array_get(names, 0)), "BOARD");
    json_decref(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_is_what_the_reader_accepts),
        cmocka_unit_test(unknown_keys_are_refused_everywhere),
        cmocka_unit_test(constraints_are_there),
    };

    return cmocka_run_group_tests_name("manifest_schema", tests, NULL, NULL);
}
