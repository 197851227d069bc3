#include "builder/frozen.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/text.h"
#include "builder/directives.h"
#include "builder/frozen_files.h"
#include "builder/mpy_file.h"

const char *frozen_form_name(enum frozen_form form)
{
    static const char *const names[] = {"bytecode", "source", "mpy"};
    return names[form];
}

static enum frozen_form form_of(enum freeze_kind kind)
{
    if (kind == FREEZE_AS_STR)
        return FROZEN_SOURCE;
    return kind == FREEZE_MPY ? FROZEN_MPY : FROZEN_BYTECODE;
}

struct expansion {
    struct frozen *frozen;
    const struct manifest *manifest;
    struct diags *diags;
};

/* A .mpy is frozen under the name it was compiled with, whatever its file is called. */
static bool take_mpy_name(struct expansion *x, struct frozen_file *file)
{
    _cleanup_(mpy_head_release) struct mpy_head head = MPY_HEAD_INIT;
    _cleanup_err_ struct err *err = NULL;
    if (!mpy_head_read(file->data, file->size, &head, &err))
        return manifest_error(x->manifest, file->entry->node, x->diags,
                              "mpy-cross makes them from .py files", "%s: %s", file->path,
                              err->message);
    if (!head.name) /* another version: frozen_check() says which */
        return true;
    free(file->target);
    file->target = xstrdup(head.name);
    return true;
}

static bool read_file(struct expansion *x, struct frozen_file *file, const char *append)
{
    _cleanup_(buf_release) struct buf data = BUF_INIT;
    _cleanup_err_ struct err *err = NULL;
    if (!fs_read(file->path, FROZEN_MAX_FILE_BYTES, &data, &err)) {
        _cleanup_(buf_release) struct buf why = BUF_INIT;
        err_format(err, &why);
        return manifest_error(x->manifest, file->entry->node, x->diags, NULL, "%.*s",
                              (int)strcspn(why.data, "\n"), why.data);
    }
    if (append)
        buf_adds(&data, append);
    file->data = buf_detach(&data, &file->size);
    file->flash_size = file->size;
    return file->form != FROZEN_MPY || take_mpy_name(x, file);
}

static bool add_file(struct expansion *x, const struct frozen_file *given, const char *append)
{
    struct frozen *f = x->frozen;
    if ((f->count & (f->count - 1)) == 0)
        f->files = xreallocarray(f->files, f->count ? f->count * 2 : 1, sizeof(*f->files));
    struct frozen_file *file = &f->files[f->count++];
    *file = *given;
    file->path = xstrdup(given->path);
    file->target = xstrdup(given->target);
    return read_file(x, file, append);
}

static bool add_local(struct expansion *x, const struct freeze_entry *entry)
{
    _cleanup_(freeze_files_release) struct freeze_files files = FREEZE_FILES_INIT;
    if (!freeze_files_list(&files, x->manifest, entry, x->diags))
        return false;
    bool ok = true;
    for (size_t i = 0; i < files.count; i++) {
        const struct frozen_file file = {.form = form_of(entry->kind),
                                         .entry = entry,
                                         .path = files.items[i].path,
                                         .target = files.items[i].target,
                                         .opt = entry->opt};
        ok = add_file(x, &file, NULL) && ok;
    }
    return ok;
}

static bool add_evaluated(struct expansion *x, const struct evaluation *evaluation)
{
    bool ok = true;
    for (size_t i = 0; evaluation && i < evaluation->count; i++) {
        const struct evaluated_file *e = &evaluation->files[i];
        const struct frozen_file file = {.form = e->form,
                                         .entry = &x->manifest->frozen[e->entry],
                                         .path = e->path,
                                         .target = e->target,
                                         .opt = e->opt};
        ok = add_file(x, &file, e->append) && ok;
    }
    return ok;
}

static int by_target(const void *a, const void *b)
{
    const struct frozen_file *x = a, *y = b;
    int order = strcmp(x->target, y->target);
    if (order)
        return order;
    return x->entry < y->entry ? -1 : x->entry > y->entry;
}

/* The same file twice in the same form is what MicroPython's own require() gives when two packages
 * need a third one: once is enough. */
static bool is_same(const struct frozen_file *a, const struct frozen_file *b)
{
    return a->form == b->form && a->opt == b->opt && a->size == b->size &&
           !strcmp(a->path, b->path) && !memcmp(a->data, b->data, a->size);
}

static bool duplicate_error(struct expansion *x, const struct frozen_file *first,
                            const struct frozen_file *second)
{
    _cleanup_free_ char *hint =
        xasprintf("line %u freezes it as %s from %s", first->entry->node->line,
                  frozen_form_name(first->form), first->path);
    _cleanup_free_ char *back =
        xasprintf("line %u freezes it as %s from %s", second->entry->node->line,
                  frozen_form_name(second->form), second->path);
    manifest_error(x->manifest, first->entry->node, x->diags, back, "'%s' is frozen twice",
                   first->target);
    if (first->entry == second->entry)
        return false;
    return manifest_error(x->manifest, second->entry->node, x->diags, hint, "'%s' is frozen twice",
                          second->target);
}

