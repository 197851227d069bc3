#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"

#define OUT_MAX_DEFAULT (16u * 1024 * 1024)
#define KILL_AFTER_MS 2000 /* from SIGTERM to SIGKILL */
#define DRAIN_MS 1000      /* for output that is still in the pipe when the child has ended */
#define POLL_MS 100        /* how soon the child's end is noticed while the pipe stays open */

long long clock_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static volatile sig_atomic_t interrupted;

static void on_signal(int signal_number)
{
    if (interrupted && signal_number == SIGINT)
        _exit(130);
    interrupted = 1;
}

void interrupt_install(void)
{
    /* Without SA_RESTART: a blocking call returns, and its caller looks at the flag. */
    struct sigaction action = {.sa_handler = on_signal};

    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool interrupt_requested(void)
{
    return interrupted;
}

static bool is_program(const char *path)
{
    return fs_is_file(path) && !access(path, X_OK);
}

char *proc_find(const char *name)
{
    if (strchr(name, '/'))
        return is_program(name) ? path_absolute(name) : NULL;
    const char *path = getenv("PATH");

    if (!*name || !path)
        return NULL;
    for (;;) {
        size_t n = strcspn(path, ":");
        _cleanup_free_ char *dir = n ? xstrndup(path, n) : xstrdup(".");
        _cleanup_free_ char *candidate = path_join(dir, name);

        if (is_program(candidate))
            return path_absolute(candidate);
        if (!path[n])
            return NULL;
        path += n + 1;
    }
}

/* A child that runs, and its output on the way to the caller. */
struct child {
    const struct proc *proc;
    pid_t pid;
    int fd;             /* read end of its output; -1 at the end of it */
    struct lines lines; /* for on_line */
    long long end_ms;   /* deadline, 0 = none */
    long long kill_ms;  /* when SIGKILL follows the SIGTERM; 0 = no SIGTERM was sent */
    long long drain_ms; /* it has ended: how long to wait for the end of the output; 0 = it runs */
    bool timed_out, interrupted;
};

static void add_output(const struct proc *proc, const char *data, size_t len)
{
    size_t max = proc->out_max ? proc->out_max : OUT_MAX_DEFAULT;

    if (!proc->out || proc->out->len >= max)
        return;
    size_t room = max - proc->out->len;

    buf_add(proc->out, data, len < room ? len : room);
}

static void close_output(struct child *child)
{
    if (child->fd >= 0)
        close(child->fd);
    child->fd = -1;
    lines_end(&child->lines);
}

static void read_output(struct child *child)
{
    char block[16 * 1024];
    ssize_t n = read(child->fd, block, sizeof(block));

    if (n < 0 && errno == EINTR)
        return;
    if (n <= 0)
        close_output(child);
    else if (child->proc->on_line)
        lines_add(&child->lines, block, (size_t)n);
    else
        add_output(child->proc, block, (size_t)n);
}

/* Has it ended? It stays a zombie until reap(), so that its group's number stays ours. */
static bool has_ended(const struct child *child)
{
    siginfo_t info = {0};

    return !waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid;
}

/* End the group when there is a reason to: politely first. */
static void stop_if_due(struct child *child, long long now)
{
    if (child->kill_ms) {
        if (now >= child->kill_ms)
            kill(-child->pid, SIGKILL);
        return;
    }
    child->interrupted = interrupt_requested();
    child->timed_out = !child->interrupted && child->end_ms && now >= child->end_ms;
    if (child->interrupted || child->timed_out) {
        kill(-child->pid, SIGTERM);
        child->kill_ms = now + KILL_AFTER_MS;
    }
}

/* How long to wait for output before looking at the clock, the signals and the child again. Its
 * output ends a moment before it does itself, hence the short wait. */
static int wait_ms(const struct child *child, long long now, int closed_rounds)
{
    long long wait = POLL_MS;

    if (child->fd < 0)
        wait = closed_rounds < 20 ? 1 : POLL_MS / 4;
    if (child->end_ms && !child->kill_ms && child->end_ms - now < wait)
        wait = child->end_ms - now;
    return wait < 0 ? 0 : (int)wait;
}

/* Until it has ended and its output is read. A process that it left behind may hold the pipe open
 * for ever; after DRAIN_MS that no longer matters. */
static void follow(struct child *child)
{
    for (int closed_rounds = 0;; closed_rounds += child->fd < 0) {
        long long now = clock_ms();

        if (!child->drain_ms && has_ended(child))
            child->drain_ms = now + DRAIN_MS;
        if (child->drain_ms && (child->fd < 0 || now >= child->drain_ms))
            return;
        if (!child->drain_ms)
            stop_if_due(child, now);
        struct pollfd poll_fd = {.fd = child->fd, .events = POLLIN};

        if (poll(&poll_fd, 1, wait_ms(child, now, closed_rounds)) > 0)
            read_output(child);
    }
}

/* End what is left of the group, then collect the child. */
static void reap(struct child *child, struct proc_result *result)
{
    struct rusage usage = {0};
    int status = 0;

    kill(-child->pid, SIGKILL);
    while (wait4(child->pid, &status, 0, &usage) < 0 && errno == EINTR)
        ;
    result->exit_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    result->max_rss_kib = usage.ru_maxrss;
    result->timed_out = child->timed_out;
}

/* Signals as a program expects them at its start, whatever we do with ours. */
static void set_attributes(posix_spawnattr_t *attr)
{
    sigset_t none, standard;

    sigemptyset(&none);
    sigemptyset(&standard);
    sigaddset(&standard, SIGINT);
    sigaddset(&standard, SIGTERM);
    sigaddset(&standard, SIGPIPE);
    posix_spawnattr_setsigmask(attr, &none);
    posix_spawnattr_setsigdefault(attr, &standard);
    posix_spawnattr_setpgroup(attr, 0);
    posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                       POSIX_SPAWN_SETSIGDEF);
}

