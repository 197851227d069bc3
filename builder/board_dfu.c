/*
 * The rule, and what it rests on in MicroPython's stm32 port (v1.25.0):
 *
 * - board.json names pages in "deploy". 54 of 67 boards share ../deploy.md, which tells of ST-Link
 *   and then: "Boards with USB support can also be programmed via the ST DFU bootloader". The
 * others have pages of their own, most of which tell of DFU, too. So a page has to mention DFU, and
 * where it does, the board has to have USB.
 * - Whether USB leads to a connector is not in board.json ("features" has "USB" for a few boards
 *   only). The header says it: MICROPY_HW_ENABLE_USB is 1, and 0 or missing on Nucleo boards that
 *   have nothing but ST-Link. The ROM's boot loader uses the same pins. Some headers take it from
 *   another board's by #include.
 * - A board without board.json, or one without pages, is taken for what its header says.
 */
#include "builder/board_dfu.h"

#include <ctype.h>
#include <string.h>

#include "base/fs.h"
#include "base/text.h"

#define PAGE_MAX_BYTES (256 * 1024)
#define HEADER_MAX_BYTES (256 * 1024)
#define MAX_HEADERS 16 /* a header and those that it includes */

/* ---- pages ---- */

static bool page_mentions_dfu(const char *source_dir, const char *board_path, const char *page)
{
    _cleanup_free_ char *path = path_join(board_path, page);
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_err_ struct err *ignored = NULL;

    return fs_read_beneath(source_dir, path, PAGE_MAX_BYTES, &text, &ignored) &&
           memmem(text.data, text.len, "DFU", strlen("DFU"));
}

static bool pages_mention_dfu(const char *source_dir, const char *board_path,
                              const struct board_json *json)
{
    for (const char *const *page = json->deploy; *page; page++)
        if (page_mentions_dfu(source_dir, board_path, *page))
            return true;
    return !json->deploy[0];
}

/* ---- headers ---- */

struct search {
    const char *source_dir, *dir, *macro;
    unsigned headers; /* read so far */
    int value;
};

/* What follows a word and the space around it, or NULL. */
static const char *after(const char *line, const char *word)
{
    line += strspn(line, " \t");
    if (!text_starts_with(line, word))
        return NULL;
    line += strlen(word);
    return line + strspn(line, " \t");
}

static void take_define(struct search *s, const char *definition)
{
    size_t len = strlen(s->macro);

    if (strncmp(definition, s->macro, len) != 0 || !strchr(" \t\r", definition[len]))
        return; /* another macro, one that begins alike, or one with parameters */
    const char *value = definition + len + strspn(definition + len, "( \t");
    s->value = *value == '1' && !isalnum((unsigned char)value[1]);
}

static void read_header(struct search *s, const char *path);

static void take_include(struct search *s, const char *quoted, const char *header)
{
    size_t len = strcspn(quoted, "\"");
    _cleanup_free_ char *name = xstrndup(quoted, len);
    _cleanup_free_ char *own_dir = path_dirname(header);
    _cleanup_free_ char *beside = path_join(own_dir, name);
    _cleanup_free_ char *below = path_join(s->dir, name);
    unsigned before = s->headers;

    if (!*name || *name == '/')
        return;
    read_header(s, beside);
    if (s->headers == before)
        read_header(s, below);
}

static void take_line(struct search *s, const char *line, const char *header)
{
    const char *directive = after(line, "#");
    const char *definition = directive ? after(directive, "define") : NULL;
    const char *included = directive ? after(directive, "include") : NULL;

    if (definition)
        take_define(s, definition);
    else if (included && *included == '"')
        take_include(s, included + 1, header);
}

/* Counts it if it is there. */
static void read_header(struct search *s, const char *path)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_err_ struct err *ignored = NULL;
    char *rest = NULL;

    if (s->headers >= MAX_HEADERS ||
        !fs_read_beneath(s->source_dir, path, HEADER_MAX_BYTES, &text, &ignored))
        return;
    s->headers++;
    for (char *line = strtok_r(text.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        take_line(s, line, path);
}

int board_dfu_macro(const char *source_dir, const char *header, const char *dir, const char *macro)
{
    struct search s = {source_dir, dir, macro, 0, -1};

    read_header(&s, header);
    return s.value;
}

static bool uses_usb(const struct port *port, const char *source_dir, const char *board_path)
{
    const char *const *file = port->board_files;

    if (!port->board_usb_macro)
        return true;
    while (*file && !text_ends_with(*file, ".h"))
        file++;
    if (!*file)
        return true;
    _cleanup_free_ char *header = path_join(board_path, *file);
    return board_dfu_macro(source_dir, header, port->dir, port->board_usb_macro) == 1;
}

bool board_dfu(const struct port *port, const char *name, const char *source_dir,
               const char *board_path, const struct board_json *json)
{
    const struct target *target = interpreter_target(port, name);

    if (!target->usb_vendor || !target->has_image)
        return false;
    return !board_path || (uses_usb(port, source_dir, board_path) &&
                           pages_mention_dfu(source_dir, board_path, json));
}
