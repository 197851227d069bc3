#include "simulator/coprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/proc.h"

#define WAIT_STEP_US 1000

/* The pipes of one start. [0] reads, [1] writes; failed carries errno when exec fails. */
struct plumbing {
    int in[2], out[2], err[2], failed[2];
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void plumbing_close(struct plumbing *p)
{
    int *fds[] = {p->in, p->out, p->err, p->failed};
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        close_fd(&fds[i][0]);
        close_fd(&fds[i][1]);
    }
}

static bool plumbing_open(struct plumbing *p, struct err **err)
{
    if (pipe2(p->in, O_CLOEXEC) || pipe2(p->out, O_CLOEXEC) || pipe2(p->err, O_CLOEXEC) ||
        pipe2(p->failed, O_CLOEXEC))
        return err_set_errno(err, ERR_FAILED, errno, "cannot make a pipe");
    return true;
}

/* In the child. Returns only when something failed. */
static void become(const char *program, const char *const *argv, const char *const *env,
                   const char *dir, const struct plumbing *p, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setpgid(0, 0);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before the line above */
        _exit(1);
    if (chdir(dir) == 0 && dup2(p->in[0], STDIN_FILENO) >= 0 &&
        dup2(p->out[1], STDOUT_FILENO) >= 0 && dup2(p->err[1], STDERR_FILENO) >= 0)
        execve(program, (char *const *)argv, env ? (char *const *)env : environ);
}

static bool started(int failed_fd, const char *program, struct err **err)
{
    int errnum = 0;
    ssize_t n;
    do {
        n = read(failed_fd, &errnum, sizeof(errnum));
    } while (n < 0 && errno == EINTR);
    return n == 0 || err_set_errno(err, ERR_FAILED, errnum, "cannot start '%s'", program);
}

bool coprocess_start(struct coprocess *cp, const char *const *argv, const char *const *env,
                     const char *dir, struct err **err)
{
    _cleanup_free_ char *program = proc_find(argv[0]);
    if (!program)
        return err_set(err, ERR_NOT_FOUND, "there is no program '%s'", argv[0]);
    _cleanup_(plumbing_close) struct plumbing p = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
    if (!plumbing_open(&p, err))
        return false;
    signal(SIGPIPE, SIG_IGN);
    pid_t parent = getpid();
    cp->pid = fork();
    if (cp->pid < 0) {
        cp->pid = 0;
        return err_set_errno(err, ERR_FAILED, errno, "cannot start '%s'", program);
    }
    if (cp->pid == 0) {
        become(program, argv, env, dir, &p, parent);
        int errnum = errno;
        _exit(write(p.failed[1], &errnum, sizeof(errnum)) == sizeof(errnum) ? 127 : 126);
    }
    close_fd(&p.failed[1]);
    if (!started(p.failed[0], program, err)) {
        coprocess_stop(cp);
        return false;
    }
    int *ours[] = {&p.in[1], &p.out[0], &p.err[0]};
    int *taken[] = {&cp->in, &cp->out, &cp->err};
    for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
        fcntl(*ours[i], F_SETFL, O_NONBLOCK);
        *taken[i] = *ours[i];
        *ours[i] = -1;
    }
    return true;
}

void coprocess_close_input(struct coprocess *cp)
{
    close_fd(&cp->in);
}

bool coprocess_wait(struct coprocess *cp, long long deadline_ms, int *status)
{
    for (;;) {
        int wait_status;
        if (waitpid(cp->pid, &wait_status, WNOHANG) == cp->pid) {
            cp->pid = 0;
            *status =
                WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
            return true;
        }
        if (clock_ms() >= deadline_ms)
            return false;
        usleep(WAIT_STEP_US);
    }
}

void coprocess_stop(struct coprocess *cp)
{
    if (cp->pid) {
        kill(-cp->pid, SIGKILL);
        kill(cp->pid, SIGKILL); /* it may not have made its group yet */
        int wait_status;
        while (waitpid(cp->pid, &wait_status, 0) < 0 && errno == EINTR)
            continue;
        cp->pid = 0;
    }
    close_fd(&cp->in);
    close_fd(&cp->out);
    close_fd(&cp->err);
}
