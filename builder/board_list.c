#include "builder/board_list.h"

#include <string.h>
#include <strings.h>

#include "base/fs.h"
#include "base/text.h"
#include "builder/board_dfu.h"
#include "builder/board_files.h"

#define PORTS_DIR "ports" /* of ports that the definition does not know */

static void entry_release(struct board_entry *board)
{
    free(board->name);
    free(board->port_name);
    free(board->path);
    board_json_release(&board->json);
    strv_release(&board->variants);
}

void board_list_release(struct board_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        entry_release(&list->items[i]);
    free(list->items);
    *list = (struct board_list)BOARD_LIST_INIT;
}

/* ---- reading ---- */

struct reader {
    struct board_list *list;
    const struct interpreter *interpreter;
    const char *source_dir;
    struct diags *diags;
};

static void warn(const struct reader *r, struct err *err)
{
    err_hint(&err, "the board is listed without it");
    diags_take_warning(r->diags, err);
}

/* Links are not followed: a checkout may hold any. */
static void read_json(const struct reader *r, struct board_entry *board)
{
    _cleanup_free_ char *path = path_join(board->path, "board.json");
    _cleanup_free_ char *whole = path_join(r->source_dir, path);
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    struct err *err = NULL;

    if (fs_exists(whole) &&
        !(fs_read_beneath(r->source_dir, path, BOARD_JSON_MAX_BYTES, &text, &err) &&
          board_json_parse(&board->json, path, text.data, text.len, &err)))
        warn(r, err);
}

/* make goes by the files, wherever they can be listed. */
static void read_variants(const struct reader *r, struct board_entry *board)
{
    if (board->port) {
        _cleanup_free_ char *dir = path_join(r->source_dir, board->path);
        board_files_variants(board->port, dir, &board->variants);
        return;
    }
    for (size_t i = 0; i < board->json.variant_count; i++)
        strv_add(&board->variants, board->json.variants[i].name);
}

/* path: yours to give; NULL for a board that is no directory. */
static void add_board(const struct reader *r, const struct port *port, const char *port_name,
                      const char *name, char *path)
{
    struct board_list *list = r->list;
    list->items = xreallocarray(list->items, list->count + 1, sizeof(*list->items));
    struct board_entry *board = &list->items[list->count++];

    *board = (struct board_entry){.name = xstrdup(name),
                                  .port_name = xstrdup(port_name),
                                  .path = path,
                                  .port = port,
                                  .target = port ? interpreter_target(port, name) : NULL,
                                  .json = BOARD_JSON_INIT,
                                  .variants = STRV_INIT};
    if (path) {
        read_json(r, board);
        read_variants(r, board);
    }
    board->dfu = port && board_dfu(port, name, r->source_dir, path, &board->json);
}

static void add_port(const struct reader *r, const struct port *port)
{
    _cleanup_(strv_release) struct strv names = STRV_INIT;

    interpreter_list_boards(port, r->source_dir, &names);
    for (size_t i = 0; i < names.count; i++)
        add_board(r, port, port->name, names.items[i],
                  port->boards_dir ? path_join(port->boards_dir, names.items[i]) : NULL);
}

/* All that is known about these is where MicroPython keeps a board.json. */
static void add_unknown_port(const struct reader *r, const char *port_name)
{
    _cleanup_free_ char *boards = xasprintf(PORTS_DIR "/%s/boards", port_name);
    _cleanup_free_ char *dir = path_join(r->source_dir, boards);
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    _cleanup_err_ struct err *ignored = NULL;

    if (!fs_is_dir(dir) || !fs_list(dir, &names, &ignored))
        return;
    for (size_t i = 0; i < names.count; i++) {
        _cleanup_free_ char *json = xasprintf("%s/%s/board.json", dir, names.items[i]);
        if (interpreter_is_name(names.items[i]) && fs_is_file(json))
            add_board(r, NULL, port_name, names.items[i], path_join(boards, names.items[i]));
    }
}

static void add_unknown_ports(const struct reader *r, const char *port)
{
    _cleanup_free_ char *dir = path_join(r->source_dir, PORTS_DIR);
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    _cleanup_err_ struct err *ignored = NULL;

    if (!fs_is_dir(dir) || !fs_list(dir, &names, &ignored))
        return;
    for (size_t i = 0; i < names.count && i < BOARD_LIST_MAX_PORTS; i++)
        if (interpreter_is_name(names.items[i]) &&
            !interpreter_port(r->interpreter, names.items[i]) &&
            (!port || !strcmp(port, names.items[i])))
            add_unknown_port(r, names.items[i]);
}

static int by_port_and_name(const void *a, const void *b)
{
    const struct board_entry *x = a, *y = b;
    int order = strcmp(x->port_name, y->port_name);

    return order ? order : strcmp(x->name, y->name);
}

void board_list_read(struct board_list *list, const struct interpreter *interpreter,
                     const char *source_dir, const char *port, bool all, struct diags *diags)
{
    const struct reader r = {list, interpreter, source_dir, diags};

    for (size_t i = 0; i < interpreter->port_count; i++)
        if (!port || !strcmp(port, interpreter->ports[i].name))
            add_port(&r, &interpreter->ports[i]);
    if (all)
        add_unknown_ports(&r, port);
    if (list->count)
        qsort(list->items, list->count, sizeof(*list->items), by_port_and_name);
}

/* ---- searching ---- */

static bool is_named(const struct board_entry *board, const char *text)
{
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : 0;

    if (slash && (strlen(board->port_name) != len || strncasecmp(board->port_name, text, len) != 0))
        return false;
    return !strcasecmp(board->name, slash ? slash + 1 : text);
}

static bool has_text(const struct board_entry *board, const char *text)
{
    if (strcasestr(board->name, text) || strcasestr(board->json.product, text) ||
        strcasestr(board->json.vendor, text) || strcasestr(board->json.mcu, text))
        return true;
    for (const char *const *feature = board->json.features; *feature; feature++)
        if (strcasestr(*feature, text))
            return true;
    return false;
}

static void keep_if(struct board_list *list, const char *text,
                    bool (*matches)(const struct board_entry *board, const char *text))
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        if (matches(&list->items[i], text))
            list->items[kept++] = list->items[i];
        else
            entry_release(&list->items[i]);
    }
    list->count = kept;
}

void board_list_search(struct board_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (is_named(&list->items[i], text)) {
            keep_if(list, text, is_named);
            return;
        }
    }
    keep_if(list, text, has_text);
}

/* What can be searched for in one board, the empty left out; at most 4 and its features. */
static size_t add_words(const struct board_entry *board, const char **words)
{
    const char *const own[] = {board->name, board->json.product, board->json.vendor,
                               board->json.mcu};
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_SIZE(own); i++)
        if (*own[i])
            words[count++] = own[i];
    for (const char *const *feature = board->json.features; *feature; feature++)
        if (**feature)
            words[count++] = *feature;
    return count;
}

const char *board_list_nearest(const struct board_list *list, const char *text)
{
    size_t count = 0, room = 1;

    for (size_t i = 0; i < list->count; i++) {
        room += 4;
        for (const char *const *f = list->items[i].json.features; *f; f++)
            room++;
    }
    _cleanup_free_ const char **words = xcalloc(room, sizeof(*words));
    for (size_t i = 0; i < list->count; i++)
        count += add_words(&list->items[i], words + count);
    return text_nearest(text, words);
}

const char *board_entry_variant_text(const struct board_entry *board, const char *variant)
{
    for (size_t i = 0; i < board->json.variant_count; i++)
        if (!strcmp(board->json.variants[i].name, variant))
            return board->json.variants[i].text;
    return "";
}
