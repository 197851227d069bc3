/* frozen_check() of frozen.h: what mpy-cross says about each file, in the user's own terms. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/proc.h"
#include "base/text.h"
#include "builder/frozen.h"
#include "builder/mpy_file.h"
#include "builder/sandbox.h"
#include "builder/shell_word.h"

/*
 * All files are compiled by one shell script, as starting a sandbox takes longer than compiling a
 * module. Its output is, for each file: "firn:file N", what mpy-cross says, and "firn:failed N" if
 * it failed. Before that stands what mpy-cross says about itself.
 */
#define MARK_FILE "firn:file "
#define MARK_FAILED "firn:failed "
#define CHECK_TIMEOUT_MS (10 * 60000)
#define FILE_OUTPUT_MAX (64 * 1024)

/* What the compiler of this source emits. */
struct compiler {
    unsigned version, sub_version;
    unsigned arch; /* what the port lets it emit native code for; 0 = none */
};

struct checking {
    struct frozen *frozen;
    const struct manifest *manifest;
    const struct frozen_check *check;
    struct diags *diags;
    struct compiler compiler;
    bool compiler_known;
    size_t at;         /* the file whose output comes; frozen->count = none of them */
    struct buf output; /* of that file */
};

/* "MicroPython v1.25.0 on ...; mpy-cross emitting mpy v6.3" */
static void take_version(struct checking *c, const char *line)
{
    const char *flag = strstr(c->check->mpy_cross_flags, "-march=");
    const char *at = strstr(line, "emitting mpy v");
    if (c->compiler_known || !at ||
        sscanf(at, "emitting mpy v%u.%u", &c->compiler.version, &c->compiler.sub_version) < 1)
        return;
    c->compiler_known = true;
    if (flag) {
        flag += strlen("-march=");
        _cleanup_free_ char *name = xstrndup(flag, strcspn(flag, " "));
        c->compiler.arch = mpy_arch_number(name);
    }
}

static bool mpy_error(struct checking *c, const struct frozen_file *file, const char *what)
{
    static const char hint[] =
        "compile it again with this source's own mpy-cross, or freeze the .py file";
    _cleanup_free_ char *shown = path_shown(file->path);
    return manifest_error(c->manifest, file->entry->node, c->diags, hint, "%s %s", shown, what);
}

static bool check_mpy(struct checking *c, const struct frozen_file *file)
{
    _cleanup_(mpy_head_release) struct mpy_head head = MPY_HEAD_INIT;
    _cleanup_err_ struct err *ignored = NULL;
    _cleanup_free_ char *what = NULL;
    const struct compiler *own = &c->compiler;
    if (!mpy_head_read(file->data, file->size, &head, &ignored))
        return mpy_error(c, file, ignored->message);
    if (head.version != own->version)
        what = xasprintf("is a .mpy file of version %u, this source needs version %u", head.version,
                         own->version);
    else if (head.arch && own->arch == 0)
        what = xasprintf("holds native code for %s, and this port takes none",
                         mpy_arch_name(head.arch));
    else if (head.arch && !mpy_arch_runs(head.arch, own->arch))
        what = xasprintf("holds native code for %s, the board's is %s", mpy_arch_name(head.arch),
                         mpy_arch_name(own->arch));
    else if (head.arch && head.sub_version != own->sub_version)
        what = xasprintf("holds native code of .mpy version %u.%u, this source needs %u.%u",
                         head.version, head.sub_version, own->version, own->sub_version);
    return !what || mpy_error(c, file, what);
}

/* mpy-cross takes the file's own name into its messages until it has parsed it, then the target. */
static const char *last_line_number(const char *out, unsigned *line)
{
    const char *found = NULL;
    for (const char *at = out; (at = strstr(at, "\", line ")) != NULL; at++) {
        if (sscanf(at, "\", line %u", line) == 1)
            found = at;
    }
    return found;
}

/* "SyntaxError: invalid syntax": the last line that is no white space. */
static char *last_line(const char *out)
{
    size_t len = strlen(out);
    while (len && (out[len - 1] == '\n' || out[len - 1] == '\r'))
        len--;
    size_t start = len;
    while (start && out[start - 1] != '\n')
        start--;
    return xstrndup(out + start, len - start);
}

static char *text_line(const char *text, unsigned number)
{
    while (--number && (text = strchr(text, '\n')) != NULL)
        text++;
    return text ? xstrndup(text, strcspn(text, "\r\n")) : NULL;
}

/* The error at the user's line; the compiler gives no column, so all of the line is underlined. */
static void syntax_error(struct checking *c, const struct frozen_file *file, const char *out)
{
    struct err *err = NULL;
    struct loc loc = {file->path, 0, 0, 0};
    _cleanup_free_ char *message = last_line(out);
    _cleanup_free_ char *line = NULL;
    err_set(&err, ERR_MANIFEST, "%s", message[0] ? message : "mpy-cross failed without a word");
    if (last_line_number(out, &loc.line) && loc.line)
        line = text_line(file->data, loc.line);
    if (line) {
        size_t indent = strspn(line, " \t");
        loc.column = (unsigned)indent + 1;
        loc.length = (unsigned)strlen(line + indent);
    }
    err_at(&err, loc, line);
    if (strstr(message, "invalid arch"))
        err_hint(&err, "this port has no native code: freeze it without @micropython.native, "
                       "viper and asm functions");
    diags_take_error(c->diags, err);
}

/* ---- the script ---- */

static void add_word(struct buf *out, const char *word)
{
    buf_addc(out, ' ');
    shell_add_word(out, word);
}

