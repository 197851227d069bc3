#include "simulator/uevent.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fs.h"
#include "simulator/unix_socket.h"
#include "tests/unit/unit.h"

static char root[32];
static struct loop *loop;
static struct uevents *uevents;

static int setup(void **state)
{
    (void)state;
    struct err *err = NULL;
    strcpy(root, "/tmp/firn-uevent-XXXXXX");
    assert_non_null(mkdtemp(root));
    loop = loop_new();
    uevents = uevents_new(loop, root, &err);
    assert_ok(uevents != NULL, &err);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    struct err *err = NULL;
    uevents_free(uevents);
    loop_free(loop);
    assert_ok(fs_remove_tree(root, &err), &err);
    return 0;
}

/* As the preload library does it: the name is taken from whoever has it. */
static int listen_as(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", root, name);
    unlink(address.sun_path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void check_received(int fd, const char *expected)
{
    char text[64] = "";
    ssize_t len = recv(fd, text, sizeof(text) - 1, 0);
    if (!expected)
        assert_int_equal(len, -1);
    else
        assert_string_equal(text, expected);
}

static void send_text(const char *text)
{
    uevents_send(uevents, text, strlen(text));
}

static void everyone_hears_also_who_lost_its_name(void **state)
{
    (void)state;
    int first = listen_as("event5"), second = listen_as("event6");
    send_text("one");
    int thief = listen_as("event5");
    int stranger = listen_as("other");
    send_text("two");
    check_received(first, "one");
    check_received(first, "two");
    check_received(second, "one");
    check_received(second, "two");
    check_received(thief, "two");
    check_received(thief, NULL);
    check_received(stranger, NULL);
    close(first);
    send_text("three");
    check_received(second, "three");
    check_received(thief, "three");
    close(second);
    close(thief);
    close(stranger);
}

static unsigned open_descriptors(void)
{
    struct err *err = NULL;
    struct strv names = STRV_INIT;
    assert_ok(fs_list("/proc/self/fd", &names, &err), &err);
    unsigned count = (unsigned)names.count;
    strv_release(&names);
    return count;
}

static void on_timeout(void *arg)
{
    loop_stop(arg);
}

static void the_dead_do_not_pile_up(void **state)
{
    (void)state;
    struct err *err = NULL;
    unsigned before = open_descriptors();
    for (int i = 0; i < 200; i++) {
        int fd = listen_as("event5");
        clock_after(loop_clock(loop), 0, on_timeout, loop);
        assert_ok(loop_run(loop, &err), &err);
        close(fd);
    }
    assert_in_range(open_descriptors(), before, before + 40);
}

static int done_pipe[2];

/* A program: it has a socket, waits until the bus knows it, and then loses its name. */
static void *lose_the_name(void *arg)
{
    int *listener = arg;
    struct err *err = NULL;
    _cleanup_free_ char *sync = path_join(root, "sync");
    _cleanup_free_ char *name = path_join(root, "event5");
    char byte = 0;
    int fd;
    *listener = listen_as("event5");
    if (!unix_connect(sync, SOCK_STREAM, &fd, &err) || recv(fd, &byte, 1, 0) != 0)
        abort();
    close(fd);
    unlink(name);
    if (write(done_pipe[1], &byte, 1) != 1)
        abort();
    return NULL;
}

static void after_a_sync_the_name_does_not_matter(void **state)
{
    (void)state;
    struct err *err = NULL;
    pthread_t thread;
    int listener = -1;
    assert_int_equal(pipe(done_pipe), 0);
    loop_watch(loop, done_pipe[0], on_timeout, loop);
    assert_int_equal(pthread_create(&thread, NULL, lose_the_name, &listener), 0);
    assert_ok(loop_run(loop, &err), &err);
    pthread_join(thread, NULL);
    send_text("hello");
    check_received(listener, "hello");
    close(listener);
    close(done_pipe[0]);
    close(done_pipe[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everyone_hears_also_who_lost_its_name, setup, teardown),
        cmocka_unit_test_setup_teardown(after_a_sync_the_name_does_not_matter, setup, teardown),
        cmocka_unit_test_setup_teardown(the_dead_do_not_pile_up, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
