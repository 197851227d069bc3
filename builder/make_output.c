#include "builder/make_output.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/text.h"

#define SOURCE_LINE_FILE_MAX (4u * 1024 * 1024)
#define LARGEST_MODULES 3

static void set_first(char **where, const char *text)
{
    if (!*where)
        *where = xstrdup(text);
}

/* ld: "region `FLASH' overflowed by 13084 bytes" */
static bool take_overflow(struct make_output *o, const char *line)
{
    char region[64];
    unsigned long bytes;
    const char *at = strstr(line, "region `");
    if (!at || sscanf(at, "region `%63[^']' overflowed by %lu byte", region, &bytes) != 2)
        return false;
    if (o->overflow_count < MAKE_OUTPUT_REGIONS)
        o->overflows[o->overflow_count++] =
            xasprintf("region %s overflowed by %lu bytes", region, bytes);
    return true;
}

/* "FILE:LINE[:COLUMN]: error: TEXT", also "fatal error:" and the assembler's "Error:"; but not
 * "collect2: error: ld returned 1 exit status". */
static bool is_compiler_error(const char *line)
{
    static const char *const marks[] = {": error: ", ": fatal error: ", ": Error: "};
    for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
        const char *end = strstr(line, marks[i]);
        const char *at = end;
        while (at && at > line && isdigit((unsigned char)at[-1]))
            at--;
        if (at && at < end && at > line && at[-1] == ':')
            return true;
    }
    return false;
}

static bool is_linker_error(const char *line)
{
    return strstr(line, "undefined reference to ") || strstr(line, "multiple definition of ") ||
           strstr(line, "cannot find -l") || strstr(line, " will not fit in region ") ||
           strstr(line, "section overlaps") || strstr(line, "overlaps section ");
}

/* What the source's own scripts print before they stop. */
static bool is_tool_error(const char *line)
{
    return text_starts_with(line, "error compiling ") ||
           text_starts_with(line, "error freezing ") || text_starts_with(line, "freeze error ") ||
           text_starts_with(line, "makeversionhdr.py: Error") ||
           strstr(line, "submodule is not initialized") != NULL;
}

/* The line that ends a traceback, not indented, is the error: alone or after the script's own
 * "error compiling x.py:". */
static void end_traceback(struct make_output *o, const char *line)
{
    o->in_traceback = false;
    if (o->python && text_ends_with(o->python, ":")) {
        char *both = xasprintf("%s %s", o->python, line);
        free(o->python);
        o->python = both;
    }
    set_first(&o->python, line);
}

static void take_python(struct make_output *o, const char *line)
{
    if (text_starts_with(line, "Traceback (most recent call last)")) {
        o->in_traceback = true;
    } else if (o->in_traceback && line[0] && line[0] != ' ') {
        end_traceback(o, line);
    } else if (is_tool_error(line)) {
        set_first(&o->python, line);
    }
}

/* "Makefile:15: *** TEXT.  Stop.", but not "make: *** [rule] Error 1", which only repeats. */
static void take_make(struct make_output *o, const char *line)
{
    const char *at = strstr(line, "*** ");
    if (!at || at[4] == '[')
        return;
    _cleanup_free_ char *text = xstrdup(at + 4);
    char *stop = strstr(text, ".  Stop.");
    if (stop)
        *stop = '\0';
    set_first(&o->make, text);
}

void make_output_line(struct make_output *output, const char *line, size_t len)
{
    char *text = xstrndup(line, len);
    if (strstr(text, "No space left on device")) {
        output->disk_errnum = ENOSPC;
    } else if (strstr(text, "Input/output error")) {
        output->disk_errnum = EIO;
    } else if (take_overflow(output, text)) {
        /* said with the others */
    } else if (is_compiler_error(text)) {
        set_first(&output->compiler, text);
    } else if (is_linker_error(text)) {
        set_first(&output->linker, text);
    } else {
        take_python(output, text);
        take_make(output, text);
    }
    char **slot = &output->tail[output->tail_count++ % MAKE_OUTPUT_TAIL];
    free(*slot);
    *slot = text;
}

static int by_size(const void *a, const void *b)
{
    const struct frozen_file *x = *(const struct frozen_file *const *)a;
    const struct frozen_file *y = *(const struct frozen_file *const *)b;
    if (x->flash_size != y->flash_size)
        return x->flash_size < y->flash_size ? 1 : -1;
    return strcmp(x->target, y->target);
}

static void hint_largest(const struct frozen *frozen, struct err **err)
{
    if (!frozen || frozen->count == 0)
        return;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_free_ const struct frozen_file **files = xcalloc(frozen->count, sizeof(*files));
    for (size_t i = 0; i < frozen->count; i++)
        files[i] = &frozen->files[i];
    qsort(files, frozen->count, sizeof(*files), by_size);
    for (size_t i = 0; i < frozen->count && i < LARGEST_MODULES; i++) {
        buf_addf(&text, "%s%s ", i ? ", " : "", files[i]->target);
        text_add_size(&text, files[i]->flash_size);
    }
    err_hint(err, "the largest frozen modules: %s", text.data);
}

