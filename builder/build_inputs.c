/* What goes into a build: source, toolchain, frozen files, qstrs, copied directories. */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/text.h"
#include "builder/build_job.h"
#include "builder/working_copy.h"

/* Where a source says which .mpy files it takes. */
#define MPY_HEADER "py/persistentcode.h"
#define MPY_HEADER_MAX_BYTES ((size_t)1024 * 1024)

#define COPIED_MAX_FILES 2000
#define SHORT_COMMIT 10

bool build_blame(const struct build_job *job, const struct ynode *node, struct err **err)
{
    const struct loc loc = {job->manifest->doc.file, node->line, node->column, node->length};
    _cleanup_free_ char *line = ydoc_line(&job->manifest->doc, node->line);
    return err_at(err, loc, line);
}

/* A working copy stays as it is, and so does what an archive brought. */
static bool checkout(struct build_job *job, const struct strv *submodules, struct err **err)
{
    if (!job->manifest->firmware.git)
        return true;
    if (!source_checkout(job->config, &job->source, (const char *const *)submodules->items,
                         &job->options->source, job->events, err))
        return false;
    _cleanup_free_ char *dir = path_dirname(job->source.dir);
    return build_hold(job, dir) || build_removed(dir, err);
}

/* The board's makefile is asked in a checkout without submodules: it says which ones there are to
 * be. */
static bool ask_makefile(struct build_job *job, const char *key, struct err **err)
{
    _cleanup_(strv_release) struct strv none = STRV_INIT;
    return checkout(job, &none, err) &&
           board_choose(&job->board, job->manifest, job->interpreter, job->source.dir,
                        job->diags) &&
           port_facts_ask(&job->facts, job->config, key, &job->board, job->source.dir,
                          &job->make_vars, &job->env, &job->sandbox, err);
}

static bool find_facts(struct build_job *job, struct err **err)
{
    board_choice_vars(&job->board, job->manifest, &job->make_vars);
    _cleanup_free_ char *short_commit = xstrndup(job->source.commit, SHORT_COMMIT);
    make_environment(&job->env, &job->sandbox, job->source.commit_time, job->source.describe,
                     short_commit);
    _cleanup_free_ char *key =
        port_facts_key(&job->board, job->interpreter, job->source.commit, &job->make_vars);
    return port_facts_load(&job->facts, job->config, key) || ask_makefile(job, key, err);
}

/* A board that the YAML does not list is looked for in the source. */
static bool find_board(struct build_job *job, struct err **err)
{
    _cleanup_(strv_release) struct strv none = STRV_INIT;
    if (!board_choose(&job->board, job->manifest, job->interpreter, NULL, job->diags))
        return false;
    if (job->board.port)
        return true;
    return checkout(job, &none, err) &&
           board_choose(&job->board, job->manifest, job->interpreter, job->source.dir, job->diags);
}

static bool open_working_copy(struct build_job *job, struct err **err)
{
    const struct manifest *m = job->manifest;
    const struct ynode *node = ynode_get(m->firmware.node, "path");
    _cleanup_free_ char *dir = manifest_path(m, node, m->firmware.path, job->diags);
    if (dir && !make_can_name(dir))
        return manifest_error(m, node, job->diags, "move it, or link to it from elsewhere",
                              "MicroPython's makefiles cannot work in %s", dir);
    return dir && working_copy_open(dir, m->firmware.path, job->events, &job->source, err);
}

/* Of a source whose submodules are what they are. */
static void look_for_library(struct build_job *job)
{
    _cleanup_free_ char *library =
        xasprintf("%s/%s/README.md", job->source.dir, job->interpreter->library);
    job->has_library = fs_is_file(library);
}

bool build_find_source(struct build_job *job, struct err **err)
{
    bool found =
        job->manifest->firmware.path ? open_working_copy(job, err) : build_resolve(job, err);
    if (found && !job->manifest->firmware.git)
        look_for_library(job);
    return found && find_board(job, err) && find_facts(job, err) &&
           checkout(job, &job->facts.submodules, err);
}

bool build_find_toolchain(struct build_job *job)
{
    const struct manifest *m = job->manifest;
    const char *name = m->toolchain.name ? m->toolchain.name : job->board.target->toolchain;
    const struct toolchain_options options = {job->options->source.offline, job->events};
    if (!toolchain_find(job->config, name, m, &options, &job->toolchain, job->diags) ||
        !toolchain_find(job->config, "host", NULL, NULL, &job->host, job->diags))
        return false;
    sandbox_set_compiler(&job->sandbox, job->toolchain.compiler);
    return true;
}

