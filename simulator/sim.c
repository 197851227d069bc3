#include "simulator/sim.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "simulator/bench.h"
#include "simulator/control.h"
#include "simulator/loop.h"
#include "simulator/umockdev.h"
#include "simulator/vhci.h"

#define GRACE_US 2000000        /* from SIGTERM to SIGKILL */
#define KERNEL_TIMEOUT_MS 30000 /* to enumerate all boards, one after the other */

struct sim {
    struct loop *loop;
    struct bench *bench;
    struct vhci *vhci; /* the bench's bus, if it is the kernel's; else NULL */
    struct control *control;
    char *dir; /* temporary, everything is in it: bus/ control board-N.flash */
    char *bus_dir, *control_path;
    sigset_t old_mask;
    int signals; /* signalfd */
    pid_t child;
    int exit_status;
    int ended_by; /* the signal that ended us, 0 = none */
};

/* ---- places --------------------------------------------------------------------------------- */

/* On a tmpfs if there is one: the mock tree is written and read often. */
static bool make_dir(struct sim *sim, struct err **err)
{
    const char *const parents[] = {getenv("XDG_RUNTIME_DIR"), "/dev/shm", "/tmp"};
    for (size_t i = 0; i < ARRAY_SIZE(parents); i++) {
        if (!parents[i])
            continue;
        char *dir = xasprintf("%s/firn-sim-XXXXXX", parents[i]);
        if (strlen(dir) + strlen("/bus") <= UMOCKDEV_ROOT_MAX && mkdtemp(dir)) {
            sim->dir = dir;
            sim->bus_dir = path_join(dir, "bus");
            sim->control_path = path_join(dir, "control");
            return fs_mkdirs(sim->bus_dir, err);
        }
        free(dir);
    }
    return err_set_errno(err, ERR_FAILED, errno, "cannot make a directory for the simulated bus");
}

static bool order(struct sim *sim, const char *line, struct err **err)
{
    _cleanup_(buf_release) struct buf answer = BUF_INIT;
    return bench_command(sim->bench, line, &answer, err);
}

static bool add_boards(struct sim *sim, const struct sim_options *options, struct err **err)
{
    const char *dir = options->flash_dir ? options->flash_dir : sim->dir;
    if (!fs_mkdirs(dir, err))
        return false;
    bench_set_topology(sim->bench, &options->topology);
    bench_set_runtime(sim->bench, &options->runtime);
    for (unsigned i = 0; i < options->board_count; i++) {
        _cleanup_free_ char *path = xasprintf("%s/board-%u.flash", dir, i);
        if (!bench_add_board(sim->bench, options->models[i], options->timing, path, err))
            return false;
        _cleanup_free_ char *bus =
            options->bus ? xasprintf("set %u bus=%s", i, options->bus) : NULL;
        if (bus && !order(sim, bus, err))
            return false;
    }
    for (const char *const *line = options->orders; *line; line++)
        if (!order(sim, *line, err))
            return false;
    return true;
}

static bool make_bus(struct sim *sim, bool kernel, struct bus *bus, struct err **err)
{
    struct umockdev *umockdev;
    if (kernel) {
        sim->vhci = vhci_new(sim->loop, vhci_attach_sysfs, NULL);
        *bus = vhci_bus(sim->vhci);
        return true;
    }
    if (!umockdev_new(sim->loop, sim->bus_dir, &umockdev, err))
        return false;
    *bus = umockdev_bus(umockdev);
    return true;
}

static bool make_bench(struct sim *sim, const struct sim_options *options, struct err **err)
{
    struct bus bus;
    if (!make_bus(sim, options->kernel, &bus, err))
        return false;
    sim->bench = bench_new(sim->loop, &bus);
    return add_boards(sim, options, err);
}

/* ---- the command and its descendants -------------------------------------------------------- */

/* Ours goes before umockdev's, which goes before whatever is loaded anyway. */
static void add_preload(const char *ours)
{
    _cleanup_(buf_release) struct buf value = BUF_INIT;
    const char *others = getenv("LD_PRELOAD");
    if (ours)
        buf_addf(&value, "%s:", ours);
    buf_adds(&value, UMOCKDEV_LIBRARY);
    if (others)
        buf_addf(&value, ":%s", others);
    setenv("LD_PRELOAD", value.data, 1);
}

