#include "cli/board_show.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/bar.h"

#define CELLS 5
#define PRODUCT 4 /* the last cell */
#define INDENT 4
#define FIELD_INDENT 13 /* of a page's values */

/* ---- texts ---- */

static void add_printable(struct buf *out, const char *text)
{
    text_add_printable(out, text, strlen(text));
}

/* "a, b, c" */
static void add_list(struct buf *out, const char *const *items)
{
    for (size_t i = 0; items[i]; i++) {
        buf_adds(out, i ? ", " : "");
        add_printable(out, items[i]);
    }
}

static void add_usb(struct buf *out, const struct board_entry *board)
{
    if (board->dfu)
        buf_addf(out, "%04x:%04x", board->target->usb_vendor, board->target->usb_product);
    else
        buf_adds(out, "-");
}

/* "Arduino Giga", once, although vendor and product both begin with Arduino. */
static void add_product(struct buf *out, const struct board_entry *board, bool with_vendor)
{
    const struct board_json *json = &board->json;

    if (with_vendor && *json->vendor && !text_starts_with(json->product, json->vendor)) {
        add_printable(out, json->vendor);
        buf_adds(out, *json->product ? " " : "");
    }
    add_printable(out, json->product);
}

/* ---- the table ---- */

struct row {
    const struct board_entry *board;
    struct buf cells[CELLS]; /* board, port, MCU, DFU, product */
    struct buf more;         /* variants, features, a toolchain that is not the port's */
};

static void add_part(struct buf *more, const char *title, const char *const *items)
{
    if (!items[0])
        return;
    buf_addf(more, "%s%s ", more->len ? "; " : "", title);
    add_list(more, items);
}

static void row_init(struct row *row, const struct board_entry *board)
{
    static const struct buf empty = BUF_INIT;

    for (size_t i = 0; i < CELLS; i++)
        row->cells[i] = empty;
    row->more = empty;
    row->board = board;
    add_printable(&row->cells[0], board->name);
    buf_addf(&row->cells[1], board->port ? "%s" : "(%s)", board->port_name);
    add_printable(&row->cells[2], *board->json.mcu ? board->json.mcu : "-");
    add_usb(&row->cells[3], board);
    add_product(&row->cells[PRODUCT], board, true);
    add_part(&row->more, "variants", (const char *const *)board->variants.items);
    add_part(&row->more, "features", board->json.features);
    if (board->port && strcmp(board->target->toolchain, board->port->target.toolchain) != 0)
        add_part(&row->more, "toolchain", (const char *const[]){board->target->toolchain, NULL});
}

static void row_release(struct row *row)
{
    for (size_t i = 0; i < CELLS; i++)
        buf_release(&row->cells[i]);
    buf_release(&row->more);
}

/* Cut to what is left of the line. */
static void add_cells(const struct buf cells[CELLS], const size_t widths[CELLS], struct buf *out)
{
    _cleanup_(buf_release) struct buf line = BUF_INIT;

    for (size_t i = 0; i < CELLS; i++) {
        size_t used = bar_count_columns(&cells[i]);
        buf_adds(&line, cells[i].data);
        if (i < PRODUCT)
            buf_fill(&line, ' ', widths[i] > used ? widths[i] - used + 2 : 2);
    }
    bar_add_clipped(out, line.data, BOARD_SHOW_COLUMNS);
    while (out->len && out->data[out->len - 1] == ' ')
        buf_truncate(out, out->len - 1);
    buf_addc(out, '\n');
}

/* Broken behind spaces, indented; a word that is longer than a line is cut. */
static void add_wrapped(const char *text, size_t indent, struct buf *out)
{
    size_t used = BOARD_SHOW_COLUMNS;

    while (*text) {
        size_t len = strcspn(text, " ");
        struct buf word = BUF_INIT;
        buf_add(&word, text, len);
        size_t columns = bar_count_columns(&word);
        if (used + 1 + columns > BOARD_SHOW_COLUMNS) {
            buf_adds(out, out->len && out->data[out->len - 1] != '\n' ? "\n" : "");
            buf_fill(out, ' ', indent);
            used = indent;
        } else {
            buf_addc(out, ' ');
            used++;
        }
        bar_add_clipped(out, word.data, BOARD_SHOW_COLUMNS - indent);
        used += columns;
        buf_release(&word);
        text += len + strspn(text + len, " ");
    }
    buf_addc(out, '\n');
}

