/*
 * Waiting for boards that come and go: with the real libusb, udev and preload libraries. This
 * program is its own command on the simulated bus.
 */
#include "flasher/presence.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"
#include "flasher/task.h"
#include "simulator/control.h"
#include "simulator/sim.h"
#include "tests/unit/unit.h"

static char self[4096];

/* ---- on the bus: two boards in DFU mode, on the ports 1-1 and 1-2 ---------------------------- */

/* cmocka's report belongs to the program outside: here a line on standard error has to do. */
#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);                             \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static void tell(const char *line)
{
    struct err *err = NULL;
    _cleanup_(buf_release) struct buf answer = BUF_INIT;
    CHECK(control_send(getenv(CONTROL_VARIABLE), line, &answer, &err));
}

static pid_t tell_later(unsigned ms, const char *line)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    usleep(ms * 1000);
    tell(line);
    _exit(0);
}

static struct usb *usb;
static struct usb_list before = USB_LIST_INIT;

static void look(void)
{
    struct err *err = NULL;
    usb_list_release(&before);
    CHECK(usb_list_read(usb, NULL, &before, &err));
}

static bool wait_ms(unsigned ms, enum presence wanted, struct usb_list *now, struct err **err)
{
    return presence_wait(usb, &before, "1-1", wanted, task_now_us() + ms * 1000LL, now, err);
}

/* The wait ends in this error. */
static void refused(unsigned ms, enum presence wanted, const char *expected)
{
    struct usb_list now = USB_LIST_INIT;
    _cleanup_err_ struct err *err = NULL;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    CHECK(!wait_ms(ms, wanted, &now, &err));
    err_format(err, &text);
    if (!strstr(text.data, expected))
        fprintf(stderr, "%s\n", text.data);
    CHECK(strstr(text.data, expected));
    CHECK(now.count == 0);
}

static void comes_back(void)
{
    struct usb_list now = USB_LIST_INIT;
    struct err *err = NULL;
    look();
    CHECK(before.count == 2);
    CHECK(wait_ms(0, PRESENCE_DFU, &now, &err));
    CHECK(now.count == 1 && strcmp(now.entries[0].path, "1-1") == 0);
    CHECK(now.entries[0].manufacturer && *now.entries[0].manufacturer);
    usb_list_release(&now);
    tell("unplug 0");
    CHECK(wait_ms(3000, PRESENCE_NOTHING, &now, &err));
    CHECK(now.count == 0);
    usb_list_release(&now);
    pid_t pid = tell_later(150, "replug 0");
    long long start_us = task_now_us();
    CHECK(wait_ms(5000, PRESENCE_NEW, &now, &err));
    CHECK(task_now_us() - start_us > 100000);
    CHECK(now.entries[0].address != before.entries[0].address);
    usb_list_release(&now);
    waitpid(pid, NULL, 0);
}

static void never_comes(void)
{
    look();
    refused(90, PRESENCE_NEW,
            "for the board to disconnect and come back on port 1-1, but what is there is in DFU "
            "mode (0483:df11 ");
    refused(0, PRESENCE_PROGRAM, ") and has not disconnected\n");
    refused(0, PRESENCE_NOTHING, "for the board to disconnect on port 1-1, but what is there");
    tell("unplug 0");
    refused(500, PRESENCE_DFU, "but nothing is plugged in there now\n");
    tell("unplug 1");
    struct usb_list now = USB_LIST_INIT;
    struct err *err = NULL;
    CHECK(
        presence_wait(usb, &before, "1-2", PRESENCE_NOTHING, task_now_us() + 3000000, &now, &err));
    usb_list_release(&now);
    look();
    CHECK(before.count == 0);
    tell("replug 1");
    refused(1000, PRESENCE_DFU,
            "nothing is plugged in there now; since then a device in DFU mode has appeared on port "
            "1-2 (0483:df11 ");
    refused(0, PRESENCE_DFU, "run the command again with --path 1-2");
    tell("replug 0");
    refused(500, PRESENCE_PROGRAM, "but what is there is in DFU mode");
}

/* Two tasks wait for two boards, which come in the other order. */
static char arrived[3];

static void wait_for_port(void *data)
{
    struct usb_list now = USB_LIST_INIT;
    struct err *err = NULL;
    const char *path = data;
    CHECK(presence_wait(usb, &before, path, PRESENCE_DFU, task_now_us() + 5000000, &now, &err));
    arrived[strlen(arrived)] = path[2];
    usb_list_release(&now);
}

static void together(void)
{
    tell("unplug 0");
    tell("unplug 1");
    struct tasks *tasks = tasks_new(usb);
    pid_t second = tell_later(200, "replug 1"), first = tell_later(500, "replug 0");
    usleep(100000);
    tasks_spawn(tasks, wait_for_port, (void *)"1-1");
    tasks_spawn(tasks, wait_for_port, (void *)"1-2");
    tasks_run(tasks);
    tasks_free(tasks);
    CHECK(strcmp(arrived, "21") == 0);
    waitpid(first, NULL, 0);
    waitpid(second, NULL, 0);
}

static int on_the_bus(void)
{
    struct err *err = NULL;
    CHECK(usb_new(&usb, &err));
    comes_back();
    never_comes();
    together();
    interrupt_install();
    raise(SIGINT);
    refused(5000, PRESENCE_PROGRAM, "interrupted while waiting for the board to come back");
    usb_list_release(&before);
    usb_free(usb);
    return 0;
}

/* ---- the test ------------------------------------------------------------------------------- */

static void on_a_simulated_bus(void **state)
{
    (void)state;
    struct err *err = NULL;
    const struct board_model *model = board_model_find("stm32f405");
    const struct board_model *models[] = {model, model};
    const char *const none[] = {NULL};
    const char *const command[] = {self, "bus", NULL};
    _cleanup_free_ char *dir = path_dirname(self);
    _cleanup_free_ char *preload = xasprintf("%s/../../firn-sim.so", dir);
    assert_true(fs_is_file(preload));
    const struct sim_options options = {
        .models = models, .board_count = 2, .orders = none, .preload = preload, .command = command};
    int status = -1;
    assert_ok(sim_run(&options, &status, &err), &err);
    assert_int_equal(status, 0);
}

int main(int argc, char **argv)
{
    if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
        return 1;
    if (argc > 1 && strcmp(argv[1], "bus") == 0)
        return on_the_bus();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_a_simulated_bus),
    };
    return cmocka_run_group_tests_name("presence", tests, NULL, NULL);
}
