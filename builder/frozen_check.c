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

#define MPY_CROSS_TIMEOUT_MS 60000

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
};

static bool run(const struct strv *argv, struct buf *out, int *status, struct err **err)
{
    struct proc_result result;
    const struct proc proc = {
        .argv = (const char *const *)argv->items, .timeout_ms = MPY_CROSS_TIMEOUT_MS, .out = out};
    if (!proc_run(&proc, &result, err))
        return false;
    *status = result.exit_status;
    return true;
}

/* "MicroPython v1.25.0 on ...; mpy-cross emitting mpy v6.3" */
static bool ask_compiler(struct checking *c, struct err **err)
{
    _cleanup_(strv_release) struct strv argv = STRV_INIT;
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    const char *flag = strstr(c->check->mpy_cross_flags, "-march=");
    int status;
    strv_add(&argv, c->check->mpy_cross);
    strv_add(&argv, "--version");
    if (!run(&argv, &out, &status, err))
        return false;
    const char *at = strstr(out.data, "emitting mpy v");
    if (status != 0 || !at ||
        sscanf(at, "emitting mpy v%u.%u", &c->compiler.version, &c->compiler.sub_version) < 1)
        return err_set(err, ERR_FAILED, "%s --version does not say which .mpy it emits",
                       c->check->mpy_cross);
    if (flag) {
        flag += strlen("-march=");
        _cleanup_free_ char *name = xstrndup(flag, strcspn(flag, " "));
        c->compiler.arch = mpy_arch_number(name);
    }
    return true;
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

static void add_flags(struct strv *argv, const char *flags)
{
    while (*flags) {
        size_t len = strcspn(flags, " ");
        if (len)
            strv_addf(argv, "%.*s", (int)len, flags);
        flags += len + strspn(flags + len, " ");
    }
}

static bool compile(struct checking *c, size_t index, struct err **err)
{
    struct frozen_file *file = &c->frozen->files[index];
    _cleanup_(strv_release) struct strv argv = STRV_INIT;
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    _cleanup_free_ char *staged = frozen_staged_path(c->frozen, index);
    _cleanup_free_ char *path = path_join(c->check->stage_dir, staged);
    struct stat st;
    int status;
    strv_add(&argv, c->check->mpy_cross);
    strv_add(&argv, "-s");
    strv_add(&argv, file->target);
    strv_add(&argv, "-o");
    strv_add(&argv, c->check->scratch);
    if (file->opt >= 0)
        strv_addf(&argv, "-O%d", file->opt);
    add_flags(&argv, c->check->mpy_cross_flags);
    strv_add(&argv, path);
    if (!run(&argv, &out, &status, err))
        return false;
    if (status != 0)
        syntax_error(c, file, out.data);
    else if (file->form == FROZEN_BYTECODE && stat(c->check->scratch, &st) == 0)
        file->flash_size = (size_t)st.st_size;
    return true;
}

bool frozen_check(struct frozen *frozen, const struct manifest *manifest,
                  const struct frozen_check *check, struct diags *diags, struct err **err)
{
    struct checking c = {frozen, manifest, check, diags, {0, 0, 0}};
    size_t errors = diags->error_count + diags->error_dropped;
    if (frozen->count == 0)
        return true;
    if (!ask_compiler(&c, err))
        return false;
    for (size_t i = 0; i < frozen->count; i++) {
        if (frozen->files[i].form == FROZEN_MPY)
            (void)check_mpy(&c, &frozen->files[i]);
        else if (!compile(&c, i, err))
            return false;
    }
    return diags->error_count + diags->error_dropped == errors;
}
