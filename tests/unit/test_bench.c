#include "simulator/bench.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "simulator/umockdev.h"
#include "tests/unit/unit.h"

static char root[48];
static struct loop *loop;
static struct bench *bench;

static void make_bench(const char *hubs, unsigned boards)
{
    struct err *err = NULL;
    struct umockdev *umockdev;
    struct topology topology;
    assert_int_equal(mkdir(root, 0700), 0);
    assert_ok(umockdev_new(loop, root, &umockdev, &err), &err);
    const struct bus bus = umockdev_bus(umockdev);
    bench = bench_new(loop, &bus);
    if (hubs) {
        assert_ok(topology_parse(hubs, &topology, &err), &err);
        bench_set_topology(bench, &topology);
    }
    const struct board_model *model = board_model_find("stm32f405");
    for (unsigned i = 0; i < boards; i++)
        assert_ok(bench_add_board(bench, model, BOARD_TIMING_ZERO, NULL, &err), &err);
}

static int setup(void **state)
{
    (void)state;
    /* Thousands of small files: on a tmpfs if there is one, as sim.c does it. */
    snprintf(root, sizeof(root), "%s/firn-bench-%d", fs_is_dir("/dev/shm") ? "/dev/shm" : "/tmp",
             (int)getpid());
    loop = loop_new();
    make_bench(NULL, 2);
    return 0;
}

static void remake_bench(const char *hubs, unsigned boards)
{
    struct err *err = NULL;
    bench_free(bench);
    assert_ok(fs_remove_tree(root, &err), &err);
    make_bench(hubs, boards);
}

static int teardown(void **state)
{
    (void)state;
    struct err *err = NULL;
    bench_free(bench);
    loop_free(loop);
    assert_ok(fs_remove_tree(root, &err), &err);
    return 0;
}

static void command(const char *line)
{
    struct err *err = NULL;
    _cleanup_(buf_release) struct buf answer = BUF_INIT;
    assert_ok(bench_command(bench, line, &answer, &err), &err);
    assert_string_equal(answer.data, "ok");
}

static void refused(const char *line, const char *why)
{
    struct err *err = NULL;
    _cleanup_(buf_release) struct buf answer = BUF_INIT;
    if (bench_command(bench, line, &answer, &err))
        fail_msg("accepted: %s", line);
    assert_error(&err, ERR_USAGE, why);
}

static json_t *status(void)
{
    struct err *err = NULL;
    _cleanup_(buf_release) struct buf answer = BUF_INIT;
    assert_ok(bench_command(bench, "status", &answer, &err), &err);
    json_t *json = json_loads(answer.data, 0, NULL);
    assert_non_null(json);
    return json;
}

/* A number or truth of one board's status. */
static int status_of(unsigned board, const char *key)
{
    json_t *json = status();
    const json_t *value =
        json_object_get(json_array_get(json_object_get(json, "boards"), board), key);
    int result = json_is_integer(value) ? (int)json_integer_value(value) : json_is_true(value);
    json_decref(json);
    return result;
}

static bool exists_on_bus(const char *name)
{
    _cleanup_free_ char *device = xasprintf("%s/sys/bus/usb/devices/%s", root, name);
    return fs_exists(device);
}

static bool on_bus(const char *name, const char *node)
{
    _cleanup_free_ char *device = xasprintf("%s/sys/bus/usb/devices/%s/serial", root, name);
    _cleanup_free_ char *file = xasprintf("%s/dev/bus/usb/001/%s", root, node);
    _cleanup_free_ char *socket = xasprintf("%s/ioctl/dev/bus/usb/001/%s", root, node);
    bool there = fs_exists(device);
    assert_int_equal(fs_exists(file), there);
    assert_int_equal(fs_exists(socket), there);
    return there;
}

static void plugging(void **state)
{
    (void)state;
    assert_true(on_bus("1-1", "002"));
    assert_true(on_bus("1-2", "003"));
    command("unplug 0");
    assert_false(on_bus("1-1", "002"));
    assert_true(on_bus("1-2", "003"));
    assert_false(status_of(0, "plugged"));
    assert_true(status_of(1, "plugged"));
    command("unplug 0");
    command("replug 0");
    assert_true(on_bus("1-1", "004"));
    command("replug 0"); /* out and in again */
    assert_true(on_bus("1-1", "005"));
    assert_true(status_of(0, "plugged"));
}

