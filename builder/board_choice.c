#include "builder/board_choice.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/text.h"
#include "builder/board_files.h"

/* "'qemu', 'unix' and others" would hide the one that is looked for: all of them. */
static bool unknown_port(const struct manifest *manifest, const struct interpreter *interpreter,
                         struct diags *diags)
{
    _cleanup_free_ const char **names = xcalloc(interpreter->port_count + 1, sizeof(*names));
    _cleanup_(buf_release) struct buf hint = BUF_INIT;
    for (size_t i = 0; i < interpreter->port_count; i++)
        names[i] = interpreter->ports[i].name;
    const char *nearest = text_nearest(manifest->board.port, names);
    if (nearest) {
        buf_addf(&hint, "did you mean '%s'?", nearest);
    } else {
        buf_adds(&hint, "there are:");
        for (size_t i = 0; i < interpreter->port_count; i++)
            buf_addf(&hint, "%s %s", i ? "," : "", names[i]);
    }
    return manifest_error(manifest, manifest->board.port_node, diags, hint.data,
                          "unknown port '%s'", manifest->board.port);
}

static const char *nearest_board(const struct interpreter *interpreter, const struct port *port,
                                 const char *source_dir, const char *name, struct strv *names)
{
    if (!port)
        return interpreter_nearest_board(interpreter, port, name);
    interpreter_list_boards(port, source_dir, names);
    return text_nearest(name, (const char *const *)names->items);
}

static bool unknown_board(const struct board_choice *board, const struct manifest *manifest,
                          const struct interpreter *interpreter, const char *source_dir,
                          struct diags *diags)
{
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    _cleanup_free_ char *hint = NULL;
    const char *name = manifest->board.name;
    const char *nearest = nearest_board(interpreter, board->port, source_dir, name, &names);
    if (nearest)
        hint = xasprintf("did you mean '%s'?", nearest);
    else if (board->port && board->port->boards_dir)
        hint = xasprintf("the source's boards are the directories of %s", board->port->boards_dir);
    return manifest_error(manifest, manifest->board.name_node, diags, hint, "unknown board '%s'",
                          name);
}

/* A board inside the source, of a port that is named. */
static bool check_board(const struct board_choice *board, const struct manifest *manifest,
                        const struct interpreter *interpreter, const char *source_dir,
                        struct diags *diags)
{
    if (!board->port->boards_dir) {
        for (size_t i = 0; board->port->board_names[i]; i++) {
            if (!strcmp(board->port->board_names[i], board->name))
                return true;
        }
        return unknown_board(board, manifest, interpreter, source_dir, diags);
    }
    if (!source_dir)
        return true;
    _cleanup_free_ char *dir =
        xasprintf("%s/%s/%s", source_dir, board->port->boards_dir, board->name);
    return interpreter_is_board(board->port, dir) ||
           unknown_board(board, manifest, interpreter, source_dir, diags);
}

static bool find_port(struct board_choice *board, const struct manifest *manifest,
                      const struct interpreter *interpreter, const char *source_dir,
                      struct diags *diags)
{
    size_t matches = 0;
    const char *name = manifest->board.name;
    board->port = interpreter_find_board(interpreter, source_dir, name, &matches);
    if (matches > 1)
        return manifest_error(manifest, manifest->board.name_node, diags,
                              "write {port: ..., name: ...}", "%zu ports have a board '%s'",
                              matches, name);
    if (!board->port && source_dir)
        return unknown_board(board, manifest, interpreter, source_dir, diags);
    return true;
}

static bool choose_dir(struct board_choice *board, const struct manifest *manifest,
                       const char *source_dir, struct diags *diags)
{
    const struct ynode *node = manifest->board.dir_node;
    if (!board->port)
        return manifest_error(manifest, node, diags, "write {port: stm32, dir: ...}",
                              "a board outside the source needs its port");
    if (!board->port->board_dir_var)
        return manifest_error(manifest, node, diags, NULL,
                              "port '%s' takes no board from outside the source",
                              board->port->name);
    board->dir = manifest_path(manifest, node, manifest->board.dir, diags);
    board->name = board->dir ? path_basename(board->dir) : NULL;
    return board->dir && board_files_check(board->port, board->dir, source_dir, manifest, diags);
}

static char *path_in_source(const struct board_choice *board, const char *source_dir)
{
    if (!source_dir || !board->port->boards_dir || !board->name)
        return NULL;
    return xasprintf("%s/%s/%s", source_dir, board->port->boards_dir, board->name);
}

static bool unknown_variant(const struct board_choice *board, const struct manifest *manifest,
                            const struct strv *names, struct diags *diags)
{
    const char *nearest = text_nearest(board->variant, (const char *const *)names->items);
    _cleanup_(buf_release) struct buf hint = BUF_INIT;
    if (nearest)
        buf_addf(&hint, "did you mean '%s'?", nearest);
    else
        buf_adds(&hint, names->count ? "there are:" : "it has none");
    for (size_t i = 0; !nearest && i < names->count; i++)
        buf_addf(&hint, "%s %s", i ? "," : "", names->items[i]);
    return manifest_error(manifest, manifest->board.variant_node, diags, hint.data,
                          "board '%s' has no variant '%s'", board->name, board->variant);
}

