#include "base/err.h"

#include "base/fs.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static struct err *new_err(enum err_code code, char *message)
{
    struct err *err = xcalloc(1, sizeof(*err));

    err->code = code;
    err->message = message;
    return err;
}

bool err_set(struct err **err, enum err_code code, const char *fmt, ...)
{
    va_list ap;

    assert(!*err);
    va_start(ap, fmt);
    *err = new_err(code, xvasprintf(fmt, ap));
    va_end(ap);
    return false;
}

bool err_set_errno(struct err **err, enum err_code code, int errnum, const char *fmt, ...)
{
    va_list ap;

    assert(!*err);
    va_start(ap, fmt);
    _cleanup_free_ char *message = xvasprintf(fmt, ap);
    va_end(ap);
    if (errnum == ENOENT && code == ERR_FAILED)
        code = ERR_NOT_FOUND;
    *err = new_err(code, xasprintf("%s: %s", message, strerror(errnum)));
    (*err)->errnum = errnum;
    if (errnum == ENOSPC || errnum == EDQUOT)
        err_hint(err, "free some space on that file system (see `df -h`), then run it again");
    return false;
}

bool err_is_of_machine(const struct err *err)
{
    static const int failures[] = {ENOSPC, EDQUOT, EIO, EROFS, ENOMEM, EMFILE, ENFILE, EAGAIN};

    for (; err; err = err->cause)
        for (size_t i = 0; i < ARRAY_SIZE(failures); i++)
            if (err->errnum == failures[i])
                return true;
    return false;
}

bool err_wrap(struct err **err, const char *fmt, ...)
{
    va_list ap;
    struct err *cause = *err;

    va_start(ap, fmt);
    *err = new_err(cause->code, xvasprintf(fmt, ap));
    va_end(ap);
    (*err)->cause = cause;
    return false;
}

bool err_hint(struct err **err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    char *hint = xvasprintf(fmt, ap);
    va_end(ap);
    free((*err)->hint);
    (*err)->hint = hint;
    return false;
}

bool err_at(struct err **err, struct loc loc, const char *source_line)
{
    struct err *e = *err;
    char *file = loc.file ? path_shown(loc.file) : NULL;
    char *line = source_line ? xstrdup(source_line) : NULL;

    free(e->file);
    free(e->source_line);
    e->file = file;
    e->source_line = line;
    e->line = loc.line;
    e->column = loc.column;
    e->length = loc.length;
    return false;
}

void err_free(struct err *err)
{
    while (err) {
        struct err *cause = err->cause;

        free(err->message);
        free(err->hint);
        free(err->file);
        free(err->source_line);
        free(err);
        err = cause;
    }
}

int err_exit_status(const struct err *err)
{
    switch (err->code) {
    case ERR_FAILED:
    case ERR_NOT_FOUND:
        return 1;
    case ERR_USAGE:
    case ERR_MANIFEST:
        return 2;
    case ERR_FETCH:
        return 3;
    case ERR_DEVICE:
        return 4;
    case ERR_AUTHENTIC:
        return 5;
    case ERR_BUDGET:
        return 6;
    case ERR_INTERRUPTED:
        return 130;
    }
    return 1;
}

void diags_take_error(struct diags *diags, struct err *err)
{
    if (diags->error_count < DIAGS_MAX) {
        diags->errors[diags->error_count++] = err;
        return;
    }
    diags->error_dropped++;
    err_free(err);
}

void diags_take_warning(struct diags *diags, struct err *err)
{
    if (diags->warning_count == DIAGS_WARNINGS_MAX) {
        diags->warning_dropped++;
        err_free(err);
        return;
    }
    diags->warnings =
        xreallocarray(diags->warnings, diags->warning_count + 1, sizeof(*diags->warnings));
    diags->warnings[diags->warning_count++] = err;
}

void diags_format_errors(const struct diags *diags, struct buf *out)
{
    for (size_t i = 0; i < diags->error_count; i++)
        err_format(diags->errors[i], out);
    if (diags->error_dropped)
        buf_addf(out, "%zu more error%s\n", diags->error_dropped,
                 diags->error_dropped == 1 ? "" : "s");
}

void diags_release(struct diags *diags)
{
    for (size_t i = 0; i < diags->error_count; i++)
        err_free(diags->errors[i]);
    for (size_t i = 0; i < diags->warning_count; i++)
        err_free(diags->warnings[i]);
    free(diags->warnings);
    *diags = (struct diags)DIAGS_INIT;
}
