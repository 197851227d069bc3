#include "economy/advise.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/proc.h"

#define PYTHON "python3"
#define TIMEOUT_MS 120000
#define OUTPUT_MAX ((size_t)64 * 1024 * 1024)

/* One program in two files. The Makefile knows that this file depends on them. */
__asm__(".pushsection .rodata\n"
        "firn_advise: .incbin \"economy/advise.py\"\n"
        ".incbin \"economy/advise_rules.py\"\n"
        ".byte 0\n"
        ".popsection\n");
extern const char firn_advise[];

struct advice_request advice_request_new(void)
{
    return (struct advice_request){json_array()};
}

bool advice_request_add(struct advice_request *request, const char *name, const char *path,
                        const char *source, size_t len, const char *form, int opt)
{
    json_t *text = json_stringn(source, len);
    if (!text)
        return false;
    json_array_append_new(request->modules,
                          json_pack("{s:s, s:s, s:o, s:s, s:i}", "name", name, "path", path,
                                    "source", text, "form", form, "opt", opt));
    return true;
}

void advice_request_release(struct advice_request *request)
{
    json_decref(request->modules);
}

static bool run(const char *request_path, struct buf *out, struct err **err)
{
    const char *const argv[] = {PYTHON, "-I", "-B", "-c", firn_advise, request_path, NULL};
    const struct proc proc = {
        .argv = argv, .timeout_ms = TIMEOUT_MS, .out = out, .out_max = OUTPUT_MAX};
    struct proc_result result;
    if (!proc_run(&proc, &result, err))
        return false;
    if (result.exit_status == 0)
        return true;
    const char *last = out->data + out->len;
    while (last > out->data && last[-1] == '\n')
        last--;
    const char *line = last;
    while (line > out->data && line[-1] != '\n')
        line--;
    return err_set(err, ERR_FAILED, PYTHON " cannot read the modules: %.*s", (int)(last - line),
                   line);
}

static bool write_request(const struct advice_request *request, const char *path, struct err **err)
{
    json_t *all = json_pack("{s:O}", "modules", request->modules);
    _cleanup_free_ char *text = json_dumps(all, JSON_COMPACT);
    json_decref(all);
    return fs_write_scratch(path, text, strlen(text), err);
}

bool advise(const struct advice_request *request, json_t **advice, struct err **err)
{
    _cleanup_free_ char *dir = NULL;
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    _cleanup_err_ struct err *ignored = NULL;
    if (!fs_temp_dir_anywhere(&dir, err))
        return false;
    _cleanup_free_ char *path = path_join(dir, "request.json");
    bool ok = write_request(request, path, err) && run(path, &out, err);
    (void)!fs_remove_tree(dir, &ignored);
    if (!ok)
        return false;
    *advice = json_loadb(out.data, out.len, 0, NULL);
    return *advice || err_set(err, ERR_FAILED, PYTHON " gave no JSON");
}

/* ---- fixes ---- */

struct edit {
    size_t start, end;
    const char *text;
};

/* Lines count from 1, columns are bytes from 0. */
static size_t offset_of(const char *text, json_int_t line, json_int_t column)
{
    size_t at = 0;
    for (; line > 1 && text[at]; line--)
        at += strcspn(text + at, "\n") + 1;
    return at + (size_t)column;
}

static bool read_edit(const char *text, const json_t *fix, struct edit *edit)
{
    json_int_t line, column, end_line, end_column;
    if (json_unpack((json_t *)fix, "[I, I, I, I, s]", &line, &column, &end_line, &end_column,
                    &edit->text) != 0)
        return false;
    edit->start = offset_of(text, line, column);
    edit->end = offset_of(text, end_line, end_column);
    return edit->start < edit->end && edit->end <= strlen(text);
}

static int by_start(const void *a, const void *b)
{
    const struct edit *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

static size_t collect(const char *text, const json_t *findings, const char *path,
                      struct edit **edits)
{
    const json_t *finding, *fix;
    size_t count = 0, i, f;
    *edits = NULL;
    json_array_foreach(findings, i, finding)
    {
        const char *of = json_string_value(json_object_get(finding, "path"));
        if (!of || strcmp(of, path) != 0)
            continue;
        json_array_foreach(json_object_get(finding, "fix"), f, fix)
        {
            *edits = xreallocarray(*edits, count + 1, sizeof(**edits));
            count += read_edit(text, fix, &(*edits)[count]);
        }
    }
    if (count)
        qsort(*edits, count, sizeof(**edits), by_start);
    return count;
}

/* One within another waits for the next time. */
void advice_fix(const char *text, const json_t *findings, const char *path, struct buf *out,
                size_t *count)
{
    struct edit *edits;
    size_t all = collect(text, findings, path, &edits), at = 0;
    *count = 0;
    for (size_t i = 0; i < all; i++) {
        if (edits[i].start < at)
            continue;
        buf_add(out, text + at, edits[i].start - at);
        buf_adds(out, edits[i].text);
        at = edits[i].end;
        (*count)++;
    }
    buf_adds(out, text + at);
    free(edits);
}
