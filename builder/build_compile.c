/* The build directory: what is staged there, and make's run in it. */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/text.h"
#include "builder/build_job.h"

#define CONFIG_HEADER "firn_config.h"

static bool write_file(const struct build_job *job, const char *name, const char *text,
                       struct err **err)
{
    _cleanup_free_ char *path = path_join(job->dir, name);
    _cleanup_free_ char *parent = path_dirname(path);
    return fs_mkdirs(parent, err) && fs_write(path, text, strlen(text), 0644, err);
}

static void add_c_string(struct buf *out, const char *s)
{
    for (; *s; s++)
        buf_addf(out, *s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
}

/* The port's configuration, then the manifest's over it. The banner is also sys.version's end, and
 * the way to see which product runs on a board. */
static bool write_config(const struct build_job *job, struct err **err)
{
    const struct manifest *m = job->manifest;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    buf_addf(&text, "/* Written by firn. */\n#include \"%s\"\n\n", job->board.port->config_header);
    buf_adds(&text,
             "#undef MICROPY_BANNER_NAME_AND_VERSION\n#define MICROPY_BANNER_NAME_AND_VERSION"
             " \"MicroPython \" MICROPY_GIT_TAG \" on \" MICROPY_BUILD_DATE \"; ");
    add_c_string(&text, m->product);
    buf_addc(&text, ' ');
    add_c_string(&text, m->version);
    buf_adds(&text, "\"\n");
    for (size_t i = 0; i < m->define_count; i++)
        buf_addf(&text, "#undef %s\n#define %s %s\n", m->defines[i].name, m->defines[i].name,
                 m->defines[i].value);
    return write_file(job, "config/" CONFIG_HEADER, text.data, err);
}

/* The key was made of what the file held then. */
static bool copy_file(const char *from, const char *to, const char *digest, struct err **err)
{
    char hex[HASH_HEX_SIZE];
    if (!fs_copy(from, to, err) || !hash_file(to, hex, err))
        return false;
    if (!strcmp(hex, digest))
        return true;
    err_set(err, ERR_FAILED, "'%s' was changed during the build", from);
    return err_hint(err, "build again");
}

static bool copy_dir(const struct build_job *job, const struct copied_dir *dir, struct err **err)
{
    _cleanup_free_ char *to_dir = path_join(job->dir, dir->label);
    for (size_t i = 0; i < dir->files.count; i++) {
        _cleanup_free_ char *from = path_join(dir->path, dir->files.items[i]);
        _cleanup_free_ char *to = path_join(to_dir, dir->files.items[i]);
        _cleanup_free_ char *parent = path_dirname(to);
        if (!fs_mkdirs(parent, err) || !copy_file(from, to, dir->digests.items[i], err))
            return false;
    }
    return true;
}

/* A user C module of our own is the one place from where a product can add to QSTR_DEFS without
 * repeating, or losing, what the port and other modules put there. */
static bool write_qstr_defs(const struct build_job *job, struct err **err)
{
    if (!job->qstr_defs)
        return true;
    return write_file(job, "c_modules/_firn/qstrdefs.h", job->qstr_defs, err) &&
           write_file(job, "c_modules/_firn/micropython.mk",
                      /* USERMOD_DIR is the last module's by the time QSTR_DEFS is expanded. */
                      "FIRN_QSTR_DIR := $(USERMOD_DIR)\nQSTR_DEFS += $(FIRN_QSTR_DIR)/qstrdefs.h\n",
                      err);
}

bool build_stage(struct build_job *job, struct err **err)
{
    _cleanup_free_ char *frozen = path_join(job->dir, "frozen");
    if (!fs_mkdirs(frozen, err) || !frozen_stage(&job->frozen, job->qstr_module, frozen, err))
        return false;
    for (size_t i = 0; i < job->copied_count; i++) {
        if (!copy_dir(job, &job->copied[i], err))
            return false;
    }
    /* The makefile only looks for this file to know that micropython-lib is there; what is frozen
     * from it was staged. */
    return write_qstr_defs(job, err) && write_config(job, err) &&
           write_file(job, "lib/README.md", "Staged by firn.\n", err);
}

bool build_check(struct build_job *job, const char *mpy_cross, struct err **err)
{
    _cleanup_free_ char *stage = path_join(job->dir, "frozen");
    _cleanup_free_ char *scratch = path_join(job->dir, "check.mpy");
    const struct frozen_check check = {mpy_cross, job->facts.mpy_cross_flags, stage, scratch};
    return frozen_check(&job->frozen, job->manifest, &check, job->diags, err);
}

/* Flags for the compiler: our header in place of the port's, and no path of this machine in the
 * debug information or in __FILE__. */
static void add_cflags(const struct build_job *job, struct strv *vars)
{
    const char *extra = board_choice_cflags(&job->board, job->manifest);
    strv_addf(vars,
              "%s=-I%s/config -DMP_CONFIGFILE=\"<" CONFIG_HEADER ">\" -ffile-prefix-map=%s=/build "
              "-ffile-prefix-map=%s=/src%s%s",
              job->board.port->cflags_var, job->dir, job->dir, job->source.dir, extra[0] ? " " : "",
              extra);
}

/* A board outside the source is built from its copy. */
static void replace_board_dir(const struct build_job *job, struct strv *vars)
{
    if (job->board.dir)
        strv_addf(vars, "%s=%s/board/%s", job->board.port->board_dir_var, job->dir,
                  job->board.name);
}

static void add_vars(const struct build_job *job, const char *mpy_cross, struct strv *vars)
{
    const struct port *port = job->board.port;
    strv_add_all(vars, (const char *const *)job->make_vars.items);
    replace_board_dir(job, vars);
    strv_addf(vars, "BUILD=%s/obj", job->dir);
    strv_addf(vars, "PYTHON=%s", job->interpreter->python);
    /* Otherwise the port's makefile builds it, and mixes host and target objects in BUILD. */
    if (mpy_cross)
        strv_addf(vars, "MICROPY_MPYCROSS=%s", mpy_cross);
    strv_addf(vars, "MPY_LIB_DIR=%s/lib", job->dir);
    if (port->frozen)
        strv_addf(vars, "FROZEN_MANIFEST=%s/frozen/manifest.py", job->dir);
    if (job->qstr_defs || job->manifest->c_modules[0])
        strv_addf(vars, "USER_C_MODULES=%s/c_modules", job->dir);
    if (job->toolchain.prefix[0])
        strv_addf(vars, "CROSS_COMPILE=%s", job->toolchain.prefix);
    add_cflags(job, vars);
}

/* Staged files in a message are the user's own. Ends with {NULL, NULL}; the caller frees with
 * free_maps(). */
static struct path_map *make_maps(const struct build_job *job)
{
    struct path_map *maps = xcalloc(job->copied_count + 1, sizeof(*maps));
    for (size_t i = 0; i < job->copied_count; i++)
        maps[i] = (struct path_map){path_join(job->dir, job->copied[i].label), job->copied[i].path};
    return maps;
}

static void free_maps(struct path_map **maps)
{
    for (struct path_map *m = *maps; m->from; m++)
        free((char *)m->from);
    free(*maps);
}

static size_t frozen_steps(const struct build_job *job)
{
    size_t steps = job->qstr_module ? 1 : 0;
    for (size_t i = 0; i < job->frozen.count; i++)
        steps += job->frozen.files[i].form != FROZEN_MPY;
    return steps;
}

bool build_compile(struct build_job *job, const char *mpy_cross, struct err **err)
{
    _cleanup_(strv_release) struct strv vars = STRV_INIT;
    _cleanup_(free_maps) struct path_map *maps = make_maps(job);
    _cleanup_free_ char *dir = path_join(job->source.dir, job->board.port->dir);
    const struct make_blame blame = {&job->frozen, maps};
    add_vars(job, mpy_cross, &vars);
    const struct make_job make = {.phase = "compile",
                                  .dir = dir,
                                  .log_path = job->log_path,
                                  .vars = (const char *const *)vars.items,
                                  .env = (const char *const *)job->env.items,
                                  .jobs = job->options->jobs,
                                  .extra_steps = frozen_steps(job),
                                  .blame = &blame};
    return make_run(&make, job->events, &job->sizes, err);
}
