#include "builder/mpy_cross.h"

#include <string.h>

#include "base/fs.h"
#include "base/hash.h"
#include "builder/make.h"
#include "builder/toolchain.h"

static void make_key(const struct source *source, const struct toolchain *host,
                     char key[HASH_HEX_SIZE])
{
    struct hash hash;
    hash_init(&hash);
    hash_field_str(&hash, "what", "mpy-cross");
    hash_field_str(&hash, "commit", source->commit);
    hash_field_str(&hash, "describe", source->describe);
    hash_field_str(&hash, "host", host->digest);
    hash_final(&hash, key);
}

/* make in a directory aside; only the program is kept, and published whole. */
static bool build(const struct interpreter *interpreter, const struct source *source,
                  const char *temp, const char *dir, struct events *events, struct err **err)
{
    _cleanup_free_ char *make_dir = path_join(source->dir, interpreter->mpy_cross_dir);
    _cleanup_free_ char *objects = path_join(temp, "objects");
    _cleanup_free_ char *log = xasprintf("%s.log", dir);
    _cleanup_free_ char *build_var = xasprintf("BUILD=%s", objects);
    _cleanup_free_ char *python_var = xasprintf("PYTHON=%s", interpreter->python);
    _cleanup_(strv_release) struct strv env = STRV_INIT;
    make_environment(&env, source->commit_time, source->describe, source->commit);
    const char *const vars[] = {build_var, python_var, NULL};
    const struct make_job job = {.phase = "mpy-cross",
                                 .dir = make_dir,
                                 .log_path = log,
                                 .vars = vars,
                                 .env = (const char *const *)env.items};
    if (!make_run(&job, events, NULL, err))
        return err_wrap(err, "cannot build mpy-cross");
    _cleanup_free_ char *built = path_join(objects, "mpy-cross");
    _cleanup_free_ char *kept = path_join(temp, "mpy-cross");
    return fs_copy(built, kept, err) && fs_remove_tree(objects, err) && fs_remove_tree(log, err) &&
           fs_publish_dir(temp, dir, err);
}

/* Under the lock of `dir`: what is there under the temporary name was left by a killed run. The
 * directory in it has a new name each time, because that run's make may still be ending. */
static bool build_aside(const struct interpreter *interpreter, const struct source *source,
                        const char *dir, struct events *events, struct err **err)
{
    _cleanup_free_ char *aside = xasprintf("%s.tmp", dir), *temp = NULL;
    if (!fs_remove_tree(aside, err) || !fs_mkdirs(aside, err) || !fs_temp_dir(aside, &temp, err))
        return false;
    event_phase_begin(events, "mpy-cross", "Building the cross compiler");
    bool ok = build(interpreter, source, temp, dir, events, err);
    event_phase_end(events, "mpy-cross", ok, ok ? "the cross compiler is built" : NULL);
    struct err *cleanup = NULL;
    if (!fs_remove_tree(aside, &cleanup))
        err_free(cleanup); /* the next build will */
    return ok;
}

static void say_waiting(void *data)
{
    event_info(data, "another firn is building mpy-cross; waiting for it");
}

static bool get_locked(const struct interpreter *interpreter, const struct source *source,
                       const char *dir, const char *program, struct events *events,
                       struct err **err)
{
    _cleanup_free_ char *lock_path = xasprintf("%s.lock", dir);
    int lock = -1;
    if (!fs_lock(lock_path, say_waiting, events, &lock, err))
        return false;
    bool ok = fs_exists(program) || build_aside(interpreter, source, dir, events, err);
    fs_unlock(&lock);
    return ok;
}

static bool find_host(const struct config *config, struct toolchain *host, struct err **err)
{
    struct diags diags = DIAGS_INIT;
    bool ok = toolchain_find(config, "host", NULL, host, &diags);
    if (!ok) {
        *err = diags.errors[0];
        diags.errors[0] = diags.errors[--diags.error_count];
    }
    diags_release(&diags);
    return ok || err_wrap(err, "mpy-cross needs a compiler for this machine");
}

bool mpy_cross_get(const struct config *config, const struct interpreter *interpreter,
                   const struct source *source, struct events *events, char **path,
                   struct err **err)
{
    _cleanup_(toolchain_release) struct toolchain host = TOOLCHAIN_INIT;
    char key[HASH_HEX_SIZE];
    if (!find_host(config, &host, err))
        return false;
    make_key(source, &host, key);
    _cleanup_free_ char *parent = path_join(config->home, "mpy-cross");
    _cleanup_free_ char *dir = path_join(parent, key);
    _cleanup_free_ char *program = path_join(dir, "mpy-cross");
    if (!fs_exists(program) &&
        (!fs_mkdirs(parent, err) || !get_locked(interpreter, source, dir, program, events, err)))
        return false;
    *path = xstrdup(program);
    return true;
}
