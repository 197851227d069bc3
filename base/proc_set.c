#include "base/proc_set.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/proc.h"

#define KILL_AFTER_MS 5000 /* from SIGTERM to SIGKILL: a child has children of its own to end */
#define DRAIN_MS 1000      /* for output that is still in the pipe when the child has ended */
#define POLL_MS 100        /* how soon the end of a child is noticed whose pipe stays open */
#define CLOSED_POLL_MS 1   /* the pipe is closed: the child ends in a moment */

struct child {
    pid_t pid;
    int fd; /* read end of its output; -1 at the end of it */
    struct lines lines;
    long long kill_ms;  /* when SIGKILL follows the SIGTERM; 0 = no SIGTERM was sent */
    long long drain_ms; /* it has ended: how long to wait for the end of its output; 0 = it runs */
    struct child *next;
};

struct proc_set {
    struct child *children; /* oldest first */
    size_t count;
};

struct proc_set *proc_set_new(void)
{
    return xcalloc(1, sizeof(struct proc_set));
}

size_t proc_set_running(const struct proc_set *set)
{
    return set->count;
}

static void close_output(struct child *child)
{
    if (child->fd < 0)
        return;
    close(child->fd);
    child->fd = -1;
    lines_end(&child->lines);
}

/* End what is left of the group, then collect the child; its exit status. */
static int reap(struct child *child)
{
    int status = 0;
    kill(-child->pid, SIGKILL);
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void child_free(struct child *child)
{
    if (child->fd >= 0)
        close(child->fd);
    lines_release(&child->lines);
    free(child);
}

void proc_set_free(struct proc_set *set)
{
    if (!set)
        return;
    while (set->children) {
        struct child *child = set->children;
        set->children = child->next;
        reap(child);
        child_free(child);
    }
    free(set);
}

/* ---- starting ---- */

/* In the child, after fork(): only what is safe there. */
static void become(const char *const *argv, int in, int out, pid_t parent)
{
    static const int standard[] = {SIGINT, SIGTERM, SIGPIPE};
    sigset_t none;
    setpgid(0, 0);
    for (size_t i = 0; i < ARRAY_SIZE(standard); i++)
        signal(standard[i], SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) /* killed before the line above: it will not be told */
        _exit(128 + SIGTERM);
    if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
        dup2(out, STDERR_FILENO) >= 0)
        execv(argv[0], (char *const *)(uintptr_t)argv);
    dprintf(STDERR_FILENO, "cannot run '%s': %s\n", argv[0], strerrordesc_np(errno));
    _exit(127);
}

/* posix_spawn() has no way to ask for the signal at our death. The pid, or -1 with errno. */
static pid_t spawn(const char *const *argv, int out)
{
    int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    pid_t parent = getpid();
    pid_t pid = in < 0 ? -1 : fork();
    if (pid == 0)
        become(argv, in, out, parent);
    int errnum = errno;
    if (in >= 0)
        close(in);
    if (pid > 0)
        setpgid(pid, pid); /* whoever comes first: it may be stopped at once */
    errno = errnum;
    return pid;
}

static void add(struct proc_set *set, struct child *child)
{
    struct child **last = &set->children;
    while (*last)
        last = &(*last)->next;
    *last = child;
    set->count++;
}

bool proc_set_start(struct proc_set *set, const char *const *argv, line_fn on_line, void *data,
                    struct err **err)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot run '%s': pipe", argv[0]);
    pid_t pid = spawn(argv, fds[1]);
    int errnum = errno;
    close(fds[1]);
    if (pid < 0) {
        close(fds[0]);
        return err_set_errno(err, ERR_FAILED, errnum, "cannot run '%s'", argv[0]);
    }
    struct child *child = xcalloc(1, sizeof(*child));
    *child = (struct child){.pid = pid, .fd = fds[0], .lines = LINES_INIT(on_line, data)};
    add(set, child);
    return true;
}

/* ---- following ---- */

static void read_output(struct child *child)
{
    char block[16 * 1024];
    ssize_t n = read(child->fd, block, sizeof(block));
    if (n > 0)
        lines_add(&child->lines, block, (size_t)n);
    else if (n == 0 || errno != EINTR)
        close_output(child);
}

/* Has it ended? It stays a zombie until reap(), so that its group's number stays ours. */
static bool has_ended(const struct child *child)
{
    siginfo_t info = {0};
    return !waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid;
}

/* A process that the child left behind may hold the pipe open for ever: after DRAIN_MS that no
 * longer matters. */
static bool is_done(struct child *child, long long now)
{
    if (!child->drain_ms && has_ended(child))
        child->drain_ms = now + DRAIN_MS;
    if (!child->drain_ms && child->kill_ms && now >= child->kill_ms)
        kill(-child->pid, SIGKILL);
    return child->drain_ms && (child->fd < 0 || now >= child->drain_ms);
}

/* Collect the first child that is done. */
static bool take_done(struct proc_set *set, struct proc_end *end)
{
    long long now = clock_ms();
    for (struct child **at = &set->children; *at; at = &(*at)->next) {
        struct child *child = *at;
        if (!is_done(child, now))
            continue;
        *at = child->next;
        set->count--;
        close_output(child);
        *end = (struct proc_end){child->lines.data, reap(child)};
        child_free(child);
        return true;
    }
    return false;
}

/* Wait for output at most so long, and deliver it. False: a signal came. */
static bool deliver(struct proc_set *set, int wait_ms)
{
    struct pollfd *fds = xcalloc(set->count + 1, sizeof(*fds));
    size_t count = 0;
    for (struct child *child = set->children; child; child = child->next) {
        fds[count++] = (struct pollfd){.fd = child->fd, .events = POLLIN};
        if (child->fd < 0 && wait_ms > CLOSED_POLL_MS)
            wait_ms = CLOSED_POLL_MS;
    }
    int ready = poll(fds, count, wait_ms);
    size_t i = 0;
    for (struct child *child = set->children; child && ready > 0; child = child->next, i++) {
        if (fds[i].revents)
            read_output(child);
    }
    free(fds);
    return ready >= 0 || errno != EINTR;
}

bool proc_set_wait(struct proc_set *set, int timeout_ms, struct proc_end *end)
{
    long long end_ms = clock_ms() + timeout_ms;
    for (;;) {
        if (take_done(set, end))
            return true;
        long long left = end_ms - clock_ms();
        if (left <= 0)
            return false;
        if (!deliver(set, left < POLL_MS ? (int)left : POLL_MS))
            return false;
    }
}

void proc_set_stop(struct proc_set *set)
{
    long long now = clock_ms();
    for (struct child *child = set->children; child; child = child->next) {
        if (child->kill_ms)
            continue;
        kill(-child->pid, SIGTERM);
        child->kill_ms = now + KILL_AFTER_MS;
    }
}
