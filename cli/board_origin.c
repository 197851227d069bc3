#include "cli/board_origin.h"

#include <string.h>

#include "base/text.h"

#define SHORT_COMMIT 10

void board_origin_add(const struct board_origin *origin, struct buf *out)
{
    const char *what = origin->path      ? origin->path
                       : origin->archive ? origin->version
                                         : origin->ref;
    buf_addf(out, "%s ", origin->interpreter);
    text_add_printable(out, what, strlen(what));
    if (origin->commit)
        buf_addf(out, " (%.*s)", SHORT_COMMIT, origin->commit);
}

static void add_quoted(struct buf *out, const char *text)
{
    json_t *string = json_string(text);
    _cleanup_free_ char *quoted = json_dumps(string, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

    json_decref(string);
    buf_adds(out, quoted ? quoted : "\"\"");
}

static void add_key(struct buf *out, const char *before, const char *key, const char *value)
{
    if (!value)
        return;
    buf_addf(out, "%s%s: ", before, key);
    add_quoted(out, value);
}

static void add_source(struct buf *out, const struct board_origin *origin)
{
    add_key(out, "", "path", origin->path);
    add_key(out, "", "archive", origin->archive);
    add_key(out, ", ", "sha256", origin->sha256);
    add_key(out, "", "git", origin->git);
    add_key(out, ", ", "ref", origin->ref);
}

void board_origin_add_snippet(const struct board_origin *origin, const struct board_entry *board,
                              struct buf *out)
{
    buf_addf(out, "\nIn a manifest ('firn init %s/%s' writes one):\n  firmware: {",
             board->port_name, board->name);
    add_source(out, origin);
    buf_addf(out, "}\n  board: {port: %s, name: %s}\n", board->port_name, board->name);
    if (board->variants.count)
        buf_addf(out, "  # or: board: {port: %s, name: %s, variant: %s}\n", board->port_name,
                 board->name, board->variants.items[0]);
}