/* errno of the failure, or 0. */
static int spawn(const struct proc *proc, const char *program, int out, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    char **env = proc->env ? (char **)(uintptr_t)proc->env : environ;

    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attr);
    set_attributes(&attr);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
    if (proc->cwd)
        posix_spawn_file_actions_addchdir_np(&actions, proc->cwd);
    int errnum = posix_spawn(pid, program, &actions, &attr, (char **)(uintptr_t)proc->argv, env);

    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    return errnum;
}

static bool start(struct child *child, struct err **err)
{
    const struct proc *proc = child->proc;
    _cleanup_free_ char *program = proc_find(proc->argv[0]);
    int pipe_fds[2];

    if (!program) {
        err_set(err, ERR_NOT_FOUND, "cannot run '%s': there is no such program%s", proc->argv[0],
                strchr(proc->argv[0], '/') ? "" : " on PATH");
        return err_hint(err, "install it, or put its directory on PATH");
    }
    if (proc->cwd && !fs_is_dir(proc->cwd))
        return err_set(err, ERR_FAILED, "cannot run '%s' in '%s': there is no such directory",
                       proc->argv[0], proc->cwd);
    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot run '%s': pipe", proc->argv[0]);
    int errnum = spawn(proc, program, pipe_fds[1], &child->pid);

    close(pipe_fds[1]);
    if (errnum) {
        close(pipe_fds[0]);
        return err_set_errno(err, ERR_FAILED, errnum, "cannot run '%s'", program);
    }
    child->fd = pipe_fds[0];
    child->end_ms = proc->timeout_ms ? clock_ms() + proc->timeout_ms : 0;
    return true;
}

bool proc_run(const struct proc *proc, struct proc_result *result, struct err **err)
{
    struct child child = {.proc = proc, .fd = -1, .lines = LINES_INIT(proc->on_line, proc->data)};

    const char *name = proc->name ? proc->name : proc->argv[0];

    *result = (struct proc_result){0};
    if (interrupt_requested())
        return err_set(err, ERR_INTERRUPTED, "interrupted before '%s' was started", name);
    if (!start(&child, err))
        return false;
    follow(&child);
    close_output(&child);
    reap(&child, result);
    lines_release(&child.lines);
    if (child.interrupted)
        return err_set(err, ERR_INTERRUPTED, "'%s' was interrupted", name);
    if (child.timed_out)
        return err_set(err, ERR_FAILED, "'%s' did not end within %g seconds and was stopped", name,
                       proc->timeout_ms / 1000.0);
    return true;
}