static void add_flags(struct buf *out, const char *flags)
{
    while (*flags) {
        size_t len = strcspn(flags, " ");
        _cleanup_free_ char *flag = xstrndup(flags, len);
        if (len)
            add_word(out, flag);
        flags += len + strspn(flags + len, " ");
    }
}

/* Where a module's code goes: as tools/makemanifest.py names it. Source that stays source is only
 * looked at. The caller frees. */
static char *output_name(enum frozen_form form, const char *target)
{
    size_t len = strlen(target);
    if (form != FROZEN_BYTECODE)
        return xstrdup("check.mpy");
    return xasprintf("frozen_mpy/%.*s.mpy", (int)(len > 3 ? len - 3 : len), target);
}

/* The arguments are those of tools/makemanifest.py. */
static void add_compile(struct buf *script, const struct checking *c, const char *target,
                        const char *output, const char *staged, int opt)
{
    _cleanup_free_ char *to = path_join(c->check->out_at, output);
    _cleanup_free_ char *from = path_join(c->check->stage_at, staged);
    add_word(script, c->check->mpy_cross_at);
    buf_adds(script, " -s");
    add_word(script, target);
    buf_adds(script, " -o");
    add_word(script, to);
    if (opt >= 0)
        buf_addf(script, " -O%d", opt);
    add_flags(script, c->check->mpy_cross_flags);
    add_word(script, from);
}

static bool make_parent(const struct checking *c, const char *output, struct err **err)
{
    _cleanup_free_ char *path = path_join(c->check->out_dir, output);
    _cleanup_free_ char *parent = path_dirname(path);
    return fs_mkdirs(parent, err);
}

static bool add_file(struct buf *script, const struct checking *c, size_t index, struct err **err)
{
    const struct frozen_file *file = &c->frozen->files[index];
    _cleanup_free_ char *staged = frozen_staged_path(c->frozen, index);
    _cleanup_free_ char *output = output_name(file->form, file->target);
    if (file->form == FROZEN_MPY)
        return true;
    buf_addf(script, "echo '" MARK_FILE "%zu'\n", index);
    add_compile(script, c, file->target, output, staged, file->opt);
    buf_addf(script, " || echo '" MARK_FAILED "%zu'\n", index);
    return make_parent(c, output, err);
}

static bool write_script(const struct checking *c, struct err **err)
{
    _cleanup_(buf_release) struct buf script = BUF_INIT;
    _cleanup_free_ char *path = path_join(c->check->out_dir, "check.sh");
    add_word(&script, c->check->mpy_cross_at);
    buf_adds(&script, " --version || exit\n");
    for (size_t i = 0; i < c->frozen->count; i++) {
        if (!add_file(&script, c, i, err))
            return false;
    }
    return fs_write_scratch(path, script.data, script.len, err);
}

/* ---- what it prints ---- */

static void on_line(void *data, const char *line, size_t len)
{
    struct checking *c = data;
    _cleanup_free_ char *text = xstrndup(line, len);
    size_t index;
    take_version(c, text);
    if (sscanf(text, MARK_FILE "%zu", &index) == 1 && index < c->frozen->count) {
        c->at = index;
        buf_clear(&c->output);
    } else if (sscanf(text, MARK_FAILED "%zu", &index) == 1 && index == c->at) {
        syntax_error(c, &c->frozen->files[index], c->output.data);
    } else if (c->output.len < FILE_OUTPUT_MAX) {
        buf_add(&c->output, line, len);
        buf_addc(&c->output, '\n');
    }
}

static bool run_script(struct checking *c, struct err **err)
{
    _cleanup_(strv_release) struct strv argv = STRV_INIT;
    struct proc_result result;
    sandbox_command(c->check->sandbox, &argv);
    strv_add(&argv, "sh");
    strv_addf(&argv, "%s/check.sh", c->check->out_at);
    const struct proc proc = {.argv = (const char *const *)argv.items,
                              .name = "mpy-cross",
                              .timeout_ms = CHECK_TIMEOUT_MS,
                              .on_line = on_line,
                              .data = c};
    if (!proc_run(&proc, &result, err))
        return false;
    if (c->compiler_known)
        return true;
    err_set(err, ERR_FAILED, "%s --version does not say which .mpy it emits%s%s",
            path_basename(c->check->mpy_cross_at), c->output.len ? ": " : "", c->output.data);
    return sandbox_blame(c->check->sandbox, err);
}

static void take_size(struct checking *c, struct frozen_file *file)
{
    _cleanup_free_ char *output = output_name(file->form, file->target);
    _cleanup_free_ char *path = path_join(c->check->out_dir, output);
    struct stat st;
    if (file->form == FROZEN_BYTECODE && lstat(path, &st) == 0)
        file->flash_size = (size_t)st.st_size;
}

bool frozen_check(struct frozen *frozen, const struct manifest *manifest,
                  const struct frozen_check *check, struct diags *diags, struct err **err)
{
    struct checking c = {.frozen = frozen,
                         .manifest = manifest,
                         .check = check,
                         .diags = diags,
                         .at = frozen->count,
                         .output = BUF_INIT};
    size_t errors = diags->error_count + diags->error_dropped;
    if (frozen->count == 0)
        return true;
    bool ok = write_script(&c, err) && run_script(&c, err);
    buf_release(&c.output);
    for (size_t i = 0; ok && i < frozen->count; i++) {
        take_size(&c, &frozen->files[i]);
        if (frozen->files[i].form == FROZEN_MPY)
            (void)check_mpy(&c, &frozen->files[i]);
    }
    return ok && diags->error_count + diags->error_dropped == errors;
}
