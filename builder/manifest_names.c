#include "builder/manifest_names.h"

#include <string.h>

#include "base/fs.h"
#include "base/text.h"
#include "builder/archive_source.h"
#include "builder/board_choice.h"
#include "builder/source.h"

/* Is there data/<folder>/<name>.yaml? */
static bool check_definition(const struct manifest *m, const struct config *config,
                             const char *folder, const char *what, const char *name,
                             const struct ynode *node, struct diags *diags)
{
    _cleanup_free_ char *dir = path_join(config->data, folder);
    _cleanup_(strv_release) struct strv files = STRV_INIT, names = STRV_INIT;
    _cleanup_err_ struct err *err = NULL;

    if (!fs_list(dir, &files, &err)) {
        diags_take_error(diags, err);
        err = NULL;
        return false;
    }
    for (size_t i = 0; i < files.count; i++)
        if (text_ends_with(files.items[i], ".yaml"))
            strv_addf(&names, "%.*s", (int)strlen(files.items[i]) - 5, files.items[i]);
    if (strv_contains(&names, name))
        return true;
    const char *nearest = text_nearest(name, (const char *const *)names.items);
    _cleanup_free_ char *hint = nearest ? xasprintf("did you mean '%s'?", nearest)
                                        : xasprintf("%s holds those that are known", dir);
    return manifest_error(m, node, diags, hint, "unknown %s '%s'", what, name);
}

static bool is_listed(const struct port *port, const char *name)
{
    for (const char *const *board = port->board_names; *board; board++)
        if (!strcmp(*board, name))
            return true;
    return false;
}

/* A checkout of the manifest's ref that an earlier build left, or NULL. */
static char *find_checkout(const struct manifest *m, const struct config *config)
{
    const struct source_options options = {.offline = true};
    _cleanup_(source_release) struct source source = SOURCE_INIT;
    _cleanup_free_ char *dir = path_join(config->home, "src");
    _cleanup_err_ struct err *err = NULL;

    if (m->firmware.path)
        return path_join(m->dir, m->firmware.path);
    if (m->firmware.archive)
        return archive_source_find(config, m->firmware.archive, m->firmware.sha256);
    if (!fs_is_dir(dir) ||
        !source_resolve(config, m->firmware.git, m->firmware.ref, &options, NULL, &source, &err))
        return NULL;
    return source_find_checkout(config, &source);
}

/* A board that the definition does not list, and no sources to look it up in. */
static bool judge_unlisted(const struct manifest *m, const struct interpreter *interpreter,
                           const struct port *port, struct diags *diags)
{
    const char *nearest = interpreter_nearest_board(interpreter, port, m->board.name);
    _cleanup_free_ char *hint = nearest ? xasprintf("did you mean '%s'?", nearest) : NULL;

    if (hint)
        return manifest_error(m, m->board.name_node, diags, hint, "unknown board '%s'",
                              m->board.name);
    ynode_warning(&m->doc, m->board.name_node, diags, "the build looks for it in the sources",
                  "firn does not know the board '%s'", m->board.name);
    return true;
}

static bool check_board(const struct manifest *m, const struct interpreter *interpreter,
                        const struct config *config, struct diags *diags)
{
    _cleanup_(board_choice_release) struct board_choice board = BOARD_CHOICE_INIT;

    if (m->board.dir) {
        _cleanup_free_ char *found = find_checkout(m, config);
        return board_choose(&board, m, interpreter, found, diags);
    }
    if (!board_choose(&board, m, interpreter, NULL, diags))
        return false;
    bool listed = board.port && is_listed(board.port, m->board.name);
    if (listed && !m->board.variant)
        return true;
    _cleanup_free_ char *source_dir = find_checkout(m, config);
    if (source_dir)
        return board_choose(&board, m, interpreter, source_dir, diags);
    return listed || judge_unlisted(m, interpreter, board.port, diags);
}

static bool check_interpreter(const struct manifest *m, const struct config *config,
                              struct diags *diags)
{
    const char *name = m->firmware.interpreter;
    const struct ynode *node = ynode_get(m->firmware.node, "interpreter");

    if (!check_definition(m, config, "firmware-src", "interpreter", name,
                          node ? node : m->firmware.node, diags))
        return false;
    _cleanup_(interpreter_free_ptr) struct interpreter *interpreter =
        interpreter_load(config->data, name, diags);
    return interpreter && check_board(m, interpreter, config, diags);
}

bool manifest_check_names(const struct manifest *manifest, const struct config *config,
                          struct diags *diags)
{
    bool ok = check_interpreter(manifest, config, diags);

    if (manifest->toolchain.name)
        ok &= check_definition(manifest, config, "toolchains", "toolchain",
                               manifest->toolchain.name, manifest->toolchain.node, diags);
    return ok;
}
