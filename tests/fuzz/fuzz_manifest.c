/* Manifests, with a few files beside them: what is refused is refused at a place in the text, and
 * what is accepted stays in its directory and can be shown. The qstrs and the board are looked at
 * as well. */
#include <unistd.h>

#include "tests/fuzz/fuzz_manifest.h"

#include "builder/board_choice.h"
#include "builder/qstr.h"

/* Behind these links lies what a manifest may not reach. */
static void make_link(const char *target, const char *name)
{
    _cleanup_free_ char *path = path_join(fuzz_dir(), name);
    CHECK(symlink(target, path) == 0);
}

/* The manifest's path; its directory is filled the first time. */
static const char *get_path(void)
{
    static char *path;
    if (path)
        return path;
    fuzz_make_file("outside.py", "");
    fuzz_make_file("p/main.py", "");
    fuzz_make_file("p/src/acme/__init__.py", "");
    fuzz_make_file("p/src/acme/io.py", "");
    fuzz_make_file("p/texts/a.py", "");
    fuzz_make_file("p/vendor/filter.mpy", "M\x06");
    fuzz_make_file("p/cmods/filter/micropython.mk", "");
    fuzz_make_file("p/boards/ACME/mpconfigboard.mk", "");
    fuzz_make_file("p/other/manifest.py", "");
    fuzz_make_file("p/qstrs.txt", "Q(temperature)\nnot a name\nQ(humidity)\nQ(humidity)\n");
    make_link("../outside.py", "p/out.py");
    make_link("..", "p/up");
    make_link("loop", "p/loop");
    path = path_join(fuzz_dir(), "p/m.yaml");
    return path;
}

static const struct interpreter *get_interpreter(void)
{
    static struct interpreter *interpreter;
    struct diags diags = DIAGS_INIT;
    if (!interpreter)
        interpreter = interpreter_load(FIRN_SOURCE_DIR, "micropython", &diags);
    CHECK(interpreter);
    return interpreter;
}

/* Lines as YAML counts them: CR, NEL, LS and PS end one, too. */
static size_t count_lines(const uint8_t *data, size_t size)
{
    size_t lines = 1;
    for (size_t i = 0; i < size; i++) {
        size_t left = size - i;
        bool crlf = data[i] == '\r' && left > 1 && data[i + 1] == '\n';
        bool nel = left > 1 && data[i] == 0xc2 && data[i + 1] == 0x85;
        bool separator =
            left > 2 && data[i] == 0xe2 && data[i + 1] == 0x80 && (data[i + 2] | 1) == 0xa9;
        lines += data[i] == '\n' || (data[i] == '\r' && !crlf) || nel || separator;
    }
    return lines;
}

static void check_diags(const struct diags *diags, size_t lines)
{
    static const size_t qstr_lines = 5;
    CHECK(diags->error_count <= DIAGS_MAX && diags->warning_count <= DIAGS_WARNINGS_MAX);
    for (size_t i = 0; i < diags->error_count; i++) {
        fuzz_check_diag(diags->errors[i], lines);
        CHECK(err_exit_status(diags->errors[i]) == 2);
    }
    for (size_t i = 0; i < diags->warning_count; i++) {
        bool in_list = text_ends_with(diags->warnings[i]->file, "/qstrs.txt");
        fuzz_check_diag(diags->warnings[i], in_list ? qstr_lines : lines);
    }
}

/* ---- what was accepted ---- */

static void check_string(const char *text)
{
    CHECK(!text || fuzz_is_printable(text, strlen(text), ""));
}

static void check_strings(const char *const *items)
{
    for (; items && *items; items++)
        check_string(*items);
}

static void check_entries(const struct config_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        CHECK(entries[i].node && *entries[i].name && entries[i].value);
        check_string(entries[i].name);
        check_string(entries[i].value);
    }
}

