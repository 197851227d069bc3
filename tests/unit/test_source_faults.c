/* Sources when things go wrong: processes at once, kills, signals, full disks. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/unit/git_fixture.h"

#define FILES 120
#define FILE_BYTES 4000

static char *origin; /* half a megabyte that does not compress */
static const struct source_options normal = {false, false};

static int setup(void **state)
{
    if (fixture_setup(state) != 0)
        return -1;
    origin = make_repo("origin");
    for (int i = 0; i < FILES; i++) {
        struct err *err = NULL;
        char data[FILE_BYTES];
        _cleanup_free_ char *path = xasprintf("%s/%d.bin", origin, i);
        if (getrandom(data, sizeof(data), 0) != sizeof(data))
            return -1;
        assert_ok(fs_write(path, data, sizeof(data), 0644, &err), &err);
    }
    free(commit_all(origin, "many"));
    git(origin, "tag", "v1");
    return 0;
}

static int teardown(void **state)
{
    free(origin);
    return fixture_teardown(state);
}

static int each_from_nothing(void **state)
{
    (void)state;
    forget_all();
    return 0;
}

static bool get(struct events *events, struct source *source, struct err **err)
{
    static const char *const none[] = {NULL};
    struct config config = fixture_config();

    return source_resolve(&config, origin, "v1", &normal, events, source, err) &&
           source_checkout(&config, source, none, &normal, events, err);
}

static size_t count_names(const char *dir, const char *prefix)
{
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    struct err *err = NULL;
    size_t count = 0;

    assert_ok(fs_list(dir, &names, &err), &err);
    for (size_t i = 0; i < names.count; i++)
        count += !strncmp(names.items[i], prefix, strlen(prefix));
    return count;
}

/* A run that is not disturbed gets everything, and nothing is left of those before. */
static void assert_good_run(void)
{
    _cleanup_(source_release) struct source source = SOURCE_INIT;
    _cleanup_free_ char *src = path_join(fixture_home, "src");
    struct err *err = NULL;

    assert_ok(get(NULL, &source, &err), &err);
    free(run_argv((const char *const[]){"diff", "-r", "-x", ".git", origin, source.dir, NULL}));
    git(source.mirror, "fsck", "--strict");
    _cleanup_free_ char *pack = path_join(source.mirror, "objects/pack");
    assert_int_equal(count_names(pack, ""), count_names(pack, "pack-"));
    assert_int_equal(count_names(src, ".tmp-"), 0);
}

static pid_t fork_run(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        struct source source = SOURCE_INIT;
        struct err *err = NULL;
        _exit(get(NULL, &source, &err) ? 0 : 1);
    }
    return pid;
}

static void four_at_once(void **state)
{
    (void)state;
    pid_t pids[4];

    for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
        pids[i] = fork_run();
    for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    _cleanup_(source_release) struct source source = SOURCE_INIT;
    struct err *err = NULL;
    assert_ok(get(NULL, &source, &err), &err);
    _cleanup_free_ char *pack = path_join(source.mirror, "objects/pack");
    assert_int_equal(count_names(pack, "pack-"), 2); /* one pack with its index: fetched once */
    assert_good_run();
}

static long long clock_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static void killed_at_any_time(void **state)
{
    (void)state;
    const int rounds = 12;
    int killed = 0;
    long long start = clock_us();

    assert_good_run();
    long long whole = clock_us() - start;
    for (int i = 0; i < rounds; i++) {
        int status;
        forget_all();
        pid_t pid = fork_run();
        usleep((useconds_t)(whole * i / rounds));
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        killed += WIFSIGNALED(status);
        assert_good_run();
    }
    assert_true(killed > 0);
}

/* The remembered commit, so that the mirror is asked. */
static void forget_answer(const char *mirror)
{
    _cleanup_free_ char *path = path_join(mirror, "firn-refs.json");
    struct err *err = NULL;

    assert_true(fs_exists(path));
    assert_ok(fs_remove_tree(path, &err), &err);
}

/* What libgit2 leaves when it is killed while it writes a reference or the configuration. */
static void locks_of_a_killed_run(void **state)
{
    (void)state;
    _cleanup_(source_release) struct source source = SOURCE_INIT;
    struct err *err = NULL;

    assert_ok(get(NULL, &source, &err), &err);
    const char *const left[] = {"config.lock", "HEAD.lock", "refs/tags/v1.lock"};
    for (size_t i = 0; i < ARRAY_SIZE(left); i++) {
        _cleanup_free_ char *path = path_join(source.mirror, left[i]);
        _cleanup_free_ char *dir = path_dirname(path);
        assert_ok(fs_mkdirs(dir, &err) && fs_write(path, "", 0, 0644, &err), &err);
    }
    _cleanup_free_ char *tag = path_join(source.mirror, "refs/tags/v1");
    assert_ok(fs_remove_tree(tag, &err), &err);
    forget_answer(source.mirror);
    assert_good_run();
}

/* Killed while the mirror itself was made. */
static void a_mirror_made_by_half(void **state)
{
    (void)state;
    _cleanup_(source_release) struct source source = SOURCE_INIT;
    struct err *err = NULL;

    assert_ok(get(NULL, &source, &err), &err);
    _cleanup_free_ char *mirror = xstrdup(source.mirror);
    _cleanup_free_ char *head = path_join(mirror, "HEAD");
    _cleanup_free_ char *lock = path_join(mirror, "config.lock");
    assert_ok(fs_remove_tree(head, &err) && fs_write(lock, "", 0, 0644, &err), &err);
    forget_answer(source.mirror);
    assert_good_run();
}

