#include "fake_board.h"
#include "fake_usb.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/proc.h"
#include "flasher/fleet.h"

#define WORK_MS 25 /* longer than a fleet takes between two looks whose turn it is */

/* Boards on two hubs, on a hub of one of them, on the machine itself and on another one's bus. */
static const char *const paths[] = {"1-1.1", "1-1.2", "1-1.3", "1-1.4.1", "1-1.4.2", "1-1.4.3",
                                    "1-3",   "1-4",   "1-5",   "1-11.1",  "1-11.2",  "2-1"};
#define BOARDS ARRAY_SIZE(paths)
/* How many of them hang on the same hub, at most: 1-1, 1-1.4 or the machine's first bus. */
#define BOARDS_ON_A_HUB 3

static struct fake_board board; /* all of them: nothing is sent to it */
static struct fleet_options options;
static struct fleet_result result;
static struct err *err;

/* What the boards were seen doing. */
static struct {
    const char *running[BOARDS]; /* ports; NULL = a free place */
    unsigned done;
    unsigned most, most_behind_a_hub; /* at the same time */
    const char *fails[BOARDS];        /* ports whose work fails */
    bool interrupt;                   /* the first one that runs is accompanied by a SIGINT */
} work;

static int setup(void **state)
{
    (void)state;
    fake_usb_clear();
    fake_board_init(&board);
    for (size_t i = 0; i < BOARDS; i++)
        fake_usb_add(paths[i], fake_dfu(&board).io)->names[0] = FAKE_LAYOUT;
    options = (struct fleet_options)FLEET_OPTIONS_INIT;
    options.all = true;
    result = (struct fleet_result)FLEET_RESULT_INIT;
    memset(&work, 0, sizeof(work));
    err = NULL;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fleet_result_release(&result);
    err_free_ptr(&err);
    buf_release(&board.log);
    return 0;
}

/* The port path without its last part: "1-1.4" of "1-1.4.2", "1" of "1-3". Not as fleet.c does it.
 */
static bool same_hub(const char *a, const char *b)
{
    size_t i = strlen(a), k = strlen(b);
    while (a[i] != '.' && a[i] != '-')
        i--;
    while (b[k] != '.' && b[k] != '-')
        k--;
    return i == k && memcmp(a, b, i) == 0;
}

static void count_running(const char *path)
{
    unsigned all = 0, behind = 0;
    for (size_t i = 0; i < BOARDS; i++) {
        all += work.running[i] != NULL;
        behind += work.running[i] && same_hub(work.running[i], path);
    }
    work.most = all > work.most ? all : work.most;
    work.most_behind_a_hub = behind > work.most_behind_a_hub ? behind : work.most_behind_a_hub;
}

static bool is_to_fail(const char *path)
{
    for (size_t i = 0; i < BOARDS && work.fails[i]; i++)
        if (strcmp(work.fails[i], path) == 0)
            return true;
    return false;
}

static bool work_on(void *data, struct fleet_board *one, struct err **why)
{
    size_t place = 0;
    const char *path = one->result->path;
    assert_ptr_equal(data, &work);
    assert_string_equal(one->device->usb->path, path);
    while (work.running[place])
        place++;
    work.running[place] = path;
    count_running(path);
    if (work.interrupt && !work.done && place == 0)
        raise(SIGINT);
    task_sleep_ms(WORK_MS);
    work.running[place] = NULL;
    work.done++;
    one->result->summary = is_to_fail(path) ? NULL : xstrdup("done");
    return one->result->summary || err_set(why, ERR_DEVICE, "the work failed");
}

static bool run(void)
{
    return fleet_run(&options, work_on, &work, NULL, &result, &err);
}

/* Each was worked on once, and these did it. */
static void check_all_done(void)
{
    assert_int_equal(work.done, BOARDS);
    assert_int_equal(result.count, BOARDS);
    for (size_t i = 0; i < BOARDS; i++) {
        assert_string_equal(result.boards[i].path, paths[i]);
        assert_true(is_to_fail(paths[i]) == (result.boards[i].err != NULL));
        assert_true(is_to_fail(paths[i]) == (result.boards[i].failure != NULL));
        assert_true(is_to_fail(paths[i]) == (result.boards[i].summary == NULL));
        assert_true(result.boards[i].seconds >= WORK_MS / 1000.0);
    }
}

/* ---- limits --------------------------------------------------------------------------------- */

static void without_limits_all_at_once(void **state)
{
    (void)state;
    assert_ok(run(), &err);
    check_all_done();
    assert_int_equal(work.most, BOARDS);
    assert_int_equal(work.most_behind_a_hub, BOARDS_ON_A_HUB);
    assert_int_equal(result.failed, 0);
}

/* As many as are allowed, and never more. */
static void so_many_at_the_same_time(void **state)
{
    (void)state;
    for (options.jobs = 1; options.jobs < BOARDS; options.jobs += 3) {
        memset(&work, 0, sizeof(work));
        fleet_result_release(&result);
        assert_ok(run(), &err);
        check_all_done();
        assert_int_equal(work.most, options.jobs);
    }
}

