#include "simulator/topology.h"

#include "tests/unit/unit.h"

static void check(const char *hubs, unsigned index, const char *expected)
{
    struct err *err = NULL;
    struct topology topology = {0};
    if (*hubs)
        assert_ok(topology_parse(hubs, &topology, &err), &err);
    const struct port_path path = topology_place(&topology, index);
    _cleanup_free_ char *name = port_path_name(&path);
    assert_string_equal(name, expected);
}

static void without_hubs(void **state)
{
    (void)state;
    check("", 0, "1-1");
    check("", 30, "1-31");
    check("", 31, "2-1");
    check("", 127, "5-4");
}

static void behind_one_hub(void **state)
{
    (void)state;
    check("4", 0, "1-1.1");
    check("4", 3, "1-1.4");
    check("4", 4, "1-2.1");
    check("7", 63, "1-10.1");
    /* A hub of four and its boards are five addresses: 22 of them fit. */
    check("4", 87, "1-22.4");
    check("4", 88, "2-1.1");
}

static void behind_two_hubs(void **state)
{
    (void)state;
    check("4,7", 0, "1-1.1.1");
    check("4,7", 6, "1-1.1.7");
    check("4,7", 7, "1-1.2.1");
    check("4,7", 27, "1-1.4.7");
    check("4,7", 28, "1-2.1.1");
    check("2,2,2,2,2", 31, "1-1.2.2.2.2.2");
}

static void the_ports_of_hubs(void **state)
{
    (void)state;
    struct err *err = NULL;
    struct topology topology;
    assert_ok(topology_parse("4,7", &topology, &err), &err);
    const struct port_path root = {.bus = 2}, hub = {2, 1, {1}}, below = {2, 2, {1, 1}};
    assert_int_equal(topology_hub_ports(&topology, &root), 31);
    assert_int_equal(topology_hub_ports(&topology, &hub), 4);
    assert_int_equal(topology_hub_ports(&topology, &below), 7);
}

static void refused(const char *text, const char *why)
{
    struct err *err = NULL;
    struct topology topology;
    if (topology_parse(text, &topology, &err))
        fail_msg("accepted: '%s'", text);
    assert_error(&err, ERR_USAGE, why);
}

static void what_is_no_tree(void **state)
{
    (void)state;
    refused("", "'' is not the number of a hub's ports");
    refused("four", "'four' is not the number of a hub's ports (2 to 31)");
    refused("1", "'1' is not");
    refused("32", "'32' is not");
    refused("4,", "'' is not");
    refused("2,2,2,2,2,2", "more than 5 hubs, one below the other");
    refused("16,16", "one such tree of hubs needs more than the 112 devices of a bus");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_hubs),    cmocka_unit_test(behind_one_hub),
        cmocka_unit_test(behind_two_hubs), cmocka_unit_test(the_ports_of_hubs),
        cmocka_unit_test(what_is_no_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