/* ---- frozen files ---- */

static bool evaluate(struct build_job *job, struct err **err)
{
    const struct evaluation_context context = {
        job->config,     job->manifest,      job->interpreter, &job->board, job->facts.manifest,
        job->source.dir, job->source.commit, job->has_library, &job->env,   &job->sandbox};
    evaluation_release(&job->evaluation);
    return directives_evaluate(&job->evaluation, &context, job->diags, err);
}

/* Once more with micropython-lib beside the board's submodules. */
static bool evaluate_with_library(struct build_job *job, struct err **err)
{
    const struct freeze_entry *entry = &job->manifest->frozen[job->evaluation.library_entry];
    if (!job->manifest->firmware.git)
        return manifest_error(
            job->manifest, entry->node, job->diags,
            job->manifest->firmware.path ? "run 'make submodules' for the port there"
                                         : "use an archive that has it, or git and ref",
            "'%s' needs micropython-lib: %s is empty in the %s", entry->name,
            job->interpreter->library, job->manifest->firmware.path ? "working copy" : "archive");
    strv_add(&job->facts.submodules, job->interpreter->library);
    strv_sort(&job->facts.submodules);
    if (!checkout(job, &job->facts.submodules, err)) {
        err_wrap(err, "'%s' needs micropython-lib, the source's submodule %s", entry->name,
                 job->interpreter->library);
        if (!(*err)->cause->hint)
            err_hint(err, "use a source that has it, or name a copy under mirrors: in config.yaml");
        return build_blame(job, entry->node, err);
    }
    job->has_library = true;
    return evaluate(job, err);
}

/* What a manifest says of single modules, by the names that import gives them. */
static bool check_module_names(const struct build_job *job)
{
    const struct manifest *m = job->manifest;
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    bool ok = true;
    for (size_t i = 0; m->module_budget_count && i < job->frozen.count; i++) {
        _cleanup_free_ char *name = frozen_module_name(job->frozen.files[i].target);
        strv_add(&names, name);
    }
    for (size_t i = 0; i < m->module_budget_count; i++) {
        const char *name = m->module_budgets[i].name;
        if (strv_contains(&names, name))
            continue;
        const char *near = text_nearest(name, (const char *const *)names.items);
        _cleanup_free_ char *hint = near ? xasprintf("did you mean '%s'?", near) : NULL;
        ok = manifest_error(m, m->module_budgets[i].node, job->diags, hint,
                            "'%s' is none of the frozen modules", name);
    }
    return ok;
}

static bool check_can_freeze(struct build_job *job)
{
    const struct manifest *m = job->manifest;
    if (job->board.port->frozen || m->frozen_count == 0)
        return true;
    return manifest_error(m, m->frozen[0].node, job->diags, "leave out frozen: for this port",
                          "port '%s' cannot freeze modules", job->board.port->name);
}

static bool expand_frozen(struct build_job *job, struct err **err)
{
    if (!check_can_freeze(job))
        return false;
    if (directives_any(job->manifest)) {
        if (!evaluate(job, err))
            return false;
        if (job->evaluation.needs_library && !evaluate_with_library(job, err))
            return false;
    }
    return frozen_expand(&job->frozen, job->manifest, &job->evaluation, job->diags) &&
           check_module_names(job);
}

/* ---- qstrs ---- */

/* A port without frozen modules takes every name through QSTR_DEFS. */
static bool take_all_defs(struct build_job *job)
{
    const struct manifest *m = job->manifest;
    const char *unfit;
    job->qstr_defs = qstr_all_defs(&job->qstrs, &unfit);
    return !unfit || manifest_error(m, ynode_get(m->doc.root, "qstrs"), job->diags,
                                    "leave it out for this port",
                                    "'%s' cannot be a qstr of port '%s', which takes them through "
                                    "QSTR_DEFS: a double quote or a control character cannot stand "
                                    "there",
                                    unfit, job->board.port->name);
}

/* The file that holds the names is written here, not by the source's own compiler. */
static bool check_mpy_version(struct build_job *job)
{
    static const char define[] = "#define MPY_VERSION ";
    const struct manifest *m = job->manifest;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_err_ struct err *unreadable = NULL;
    const char *found = NULL;
    if (fs_read_beneath(job->source.dir, MPY_HEADER, MPY_HEADER_MAX_BYTES, &text, &unreadable))
        found = strstr(text.data, define);
    unsigned long version = found ? strtoul(found + strlen(define), NULL, 10) : QSTR_MPY_VERSION;
    return version == QSTR_MPY_VERSION ||
           manifest_error(m, ynode_get(m->doc.root, "qstrs"), job->diags,
                          "take a release from 1.19 on, or leave them out",
                          "qstrs are frozen as a .mpy file of version %d, and this release's "
                          "version is %lu",
                          QSTR_MPY_VERSION, version);
}

