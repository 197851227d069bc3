/* station/product.h: the files of a product, and what firn validate said of it. cli/product.h has
 * its own. */
#include "station/product.h"

#include <unistd.h>

#include "base/fs.h"
#include "base/json_get.h"
#include "station/catalogue.h"
#include "tests/unit/unit.h"

static int setup(void **state)
{
    char *dir = NULL;
    struct err *err = NULL;
    assert_ok(fs_temp_dir("/tmp", &dir, &err), &err);
    *state = dir;
    return 0;
}

static int teardown(void **state)
{
    struct err *err = NULL;
    assert_ok(fs_remove_tree(*state, &err), &err);
    free(*state);
    return 0;
}

static void put(const char *dir, const char *name, const char *text)
{
    _cleanup_free_ char *path = path_join(dir, name);
    _cleanup_free_ char *parent = path_dirname(path);
    struct err *err = NULL;
    assert_ok(fs_mkdirs(parent, &err), &err);
    assert_ok(fs_write(path, text, strlen(text), 0644, &err), &err);
}

static void say(struct product *product, const char *event)
{
    json_t *json = json_loads(event, 0, NULL);
    assert_non_null(json);
    product_take_event(product, json);
    json_decref(json);
}

static struct product *make(const char *dir, const char *manifest, bool flat)
{
    struct product *product = product_new("greeter", dir, manifest, flat);
    product->errors = json_array();
    product->warnings = json_array();
    return product;
}

