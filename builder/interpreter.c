#include "builder/interpreter.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/text.h"

void interpreter_free(struct interpreter *interpreter)
{
    if (!interpreter)
        return;
    ydoc_release(&interpreter->doc);
    free(interpreter);
}

const struct port *interpreter_port(const struct interpreter *interpreter, const char *name)
{
    for (size_t i = 0; i < interpreter->port_count; i++) {
        if (!strcmp(interpreter->ports[i].name, name))
            return &interpreter->ports[i];
    }
    return NULL;
}

static bool lists_board(const struct port *port, const char *board)
{
    for (size_t i = 0; port->board_names[i]; i++) {
        if (!strcmp(port->board_names[i], board))
            return true;
    }
    return false;
}

bool interpreter_is_name(const char *name)
{
    size_t len = 0;

    while (isalnum((unsigned char)name[len]) || (name[len] && strchr("_-+.", name[len])))
        len++;
    return isalnum((unsigned char)*name) && !name[len];
}

bool interpreter_is_board(const struct port *port, const char *dir)
{
    if (!port->board_files[0])
        return fs_is_dir(dir);
    _cleanup_free_ char *path = path_join(dir, port->board_files[0]);
    return fs_is_file(path);
}

void interpreter_list_boards(const struct port *port, const char *source_dir, struct strv *names)
{
    _cleanup_(strv_release) struct strv entries = STRV_INIT;
    _cleanup_err_ struct err *ignored = NULL;

    if (!source_dir || !port->boards_dir) {
        strv_add_all(names, port->board_names);
        return;
    }
    _cleanup_free_ char *dir = path_join(source_dir, port->boards_dir);
    if (!fs_list(dir, &entries, &ignored))
        return;
    for (size_t i = 0; i < entries.count; i++) {
        _cleanup_free_ char *path = path_join(dir, entries.items[i]);
        if (interpreter_is_name(entries.items[i]) && interpreter_is_board(port, path))
            strv_add(names, entries.items[i]);
    }
}

static bool holds_board(const struct port *port, const char *source_dir, const char *board)
{
    if (!source_dir || !port->boards_dir || strchr(board, '/') || board[0] == '.')
        return false;
    _cleanup_free_ char *path = xasprintf("%s/%s/%s", source_dir, port->boards_dir, board);
    return interpreter_is_board(port, path);
}

const struct port *interpreter_find_board(const struct interpreter *interpreter,
                                          const char *source_dir, const char *board,
                                          size_t *matches)
{
    const struct port *found = NULL;
    *matches = 0;
    for (int in_source = 0; in_source < 2 && *matches == 0; in_source++) {
        for (size_t i = 0; i < interpreter->port_count; i++) {
            const struct port *port = &interpreter->ports[i];
            if (in_source ? holds_board(port, source_dir, board) : lists_board(port, board)) {
                found = port;
                ++*matches;
            }
        }
    }
    return *matches == 1 ? found : NULL;
}

const char *interpreter_nearest_board(const struct interpreter *interpreter,
                                      const struct port *port, const char *board)
{
    if (port)
        return text_nearest(board, port->board_names);
    size_t count = 0, total = 0;
    for (size_t i = 0; i < interpreter->port_count; i++) {
        for (size_t j = 0; interpreter->ports[i].board_names[j]; j++)
            total++;
    }
    _cleanup_free_ const char **names = xcalloc(total + 1, sizeof(*names));
    for (size_t i = 0; i < interpreter->port_count; i++) {
        for (size_t j = 0; interpreter->ports[i].board_names[j]; j++)
            names[count++] = interpreter->ports[i].board_names[j];
    }
    return text_nearest(board, names);
}

const struct target *interpreter_target(const struct port *port, const char *board)
{
    for (size_t i = 0; i < port->board_count; i++) {
        if (board && !strcmp(port->boards[i].name, board))
            return &port->boards[i].target;
    }
    return &port->target;
}
