#include "builder/board_files.h"

#include <fnmatch.h>
#include <string.h>

#include "base/fs.h"
#include "base/text.h"
#include "builder/board_makefile.h"

struct check {
    const struct port *port;
    const char *dir;      /* the board's */
    char *port_dir;       /* or NULL */
    char *port_boards;    /* port->boards_dir there, or NULL */
    const char *makefile; /* its name in board_files, or NULL */
    struct board_makefile mk;
    const struct manifest *manifest;
    struct diags *diags;
};

static bool PRINTF_LIKE(3, 4) fail(const struct check *c, const char *hint, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    _cleanup_free_ char *what = xvasprintf(fmt, ap);
    va_end(ap);
    return manifest_error(c->manifest, c->manifest->board.dir_node, c->diags, hint,
                          "board '%s' is incomplete: %s", c->manifest->board.dir, what);
}

/* ---- files of its directory ---- */

static bool has_match(const char *dir, const char *pattern)
{
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    _cleanup_err_ struct err *ignored = NULL;

    if (!fs_list(dir, &names, &ignored))
        return false;
    for (size_t i = 0; i < names.count; i++) {
        _cleanup_free_ char *path = path_join(dir, names.items[i]);
        if (!fnmatch(pattern, names.items[i], 0) && fs_is_file(path))
            return true;
    }
    return false;
}

/* Names with $(NAME) in them, whose value is not known, are patterns. All that is missing is one
 * error. */
static bool check_own_files(const struct check *c)
{
    _cleanup_(buf_release) struct buf missing = BUF_INIT;

    for (const char *const *file = c->port->board_files; *file; file++) {
        _cleanup_free_ char *name = board_makefile_expand(&c->mk, *file, "*");
        if (!has_match(c->dir, name))
            buf_addf(&missing, "%s%s", missing.len ? ", " : "", name);
    }
    if (!missing.len)
        return true;
    _cleanup_free_ char *hint = xasprintf(
        "copy from a board with the same MCU: 'firn boards --port %s' lists them", c->port->name);
    return fail(c, hint, "it lacks %s", missing.data);
}

/* ---- files that its makefile names ---- */

/* As make sees it from the port's directory and the linker from the port's boards, too. What cannot
 * be looked up counts as found. */
static bool is_found(const struct check *c, const char *path)
{
    if (*path == '/')
        return fs_is_file(path);
    if (!c->port_dir)
        return true;
    _cleanup_free_ char *in_port = path_join(c->port_dir, path);
    _cleanup_free_ char *in_boards = c->port_boards ? path_join(c->port_boards, path) : NULL;
    return fs_is_file(in_port) || (in_boards && fs_is_file(in_boards));
}

/* Up to the space behind a word: not one within a call of a function. */
static size_t word_length(const char *s)
{
    size_t len = 0;
    int depth = 0;

    for (; s[len] && (depth > 0 || !strchr(" \t", s[len])); len++)
        depth += (s[len] == '(' || s[len] == '{') - (s[len] == ')' || s[len] == '}');
    return len;
}

/* The first file in the value that is not there, or NULL. The caller frees. */
static char *first_missing(const struct check *c, const char *value)
{
    while (*value) {
        size_t len = word_length(value);
        _cleanup_free_ char *word = xstrndup(value, len);
        _cleanup_free_ char *path = board_makefile_expand(&c->mk, word, NULL);
        if (len && path && !is_found(c, path))
            return xstrdup(word);
        value += len;
        value += strspn(value, " \t");
    }
    return NULL;
}

/* A file that is beside the makefile was meant relative to it, else the nearest name where it
 * should be. */
static char *hint_missing(const struct check *c, const char *word)
{
    _cleanup_free_ char *beside = path_join(c->dir, path_basename(word));
    _cleanup_free_ char *path = board_makefile_expand(&c->mk, word, NULL);
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    _cleanup_err_ struct err *ignored = NULL;

    if (fs_is_file(beside))
        return xasprintf("paths are relative to the port's directory: write $(%s)/%s",
                         c->port->board_dir_var, path_basename(word));
    _cleanup_free_ char *whole = path_join(c->port_dir ? c->port_dir : "", path);
    _cleanup_free_ char *dir = path_dirname(whole);
    if (!fs_list(dir, &names, &ignored))
        return NULL;
    const char *nearest = text_nearest(path_basename(path), (const char *const *)names.items);
    return nearest ? xasprintf("did you mean '%.*s%s'?", (int)(path_basename(word) - word), word,
                               nearest)
                   : NULL;
}

