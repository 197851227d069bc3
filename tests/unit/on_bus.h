/*
 * A test that is its own command on the simulated bus, with the real libusb, udev and preload
 * libraries: main() is on_bus_main(name, boards, there), and there() runs on the bus.
 */
#ifndef FIRN_TESTS_ON_BUS_H
#define FIRN_TESTS_ON_BUS_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "simulator/control.h"
#include "simulator/sim.h"
#include "tests/unit/unit.h"

/* cmocka's report belongs to the program outside: on the bus a line on standard error has to do. */
#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);                             \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* The error's text has this in it. */
static inline void check_error(const struct err *err, const char *expected)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    err_format(err, &text);
    if (!strstr(text.data, expected))
        fprintf(stderr, "%s\n", text.data);
    CHECK(strstr(text.data, expected));
}

/* A line of `firn sim control`. */
static inline void tell(const char *line)
{
    struct err *err = NULL;
    _cleanup_(buf_release) struct buf answer = BUF_INIT;
    CHECK(control_send(getenv(CONTROL_VARIABLE), line, &answer, &err));
}

/* The caller waits for the child. */
static inline pid_t tell_later(unsigned ms, const char *line)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    usleep(ms * 1000);
    tell(line);
    _exit(0);
}

static char on_bus_self[4096];
static unsigned on_bus_boards;

static inline void on_a_simulated_bus(void **state)
{
    (void)state;
    struct err *err = NULL;
    const struct board_model *models[] = {board_model_find("stm32f405"),
                                          board_model_find("stm32f405")};
    const char *const none[] = {NULL};
    const char *const command[] = {on_bus_self, "bus", NULL};
    _cleanup_free_ char *dir = path_dirname(on_bus_self);
    _cleanup_free_ char *preload = xasprintf("%s/../../firn-sim.so", dir);
    assert_true(fs_is_file(preload));
    assert_true(on_bus_boards <= ARRAY_SIZE(models));
    const struct sim_options options = {.models = models,
                                        .board_count = on_bus_boards,
                                        .orders = none,
                                        .preload = preload,
                                        .command = command};
    int status = -1;
    assert_ok(sim_run(&options, &status, &err), &err);
    assert_int_equal(status, 0);
}

/* STM32F405 in DFU mode, on the ports 1-1, 1-2. */
static inline int on_bus_main(int argc, char **argv, const char *name, unsigned boards,
                              void (*there)(void))
{
    if (readlink("/proc/self/exe", on_bus_self, sizeof(on_bus_self) - 1) < 0)
        return 1;
    if (argc > 1 && strcmp(argv[1], "bus") == 0) {
        there();
        return 0;
    }
    on_bus_boards = boards;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_a_simulated_bus),
    };
    return _cmocka_run_group_tests(name, tests, ARRAY_SIZE(tests), NULL, NULL);
}

#endif