static void release_file(struct frozen_file *file)
{
    free(file->path);
    free(file->target);
    free(file->data);
}

/* Drop repetitions of the same file; two different ones of one name are an error. */
static bool make_unique(struct expansion *x)
{
    struct frozen *f = x->frozen;
    size_t kept = 0;
    bool ok = true;
    if (f->count)
        qsort(f->files, f->count, sizeof(*f->files), by_target);
    for (size_t i = 0; i < f->count; i++) {
        struct frozen_file *last = kept ? &f->files[kept - 1] : NULL;
        if (last && !strcmp(last->target, f->files[i].target)) {
            if (is_same(last, &f->files[i])) {
                release_file(&f->files[i]);
                continue;
            }
            ok = duplicate_error(x, last, &f->files[i]);
        }
        f->files[kept++] = f->files[i];
    }
    f->count = kept;
    return ok;
}

/* mpy-tool makes a C identifier from the name by replacing each '/' with '_', and nothing else. */
static bool check_c_name(struct expansion *x, const struct frozen_file *file)
{
    size_t len = strlen(file->target);
    if (len < 4 || !text_ends_with(file->target, ".py"))
        return manifest_error(x->manifest, file->entry->node, x->diags, NULL,
                              "'%s' cannot be frozen: its name does not end in .py", file->target);
    for (size_t i = 0; i + 3 < len; i++) {
        unsigned char c = (unsigned char)file->target[i];
        if (!isalnum(c) && c != '_' && c != '/')
            return manifest_error(
                x->manifest, file->entry->node, x->diags,
                "rename it, or freeze it as source with freeze_as_str",
                "'%s' cannot be frozen as bytecode: only letters, digits and _ may be in its name",
                file->target);
    }
    return true;
}

/* "a/b.py" and "a_b.py" would define the same C symbol. */
static bool check_collisions(struct expansion *x, size_t index)
{
    const struct frozen_file *file = &x->frozen->files[index];
    size_t len = strlen(file->target);
    for (size_t i = 0; i < index; i++) {
        const struct frozen_file *other = &x->frozen->files[i];
        size_t at = 0;
        if (other->form == FROZEN_SOURCE || strlen(other->target) != len)
            continue;
        while (at < len && (other->target[at] == '/' ? '_' : other->target[at]) ==
                               (file->target[at] == '/' ? '_' : file->target[at]))
            at++;
        if (at == len)
            return manifest_error(x->manifest, file->entry->node, x->diags,
                                  "mpy-tool gives both the same C name: rename one",
                                  "'%s' and '%s' cannot both be frozen as bytecode", other->target,
                                  file->target);
    }
    return true;
}

static bool check_names(struct expansion *x)
{
    bool ok = true;
    for (size_t i = 0; i < x->frozen->count; i++) {
        const struct frozen_file *file = &x->frozen->files[i];
        if (!strcmp(file->target, FROZEN_QSTR_MODULE))
            ok = manifest_error(x->manifest, file->entry->node, x->diags, NULL,
                                "the name '%s' is firn's own", file->target);
        else if (file->form != FROZEN_SOURCE && !text_ends_with(file->target, ".mpy"))
            ok = check_c_name(x, file) && check_collisions(x, i) && ok;
    }
    return ok;
}

bool frozen_expand(struct frozen *frozen, const struct manifest *manifest,
                   const struct evaluation *evaluation, struct diags *diags)
{
    struct expansion x = {frozen, manifest, diags};
    bool ok = true;
    for (size_t i = 0; i < manifest->frozen_count; i++) {
        if (freeze_kind_is_local(manifest->frozen[i].kind))
            ok = add_local(&x, &manifest->frozen[i]) && ok;
    }
    ok = add_evaluated(&x, evaluation) && ok;
    /* Names are only worth comparing when every file could be read. */
    return ok && make_unique(&x) && check_names(&x);
}

char *frozen_module_name(const char *target)
{
    static const char package[] = "/__init__.py";
    size_t len = strlen(target);
    if (text_ends_with(target, package))
        len -= strlen(package);
    else if (text_ends_with(target, ".py"))
        len -= 3;
    char *name = xstrndup(target, len);
    for (char *p = name; *p; p++)
        if (*p == '/')
            *p = '.';
    return name;
}

void frozen_release(struct frozen *frozen)
{
    for (size_t i = 0; i < frozen->count; i++)
        release_file(&frozen->files[i]);
    free(frozen->files);
    *frozen = (struct frozen)FROZEN_INIT;
}