static void measure(const struct buf cells[CELLS], size_t widths[CELLS])
{
    for (size_t i = 0; i < CELLS; i++) {
        size_t columns = bar_count_columns(&cells[i]);
        if (columns > widths[i])
            widths[i] = columns;
    }
}

static void add_titles(const size_t widths[CELLS], struct buf *out)
{
    static const char *const titles[CELLS] = {"BOARD", "PORT", "MCU", "DFU", "PRODUCT"};
    struct buf cells[CELLS];

    for (size_t i = 0; i < CELLS; i++) {
        cells[i] = (struct buf)BUF_INIT;
        buf_adds(&cells[i], titles[i]);
    }
    add_cells(cells, widths, out);
    for (size_t i = 0; i < CELLS; i++)
        buf_release(&cells[i]);
}

/* Where vendor and product do not fit, the product alone tells more than a part of both. */
static void shorten_product(struct row *row, const size_t widths[CELLS])
{
    size_t used = 0;

    for (size_t i = 0; i < PRODUCT; i++)
        used += widths[i] + 2;
    if (used + bar_count_columns(&row->cells[PRODUCT]) <= BOARD_SHOW_COLUMNS)
        return;
    buf_clear(&row->cells[PRODUCT]);
    add_product(&row->cells[PRODUCT], row->board, false);
}

static void add_rows(struct row *rows, size_t count, struct buf *out)
{
    size_t widths[CELLS] = {strlen("BOARD"), strlen("PORT"), strlen("MCU"), strlen("DFU"), 0};

    for (size_t i = 0; i < count; i++)
        measure(rows[i].cells, widths);
    add_titles(widths, out);
    for (size_t i = 0; i < count; i++) {
        shorten_product(&rows[i], widths);
        add_cells(rows[i].cells, widths, out);
        if (rows[i].more.len)
            add_wrapped(rows[i].more.data, INDENT, out);
    }
}

/* How many, where from, and what each port is compiled with. */
static void add_footer(const struct board_list *list, const struct board_origin *origin,
                       struct buf *out)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    const struct port *last = NULL;
    bool unknown = false;

    buf_addf(&text, "%zu board%s of ", list->count, list->count == 1 ? "" : "s");
    board_origin_add(origin, &text);
    for (size_t i = 0; i < list->count; i++) {
        const struct port *port = list->items[i].port;
        unknown |= !port;
        if (port && port != last)
            buf_addf(&text, "%s %s with %s", last ? "," : "; compiled:", port->name,
                     port->target.toolchain);
        last = port ? port : last;
    }
    buf_adds(&text, unknown ? "; (port): firn cannot build for it" : "");
    buf_addc(out, '\n');
    add_wrapped(text.data, 0, out);
}

void board_show_table(const struct board_list *list, const struct board_origin *origin,
                      struct buf *out)
{
    struct row *rows = xcalloc(list->count + 1, sizeof(*rows));

    for (size_t i = 0; i < list->count; i++)
        row_init(&rows[i], &list->items[i]);
    add_rows(rows, list->count, out);
    add_footer(list, origin, out);
    for (size_t i = 0; i < list->count; i++)
        row_release(&rows[i]);
    free(rows);
}

/* ---- the page ---- */

static void add_field(struct buf *out, const char *name, const char *value)
{
    if (!*value)
        return;
    buf_addf(out, "  %-10s ", name);
    add_printable(out, value);
    buf_addc(out, '\n');
}

static void add_features(struct buf *out, const struct board_entry *board)
{
    _cleanup_(buf_release) struct buf list = BUF_INIT, lines = BUF_INIT;

    if (!board->json.features[0])
        return;
    add_list(&list, board->json.features);
    add_wrapped(list.data, FIELD_INDENT, &lines);
    buf_addf(out, "  %-10s %s", "features", lines.data + FIELD_INDENT);
}