static void addresses_go_round(void **state)
{
    (void)state;
    for (int address = 4; address <= 127; address++)
        command("replug 0");
    assert_true(on_bus("1-1", "127"));
    command("replug 0");
    assert_true(on_bus("1-1", "002"));
    command("replug 0"); /* 3 is taken */
    assert_true(on_bus("1-1", "004"));
}

static void faults_are_kept(void **state)
{
    (void)state;
    command("fault 1 on=upload,do=stall");
    command("  fault\t1 on=erase,do=hang");
    assert_int_equal(status_of(1, "faults"), 2);
    assert_int_equal(status_of(0, "faults"), 0);
}

static void settings_and_counters(void **state)
{
    (void)state;
    command("set 1 protected");
    assert_true(status_of(1, "protected"));
    assert_false(status_of(0, "protected"));
    command("set 0 starts-in-error"); /* at once: nobody has talked to it */
    assert_int_equal(status_of(0, "status"), 10);
    command("reset-counters 1");
    refused("set 0 protectd", "did you mean 'protected'?");
    refused("reset-counters 1 now", "'now' is too much");
}

static void bad_commands_are_named(void **state)
{
    (void)state;
    refused("", "there is no command ''");
    refused("replgu 0", "did you mean 'replug'?");
    refused("explode",
            "there are after-leave, fault, move, program, replug, reset, reset-counters, "
            "set, status and unplug");
    refused("unplug", "unplug needs the number of a board");
    refused("unplug 2", "there is no board '2': they are numbered 0 to 1");
    refused("unplug x", "there is no board 'x'");
    refused("unplug 1 now", "unplug: 'now' is too much");
    refused("move 1 here", "'here' is not a port of the simulated bus");
    refused("move 1 1-1", "there is a device in 1-1");
    refused("move 1 1-2.1", "there is no port 1-2.1");
    refused("after-leave 1 never", "after-leave takes run, lost, bootloader or a port");
    refused("program 1 doom", "there are repl, loop, busy, silent, garbage and flashed");
    refused("fault 1", "on= is missing");
    refused("fault 1 on=upload", "do= is missing");
}

static void boards_can_be_moved(void **state)
{
    (void)state;
    command("move 0 1-5");
    assert_false(exists_on_bus("1-1"));
    assert_true(exists_on_bus("1-5"));
    command("move 1 1-1");
    assert_true(exists_on_bus("1-1"));
    command("after-leave 0 lost");
    command("after-leave 0 1-9");
    command("program 0 busy");
    command("reset 0"); /* nothing to run: the bootloader */
    assert_true(exists_on_bus("1-5"));
    assert_false(status_of(0, "running"));
}

static void a_root_hub_has_31_ports(void **state)
{
    (void)state;
    struct err *err = NULL;
    const struct board_model *model = board_model_find("stm32f205");
    for (int i = 2; i < BENCH_BOARDS; i++)
        assert_ok(bench_add_board(bench, model, BOARD_TIMING_ZERO, NULL, &err), &err);
    assert_true(on_bus("1-31", "032"));
    assert_true(exists_on_bus("2-1"));
    assert_true(exists_on_bus("5-4"));
    assert_false(bench_add_board(bench, model, BOARD_TIMING_ZERO, NULL, &err));
    assert_error(&err, ERR_USAGE, "there are 128 boards");
}

static void boards_behind_hubs(void **state)
{
    (void)state;
    remake_bench("2,2", 5);
    assert_true(exists_on_bus("1-1.1.1"));
    assert_true(exists_on_bus("1-1.2.2"));
    assert_true(exists_on_bus("1-2.1.1"));
    assert_false(exists_on_bus("1-2.2"));
    command("replug 4");
    assert_true(exists_on_bus("1-2.1.1"));
    remake_bench("7", 64);
    assert_true(exists_on_bus("1-10.1")); /* 64 boards: ten hubs of seven */
    assert_true(exists_on_bus("1-10.1:1.0"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(plugging),
        TEST(addresses_go_round),
        TEST(faults_are_kept),
        TEST(settings_and_counters),
        TEST(bad_commands_are_named),
        TEST(boards_can_be_moved),
        TEST(a_root_hub_has_31_ports),
        TEST(boards_behind_hubs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
