/* Files of qstrs, as a manifest's qstrs: {file: ...} names them: whole files, and their lines one
 * by one. */
#include "tests/fuzz/fuzz_dir.h"
#include "tests/fuzz/fuzz_manifest.h"

#include "builder/qstr.h"

static const char MANIFEST[] = "firn: 1\nproduct: fuzz\nversion: 1.0\n"
                               "firmware: {git: https://example.com/m.git, ref: v1}\n"
                               "board: PYBV11\nqstrs: [{file: qstrs.txt}, {file: qstrs.txt}]\n";

/* Names it twice: all of the second reading is removed. Made once. */
static const struct manifest *get_manifest(void)
{
    static struct manifest *manifest;
    _cleanup_free_ char *path = path_join(fuzz_dir(), "m.yaml");
    struct diags diags = DIAGS_INIT;
    if (manifest)
        return manifest;
    fuzz_write_file(path, MANIFEST, strlen(MANIFEST));
    fuzz_make_file("qstrs.txt", "");
    manifest = manifest_load(path, &diags);
    CHECK(manifest && !diags.error_count);
    return manifest;
}

/* A line is a name, a reason why it is none, or nothing; a name that is written as MicroPython
 * prints it is read as the same name. */
static void check_line(const char *line, size_t len)
{
    const char *reason = "unset", *again_reason;
    _cleanup_free_ char *name = qstr_parse_line(line, len, &reason);
    CHECK(!name || !reason);
    if (!name)
        return;
    CHECK(!qstr_unfit(name));
    _cleanup_free_ char *again_line = xasprintf("Q(%s)", name);
    _cleanup_free_ char *again = qstr_parse_line(again_line, strlen(again_line), &again_reason);
    CHECK(again && !again_reason && strcmp(again, name) == 0);
}

static size_t check_lines(const char *text, size_t len)
{
    size_t lines = 0, n;
    for (; len; text += n, len -= n, lines++) {
        const char *end = memchr(text, '\n', len);
        size_t line = end ? (size_t)(end - text) : len;
        check_line(text, line);
        n = line + (end ? 1 : 0);
    }
    return lines;
}

/* An unsigned integer of a .mpy file. */
static size_t read_uint(const char **at, const char *end)
{
    size_t value = 0;
    do {
        CHECK(*at < end);
        value = value << 7 | (**at & 0x7f);
    } while (*(*at)++ & 0x80);
    return value;
}

/* The qstrs in the table of a .mpy file, as mpy-tool.py reads it. */
static void read_mpy(const struct buf *mpy, struct strv *names)
{
    const char *at = mpy->data + 4, *end = mpy->data + mpy->len;
    size_t count = read_uint(&at, end), objects = read_uint(&at, end);
    CHECK(!objects);
    while (count--) {
        size_t len = read_uint(&at, end);
        CHECK(!(len & 1) && (len >> 1) < (size_t)(end - at) && strlen(at) == len >> 1);
        strv_add(names, at);
        at += (len >> 1) + 1;
    }
    size_t code = read_uint(&at, end);
    CHECK(code >> 3 == (size_t)(end - at) && !(code & 7));
}

/* Q(...) lines: each is one line of what the C preprocessor takes for a string. */
static void read_defs(const char *defs, struct strv *names)
{
    for (const char *end; *defs; defs = end + 1) {
        end = strchr(defs, '\n');
        CHECK(end && text_starts_with(defs, "Q(") && end[-1] == ')');
        _cleanup_free_ char *name = xstrndup(defs + 2, (size_t)(end - defs) - 3);
        CHECK(!strchr(name, '"') && fuzz_has_no_controls(name));
        strv_add(names, name);
    }
}

/* The file holds every name, once, behind its own. */
static void check_mpy(const struct qstr_list *list)
{
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    _cleanup_(buf_release) struct buf mpy = BUF_INIT;
    CHECK(qstr_mpy(list, "own.py", &mpy) == (list->names.count > 0));
    if (!mpy.len)
        return;
    read_mpy(&mpy, &names);
    CHECK(names.count == list->names.count + 1 && strcmp(names.items[0], "own.py") == 0);
    for (size_t i = 0; i < list->names.count; i++)
        CHECK(strcmp(names.items[i + 1], list->names.items[i]) == 0);
}

/* For a port without frozen modules. */
static void check_all_defs(const struct qstr_list *list)
{
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    const char *unfit;
    _cleanup_free_ char *defs = qstr_all_defs(list, &unfit);
    CHECK(!(defs && unfit) && (defs || unfit || !list->names.count));
    if (!defs)
        return;
    read_defs(defs, &names);
    CHECK(names.count == list->names.count);
    for (size_t i = 0; i < names.count; i++)
        CHECK(strcmp(names.items[i], list->names.items[i]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct manifest *manifest = get_manifest();
    _cleanup_(qstr_list_release) struct qstr_list list = QSTR_LIST_INIT;
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    _cleanup_free_ char *path = path_join(fuzz_dir(), "qstrs.txt");
    size_t lines = check_lines((const char *)data, size);
    fuzz_write_file(path, data, size);
    CHECK(qstr_list_load(&list, manifest, &diags) && !diags.error_count);
    for (size_t i = 0; i < diags.warning_count; i++)
        fuzz_check_diag(diags.warnings[i],
                        diags.warnings[i]->source_line &&
                                text_starts_with(diags.warnings[i]->message, "line removed")
                            ? lines
                            : manifest->doc.line_count);
    CHECK(list.names.count <= lines);
    for (size_t i = 0; i < list.names.count; i++) {
        CHECK(!qstr_unfit(list.names.items[i]));
        CHECK(i == 0 || strcmp(list.names.items[i - 1], list.names.items[i]) < 0);
    }
    check_mpy(&list);
    check_all_defs(&list);
    return 0;
}
