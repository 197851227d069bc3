/* The staging tree of frozen.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/text.h"
#include "builder/frozen.h"

#define STAGED_TIME 315532800 /* 1980-01-01 */

char *frozen_staged_path(const struct frozen *frozen, size_t index)
{
    const struct frozen_file *file = &frozen->files[index];
    switch (file->form) {
    case FROZEN_SOURCE:
        /* freeze_as_str() takes whole directories only: one each keeps the order ours. */
        return xasprintf("str/%04zu/%s", index, file->target);
    case FROZEN_MPY:
        return xasprintf("bin/%04zu.mpy", index);
    case FROZEN_BYTECODE:
        break;
    }
    return xasprintf("mpy/%s", file->target);
}

/* A Python string literal. Targets come from file names and may hold anything but '/'. */
static void add_literal(struct buf *out, const char *s)
{
    buf_addc(out, '"');
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            buf_addf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            buf_addf(out, "\\x%02x", c);
        else
            buf_addc(out, (char)c);
    }
    buf_addc(out, '"');
}

static void add_directive(struct buf *out, const struct frozen_file *file, size_t index)
{
    switch (file->form) {
    case FROZEN_SOURCE:
        buf_addf(out, "freeze_as_str(\"str/%04zu\")\n", index);
        return;
    case FROZEN_MPY:
        buf_addf(out, "freeze_mpy(\"bin\", \"%04zu.mpy\")\n", index);
        return;
    case FROZEN_BYTECODE:
        break;
    }
    buf_adds(out, "freeze_as_mpy(\"mpy\", ");
    add_literal(out, file->target);
    if (file->opt >= 0)
        buf_addf(out, ", opt=%d", file->opt);
    buf_adds(out, ")\n");
}

/* Old, so that what is compiled from it is newer: makemanifest.py compares. */
static bool set_time(const char *path, struct err **err)
{
    const struct timespec times[] = {{STAGED_TIME, 0}, {STAGED_TIME, 0}};
    return utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) == 0 ||
           err_set_errno(err, ERR_FAILED, errno, "cannot set the time of '%s'", path);
}

static bool write_beneath(const char *dir, const char *path, const void *data, size_t size,
                          struct err **err)
{
    _cleanup_free_ char *full = path_join(dir, path);
    _cleanup_free_ char *parent = path_dirname(full);
    return fs_mkdirs(parent, err) && fs_write_scratch(full, data, size, err) && set_time(full, err);
}

bool frozen_stage(const struct frozen *frozen, const struct buf *qstrs, const char *dir,
                  struct err **err)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    buf_adds(&text, "# Written by firn: every frozen file, by name.\n");
    for (size_t i = 0; i < frozen->count; i++) {
        const struct frozen_file *file = &frozen->files[i];
        _cleanup_free_ char *path = frozen_staged_path(frozen, i);
        if (!write_beneath(dir, path, file->data, file->size, err))
            return err_wrap(err, "cannot stage '%s'", file->target);
        add_directive(&text, file, i);
    }
    if (qstrs && qstrs->len) {
        if (!write_beneath(dir, "bin/qstrs.mpy", qstrs->data, qstrs->len, err))
            return err_wrap(err, "cannot stage the qstrs");
        buf_adds(&text, "freeze_mpy(\"bin\", \"qstrs.mpy\")\n");
    }
    return write_beneath(dir, "manifest.py", text.data, text.len, err);
}
