#include "unit.h"

#include "flasher/fiber.h"
#include "flasher/task.h"

/* ---- fibers --------------------------------------------------------------------------------- */

static struct buf trace = BUF_INIT;

static void two_steps(void *data)
{
    buf_addf(&trace, "%s1 ", (const char *)data);
    fiber_suspend();
    buf_addf(&trace, "%s2 ", (const char *)data);
}

static void fibers_take_turns(void **state)
{
    char a[] = "a", b[] = "b";
    struct fiber *one = fiber_new(two_steps, a), *two = fiber_new(two_steps, b);
    (void)state;
    buf_clear(&trace);
    assert_null(fiber_current());
    fiber_resume(one);
    fiber_resume(two);
    assert_false(fiber_ended(one));
    fiber_resume(two);
    fiber_resume(one);
    assert_string_equal(trace.data, "a1 b1 b2 a2 ");
    assert_true(fiber_ended(one) && fiber_ended(two));
    assert_null(fiber_current());
    fiber_free(one);
    fiber_free(two);
}

static void resume_inner(void *data)
{
    struct fiber *inner = data;
    fiber_resume(inner);
    buf_adds(&trace, "outer ");
    fiber_resume(inner);
}

static void fibers_nest(void **state)
{
    char a[] = "a";
    struct fiber *inner = fiber_new(two_steps, a), *outer = fiber_new(resume_inner, inner);
    (void)state;
    buf_clear(&trace);
    fiber_resume(outer);
    assert_string_equal(trace.data, "a1 outer a2 ");
    assert_true(fiber_ended(outer));
    fiber_free(outer);
    fiber_free(inner);
}

/* Its stack is deep enough for what the flasher does, and its locals survive a switch. */
static void use_stack(void *data)
{
    uint8_t bytes[64 * 1024];
    uint32_t *sum = data;
    memset(bytes, 3, sizeof(bytes));
    fiber_suspend();
    for (size_t i = 0; i < sizeof(bytes); i++)
        *sum += bytes[i];
}

static void stacks_are_their_own(void **state)
{
    uint32_t sums[2] = {0, 0};
    struct fiber *one = fiber_new(use_stack, &sums[0]), *two = fiber_new(use_stack, &sums[1]);
    (void)state;
    fiber_resume(one);
    fiber_resume(two);
    fiber_resume(one);
    fiber_resume(two);
    assert_int_equal(sums[0], 3 * 64 * 1024);
    assert_int_equal(sums[1], 3 * 64 * 1024);
    fiber_free(one);
    fiber_free(two);
}

/* ---- tasks ---------------------------------------------------------------------------------- */

struct sleeper {
    struct tasks *tasks;
    const char *name;
    unsigned first_ms, second_ms;
};

static void sleep_twice(void *data)
{
    const struct sleeper *sleeper = data;
    long long start_us = task_now_us();
    task_sleep_until(start_us + sleeper->first_ms * 1000LL);
    assert_true(task_now_us() >= start_us + sleeper->first_ms * 1000LL);
    buf_addf(&trace, "%s1 ", sleeper->name);
    task_sleep_until(start_us + sleeper->second_ms * 1000LL);
    buf_addf(&trace, "%s2 ", sleeper->name);
}

static void sleeps_overlap(void **state)
{
    struct sleeper sleepers[] = {{NULL, "a", 20, 80}, {NULL, "b", 40, 60}, {NULL, "c", 0, 100}};
    struct tasks *tasks = tasks_new(NULL);
    long long start_us = task_now_us();
    (void)state;
    buf_clear(&trace);
    for (size_t i = 0; i < ARRAY_SIZE(sleepers); i++)
        tasks_spawn(tasks, sleep_twice, &sleepers[i]);
    tasks_run(tasks);
    tasks_free(tasks);
    assert_string_equal(trace.data, "c1 a1 b1 b2 a2 c2 ");
    assert_true(task_now_us() - start_us < 5 * 100000); /* not one after the other, however slow */
}

static void spawn_another(void *data)
{
    struct sleeper *sleeper = data;
    tasks_spawn(sleeper->tasks, sleep_twice, sleeper);
    task_sleep_ms(1);
    buf_adds(&trace, "parent ");
}

static void tasks_spawn_tasks(void **state)
{
    struct sleeper sleeper = {tasks_new(NULL), "child", 30, 40};
    (void)state;
    buf_clear(&trace);
    tasks_spawn(sleeper.tasks, spawn_another, &sleeper);
    tasks_run(sleeper.tasks);
    tasks_free(sleeper.tasks);
    assert_string_equal(trace.data, "parent child1 child2 ");
}

static void sleeps_outside_of_a_task(void **state)
{
    long long start_us = task_now_us();
    (void)state;
    task_sleep_ms(2);
    assert_true(task_now_us() - start_us >= 2000);
}

static int release(void **state)
{
    (void)state;
    buf_release(&trace);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fibers_take_turns),    cmocka_unit_test(fibers_nest),
        cmocka_unit_test(stacks_are_their_own), cmocka_unit_test(sleeps_overlap),
        cmocka_unit_test(tasks_spawn_tasks),    cmocka_unit_test(sleeps_outside_of_a_task),
    };
    return cmocka_run_group_tests_name("task", tests, NULL, release);
}