struct disturbance {
    const char *unit; /* of the progress event that it comes with */
    int signal;
};

static void disturb(void *data, const json_t *event)
{
    const struct disturbance *d = data;
    const char *unit = json_string_value(json_object_get(event, "unit"));

    if (unit && !strcmp(unit, d->unit) && !interrupt_requested())
        raise(d->signal);
}

/* In a child, because the request to stop stays for the rest of a process. Its wait status. */
static int run_disturbed(const char *unit, int signal)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        struct disturbance disturbance = {unit, signal};
        struct source source = SOURCE_INIT;
        struct err *err = NULL;
        struct events *events = events_new();
        interrupt_install();
        events_add_sink(events, disturb, &disturbance);
        bool ok = get(events, &source, &err);
        _exit(ok ? 1 : err->code == ERR_INTERRUPTED ? 0 : 2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void interrupted_while_copying(void **state)
{
    (void)state;
    _cleanup_free_ char *git_dir = path_join(fixture_home, "git");
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    struct err *err = NULL;

    assert_int_equal(run_disturbed("objects", SIGINT), 0);
    assert_ok(fs_list(git_dir, &names, &err), &err);
    assert_int_equal(names.count, 2); /* mirror and lock */
    _cleanup_free_ char *pack = xasprintf("%s/%s/objects/pack", git_dir, names.items[0]);
    assert_int_equal(count_names(pack, ""), 0);
    assert_good_run();
}

static void interrupted_while_checking_out(void **state)
{
    (void)state;
    assert_int_equal(run_disturbed("files", SIGINT), 0);
    _cleanup_free_ char *src = path_join(fixture_home, "src");
    assert_int_equal(count_names(src, ""), 1); /* the lock */
    assert_good_run();
}

static void killed_while_copying(void **state)
{
    (void)state;
    assert_true(WIFSIGNALED(run_disturbed("objects", SIGKILL)));
    assert_good_run();
}

static void killed_while_checking_out(void **state)
{
    (void)state;
    assert_true(WIFSIGNALED(run_disturbed("files", SIGKILL)));
    _cleanup_free_ char *src = path_join(fixture_home, "src");
    assert_int_equal(count_names(src, ".tmp-"), 1);
    assert_good_run();
}

/* In a mount namespace of its own, a home of so many KiB: the child's exit status says what failed.
 */
static int run_with_space(unsigned kib)
{
    struct source source = SOURCE_INIT;
    struct err *err = NULL;
    struct buf text = BUF_INIT;
    char size[32], more[] = "size=100m";

    snprintf(size, sizeof(size), "size=%uk", kib);
    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("none", fixture_home, "tmpfs", 0, size))
        return 99;
    if (get(NULL, &source, &err))
        return 10;
    err_format(err, &text);
    if (!strstr(text.data, "No space left on device") || !strstr(text.data, "free some space")) {
        fprintf(stderr, "%s", text.data);
        return 11;
    }
    if (err->code != ERR_FAILED)
        return 12;
    err_free(err);
    err = NULL;
    source_release(&source);
    if (mount("none", fixture_home, "tmpfs", MS_REMOUNT, more))
        return 13;
    return get(NULL, &source, &err) ? 0 : 14;
}

static void a_full_disk(void **state)
{
    (void)state;
    /* No room for the mirror; room for the mirror and not for the checkout. */
    const unsigned kib[] = {64, 300, 700};

    if (geteuid() != 0) {
        print_message("skipped: only root can mount a small file system\n");
        return; /* cmocka's skip() is a failure to prove */
    }
    (void)fixture_config(); /* makes the mount point */
    for (size_t i = 0; i < ARRAY_SIZE(kib); i++) {
        int status;
        pid_t pid = fork();
        if (pid == 0)
            _exit(run_with_space(kib[i]));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WEXITSTATUS(status) == 99) {
            print_message("skipped: mounting is not allowed here\n");
            return;
        }
        assert_int_equal(status, 0);
    }
}

static void a_home_that_cannot_be_written(void **state)
{
    (void)state;
    _cleanup_(source_release) struct source source = SOURCE_INIT;
    struct err *err = NULL;

    (void)fixture_config();
    put_file(fixture_home, "git", "a file where a directory is needed");
    assert_false(get(NULL, &source, &err));
    assert_error(&err, ERR_FAILED, "/home/git");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(four_at_once, each_from_nothing),
        cmocka_unit_test_setup(killed_at_any_time, each_from_nothing),
        cmocka_unit_test_setup(locks_of_a_killed_run, each_from_nothing),
        cmocka_unit_test_setup(a_mirror_made_by_half, each_from_nothing),
        cmocka_unit_test_setup(interrupted_while_copying, each_from_nothing),
        cmocka_unit_test_setup(interrupted_while_checking_out, each_from_nothing),
        cmocka_unit_test_setup(killed_while_copying, each_from_nothing),
        cmocka_unit_test_setup(killed_while_checking_out, each_from_nothing),
        cmocka_unit_test_setup(a_full_disk, each_from_nothing),
        cmocka_unit_test_setup(a_home_that_cannot_be_written, each_from_nothing),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