static bool fail_missing(const struct check *c, const char *var, const char *word)
{
    _cleanup_free_ char *hint = hint_missing(c, word);

    return fail(c, hint, "%s in its %s names '%s', which is not there", var, c->makefile, word);
}

/* Those that surely happen have to be right, of the others one: which one is make's to know. */
static bool check_assignments(const struct check *c, const char *var)
{
    _cleanup_free_ char *missing = NULL;
    bool one_is_right = false;

    for (size_t i = 0; i < c->mk.count; i++) {
        const struct board_assignment *item = &c->mk.items[i];
        if (strcmp(item->name, var) != 0)
            continue;
        char *word = first_missing(c, item->value);
        if (word && !item->conditional) {
            bool ok = fail_missing(c, var, word);
            free(word);
            return ok;
        }
        one_is_right |= item->conditional && !word;
        free(missing);
        missing = word;
    }
    return one_is_right || !missing || fail_missing(c, var, missing);
}

static bool check_named_files(const struct check *c)
{
    bool ok = true;

    for (const char *const *var = c->port->board_file_vars; *var; var++) {
        if (manifest_make_value(c->manifest, *var))
            continue; /* the command line's value counts for make, not the makefile's */
        if (board_makefile_sets(&c->mk, *var))
            ok &= check_assignments(c, *var);
        else if (!c->mk.incomplete)
            ok = fail(c, NULL, "its %s sets no %s", c->makefile, *var);
    }
    return ok;
}

/* ---- both ---- */

/* What make knows of the board when it reads its makefile. */
static void set_known(struct check *c)
{
    board_makefile_set(&c->mk, c->port->board_dir_var, c->dir);
    if (c->port->board_var)
        board_makefile_set(&c->mk, c->port->board_var, path_basename(c->dir));
}

static const char *makefile_of(const struct port *port)
{
    for (const char *const *file = port->board_files; *file; file++)
        if (text_ends_with(*file, ".mk"))
            return *file;
    return NULL;
}

static bool check_all(struct check *c)
{
    _cleanup_free_ char *path = c->makefile ? path_join(c->dir, c->makefile) : NULL;
    _cleanup_err_ struct err *err = NULL;

    set_known(c);
    if (!path || !fs_is_file(path))
        return check_own_files(c);
    if (!board_makefile_load(&c->mk, path, c->port_dir, &err))
        return fail(c, NULL, "%s", err->message);
    bool ok = check_own_files(c);
    return check_named_files(c) && ok;
}

bool board_files_check(const struct port *port, const char *dir, const char *source_dir,
                       const struct manifest *manifest, struct diags *diags)
{
    _cleanup_free_ char *port_dir = source_dir ? path_join(source_dir, port->dir) : NULL;
    _cleanup_free_ char *boards =
        source_dir && port->boards_dir ? path_join(source_dir, port->boards_dir) : NULL;
    struct check c = {.port = port,
                      .dir = dir,
                      .port_dir = port_dir,
                      .port_boards = boards,
                      .makefile = makefile_of(port),
                      .mk = BOARD_MAKEFILE_INIT,
                      .manifest = manifest,
                      .diags = diags};
    bool ok = check_all(&c);

    board_makefile_release(&c.mk);
    return ok;
}

void board_files_variants(const struct port *port, const char *dir, struct strv *names)
{
    _cleanup_(strv_release) struct strv files = STRV_INIT;
    _cleanup_err_ struct err *ignored = NULL;
    const char *star = port->board_variant_files ? strchr(port->board_variant_files, '*') : NULL;

    if (!star || !fs_list(dir, &files, &ignored))
        return;
    size_t before = (size_t)(star - port->board_variant_files), behind = strlen(star + 1);
    for (size_t i = 0; i < files.count; i++) {
        const char *file = files.items[i];
        if (fnmatch(port->board_variant_files, file, 0) != 0)
            continue;
        _cleanup_free_ char *name = xstrndup(file + before, strlen(file) - before - behind);
        if (interpreter_is_name(name))
            strv_add(names, name);
    }
    strv_sort(names);
}
