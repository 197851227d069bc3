#include "economy/qstr_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "builder/qstr.h"

#define MARKER "# ---- found by firn qstrs, whose next run replaces all that follows ----"

const char *qstr_file_of(const struct manifest *manifest)
{
    for (size_t i = 0; i < manifest->qstr_count; i++)
        if (manifest->qstrs[i].file)
            return manifest->qstrs[i].file;
    return NULL;
}

/* ---- what stands there already ---- */

static size_t own_length(const char *before)
{
    const char *marker = strstr(before, MARKER);
    return marker ? (size_t)(marker - before) : strlen(before);
}

static void add_listed(const char *text, size_t len, struct strv *names)
{
    const char *reason;
    while (len) {
        const char *end = memchr(text, '\n', len);
        size_t n = end ? (size_t)(end - text) : len;
        _cleanup_free_ char *name = qstr_parse_line(text, n, &reason);
        if (name)
            strv_add(names, name);
        n += end != NULL;
        text += n;
        len -= n;
    }
}

static void add_inline(const struct manifest *manifest, struct strv *names)
{
    for (size_t i = 0; i < manifest->qstr_count; i++) {
        const char *name = manifest->qstrs[i].name;
        if (name)
            add_listed(name, strlen(name), names);
        if (name)
            strv_add(names, name);
    }
}

/* ---- what is added ---- */

/* As qstr_info(1) prints it; a name that is no line, as JSON has it. */
static void add_line(struct buf *out, const char *name)
{
    bool is_line = true;
    for (const char *c = name; *c; c++)
        is_line &= (unsigned char)*c >= ' ' && *c != 0x7f;
    if (is_line) {
        buf_addf(out, "Q(%s)\n", name);
        return;
    }
    json_t *json = json_string(name);
    _cleanup_free_ char *text = json_dumps(json, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    json_decref(json);
    buf_addf(out, "%s\n", text);
}

static int by_module(const void *a, const void *b)
{
    const struct qstr_found *const *x = a, *const *y = b;
    int order = strcmp((*x)->module, (*y)->module);
    return order ? order : strcmp((*x)->name, (*y)->name);
}

void qstr_file_update(const char *before, const struct manifest *manifest,
                      const struct qstrs_found *found, struct buf *out, size_t *listed)
{
    _cleanup_(strv_release) struct strv there = STRV_INIT;
    const struct qstr_found **items = xcalloc(found->count + 1, sizeof(*items));
    size_t own = own_length(before);
    const char *module = NULL;
    *listed = 0;
    add_listed(before, own, &there);
    add_inline(manifest, &there);
    for (size_t i = 0; i < found->count; i++)
        if (!found->items[i].reason && !strv_contains(&there, found->items[i].name))
            items[(*listed)++] = &found->items[i];
    qsort(items, *listed, sizeof(const struct qstr_found *), by_module);
    buf_add(out, before, own);
    if (own && before[own - 1] != '\n')
        buf_addc(out, '\n');
    if (*listed)
        buf_adds(out, MARKER "\n");
    for (size_t i = 0; i < *listed; i++) {
        if (!module || strcmp(module, items[i]->module) != 0) {
            module = items[i]->module;
            if (*module)
                buf_addf(out, "# %s\n", module);
            else
                buf_adds(out, "# of several modules together\n");
        }
        add_line(out, items[i]->name);
    }
    free(items);
}

/* ---- the manifest ---- */

/* Where a line of the text begins, from 1; its end if it has fewer. */
static size_t line_start(const char *text, unsigned line)
{
    size_t at = 0;
    for (; line > 1 && text[at]; line--) {
        at += strcspn(text + at, "\n");
        at += text[at] == '\n';
    }
    return at;
}

bool qstr_file_add_to_manifest(const struct manifest *manifest, const char *file, struct buf *out)
{
    const struct ynode *qstrs = ynode_get(manifest->doc.root, "qstrs");
    const char *text = manifest->doc.text;
    size_t len = manifest->doc.text_len;
    if (!qstrs) {
        buf_add(out, text, len);
        buf_addf(out, "%s\nqstrs:\n  - file: %s\n", len && text[len - 1] != '\n' ? "\n" : "", file);
        return true;
    }
    size_t start = line_start(text, qstrs->line) + qstrs->column - 1;
    bool flow = start < len && text[start] == '[';
    if (flow) {
        buf_add(out, text, start + 1);
        buf_addf(out, "{file: %s}%s", file, qstrs->count ? ", " : "");
        buf_adds(out, text + start + 1);
        return true;
    }
    if (!qstrs->count)
        return false;
    size_t line = line_start(text, qstrs->items[0]->line);
    size_t dash = line + strspn(text + line, " ");
    if (text[dash] != '-')
        return false;
    buf_add(out, text, dash);
    buf_addf(out, "- file: %s\n", file);
    buf_adds(out, text + line);
    return true;
}