static void so_many_behind_a_hub(void **state)
{
    (void)state;
    for (options.jobs_per_hub = 1; options.jobs_per_hub <= BOARDS_ON_A_HUB;
         options.jobs_per_hub++) {
        memset(&work, 0, sizeof(work));
        fleet_result_release(&result);
        assert_ok(run(), &err);
        check_all_done();
        assert_int_equal(work.most_behind_a_hub, options.jobs_per_hub);
    }
}

/* One behind each of the five: a hub's number is not the beginning of another one's, nor is a hub
 * the same as what hangs on it. */
static void hubs_are_told_apart(void **state)
{
    (void)state;
    options.jobs_per_hub = 1;
    assert_ok(run(), &err);
    check_all_done();
    assert_int_equal(work.most, 5);
}

static void both_limits_count(void **state)
{
    (void)state;
    options.jobs = 3;
    options.jobs_per_hub = 1;
    assert_ok(run(), &err);
    check_all_done();
    assert_int_equal(work.most, 3);
    assert_int_equal(work.most_behind_a_hub, 1);
}

static void a_limit_larger_than_the_fleet(void **state)
{
    (void)state;
    options.jobs = options.jobs_per_hub = BOARDS + 1;
    assert_ok(run(), &err);
    check_all_done();
    assert_int_equal(work.most, BOARDS);
}

/* ---- failures ------------------------------------------------------------------------------- */

static void a_failure_stops_no_other(void **state)
{
    (void)state;
    work.fails[0] = "1-1.2";
    assert_false(run());
    check_all_done();
    assert_int_equal(result.failed, 1);
    assert_error(&err, ERR_DEVICE, "1 of 12 boards failed");
    assert_string_equal(result.boards[1].failure, "the work failed");
    assert_error(&result.boards[1].err, ERR_DEVICE, "board on 1-1.2: the work failed");
}

/* What has failed takes no place. */
static void nor_under_a_limit(void **state)
{
    (void)state;
    options.jobs = options.jobs_per_hub = 1;
    for (size_t i = 0; i < BOARDS - 1; i++)
        work.fails[i] = paths[i];
    assert_false(run());
    check_all_done();
    assert_int_equal(work.most, 1);
    assert_int_equal(result.failed, BOARDS - 1);
    assert_error(&err, ERR_DEVICE, "11 of 12 boards failed");
}

static void the_only_boards_error_is_the_fleets(void **state)
{
    (void)state;
    fake_usb_count = 1;
    assert_ok(run(), &err);
    fleet_result_release(&result);
    work.fails[0] = paths[0];
    options.all = false;
    assert_false(run());
    assert_int_equal(result.failed, 1);
    assert_null(result.boards[0].err);
    assert_error(&err, ERR_DEVICE, "board on 1-1.1: the work failed");
}

/* In a child, as the request to stop cannot be taken back: whoever has begun may end. */
static bool ends_after(unsigned jobs)
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        interrupt_install();
        options.jobs = jobs;
        work.interrupt = true;
        bool stopped = !run() && err->code == ERR_INTERRUPTED && work.done == jobs;
        _exit(stopped && result.failed == BOARDS - jobs ? 0 : 1);
    }
    return waitpid(pid, &status, 0) == pid && status == 0;
}

static void ctrl_c_is_for_all_whose_turn_it_is_not(void **state)
{
    (void)state;
    assert_true(ends_after(1));
    assert_true(ends_after(4));
}

/* ---- finding -------------------------------------------------------------------------------- */

static void one_is_meant_unless_all_are(void **state)
{
    (void)state;
    options.all = false;
    assert_false(run());
    assert_error(&err, ERR_DEVICE, "1-1.4.2");
    assert_int_equal(work.done, 0);
    options.match.path = "1-1.4.2";
    assert_ok(run(), &err);
    assert_int_equal(work.done, 1);
    assert_string_equal(result.boards[0].path, "1-1.4.2");
}

static void a_board_is_waited_for(void **state)
{
    (void)state;
    fake_usb_count = 1;
    fake_usb_devices[0].away = 2;
    assert_false(run());
    assert_error(&err, ERR_DEVICE, "no board found");
    options.wait_s = 5;
    assert_ok(run(), &err); /* at its second look */
    assert_int_equal(fake_usb_looks, 3);
    assert_int_equal(work.done, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_limits_all_at_once),
        TEST(so_many_at_the_same_time),
        TEST(so_many_behind_a_hub),
        TEST(hubs_are_told_apart),
        TEST(both_limits_count),
        TEST(a_limit_larger_than_the_fleet),
        TEST(a_failure_stops_no_other),
        TEST(nor_under_a_limit),
        TEST(the_only_boards_error_is_the_fleets),
        TEST(ctrl_c_is_for_all_whose_turn_it_is_not),
        TEST(one_is_meant_unless_all_are),
        TEST(a_board_is_waited_for),
    };
    alarm(60); /* a board whose turn never comes would wait for ever */
    return cmocka_run_group_tests_name("fleet", tests, NULL, NULL);
}