static void names(void **state)
{
    (void)state;
    assert_true(catalogue_is_name("greeter"));
    assert_true(catalogue_is_name("0"));
    assert_true(catalogue_is_name("greeter-2.1_b"));
    assert_true(
        catalogue_is_name("0123456789012345678901234567890123456789012345678901234567890123"));
    assert_false(
        catalogue_is_name("01234567890123456789012345678901234567890123456789012345678901234"));
    static const char *const bad[] = {"",    ".x", "-x", "_x",     "Greeter", "a b",
                                      "a/b", "..", "ä",  "a.yaml", "a.yml",   "a\n"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(catalogue_is_name(bad[i]));
}

static void a_flat_one(void **state)
{
    const char *dir = *state;
    _cleanup_(bundle_release) struct bundle bundle = BUNDLE_INIT;
    struct err *err = NULL;
    put(dir, "greeter.yaml", "firn: 1\n");
    put(dir, "other.yaml", "firn: 1\n");
    put(dir, "lib/a.py", "a = 1\n");
    struct product *product = make(dir, "greeter.yaml", true);
    assert_ok(product_read(product, &bundle, &err), &err);
    assert_int_equal(bundle.count, 1); /* nothing that it has not named */
    assert_non_null(bundle_find(&bundle, "manifest.yaml"));

    say(product,
        "{\"event\":\"result\",\"ok\":true,\"manifests\":[{\"product\":\"Greeter\","
        "\"version\":\"1.4.0\",\"board\":\"NETDUINO2\",\"files\":[\"lib/a.py\",\"gone.py\"]}]}");
    product_checked(product);
    bundle_release(&bundle);
    bundle = (struct bundle)BUNDLE_INIT;
    put(dir, "greeter.yaml.lock", "lock\n");
    assert_ok(product_read(product, &bundle, &err), &err);
    assert_int_equal(bundle.count, 3); /* gone.py is not there */
    assert_non_null(bundle_find(&bundle, "lib/a.py"));
    assert_non_null(bundle_find(&bundle, "manifest.yaml.lock"));
    product_free(product);
}

static void a_directory(void **state)
{
    const char *dir = *state;
    _cleanup_(bundle_release) struct bundle bundle = BUNDLE_INIT;
    struct err *err = NULL;
    put(dir, "manifest.yaml", "firn: 1\n");
    put(dir, "lib/a.py", "a = 1\n");
    put(dir, ".submitted", "");
    struct product *product = make(dir, "manifest.yaml", false);
    assert_ok(product_read(product, &bundle, &err), &err);
    assert_int_equal(bundle.count, 2); /* hidden ones are not its */
    assert_non_null(bundle_find(&bundle, "lib/a.py"));
    product_free(product);
}

/* Another file than before? */
static bool changed(const struct product *product, char signature[HASH_HEX_SIZE])
{
    char now[HASH_HEX_SIZE];
    product_signature(product, now);
    bool is_new = strcmp(now, signature) != 0;
    memcpy(signature, now, sizeof(now));
    return is_new;
}

static void signatures(void **state)
{
    const char *dir = *state;
    char signature[HASH_HEX_SIZE] = "";
    put(dir, "manifest.yaml", "firn: 1\n");
    struct product *product = make(dir, "manifest.yaml", false);
    assert_true(changed(product, signature));
    assert_false(changed(product, signature));
    put(dir, "lib/a.py", "a = 1\n");
    assert_true(changed(product, signature));
    put(dir, "lib/a.py", "a = 2\n"); /* as long as before */
    assert_true(changed(product, signature));
    _cleanup_free_ char *path = path_join(dir, "lib/a.py");
    assert_int_equal(unlink(path), 0);
    assert_true(changed(product, signature));
    assert_false(changed(product, signature));
    product_free(product);
}

static void what_validate_says(void **state)
{
    const char *dir = *state;
    struct product *product = make(dir, "greeter.yaml", true);
    say(product,
        "{\"event\":\"log\",\"level\":\"error\",\"file\":\"greeter.yaml\",\"line\":3,"
        "\"column\":1,\"message\":\"unknown key\",\"hint\":\"did you mean x?\",\"text\":\"t\"}");
    say(product, "{\"event\":\"log\",\"level\":\"warning\",\"message\":\"w\",\"text\":\"w\"}");
    say(product, "{\"event\":\"log\",\"level\":\"info\",\"message\":\"i\",\"text\":\"i\"}");
    say(product, "{\"event\":\"result\",\"ok\":false,\"exit\":2}");
    product_checked(product);
    const json_t *json = product->json;
    assert_string_equal(json_get_text(json, "state"), "invalid");
    assert_int_equal(json_get_int(json, "error_count"), 1);
    assert_int_equal(json_array_size(json_object_get(json, "warnings")), 1);
    const json_t *error = json_array_get(json_object_get(json, "errors"), 0);
    /* under the name that the file has in the API */
    assert_string_equal(json_get_text(error, "file"), "manifest.yaml");
    assert_int_equal(json_get_int(error, "line"), 3);
    assert_string_equal(json_get_text(error, "hint"), "did you mean x?");
    assert_true(json_is_null(json_object_get(json, "version")));
    product_free(product);
}

static void a_valid_one(void **state)
{
    struct product *product = make(*state, "manifest.yaml", false);
    say(product, "{\"event\":\"result\",\"ok\":true,\"manifests\":[{\"product\":\"Greeter\","
                 "\"version\":\"1.4.0\",\"board\":\"NETDUINO2\",\"auto_build\":true,"
                 "\"follow\":\"hourly\",\"memory\":1000,\"cores\":2}]}");
    product_checked(product);
    const json_t *json = product->json, *need = json_object_get(json, "need");
    assert_string_equal(json_get_text(json, "state"), "valid");
    assert_string_equal(json_get_text(json, "title"), "Greeter");
    assert_string_equal(json_get_text(json, "version"), "1.4.0");
    assert_true(json_is_true(json_object_get(json, "auto_build")));
    assert_string_equal(json_get_text(json, "follow"), "hourly");
    assert_int_equal(json_get_int(need, "memory"), 1000);
    assert_int_equal(json_get_int(need, "cores"), 2);
    product_free(product);
}

static void one_that_says_nothing(void **state)
{
    struct product *product = make(*state, "manifest.yaml", false);
    product_checked(product);
    assert_string_equal(json_get_text(product->json, "state"), "invalid");
    const json_t *error = json_array_get(json_object_get(product->json, "errors"), 0);
    assert_contains(json_get_text(error, "message"), "ended without saying why");
    product_free(product);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test_setup_teardown(a_flat_one, setup, teardown),
        cmocka_unit_test_setup_teardown(a_directory, setup, teardown),
        cmocka_unit_test_setup_teardown(signatures, setup, teardown),
        cmocka_unit_test_setup_teardown(what_validate_says, setup, teardown),
        cmocka_unit_test_setup_teardown(a_valid_one, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_says_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
