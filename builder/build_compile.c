/* make's command line for a place, and its run. */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/text.h"
#include "builder/build_job.h"
#include "builder/ccache.h"
#include "builder/make_rules.h"

#define SHORT_COMMIT 10

/* Flags for the compiler: our header in place of the port's, what the makefile needs of its own
 * and, outside the sandbox, no path of this machine in the debug information or in __FILE__. */
static void add_cflags(const struct build_job *job, const struct place *place, const char *own,
                       struct strv *vars)
{
    const char *extra = board_choice_cflags(&job->board, job->manifest);
    _cleanup_(buf_release) struct buf flags = BUF_INIT;
    buf_addf(&flags, "-I%s/config -DMP_CONFIGFILE=\"<firn_config.h>\"", place->product_at);
    if (!place->sandbox.on)
        buf_addf(&flags,
                 " -ffile-prefix-map=%s=/product -ffile-prefix-map=%s=/build "
                 "-ffile-prefix-map=%s=/src",
                 place->product, place->build, job->source.dir);
    strv_addf(vars, "%s=%s%s%s%s%s", job->board.port->cflags_var, flags.data, own[0] ? " " : "",
              own, extra[0] ? " " : "", extra);
}

/* The board's and the manifest's; a board outside the source is built from its copy. */
static void add_board_vars(const struct build_job *job, const struct place *place,
                           struct strv *vars)
{
    const char *dir_var = job->board.dir ? job->board.port->board_dir_var : NULL;
    size_t len = dir_var ? strlen(dir_var) : 0;
    for (size_t i = 0; i < job->make_vars.count; i++) {
        const char *var = job->make_vars.items[i];
        if (dir_var && !strncmp(var, dir_var, len) && var[len] == '=')
            strv_addf(vars, "%s=%s/board/%s", dir_var, place->product_at, job->board.name);
        else
            strv_add(vars, var);
    }
}

static void add_common_vars(const struct build_job *job, const struct place *place,
                            const char *cflags, struct strv *vars)
{
    add_board_vars(job, place, vars);
    strv_addf(vars, "BUILD=%s", place->build_at);
    strv_addf(vars, "PYTHON=%s", job->interpreter->python);
    if (job->toolchain.prefix[0])
        strv_addf(vars, "CROSS_COMPILE=%s", job->toolchain.prefix);
    add_cflags(job, place, cflags, vars);
}

static void add_program_vars(const struct build_job *job, const struct place *place,
                             struct strv *vars)
{
    /* Otherwise the port's makefile builds it, and mixes host and target objects in BUILD. */
    if (place->mpy_cross_at)
        strv_addf(vars, "MICROPY_MPYCROSS=%s", place->mpy_cross_at);
    strv_addf(vars, "MPY_LIB_DIR=%s/lib", place->product_at);
    if (job->board.port->frozen)
        strv_addf(vars, "FROZEN_MANIFEST=%s/frozen/manifest.py", place->product_at);
    if (job->qstr_defs || job->manifest->c_modules[0])
        strv_addf(vars, "USER_C_MODULES=%s/c_modules", place->product_at);
}

/* The source and the staged files in a message are the user's own. Ends with {NULL, NULL}. */
static struct path_map *make_maps(const struct build_job *job, const struct place *place)
{
    struct path_map *maps = xcalloc(job->copied_count + 2, sizeof(*maps));
    for (size_t i = 0; i < job->copied_count; i++)
        maps[i] = (struct path_map){path_join(place->product_at, job->copied[i].label),
                                    job->copied[i].path};
    maps[job->copied_count] = (struct path_map){xstrdup(place->src_at), job->source.dir};
    return maps;
}

/* dir: where make runs, in the source. */
static bool finish(struct recipe *recipe, const struct build_job *job, struct place *place,
                   const char *dir, bool with_ccache, struct err **err)
{
    _cleanup_free_ char *short_commit = xstrndup(job->source.commit, SHORT_COMMIT);
    make_environment(&recipe->env, &place->sandbox, job->source.commit_time, job->source.describe,
                     short_commit);
    /* A C module or a board of the user's may have rules of its own. */
    recipe->rules = job->copied_count ? NULL : make_rules(job->interpreter, job->source.dir, dir);
    recipe->maps = make_maps(job, place);
    return !with_ccache || !job->ccache || ccache_add(job, place, &recipe->vars, &recipe->env, err);
}

bool recipe_make(struct recipe *recipe, const struct build_job *job, struct place *place,
                 bool with_ccache, struct err **err)
{
    recipe->dir = path_join(place->src_at, job->board.port->dir);
    recipe->target = path_join(place->build_at, job->board.port->elf);
    add_common_vars(job, place, "", &recipe->vars);
    add_program_vars(job, place, &recipe->vars);
    return finish(recipe, job, place, job->board.port->dir, with_ccache, err);
}

bool recipe_make_bootloader(struct recipe *recipe, const struct build_job *job, struct place *place,
                            struct err **err)
{
    const struct bootloader_def *def = job->board.port->bootloader;
    bool has_keys = job->manifest->mboot.keys != NULL;
    recipe->dir = path_join(place->src_at, def->dir);
    recipe->target = path_join(place->build_at, def->elf);
    add_common_vars(job, place, def->cflags, &recipe->vars);
    if (has_keys)
        strv_addf(&recipe->vars, "%s=%s/" STAGED_KEYS, def->keys_var, place->product_at);
    /* Objects with keys in them are not for a cache. */
    return finish(recipe, job, place, def->dir, !has_keys, err);
}

void recipe_release(struct recipe *recipe)
{
    free(recipe->dir);
    free(recipe->target);
    free(recipe->rules);
    strv_release(&recipe->vars);
    strv_release(&recipe->env);
    for (struct path_map *m = recipe->maps; m && m->from; m++)
        free((char *)m->from);
    free(recipe->maps);
    *recipe = (struct recipe)RECIPE_INIT;
}

bool build_compile(struct build_job *job, struct place *place, const char *phase, struct err **err)
{
    _cleanup_(recipe_release) struct recipe recipe = RECIPE_INIT;
    if (!recipe_make(&recipe, job, place, true, err))
        return false;
    const struct make_blame blame = {&job->frozen, recipe.maps};
    const struct make_job make = {.phase = phase,
                                  .sandbox = &place->sandbox,
                                  .dir = recipe.dir,
                                  .log_path = job->log_path,
                                  .vars = (const char *const *)recipe.vars.items,
                                  .env = (const char *const *)recipe.env.items,
                                  .rules = recipe.rules,
                                  .target = recipe.target,
                                  .jobs = job->options->jobs,
                                  .blame = &blame};
    return make_run(&make, job->events, &job->sizes, err);
}
