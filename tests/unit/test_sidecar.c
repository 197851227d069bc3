#include "image/sidecar.h"

#include <stdio.h>
#include <unistd.h>

#include "base/fs.h"
#include "tests/unit/unit.h"

static void check_path(const char *image_path, const char *expected)
{
    _cleanup_free_ char *path = sidecar_path(image_path);
    assert_string_equal(path, expected);
}

static void paths(void **state)
{
    (void)state;
    check_path("out/greeter-1.4.0.dfu", "out/greeter-1.4.0.json");
    check_path("out.d/greeter", "out.d/greeter.json");
    check_path("x/.hidden", "x/.hidden.json");
    check_path("greeter.bin", "greeter.json");
    check_path("out/greeter-1.4.0.app.dfu", "out/greeter-1.4.0.json");
    check_path("out/greeter-1.4.0.pack.dfu", "out/greeter-1.4.0.json");
    check_path("greeter-1.4.0.app.elf", "greeter-1.4.0.app.json");
}

/* A version may end like this. */
static void a_sidecar_of_its_own_comes_first(void **state)
{
    (void)state;
    char dir[] = "/tmp/firn-test-sidecar.XXXXXX";
    struct err *err = NULL;
    assert_non_null(mkdtemp(dir));
    _cleanup_free_ char *image_path = path_join(dir, "greeter-2.app.dfu");
    _cleanup_free_ char *own = path_join(dir, "greeter-2.app.json");
    _cleanup_free_ char *whole = path_join(dir, "greeter-2.json");
    check_path(image_path, whole);
    assert_ok(fs_write(own, "{}", 2, 0644, &err), &err);
    check_path(image_path, own);
    assert_ok(fs_remove_tree(dir, &err), &err);
}

static void save_and_load(void **state)
{
    (void)state;
    char dir[] = "/tmp/firn-test-sidecar.XXXXXX";
    struct err *err = NULL;
    json_t *back = NULL, *sidecar = json_pack("{s:s, s:{s:s}}", "z", "1", "a", "b", "c");
    assert_non_null(mkdtemp(dir));
    _cleanup_free_ char *image_path = path_join(dir, "greeter.dfu");
    _cleanup_free_ char *path = sidecar_path(image_path);
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    assert_false(sidecar_load(image_path, &back, &err));
    assert_error(&err, ERR_NOT_FOUND, path);
    assert_ok(sidecar_save(image_path, sidecar, &err), &err);
    assert_ok(fs_read(path, 1000, &text, &err), &err);
    assert_string_equal(text.data, "{\n  \"a\": {\n    \"b\": \"c\"\n  },\n  \"z\": \"1\"\n}\n");
    assert_ok(sidecar_load(image_path, &back, &err), &err);
    assert_true(json_equal(back, sidecar));
    json_decref(back);
    json_decref(sidecar);
    const char *const bad[] = {"", "[]", "{\"a\":1,\"a\":2}", "{", "{\"a\":\"\xff\"}", NULL};
    for (const char *const *b = bad; *b; b++) {
        assert_ok(fs_write(path, *b, strlen(*b), 0644, &err), &err);
        assert_false(sidecar_load(image_path, &back, &err));
        assert_error(&err, ERR_FAILED, path);
    }
    assert_ok(fs_remove_tree(dir, &err), &err);
}

static void segments(void **state)
{
    (void)state;
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    struct err *err = NULL;
    assert_ok(image_add(&image, 0, 0x08000000, "abc", 3, &err), &err);
    json_t *list = sidecar_segments(&image);
    char *text = json_dumps(list, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(
        text, "[{\"address\":\"0x08000000\",\"alt\":0,\"sha256\":"
              "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\",\"size\":3}]");
    free(text);
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),
        cmocka_unit_test(a_sidecar_of_its_own_comes_first),
        cmocka_unit_test(save_and_load),
        cmocka_unit_test(segments),
    };
    return cmocka_run_group_tests_name("sidecar", tests, NULL, NULL);
}