static bool load_qstrs(struct build_job *job)
{
    size_t before = job->diags->warning_count;
    if (!job->options->no_qstrs && !qstr_list_load(&job->qstrs, job->manifest, job->diags))
        return false;
    for (size_t i = before; i < job->diags->warning_count; i++)
        strv_add(&job->qstrs_removed, job->diags->warnings[i]->message);
    if (!job->board.port->frozen)
        return take_all_defs(job);
    return !qstr_mpy(&job->qstrs, FROZEN_QSTR_MODULE, &job->qstr_mpy) || check_mpy_version(job);
}

/* ---- directories that are copied ---- */

/* make reads the copy: what a link leads to is copied under its name. */
static bool check_copied(const struct build_job *job, const char *path, struct err **err)
{
    if (fs_is_file(path) && manifest_path_allowed(job->manifest, path))
        return true;
    err_set(err, ERR_MANIFEST, "'%s' is a symbolic link %s", path,
            fs_is_dir(path)    ? "to a directory"
            : fs_is_file(path) ? "that leads out of the manifest's directory"
                               : "to nothing, or to no regular file");
    return err_hint(err, "copy what it leads to%s",
                    fs_is_file(path) ? ", or list the other directory in roots" : "");
}

static bool hash_files(const struct build_job *job, struct copied_dir *dir, struct err **err)
{
    if (!fs_walk(dir->path, COPIED_MAX_FILES, &dir->files, err))
        return false;
    for (size_t i = 0; i < dir->files.count; i++) {
        char hex[HASH_HEX_SIZE];
        _cleanup_free_ char *path = path_join(dir->path, dir->files.items[i]);
        if (!check_copied(job, path, err) || !hash_file(path, hex, err))
            return false;
        strv_add(&dir->digests, hex);
    }
    return true;
}

static bool is_copied(const struct build_job *job, const char *label)
{
    for (size_t i = 0; i < job->copied_count; i++) {
        if (!strcmp(job->copied[i].label, label))
            return true;
    }
    return false;
}

/* Takes path. */
static bool add_copied(struct build_job *job, const char *kind, char *path, struct err **err)
{
    char *label = xasprintf("%s/%s", kind, path_basename(path));
    bool again = is_copied(job, label);
    job->copied = xreallocarray(job->copied, job->copied_count + 1, sizeof(*job->copied));
    struct copied_dir *dir = &job->copied[job->copied_count++];
    *dir = (struct copied_dir){label, path, STRV_INIT, STRV_INIT};
    if (!make_can_name(label))
        return err_set(err, ERR_MANIFEST, "MicroPython's makefiles cannot name '%s': rename it",
                       path_basename(path));
    if (again)
        return err_set(err, ERR_MANIFEST, "two C modules are called '%s': rename one",
                       path_basename(path));
    return hash_files(job, dir, err) || err_wrap(err, "cannot read %s", path);
}

static bool find_copied(struct build_job *job, struct err **err)
{
    const struct manifest *m = job->manifest;
    const struct ynode *node = ynode_get(m->doc.root, "c_modules");
    for (size_t i = 0; m->c_modules[i]; i++) {
        char *path = manifest_path(m, node, m->c_modules[i], job->diags);
        if (!path || !add_copied(job, "c_modules", path, err))
            return false;
    }
    return !job->board.dir || add_copied(job, "board", xstrdup(job->board.dir), err);
}

static bool load_keys(struct build_job *job, struct err **err)
{
    const struct manifest *m = job->manifest;
    if (!manifest_has_bootloader(m) || !m->mboot.keys)
        return true;
    _cleanup_free_ char *path = manifest_path(m, m->mboot.keys_node, m->mboot.keys, job->diags);
    return path && (mboot_keys_load(path, &job->keys, job->keys_digest, err) ||
                    build_blame(job, m->mboot.keys_node, err));
}

bool build_expand(struct build_job *job, struct err **err)
{
    return expand_frozen(job, err) && load_qstrs(job) && find_copied(job, err) &&
           load_keys(job, err);
}
