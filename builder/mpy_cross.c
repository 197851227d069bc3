#include "builder/mpy_cross.h"

#include <string.h>

#include "base/fs.h"
#include "base/hash.h"
#include "builder/leftover.h"
#include "builder/make.h"

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

/* What a build of it is made with. */
struct making {
    const struct interpreter *interpreter;
    const struct source *source;
    const struct sandbox *sandbox;
    struct events *events;
};

/* make in a directory aside; only the program is kept, and published whole. */
static bool build(const struct making *m, const char *temp, const char *dir, struct err **err)
{
    _cleanup_(sandbox_release) struct sandbox box = sandbox_fork(m->sandbox);
    _cleanup_free_ char *objects = path_join(temp, "objects");
    _cleanup_free_ char *log = xasprintf("%s.log", dir);
    if (!fs_mkdirs(objects, err))
        return false;
    _cleanup_free_ char *make_dir = path_join(
        sandbox_bind(&box, m->source->dir, "/src", SANDBOX_READ), m->interpreter->mpy_cross_dir);
    _cleanup_free_ char *build_var =
        xasprintf("BUILD=%s", sandbox_bind(&box, objects, "/build", SANDBOX_WRITE));
    _cleanup_free_ char *python_var = xasprintf("PYTHON=%s", m->interpreter->python);
    _cleanup_(strv_release) struct strv env = STRV_INIT;
    make_environment(&env, &box, m->source->commit_time, m->source->describe, m->source->commit);
    const char *const vars[] = {build_var, python_var, NULL};
    const struct make_job job = {.phase = "mpy-cross",
                                 .sandbox = &box,
                                 .dir = make_dir,
                                 .log_path = log,
                                 .vars = vars,
                                 .env = (const char *const *)env.items};
    if (!make_run(&job, m->events, NULL, err))
        return err_wrap(err, "cannot build mpy-cross");
    _cleanup_(buf_release) struct buf program = BUF_INIT;
    _cleanup_free_ char *kept = path_join(temp, "mpy-cross");
    /* Not through a link that make may have left. */
    return fs_read_beneath(objects, "mpy-cross", PROGRAM_MAX_BYTES, &program, err) &&
           fs_write(kept, program.data, program.len, 0755, err) && fs_remove_tree(objects, err) &&
           fs_remove_tree(log, err) && fs_publish_dir(temp, dir, err);
}

/* Under the lock of `dir`: what is there under the temporary name was left by a killed run. The
 * directory in it has a new name each time, because that run's make may still be ending. */
static bool build_aside(const struct making *m, const char *dir, struct err **err)
{
    _cleanup_free_ char *aside = xasprintf("%s.tmp", dir), *temp = NULL;
    if (!fs_remove_tree(aside, err) || !fs_mkdirs(aside, err) || !fs_temp_dir(aside, &temp, err))
        return false;
    event_phase_begin(m->events, "mpy-cross", "Building the cross compiler");
    bool ok = build(m, temp, dir, err);
    event_phase_end(m->events, "mpy-cross", ok, ok ? "the cross compiler is built" : NULL);
    struct err *cleanup = NULL;
    if (!fs_remove_tree(aside, &cleanup))
        err_free(cleanup); /* the next build will */
    return ok;
}

static void say_waiting(void *data)
{
    event_info(data, "another firn is building mpy-cross; waiting for it");
}

static bool get_locked(const struct making *m, const char *dir, const char *program,
                       struct err **err)
{
    _cleanup_free_ char *lock_path = xasprintf("%s.lock", dir);
    int lock = -1;
    if (!fs_lock(lock_path, say_waiting, m->events, &lock, err))
        return false;
    bool ok = fs_exists(program) || build_aside(m, dir, err);
    fs_unlock(&lock);
    return ok;
}

bool mpy_cross_get(const struct config *config, const struct interpreter *interpreter,
                   const struct source *source, const struct toolchain *host,
                   const struct sandbox *sandbox, struct events *events, char **path,
                   struct err **err)
{
    const struct making making = {interpreter, source, sandbox, events};
    char key[HASH_HEX_SIZE];
    make_key(source, host, sandbox->on, key);
    _cleanup_free_ char *parent = path_join(config->home, "mpy-cross");
    _cleanup_free_ char *dir = path_join(parent, key);
    _cleanup_free_ char *program = path_join(dir, "mpy-cross");
    _cleanup_free_ char *aside = xasprintf("%s.tmp", dir);
    _cleanup_free_ char *lock_path = xasprintf("%s.lock", dir);
    if (fs_exists(program))
        leftover_remove(aside, lock_path, events);
    else if (!fs_mkdirs(parent, err) || !get_locked(&making, dir, program, err))
        return false;
    *path = xstrdup(program);
    return true;
}