static void add_variants(struct buf *out, const struct board_entry *board)
{
    size_t width = 0;

    for (size_t i = 0; i < board->variants.count; i++)
        if (strlen(board->variants.items[i]) > width)
            width = strlen(board->variants.items[i]);
    for (size_t i = 0; i < board->variants.count; i++) {
        const char *name = board->variants.items[i];
        const char *text = board_entry_variant_text(board, name);
        buf_addf(out, "  %-10s ", i ? "" : "variants");
        add_printable(out, name);
        if (*text) {
            buf_fill(out, ' ', width - strlen(name) + 2);
            add_printable(out, text);
        }
        buf_addc(out, '\n');
    }
}

static void add_flash(struct buf *out, const struct board_entry *board)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;

    if (board->dfu)
        buf_addf(&text, "over DFU; the boot loader is %04x:%04x", board->target->usb_vendor,
                 board->target->usb_product);
    else
        buf_adds(&text, board->target->has_image ? "not over DFU, as far as the source says"
                                                 : "none: it is a program for this machine");
    add_field(out, "flash", text.data);
}

static void add_emulator(struct buf *out, const struct target *target)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;

    if (!target->emulator || !strcmp(target->emulator, "native"))
        return;
    buf_adds(&text, target->emulator);
    if (target->machine)
        buf_addf(&text, ", machine %s", target->machine);
    add_field(out, "emulator", text.data);
}

/* A JSON string is a YAML string, too. */
void board_show_page(const struct board_entry *board, const struct board_origin *origin,
                     struct buf *out)
{
    _cleanup_(buf_release) struct buf product = BUF_INIT, source = BUF_INIT;

    add_product(&product, board, true);
    board_origin_add(origin, &source);
    add_printable(out, board->name);
    buf_addf(out, "%s%s\n", product.len ? ": " : "", product.data);
    add_field(out, "port", board->port_name);
    add_field(out, "MCU", board->json.mcu);
    add_features(out, board);
    add_variants(out, board);
    if (board->port) {
        add_flash(out, board);
        add_field(out, "toolchain", board->target->toolchain);
        add_emulator(out, board->target);
    }
    add_field(out, "url", board->json.url);
    add_field(out, "files", board->path ? board->path : "");
    add_field(out, "source", source.data);
    if (board->port)
        board_origin_add_snippet(origin, board, out);
    else
        buf_addf(out, "\nfirn cannot build for port '%s'\n", board->port_name);
}

/* ---- JSON ---- */

static json_t *variants_of(const struct board_entry *board)
{
    json_t *variants = json_object();

    for (size_t i = 0; i < board->variants.count; i++)
        json_object_set_new(variants, board->variants.items[i],
                            json_string(board_entry_variant_text(board, board->variants.items[i])));
    return variants;
}

static json_t *usb_of(const struct board_entry *board)
{
    char vendor[5], product[5];

    if (!board->dfu)
        return json_null();
    snprintf(vendor, sizeof(vendor), "%04x", board->target->usb_vendor);
    snprintf(product, sizeof(product), "%04x", board->target->usb_product);
    return json_pack("{s:s, s:s}", "vendor", vendor, "product", product);
}

static json_t *fields_of(const struct board_entry *board)
{
    const struct board_json *json = &board->json;
    json_t *features = json_array();

    for (const char *const *feature = json->features; *feature; feature++)
        json_array_append_new(features, json_string(*feature));
    return json_pack("{s:s, s:s, s:s?, s:b, s:s, s:s, s:s, s:s, s:o, s:o, s:b, s:o, s:s?, s:s?}",
                     "name", board->name, "port", board->port_name, "path", board->path,
                     "buildable", board->port != NULL, "vendor", json->vendor, "product",
                     json->product, "mcu", json->mcu, "url", json->url, "features", features,
                     "variants", variants_of(board), "dfu", board->dfu, "usb", usb_of(board),
                     "toolchain", board->target ? board->target->toolchain : NULL, "emulator",
                     board->target ? board->target->emulator : NULL);
}

json_t *board_show_fields(const struct board_list *list)
{
    json_t *boards = json_array();

    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(boards, fields_of(&list->items[i]));
    return boards;
}
