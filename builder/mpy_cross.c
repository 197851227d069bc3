#include "builder/mpy_cross.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/proc.h"
#include "builder/make.h"
#include "builder/make_rules.h"
#include "builder/once.h"

#define PHASE "mpy-cross"
#define TITLE "Building the cross compiler"

#define PROGRAM_MAX_BYTES (64u * 1024 * 1024)

static void make_key(const struct source *source, const struct toolchain *host, bool sandboxed,
                     char key[HASH_HEX_SIZE])
{
    struct hash hash;
    hash_init(&hash);
    hash_field_str(&hash, "what", "mpy-cross");
    hash_field_str(&hash, "commit", source->commit);
    hash_field_str(&hash, "describe", source->describe);
    hash_field_str(&hash, "host", host->digest);
    /* What was built without it may have been made by anybody's makefile. */
    hash_field_str(&hash, "sandbox", sandboxed ? "yes" : "no");
    hash_final(&hash, key);
}

/* One that is looked for. */
struct wanted {
    const struct mpy_cross *cross;
    struct events *events;
    char *dir, *program;
};

static struct wanted want(const struct mpy_cross *cross, struct events *events)
{
    char key[HASH_HEX_SIZE];
    make_key(cross->source, cross->host, cross->sandbox->on, key);
    char *dir = xasprintf("%s/mpy-cross/%s", cross->config->home, key);
    return (struct wanted){cross, events, dir, path_join(dir, "mpy-cross")};
}

static void release_wanted(struct wanted *wanted)
{
    free(wanted->dir);
    free(wanted->program);
}

/* Only the program is kept. Not through a link that make may have left. */
static bool publish(const char *objects, const char *temp, const char *dir, struct err **err)
{
    _cleanup_(buf_release) struct buf program = BUF_INIT;
    _cleanup_free_ char *kept = path_join(temp, "mpy-cross");
    return fs_read_beneath(objects, "mpy-cross", PROGRAM_MAX_BYTES, &program, err) &&
           fs_write(kept, program.data, program.len, 0755, err) && fs_remove_tree(objects, err) &&
           fs_publish_dir(temp, dir, err);
}

static bool build(const struct wanted *wanted, const char *temp, struct err **err)
{
    const struct mpy_cross *cross = wanted->cross;
    _cleanup_(sandbox_release) struct sandbox box = sandbox_fork(cross->sandbox);
    _cleanup_free_ char *objects = path_join(temp, "objects");
    _cleanup_free_ char *log = xasprintf("%s.log", wanted->dir);
    if (!fs_mkdirs(objects, err))
        return false;
    _cleanup_free_ char *make_dir =
        path_join(sandbox_bind(&box, cross->source->dir, "/src", SANDBOX_READ),
                  cross->interpreter->mpy_cross_dir);
    _cleanup_free_ char *build_var =
        xasprintf("BUILD=%s", sandbox_bind(&box, objects, "/build", SANDBOX_WRITE));
    _cleanup_free_ char *python_var = xasprintf("PYTHON=%s", cross->interpreter->python);
    _cleanup_(strv_release) struct strv env = STRV_INIT;
    make_environment(&env, &box, cross->source->commit_time, cross->source->describe,
                     cross->source->commit);
    const char *const vars[] = {build_var, python_var, NULL};
    _cleanup_free_ char *rules =
        make_rules(cross->interpreter, cross->source->dir, cross->interpreter->mpy_cross_dir);
    const struct make_job job = {.phase = PHASE,
                                 .sandbox = &box,
                                 .dir = make_dir,
                                 .log_path = log,
                                 .vars = vars,
                                 .rules = rules,
                                 .jobs = cross->jobs,
                                 .env = (const char *const *)env.items};
    if (!make_run(&job, wanted->events, NULL, err))
        return err_wrap(err, "cannot build mpy-cross");
    return fs_remove_tree(log, err) && publish(objects, temp, wanted->dir, err);
}

static bool take(void *data)
{
    const struct wanted *wanted = data;
    return fs_exists(wanted->program);
}

static bool make(void *data, const char *temp, struct err **err)
{
    const struct wanted *wanted = data;
    event_phase_begin(wanted->events, PHASE, TITLE);
    bool ok = build(wanted, temp, err);
    event_phase_end(wanted->events, PHASE, ok, ok ? "the cross compiler is built" : NULL);
    return ok;
}

static bool get(struct wanted *wanted, struct err **err)
{
    const struct once once = {.dir = wanted->dir,
                              .waiting = "another firn is building mpy-cross; waiting for it",
                              .events = wanted->events,
                              .data = wanted,
                              .take = take,
                              .make = make};
    return once_get(&once, err);
}

bool mpy_cross_is_there(const struct mpy_cross *cross)
{
    _cleanup_(release_wanted) struct wanted wanted = want(cross, NULL);
    return take(&wanted);
}

/* ---- beside something else ---- */

/* In the child, which dies with its parent, as a sandbox does with it. It says nothing: whoever
 * asks for the program says what is wrong. */
static _Noreturn void run_child(const struct mpy_cross *cross, pid_t parent)
{
    struct wanted wanted = want(cross, NULL);
    struct err *err = NULL;
    interrupt_install();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    bool ok = getppid() == parent && get(&wanted, &err);
    _exit(ok ? 0 : 1);
}

void mpy_cross_begin(struct mpy_cross *cross)
{
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0)
        run_child(cross, parent);
    if (child < 0)
        return;
    cross->child = child;
    event_phase_begin(cross->events, PHASE, TITLE);
}

/* Interrupted, the child ends as well, but not by a signal that only we got. */
static bool await(struct mpy_cross *cross)
{
    int status = 0;
    do {
        if (interrupt_requested())
            kill(cross->child, SIGTERM);
    } while (waitpid(cross->child, &status, 0) < 0 && errno == EINTR);
    cross->child = 0;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void mpy_cross_end(struct mpy_cross *cross)
{
    if (cross->child <= 0)
        return;
    kill(cross->child, SIGTERM);
    event_phase_end(cross->events, PHASE, await(cross), NULL);
}

bool mpy_cross_get(struct mpy_cross *cross, char **path, struct err **err)
{
    if (cross->child > 0) {
        bool ok = await(cross);
        event_phase_end(cross->events, PHASE, ok, ok ? "the cross compiler is built, too" : NULL);
    }
    _cleanup_(release_wanted) struct wanted wanted = want(cross, cross->events);
    if (!get(&wanted, err))
        return false;
    *path = xstrdup(wanted.program);
    return true;
}
