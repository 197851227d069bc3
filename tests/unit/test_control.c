#include "simulator/control.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fs.h"
#include "tests/unit/unit.h"

static char dir[32], path[64];
static struct loop *loop;
static struct control *control;

static bool answer_line(void *data, const char *line, struct buf *answer, struct err **err)
{
    (void)data;
    if (strcmp(line, "stop") == 0)
        loop_stop(loop);
    if (strcmp(line, "bad") == 0) {
        err_set(err, ERR_USAGE, "'bad' is not good");
        return err_hint(err, "try another");
    }
    buf_addf(answer, "<%s>", line);
    return true;
}

static int setup(void **state)
{
    (void)state;
    struct err *err = NULL;
    strcpy(dir, "/tmp/firn-control-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/socket", dir);
    loop = loop_new();
    assert_ok(control_new(loop, path, answer_line, NULL, &control, &err), &err);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    control_free(control);
    loop_free(loop);
    return rmdir(dir); /* the socket is gone */
}

static void *stop_later(void *arg)
{
    struct err *err = NULL;
    struct buf answer = BUF_INIT;
    void (*client)(void) = (void (*)(void))arg;
    client();
    if (!control_send(path, "stop", &answer, &err))
        abort();
    buf_release(&answer);
    return NULL;
}

static void serve(void (*client)(void))
{
    struct err *err = NULL;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, stop_later, (void *)client), 0);
    assert_ok(loop_run(loop, &err), &err);
    pthread_join(thread, NULL);
}

static struct buf answer = BUF_INIT;
static struct err *answer_err;
static bool answered;

static void send_good(void)
{
    answered = control_send(path, "hello there", &answer, &answer_err);
}

static void send_bad(void)
{
    answered = control_send(path, "bad", &answer, &answer_err);
}

static void lines_are_answered(void **state)
{
    (void)state;
    serve(send_good);
    assert_ok(answered, &answer_err);
    assert_string_equal(answer.data, "<hello there>");
    buf_clear(&answer);
    serve(send_bad);
    assert_false(answered);
    assert_error(&answer_err, ERR_USAGE, "'bad' is not good; try another");
    buf_release(&answer);
}

static char raw[256];

static void send_raw(void)
{
    static char long_line[CONTROL_LINE_MAX + 600];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        send(fd, "a\nb", 3, 0) != 3 || send(fd, "c\n", 2, 0) != 2 ||
        recv(fd, raw, 9, MSG_WAITALL) != 9)
        abort();
    memset(long_line, 'x', sizeof(long_line));
    send(fd, long_line, sizeof(long_line), MSG_NOSIGNAL);
    if (recv(fd, raw + 9, 1, 0) > 0) /* disconnected */
        abort();
    close(fd);
}

static void lines_may_come_in_pieces_but_not_without_end(void **state)
{
    (void)state;
    serve(send_raw);
    assert_string_equal(raw, "<a>\n<bc>\n");
}

static void nobody_there(void **state)
{
    (void)state;
    struct err *err = NULL;
    assert_false(control_send("/tmp/firn-nobody-is-here", "status", &answer, &err));
    assert_error(&err, ERR_NOT_FOUND,
                 "cannot reach the simulator: cannot connect to '/tmp/firn-nobody-is-here'");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_are_answered),
        TEST(lines_may_come_in_pieces_but_not_without_end),
        TEST(nobody_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