/* A variant is a file of the board's directory, which may be in a checkout that is not there. */
static bool check_variant(const struct board_choice *board, const struct manifest *manifest,
                          const char *source_dir, struct diags *diags)
{
    if (!board->variant)
        return true;
    if (!board->port->board_variant_var)
        return manifest_error(manifest, manifest->board.variant_node, diags, NULL,
                              "port '%s' has no board variants", board->port->name);
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    _cleanup_free_ char *dir = board_choice_path(board, source_dir);
    if (!dir || !board->port->board_variant_files)
        return true;
    board_files_variants(board->port, dir, &names);
    return strv_contains(&names, board->variant) || unknown_variant(board, manifest, &names, diags);
}

/* The boot loader's variables follow from mboot:, for it and the program alike. */
static bool check_bootloader_vars(const struct manifest *manifest, const struct bootloader_def *def,
                                  struct diags *diags)
{
    bool ok = true;
    for (size_t i = 0; i < manifest->make_count; i++) {
        const struct config_entry *entry = &manifest->make[i];
        bool taken = !strcmp(entry->name, def->packing_var) || !strcmp(entry->name, def->keys_var);
        for (size_t v = 0; v < def->make_count; v++)
            taken |= !strcmp(entry->name, def->make[v].name);
        if (taken)
            ok = manifest_error(manifest, entry->node, diags, "leave it out of config.make",
                                "%s follows from mboot:", entry->name);
    }
    return ok;
}

static bool check_bootloader(const struct board_choice *board, const struct manifest *manifest,
                             struct diags *diags)
{
    if (!manifest_has_bootloader(manifest))
        return true;
    if (!board->port->bootloader || !board->target->has_image)
        return manifest_error(
            manifest, manifest->mboot.node, diags, "leave mboot: out for this port",
            "port '%s' has no boot loader that could be built", board->port->name);
    return check_bootloader_vars(manifest, board->port->bootloader, diags);
}

bool board_choose(struct board_choice *board, const struct manifest *manifest,
                  const struct interpreter *interpreter, const char *source_dir,
                  struct diags *diags)
{
    board_choice_release(board);
    if (manifest->board.port) {
        board->port = interpreter_port(interpreter, manifest->board.port);
        if (!board->port)
            return unknown_port(manifest, interpreter, diags);
    }
    board->variant = manifest->board.variant;
    if (manifest->board.dir) {
        if (!choose_dir(board, manifest, source_dir, diags))
            return false;
    } else if (board->port) {
        board->name = manifest->board.name ? manifest->board.name : board->port->default_board;
        if (board->name && !check_board(board, manifest, interpreter, source_dir, diags))
            return false;
    } else {
        board->name = manifest->board.name;
        if (!find_port(board, manifest, interpreter, source_dir, diags))
            return false;
    }
    if (board->port && !check_variant(board, manifest, source_dir, diags))
        return false;
    if (!board->port)
        return true;
    board->target = interpreter_target(board->port, board->name);
    return check_bootloader(board, manifest, diags);
}

void board_choice_release(struct board_choice *board)
{
    free(board->dir);
    board->port = NULL;
    board->target = NULL;
    board->name = board->variant = NULL;
    board->dir = NULL;
}

static void add_bootloader_vars(const struct bootloader_def *def, const struct manifest *manifest,
                                struct strv *vars)
{
    if (!manifest_has_bootloader(manifest))
        return;
    for (size_t i = 0; i < def->make_count; i++)
        strv_addf(vars, "%s=%s", def->make[i].name, def->make[i].value);
    if (manifest->mboot.keys)
        strv_addf(vars, "%s=1", def->packing_var);
}

void board_choice_vars(const struct board_choice *board, const struct manifest *manifest,
                       struct strv *vars)
{
    const struct port *port = board->port;
    if (port->board_var)
        strv_addf(vars, "%s=%s", port->board_var, board->name);
    if (board->dir)
        strv_addf(vars, "%s=%s", port->board_dir_var, board->dir);
    if (board->variant)
        strv_addf(vars, "%s=%s", port->board_variant_var, board->variant);
    for (size_t i = 0; i < board->target->make_count; i++) {
        const struct make_var *var = &board->target->make[i];
        if (!manifest_make_value(manifest, var->name))
            strv_addf(vars, "%s=%s", var->name, var->value);
    }
    add_bootloader_vars(port->bootloader, manifest, vars);
    for (size_t i = 0; i < manifest->make_count; i++) {
        const struct config_entry *var = &manifest->make[i];
        if (strcmp(var->name, port->cflags_var) != 0)
            strv_addf(vars, "%s=%s", var->name, var->value);
    }
}

const char *board_choice_cflags(const struct board_choice *board, const struct manifest *manifest)
{
    const char *flags = manifest_make_value(manifest, board->port->cflags_var);
    return flags ? flags : "";
}

char *board_choice_path(const struct board_choice *board, const char *source_dir)
{
    return board->dir ? xstrdup(board->dir) : path_in_source(board, source_dir);
}
