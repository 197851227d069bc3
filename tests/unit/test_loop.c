#include "simulator/loop.h"

#include <unistd.h>

#include "tests/unit/unit.h"

static struct loop *loop;
static const struct sim_clock *the_clock;
static int pipe_fds[2];
static char order[16];
static char text_a[] = "a", text_b[] = "b", text_c[] = "c", text_s[] = "s", text_u[] = "u",
            text_x[] = "x", text_xx[] = "xx", text_a_end[] = "a!", text_none[] = "";

static int setup(void **state)
{
    (void)state;
    loop = loop_new();
    the_clock = loop_clock(loop);
    order[0] = '\0';
    return pipe(pipe_fds);
}

static int teardown(void **state)
{
    (void)state;
    loop_free(loop);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    return 0;
}

static void run(void)
{
    struct err *err = NULL;
    assert_ok(loop_run(loop, &err), &err);
}

static void note(void *arg)
{
    strcat(order, arg);
}

static void stop(void *arg)
{
    strcat(order, arg);
    loop_stop(loop);
}

static void timers_come_in_order_and_not_early(void **state)
{
    (void)state;
    uint64_t begin = clock_now_us(the_clock);
    clock_after(the_clock, 3000, stop, text_c);
    clock_after(the_clock, 1000, note, text_a);
    clock_after(the_clock, 2000, note, text_b);
    run();
    assert_string_equal(order, "abc");
    assert_true(clock_now_us(the_clock) - begin >= 3000);
}

static void cancelled_timers_do_not_come(void **state)
{
    (void)state;
    char *cancelled = text_x;
    clock_after(the_clock, 0, note, cancelled);
    clock_after(the_clock, 10, note, cancelled);
    clock_after(the_clock, 20, stop, text_s);
    clock_cancel(the_clock, cancelled);
    run();
    assert_string_equal(order, "s");
}

static void on_byte(void *arg)
{
    char byte[2] = "";
    assert_int_equal(read(pipe_fds[0], byte, 1), 1);
    strcat(order, byte);
    if (byte[0] == '!')
        stop(arg);
}

static void write_later(void *arg)
{
    assert_int_equal(write(pipe_fds[1], arg, 2), 2);
}

static void descriptors_are_served(void **state)
{
    (void)state;
    loop_watch(loop, pipe_fds[0], on_byte, text_none);
    clock_after(the_clock, 100, write_later, text_a_end);
    run();
    assert_string_equal(order, "a!");
}

static int second;

static void unwatch_both(void *arg)
{
    strcat(order, arg);
    loop_unwatch(loop, pipe_fds[0]);
    loop_unwatch(loop, second);
    clock_after(the_clock, 1000, stop, text_s);
}

static void a_callback_may_unwatch_itself(void **state)
{
    (void)state;
    second = dup(pipe_fds[0]);
    loop_watch(loop, pipe_fds[0], unwatch_both, text_u);
    loop_watch(loop, second, unwatch_both, text_u); /* whichever is second: gone before its turn */
    write_later(text_xx);
    run();
    assert_string_equal(order, "us");
    close(second);
}

static void never(void *arg)
{
    (void)arg;
    fail_msg("called for its predecessor's event");
}

static int quiet[2];

/* Close the other descriptor, whose event is waiting, and give its number to an empty pipe. */
static void replace_other(void *arg)
{
    int other = *(int *)arg;
    loop_unwatch(loop, pipe_fds[0]);
    loop_unwatch(loop, second);
    assert_int_equal(dup2(quiet[0], other), other);
    loop_watch(loop, other, never, NULL);
    clock_after(the_clock, 1000, stop, text_s);
}

static void a_descriptor_may_be_used_again_at_once(void **state)
{
    (void)state;
    assert_int_equal(pipe(quiet), 0);
    second = dup(pipe_fds[0]);
    loop_watch(loop, pipe_fds[0], replace_other, &second);
    loop_watch(loop, second, replace_other, &pipe_fds[0]);
    write_later(text_xx);
    run();
    assert_string_equal(order, "s");
    close(second);
    close(quiet[0]);
    close(quiet[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(timers_come_in_order_and_not_early),
        TEST(cancelled_timers_do_not_come),
        TEST(descriptors_are_served),
        TEST(a_callback_may_unwatch_itself),
        TEST(a_descriptor_may_be_used_again_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