static void __attribute__((noreturn))
become_command(const struct sim *sim, const struct sim_options *options)
{
    sigprocmask(SIG_SETMASK, &sim->old_mask, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    /* A program that waits for a time is to be woken then, not up to 50 us later. */
    prctl(PR_SET_TIMERSLACK, 1);
    setenv(CONTROL_VARIABLE, sim->control_path, 1);
    if (!options->kernel) {
        setenv("UMOCKDEV_DIR", sim->bus_dir, 1);
        add_preload(options->preload);
    }
    execvp(options->command[0], (char *const *)options->command);
    fprintf(stderr, "error: cannot run '%s': %s\n", options->command[0], strerror(errno));
    _exit(127);
}

static bool start_command(struct sim *sim, const struct sim_options *options, struct err **err)
{
    if (sim->vhci && (!vhci_wait(sim->vhci, KERNEL_TIMEOUT_MS, err) || sim->ended_by))
        return sim->ended_by != 0;
    /* Descendants whose parent ended become our children, so that none is left behind. */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    sim->child = fork();
    if (sim->child < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot start '%s'", options->command[0]);
    if (sim->child == 0)
        become_command(sim, options);
    return true;
}

static void reap_children(struct sim *sim)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != sim->child)
            continue;
        sim->child = 0;
        sim->exit_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        loop_stop(sim->loop);
    }
}

static void kill_command(void *arg)
{
    const struct sim *sim = arg;
    if (sim->child > 0)
        kill(sim->child, SIGKILL);
}

static void on_signal(void *arg)
{
    struct sim *sim = arg;
    struct signalfd_siginfo info;
    if (read(sim->signals, &info, sizeof(info)) != sizeof(info))
        return;
    if (info.ssi_signo == SIGCHLD) {
        reap_children(sim);
        return;
    }
    /* Ctrl-C on the terminal reaches the command as well, which decides what it means. */
    if (info.ssi_signo == SIGINT && info.ssi_code == SI_KERNEL)
        return;
    sim->ended_by = (int)info.ssi_signo;
    if (sim->child > 0)
        kill(sim->child, SIGTERM);
    else
        loop_stop(sim->loop); /* the kernel was still being waited for */
    clock_after(loop_clock(sim->loop), GRACE_US, kill_command, sim);
}

static bool catch_signals(struct sim *sim, struct err **err)
{
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGHUP);
    sigaddset(&mask, SIGCHLD);
    sigprocmask(SIG_BLOCK, &mask, &sim->old_mask);
    sim->signals = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
    if (sim->signals < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot receive signals");
    loop_watch(sim->loop, sim->signals, on_signal, sim);
    return true;
}

/* Send a signal to every child that is left; false: there is none. */
static bool signal_children(int signo)
{
    FILE *file = fopen("/proc/thread-self/children", "re");
    bool any = false;
    int pid;
    while (file && fscanf(file, "%d", &pid) == 1) {
        kill(pid, signo);
        any = true;
    }
    if (file)
        fclose(file);
    return any;
}

/* What the command left in the background would lose its bus: end it. */
static void end_descendants(void)
{
    for (int tries = 0; signal_children(tries < 20 ? SIGTERM : SIGKILL) && tries < 100; tries++) {
        usleep(tries < 20 ? 5000 : 20000);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            continue;
    }
}

/* ---- the whole ------------------------------------------------------------------------------ */

static bool on_command(void *data, const char *line, struct buf *answer, struct err **err)
{
    return bench_command(data, line, answer, err);
}

static bool start(struct sim *sim, const struct sim_options *options, struct err **err)
{
    sim->loop = loop_new();
    return catch_signals(sim, err) && make_dir(sim, err) && make_bench(sim, options, err) &&
           control_new(sim->loop, sim->control_path, on_command, sim->bench, &sim->control, err) &&
           start_command(sim, options, err);
}

static void stop(struct sim *sim)
{
    end_descendants();
    control_free(sim->control);
    bench_free(sim->bench);
    if (sim->signals >= 0) {
        loop_unwatch(sim->loop, sim->signals);
        close(sim->signals);
        sigprocmask(SIG_SETMASK, &sim->old_mask, NULL);
    }
    loop_free(sim->loop);
    _cleanup_err_ struct err *ignored = NULL;
    if (sim->dir && !fs_remove_tree(sim->dir, &ignored))
        fprintf(stderr, "warning: %s is left behind\n", sim->dir);
    free(sim->dir);
    free(sim->bus_dir);
    free(sim->control_path);
}

bool sim_run(const struct sim_options *options, int *exit_status, struct err **err)
{
    if (!(options->kernel ? vhci_check(err) : umockdev_check_library(UMOCKDEV_LIBRARY, err)))
        return false;
    struct sim sim = {.signals = -1};
    prctl(PR_SET_TIMERSLACK, 1);
    bool ok = start(&sim, options, err) && (sim.ended_by || loop_run(sim.loop, err));
    stop(&sim);
    *exit_status = sim.ended_by ? 128 + sim.ended_by : sim.exit_status;
    return ok;
}
