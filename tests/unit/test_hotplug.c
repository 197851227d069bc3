/*
 * Many programs of one bus start at the same time, and each hears of hotplug events: with the real
 * libusb and udev, and the real preload libraries. This program plays all parts.
 */
#include <libusb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "simulator/control.h"
#include "simulator/sim.h"
#include "tests/unit/unit.h"

#define PROGRAMS 12

static char self[4096];

/* ---- one program: ready when it listens, done when the board left and came back -------------- */

static int LIBUSB_CALL on_hotplug(libusb_context *usb, libusb_device *device,
                                  libusb_hotplug_event event, void *data)
{
    (void)usb, (void)device;
    unsigned *step = data;
    if (event == LIBUSB_HOTPLUG_EVENT_DEVICE_LEFT && *step == 0)
        *step = 1;
    else if (event == LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED && *step == 1)
        *step = 2;
    return 0;
}

static int program(void)
{
    libusb_context *usb;
    unsigned step = 0;
    if (libusb_init(&usb) != 0 ||
        libusb_hotplug_register_callback(
            usb, LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED | LIBUSB_HOTPLUG_EVENT_DEVICE_LEFT, 0, 0x0483,
            0xDF11, -1, on_hotplug, &step, NULL) != 0)
        return 1;
    if (write(STDOUT_FILENO, "r", 1) != 1)
        return 1;
    for (int tries = 0; step < 2 && tries < 100; tries++) {
        struct timeval tenth = {0, 100000};
        libusb_handle_events_timeout_completed(usb, &tenth, NULL);
    }
    libusb_exit(usb);
    return step == 2 ? 0 : 1;
}

/* ---- the command on the bus: starts them all, then moves the board --------------------------- */

static bool tell(const char *line)
{
    struct err *err = NULL;
    _cleanup_(buf_release) struct buf answer = BUF_INIT;
    bool ok = control_send(getenv(CONTROL_VARIABLE), line, &answer, &err);
    err_free(err);
    return ok;
}

static int all_programs(void)
{
    int ready[2], failed = 0, status;
    char byte;
    if (pipe(ready) < 0)
        return 100;
    for (int i = 0; i < PROGRAMS; i++) {
        if (fork() == 0) {
            dup2(ready[1], STDOUT_FILENO);
            execl(self, self, "program", NULL);
            _exit(1);
        }
    }
    close(ready[1]);
    for (int i = 0; i < PROGRAMS; i++)
        if (read(ready[0], &byte, 1) != 1)
            return 101;
    if (!tell("unplug 0") || !tell("replug 0"))
        return 102;
    while (wait(&status) > 0)
        failed += status != 0;
    return failed;
}

/* ---- the test ------------------------------------------------------------------------------- */

static void every_program_hears(void **state)
{
    (void)state;
    struct err *err = NULL;
    const struct board_model *model = board_model_find("stm32f405");
    const char *const none[] = {NULL};
    const char *const command[] = {self, "all", NULL};
    _cleanup_free_ char *dir = path_dirname(self);
    _cleanup_free_ char *preload = xasprintf("%s/../../firn-sim.so", dir);
    assert_true(fs_is_file(preload));
    const struct sim_options options = {
        .models = &model, .board_count = 1, .orders = none, .preload = preload, .command = command};
    int status = -1;
    assert_ok(sim_run(&options, &status, &err), &err);
    assert_int_equal(status, 0);
}

int main(int argc, char **argv)
{
    if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
        return 1;
    if (argc > 1)
        return strcmp(argv[1], "all") == 0 ? all_programs() : program();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_program_hears),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