/* Is there, and in the manifest's directory, links resolved. */
static void check_beneath(const struct manifest *m, const char *base, const char *path)
{
    _cleanup_free_ char *dir = path_join(m->dir, base);
    _cleanup_free_ char *whole = path_join(dir, path);
    _cleanup_free_ char *real = realpath(whole, NULL);
    CHECK(real && (*m->roots || path_is_beneath(real, m->dir)));
}

static void check_frozen(const struct manifest *m)
{
    for (size_t i = 0; i < m->frozen_count; i++) {
        const struct freeze_entry *entry = &m->frozen[i];
        CHECK(entry->node && entry->name && entry->opt >= -1 && entry->opt <= 3);
        check_string(entry->name);
        check_string(entry->base_path);
        check_string(entry->library);
        check_strings(entry->files);
        if (entry->kind == FREEZE_MODULE || entry->kind == FREEZE_PACKAGE)
            check_beneath(m, entry->base_path, entry->name);
        if (entry->kind == FREEZE_AS_STR || entry->kind == FREEZE_AS_MPY ||
            entry->kind == FREEZE_MPY)
            check_beneath(m, "", entry->name);
    }
}

static void check_fields(const struct manifest *m)
{
    const char *const strings[] = {
        m->product,       m->version,       m->firmware.interpreter, m->firmware.git,
        m->firmware.ref,  m->firmware.path, m->board.port,           m->board.name,
        m->board.variant, m->board.dir,     m->toolchain.name,       m->toolchain.version,
        m->flash.enter,
    };
    for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
        check_string(strings[i]);
    CHECK(m->product && *m->product && !strchr(m->product, '/') && strlen(m->product) <= 64);
    CHECK(m->version && *m->version && !strchr(m->version, '/') && strlen(m->version) <= 64);
    CHECK(!m->firmware.git != !m->firmware.path && !m->firmware.git == !m->firmware.ref);
    CHECK(!m->board.name != !m->board.dir);
    check_strings(m->roots);
    check_strings(m->c_modules);
    check_strings(m->check.imports);
    check_entries(m->defines, m->define_count);
    check_entries(m->make, m->make_count);
}

static void check_paths(const struct manifest *m)
{
    if (m->board.dir)
        check_beneath(m, "", m->board.dir);
    for (size_t i = 0; m->c_modules[i]; i++)
        check_beneath(m, "", m->c_modules[i]);
    for (size_t i = 0; i < m->qstr_count; i++) {
        CHECK(!m->qstrs[i].name != !m->qstrs[i].file);
        check_string(m->qstrs[i].file);
        if (m->qstrs[i].file)
            check_beneath(m, "", m->qstrs[i].file);
    }
}

/* What a build does first with a manifest; each is a success or an error at a place in it. */
static void check_use(const struct manifest *m, size_t lines)
{
    _cleanup_(qstr_list_release) struct qstr_list qstrs = QSTR_LIST_INIT;
    _cleanup_(board_choice_release) struct board_choice board = BOARD_CHOICE_INIT;
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    bool ok = qstr_list_load(&qstrs, m, &diags);
    CHECK(ok == !diags.error_count);
    for (size_t i = 0; i < qstrs.names.count; i++)
        CHECK(!qstr_unfit(qstrs.names.items[i]));
    size_t before = diags.error_count + diags.error_dropped;
    ok = board_choose(&board, m, get_interpreter(), NULL, &diags);
    CHECK(ok == (diags.error_count + diags.error_dropped == before));
    CHECK(!ok || !board.port == !board.target);
    check_diags(&diags, lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = get_path();
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    size_t lines = count_lines(data, size);
    fuzz_write_file(path, data, size);
    _cleanup_(manifest_free_ptr) struct manifest *m = manifest_load(path, &diags);
    CHECK(!m == (diags.error_count > 0));
    check_diags(&diags, lines);
    if (!m)
        return 0;
    check_fields(m);
    check_frozen(m);
    check_paths(m);
    check_use(m, lines);
    return 0;
}
