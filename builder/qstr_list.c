/* Reading the manifest's qstr lists: see qstr.h. */
#include <search.h>
#include <string.h>

#include "base/fs.h"
#include "base/text.h"
#include "builder/qstr.h"

/* A name, and where it was first seen. */
struct known {
    char *name;
    const char *file; /* borrowed: the manifest's path or the file shown in warnings */
    unsigned line;
};

struct reader {
    struct qstr_list *list;
    const struct manifest *manifest;
    struct diags *diags;
    void *tree;         /* of struct known, by name (tsearch) */
    struct arena arena; /* of the known */
};

/* The file that is being read. */
struct source {
    const char *file; /* as shown */
    unsigned line;    /* the current one */
    unsigned open;    /* the line that began a name which has not ended, or 0 */
    unsigned removed; /* lines so far */
};

static int compare_known(const void *a, const void *b)
{
    const struct known *x = a, *y = b;

    return strcmp(x->name, y->name);
}

/* Add a name, or return where it is known from. Takes name. */
static const struct known *add_name(struct reader *reader, const char *name, const char *file,
                                    unsigned line)
{
    struct known *known = arena_alloc(&reader->arena, sizeof(*known));

    *known = (struct known){arena_strdup(&reader->arena, name), file, line};
    struct known **found = tsearch(known, &reader->tree, compare_known);
    if (!found)
        abort(); /* out of memory, as everywhere */
    if (*found != known)
        return *found;
    strv_add(&reader->list->names, name);
    return NULL;
}

static bool read_inline(struct reader *reader, const struct qstr_entry *entry)
{
    const char *name = entry->name;
    size_t len = strlen(name);
    _cleanup_free_ char *inner = len > 2 && text_starts_with(name, "Q(") && name[len - 1] == ')'
                                     ? xstrndup(name + 2, len - 3)
                                     : xstrdup(name);
    const char *reason = qstr_unfit(inner);

    if (reason)
        return manifest_error(reader->manifest, entry->node, reader->diags, NULL,
                              "'%s' cannot be a qstr: %s", inner, reason);
    const struct known *known =
        add_name(reader, inner, reader->manifest->doc.file, entry->node->line);
    if (known)
        ynode_warning(&reader->manifest->doc, entry->node, reader->diags, NULL,
                      "'%s' is listed already, in %s, line %u", inner, known->file, known->line);
    return true;
}

static void PRINTF_LIKE(5, 6) warn_line(struct reader *reader, struct source *source,
                                        const char *text, size_t len, const char *fmt, ...)
{
    struct loc loc = {source->file, source->line, 1, (unsigned)len};
    _cleanup_free_ char *line = xstrndup(text, len);
    struct err *err = NULL;
    va_list ap;

    if (++source->removed > QSTR_MAX_WARNINGS)
        return;
    va_start(ap, fmt);
    _cleanup_free_ char *reason = xvasprintf(fmt, ap);
    va_end(ap);
    err_set(&err, ERR_MANIFEST, "line removed: %s", reason);
    err_at(&err, loc, line);
    diags_take_warning(reader->diags, err);
}

/* The rest of a name with a line break: up to the line that ends with the parenthesis. */
static bool in_open_name(struct reader *reader, struct source *source, const char *line, size_t len)
{
    unsigned began = source->open;

    if (!began || (len >= 2 && !memcmp(line, "Q(", 2))) {
        source->open = 0;
        return false;
    }
    if (len && line[len - 1] == ')')
        source->open = 0;
    warn_line(reader, source, line, len, "it is the rest of the name that began in line %u", began);
    return true;
}

static void read_line(struct reader *reader, struct source *source, const char *line, size_t len)
{
    const char *reason;

    if (len && line[len - 1] == '\r')
        len--;
    if (in_open_name(reader, source, line, len))
        return;
    _cleanup_free_ char *name = qstr_parse_line(line, len, &reason);
    if (reason) {
        warn_line(reader, source, line, len, "%s", reason);
        if (len >= 2 && !memcmp(line, "Q(", 2) && line[len - 1] != ')')
            source->open = source->line;
    }
    if (!name)
        return;
    const struct known *known = add_name(reader, name, source->file, source->line);
    if (known)
        warn_line(reader, source, line, len, "'%s' is listed already, in %s, line %u", name,
                  known->file, known->line);
}

/* The file's name as the user would write it: beside the manifest's own. */
static const char *shown_name(struct reader *reader, const char *file)
{
    const char *path = reader->manifest->path;
    size_t dir = (size_t)(path_basename(path) - path);

    return *file == '/' ? file : arena_printf(&reader->arena, "%.*s%s", (int)dir, path, file);
}

static bool read_file(struct reader *reader, const struct qstr_entry *entry)
{
    const struct ynode *node = ynode_get(entry->node, "file");
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_err_ struct err *err = NULL;
    _cleanup_free_ char *path = manifest_path(reader->manifest, node, entry->file, reader->diags);

    if (!path)
        return false;
    if (!fs_read(path, QSTR_MAX_FILE_BYTES, &text, &err))
        return manifest_error(reader->manifest, node, reader->diags, NULL, "%s", err->message);
    struct source source = {shown_name(reader, entry->file), 0, 0, 0};
    for (const char *line = text.data, *end; line < text.data + text.len; line = end + 1) {
        size_t left = text.len - (size_t)(line - text.data);
        end = memchr(line, '\n', left);
        end = end ? end : line + left;
        source.line++;
        read_line(reader, &source, line, (size_t)(end - line));
    }
    if (source.removed > QSTR_MAX_WARNINGS)
        ynode_warning(&reader->manifest->doc, node, reader->diags, NULL,
                      "%u more lines of '%s' were removed", source.removed - QSTR_MAX_WARNINGS,
                      entry->file);
    return true;
}

static void keep(void *known)
{
    (void)known; /* the arena owns it */
}

bool qstr_list_load(struct qstr_list *list, const struct manifest *manifest, struct diags *diags)
{
    struct reader reader = {list, manifest, diags, NULL, ARENA_INIT};
    bool ok = true;

    for (size_t i = 0; i < manifest->qstr_count; i++) {
        const struct qstr_entry *entry = &manifest->qstrs[i];
        ok &= entry->file ? read_file(&reader, entry) : read_inline(&reader, entry);
    }
    strv_sort(&list->names);
    tdestroy(reader.tree, keep);
    arena_release(&reader.arena);
    return ok;
}
