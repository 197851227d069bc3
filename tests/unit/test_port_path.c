#include "simulator/port_path.h"

#include "tests/unit/unit.h"

static void check(const char *text, const char *directory, const char *ports)
{
    struct err *err = NULL;
    struct port_path path;
    assert_ok(port_path_parse(text, &path, &err), &err);
    _cleanup_free_ char *name = port_path_name(&path);
    _cleanup_free_ char *dir = port_path_directory(&path);
    _cleanup_free_ char *devpath = port_path_ports(&path);
    assert_string_equal(name, text);
    assert_string_equal(dir, directory);
    assert_string_equal(devpath, ports);
}

static void names(void **state)
{
    (void)state;
    check("1-3", "/usb1/1-3", "3");
    check("2-31.4", "/usb2/2-31/2-31.4", "31.4");
    check("12-1.2.3.4.5.6", "/usb12/12-1/12-1.2/12-1.2.3/12-1.2.3.4/12-1.2.3.4.5/12-1.2.3.4.5.6",
          "1.2.3.4.5.6");
}

static void a_root_hub(void **state)
{
    (void)state;
    const struct port_path path = {.bus = 3};
    _cleanup_free_ char *name = port_path_name(&path);
    _cleanup_free_ char *dir = port_path_directory(&path);
    _cleanup_free_ char *devpath = port_path_ports(&path);
    assert_string_equal(name, "usb3");
    assert_string_equal(dir, "/usb3");
    assert_string_equal(devpath, "0");
}

static void what_is_no_port(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "1",
                                        "usb1",
                                        "1-",
                                        "-1",
                                        "1-0",
                                        "0-1",
                                        "1-32",
                                        "1-1.",
                                        "1-.1",
                                        "1-1-1",
                                        "1.1",
                                        "1-1.1.1.1.1.1.1",
                                        "1-01",
                                        "100-1",
                                        "1-1 ",
                                        " 1-1",
                                        "1-1a",
                                        "1-99999999999"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct err *err = NULL;
        struct port_path path;
        if (port_path_parse(texts[i], &path, &err))
            fail_msg("accepted: '%s'", texts[i]);
        assert_error(&err, ERR_USAGE, "is not a port of the simulated bus");
    }
}

static void relations(void **state)
{
    (void)state;
    const struct port_path a = {1, 2, {3, 4}}, b = {1, 2, {3, 5}}, c = {2, 2, {3, 4}};
    const struct port_path hub = port_path_parent(&a), root = port_path_parent(&hub);
    const struct port_path again = port_path_child(&hub, 4);
    assert_true(port_path_equal(&a, &again));
    assert_false(port_path_equal(&a, &b));
    assert_false(port_path_equal(&a, &c));
    assert_false(port_path_equal(&a, &hub));
    assert_int_equal(root.depth, 0);
    assert_int_equal(root.bus, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(a_root_hub),
        cmocka_unit_test(what_is_no_port),
        cmocka_unit_test(relations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