static bool overflow_error(const struct make_output *o, const struct make_blame *blame,
                           struct err **err)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    for (size_t i = 0; i < o->overflow_count; i++)
        buf_addf(&text, "%s%s", i ? ", " : "", o->overflows[i]);
    err_set(err, ERR_FAILED, "the firmware does not fit: %s", text.data);
    if (blame)
        hint_largest(blame->frozen, err);
    return false;
}

/* The name in a message as an absolute path, the user's own for a copied file. */
static char *real_path(const char *name, const char *dir, const struct make_blame *blame)
{
    _cleanup_free_ char *joined = path_join(dir, name);
    char *path = path_absolute(joined);
    for (const struct path_map *m = blame ? blame->maps : NULL; m && m->from; m++) {
        if (!path_is_beneath(path, m->from))
            continue;
        char *mapped = xasprintf("%s%s", m->to, path + strlen(m->from));
        free(path);
        return mapped;
    }
    return path;
}

static char *line_of_file(const char *path, unsigned number)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_err_ struct err *ignored = NULL;
    if (!fs_read(path, SOURCE_LINE_FILE_MAX, &text, &ignored))
        return NULL;
    const char *at = text.data;
    for (unsigned i = 1; i < number && at; i++) {
        at = strchr(at, '\n');
        at = at ? at + 1 : NULL;
    }
    return at ? xstrndup(at, strcspn(at, "\r\n")) : NULL;
}

/* "FILE:LINE[:COLUMN]: [fatal ]error: TEXT" becomes a located error. */
static bool compiler_error(const char *line, const char *dir, const struct make_blame *blame,
                           struct err **err)
{
    char name[1024], rest[1024];
    struct loc loc = {NULL, 0, 0, 0};
    if (sscanf(line, "%1023[^:]:%u:%u: %1023[^\n]", name, &loc.line, &loc.column, rest) != 4) {
        loc.column = 0;
        if (sscanf(line, "%1023[^:]:%u: %1023[^\n]", name, &loc.line, rest) != 3)
            return err_set(err, ERR_FAILED, "the compiler said: %s", line);
    }
    const char *text = strstr(rest, "rror: ");
    _cleanup_free_ char *path = real_path(name, dir, blame);
    _cleanup_free_ char *source = line_of_file(path, loc.line);
    loc.file = path;
    err_set(err, ERR_FAILED, "%s", text ? text + strlen("rror: ") : rest);
    return err_at(err, loc, source);
}

static bool tail_error(const struct make_output *o, struct err **err)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    size_t first = o->tail_count > MAKE_OUTPUT_TAIL ? o->tail_count - MAKE_OUTPUT_TAIL : 0;
    for (size_t i = first; i < o->tail_count; i++)
        buf_addf(&text, "%s%s", i > first ? " | " : "", o->tail[i % MAKE_OUTPUT_TAIL]);
    return err_set(err, ERR_FAILED, "make failed; its last lines: %s",
                   text.len ? text.data : "(nothing)");
}

static bool disk_error(int errnum, struct err **err)
{
    if (errnum == ENOSPC) {
        err_set(err, ERR_FAILED, "the disk is full");
        err_hint(err, "make room where FIRN_HOME is, and in /tmp");
    } else {
        err_set(err, ERR_FAILED, "the disk fails: %s", strerror(errnum));
        err_hint(err, "`dmesg` says more about it");
    }
    (*err)->errnum = errnum;
    return false;
}

bool make_output_error(const struct make_output *output, const char *dir,
                       const struct make_blame *blame, struct err **err)
{
    if (output->disk_errnum)
        return disk_error(output->disk_errnum, err);
    if (output->overflow_count)
        return overflow_error(output, blame, err);
    if (output->compiler)
        return compiler_error(output->compiler, dir, blame, err);
    if (output->linker)
        return err_set(err, ERR_FAILED, "linking failed: %s", output->linker);
    if (output->python)
        return err_set(err, ERR_FAILED, "a script of the source failed: %s", output->python);
    if (output->make)
        return err_set(err, ERR_FAILED, "make stopped: %s", output->make);
    return tail_error(output, err);
}

void make_output_release(struct make_output *output)
{
    for (size_t i = 0; i < output->overflow_count; i++)
        free(output->overflows[i]);
    free(output->compiler);
    free(output->linker);
    free(output->python);
    free(output->make);
    for (size_t i = 0; i < MAKE_OUTPUT_TAIL; i++)
        free(output->tail[i]);
    *output = (struct make_output)MAKE_OUTPUT_INIT;
}
