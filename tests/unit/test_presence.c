/* Waiting for boards that come and go. */
#include "flasher/presence.h"

#include <signal.h>

#include "base/proc.h"
#include "flasher/task.h"
#include "tests/unit/on_bus.h"

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
    CHECK(!wait_ms(ms, wanted, &now, &err));
    check_error(err, expected);
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

static void on_the_bus(void)
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
}

int main(int argc, char **argv)
{
    return on_bus_main(argc, argv, "presence", 2, on_the_bus);
}
