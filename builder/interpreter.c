#include "builder/interpreter.h"

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

static bool holds_board(const struct port *port, const char *source_dir, const char *board)
{
    if (!source_dir || !port->boards_dir || strchr(board, '/') || board[0] == '.')
        return false;
    _cleanup_free_ char *path = xasprintf("%s/%s/%s", source_dir, port->boards_dir, board);
    return fs_is_dir(path);
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
