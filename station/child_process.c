#include "station/child_process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"

#define STARTED_FIELD 22 /* proc(5), /proc/pid/stat: starttime, in clock ticks since boot */

/* In the child, with nothing that allocates or locks. Never returns. */
static void run(const struct child_command *command, const char *begun, int events_fd, int log_fd,
                int gate, pid_t parent)
{
    char byte;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setpgid(0, 0);
    if (command->dies_with_us && (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent))
        _exit(127);
    /* Nothing of the daemon's stays open in here, the lock on its home least of all, before the
     * gate: what waits there may outlive it for a moment. The three have numbers from 10 on. */
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (dup2(events_fd, 3) < 0 || dup2(log_fd, 4) < 0 || dup2(gate, 5) < 0 ||
        dup2(null, STDIN_FILENO) < 0)
        _exit(127);
    close_range(6, ~0U, 0);
    if (read(5, &byte, 1) != 1 || open(begun, O_WRONLY | O_CREAT | O_CLOEXEC, 0640) < 0 ||
        (command->cwd && chdir(command->cwd) != 0) || dup2(4, STDOUT_FILENO) < 0 ||
        dup2(4, STDERR_FILENO) < 0)
        _exit(127);
    close_range(4, ~0U, 0);
    execv(command->argv[0], (char *const *)command->argv);
    dprintf(STDERR_FILENO, "firnd: cannot run %s: %s\n", command->argv[0], strerror(errno));
    _exit(127);
}

/* What concerns the daemon alone, and what its children are told. Set once, in the parent: after a
 * fork nothing may allocate. */
static void set_environment(const struct child_command *command)
{
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    if (command->home)
        setenv("FIRN_HOME", command->home, 1);
}

bool child_process_fork(const struct child_command *command, const char *begun, int events_fd,
                        int log_fd, pid_t *pid, int *gate, struct err **err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot start %s", command->argv[0]);
    set_environment(command);
    pid_t parent = getpid();
    /* Both may have a number that dup2() is about to overwrite. */
    int events = fcntl(events_fd, F_DUPFD_CLOEXEC, 10), log = fcntl(log_fd, F_DUPFD_CLOEXEC, 10),
        wait_end = fcntl(ends[0], F_DUPFD_CLOEXEC, 10);
    *pid = events < 0 || log < 0 || wait_end < 0 ? -1 : fork();
    int errnum = errno;
    if (*pid == 0) {
        close(ends[1]);
        run(command, begun, events, log, wait_end, parent);
    }
    close(events);
    close(log);
    close(wait_end);
    close(ends[0]);
    *gate = ends[1];
    if (*pid > 0)
        return true;
    close(ends[1]);
    return err_set_errno(err, ERR_FAILED, errnum, "cannot start %s", command->argv[0]);
}

void child_process_open(int *gate)
{
    /* That nobody waits any more is noticed by its end. */
    ssize_t written = write(*gate, "", 1);
    (void)written;
    close(*gate);
    *gate = -1;
}

static bool start_time(pid_t pid, unsigned long long *ticks)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    char text[1024];
    ssize_t len = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[len > 0 ? len : 0] = '\0';
    /* The name (2) may hold spaces and brackets: count from the last one. */
    const char *at = strrchr(text, ')');
    for (int field = 2; at && field < STARTED_FIELD; field++)
        at = strchr(at + 1, ' ');
    return at && sscanf(at, " %llu", ticks) == 1;
}

/* A process that has ended and was not collected is none. */
static bool is_zombie(int pidfd)
{
    siginfo_t info = {0};
    return waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid;
}

static void add_boot(struct buf *out)
{
    char id[64];
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, id, sizeof(id));
    if (fd >= 0)
        close(fd);
    while (len > 0 && id[len - 1] == '\n')
        len--;
    if (len > 0)
        buf_add(out, id, (size_t)len);
    else
        buf_adds(out, "unknown");
}

bool child_process_identity(pid_t pid, struct buf *identity)
{
    unsigned long long ticks;
    if (!start_time(pid, &ticks))
        return false;
    buf_addf(identity, "%d %llu ", (int)pid, ticks);
    add_boot(identity);
    buf_addc(identity, '\n');
    return true;
}

int child_process_find(const char *identity, pid_t *pid)
{
    int number;
    _cleanup_(buf_release) struct buf now = BUF_INIT;
    if (sscanf(identity, "%d ", &number) != 1 || number < 1)
        return -1;
    int fd = pidfd_open(number, 0);
    if (fd < 0)
        return -1;
    /* Looked at after it was opened: the descriptor cannot pass to another process. */
    if (!child_process_identity(number, &now) || strcmp(now.data, identity) != 0 || is_zombie(fd)) {
        close(fd);
        return -1;
    }
    *pid = number;
    return fd;
}

bool child_process_is_of_boot(const char *identity)
{
    _cleanup_(buf_release) struct buf boot = BUF_INIT;
    const char *last = strrchr(identity, ' ');
    add_boot(&boot);
    buf_addc(&boot, '\n');
    return last && strcmp(last + 1, boot.data) == 0;
}

int child_process_collect(int pidfd)
{
    siginfo_t info = {0};
    if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) != 0 || !info.si_pid)
        return -1;
    return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}
