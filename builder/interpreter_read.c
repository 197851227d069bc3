/* From firmware-src/<name>.yaml to struct interpreter. */
#include "builder/interpreter_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/text.h"

static const char *const TOP_KEYS[] = {"upstream", "default_ref", "mpy_cross", "library",
                                       "python",   "ports",       "rules",     NULL};
static const char *const RULES_KEYS[] = {"file", "leave_out", NULL};
/* clang-format off */
/* The target's keys may stand in a port, too. */
static const char *const PORT_KEYS[] = {
    "toolchain", "image", "usb", "link", "emulator", "memory", "make", "twin", "dir", "boards_dir", "board_var",
    "board_dir_var", "elf", "frozen", "default_board", "cflags_var", "board_variant_var",
    "submodules", "submodules_if", "boards", "known_boards", "config_header", "board_files",
    "board_file_vars", "board_variant_files", "board_usb_macro", "bootloader", NULL};
static const char *const BOOTLOADER_KEYS[] = {
    "name", "dir", "elf", "make", "cflags", "address_var", "program_address_var", "usb_vendor_var",
    "usb_product_var", "version_section", "storage_start_symbol", "storage_end_symbol", "packing_var", "keys_var", "chunk_size_var", NULL};
/* clang-format on */

static bool read_submodules(struct interpreter_reader *r, const struct ynode *map,
                            struct port *port)
{
    static const char *const none[] = {NULL};
    const struct ynode *node = ynode_get(map, "submodules_if");
    port->submodules = none;
    if (!ymap_strings(r->doc, map, "submodules", &port->submodules, r->diags))
        return false;
    if (!node)
        return true;
    if (!interpreter_is_type(r, node, YNODE_MAPPING))
        return false;
    struct make_var *vars = arena_alloc(&r->doc->arena, node->count * sizeof(*vars) + 1);
    port->submodules_if = vars;
    return interpreter_vars(r, node, vars, &port->submodule_if_count);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* board_names: those listed in boards and in known_boards. */
static bool read_board_names(struct interpreter_reader *r, const struct ynode *map,
                             struct port *port)
{
    static const char *const none[] = {NULL};
    const char *const *known = none;
    if (!ymap_strings(r->doc, map, "known_boards", &known, r->diags))
        return false;
    size_t count = 0;
    while (known[count])
        count++;
    const char **names =
        arena_alloc(&r->doc->arena, (count + port->board_count + 1) * sizeof(*names));
    memcpy(names, known, count * sizeof(*names));
    for (size_t i = 0; i < port->board_count; i++)
        names[count++] = port->boards[i].name;
    qsort(names, count, sizeof(*names), by_name);
    port->board_names = names;
    return true;
}

static bool read_boards(struct interpreter_reader *r, const struct ynode *map, struct port *port)
{
    const struct ynode *node = ynode_get(map, "boards");
    if (!node)
        return true;
    if (!interpreter_is_type(r, node, YNODE_MAPPING))
        return false;
    port->boards = arena_alloc(&r->doc->arena, node->count * sizeof(*port->boards) + 1);
    port->board_count = node->count;
    for (size_t i = 0; i < node->count; i++) {
        struct board_def *board = &port->boards[i];
        board->name = node->keys[i]->value;
        board->target = port->target;
        if (!ymap_only_keys(r->doc, node->items[i], INTERPRETER_TARGET_KEYS, r->diags) ||
            !interpreter_read_target(r, node->items[i], &board->target))
            return false;
    }
    return true;
}

static bool read_port_names(struct interpreter_reader *r, const struct ynode *map,
                            struct port *port)
{
    return interpreter_string(r, map, "dir", true, &port->dir) &&
           interpreter_string(r, map, "boards_dir", false, &port->boards_dir) &&
           interpreter_string(r, map, "board_var", false, &port->board_var) &&
           interpreter_string(r, map, "board_dir_var", false, &port->board_dir_var) &&
           interpreter_string(r, map, "board_variant_var", false, &port->board_variant_var) &&
           interpreter_string(r, map, "default_board", false, &port->default_board) &&
           interpreter_string(r, map, "elf", true, &port->elf) &&
           interpreter_string(r, map, "cflags_var", true, &port->cflags_var) &&
           interpreter_string(r, map, "config_header", true, &port->config_header);
}

static bool read_board_files(struct interpreter_reader *r, const struct ynode *map,
                             struct port *port)
{
    static const char *const none[] = {NULL};
    port->board_files = port->board_file_vars = none;
    return ymap_strings(r->doc, map, "board_files", &port->board_files, r->diags) &&
           ymap_strings(r->doc, map, "board_file_vars", &port->board_file_vars, r->diags) &&
           interpreter_string(r, map, "board_variant_files", false, &port->board_variant_files) &&
           interpreter_string(r, map, "board_usb_macro", false, &port->board_usb_macro);
}

static bool read_bootloader_names(struct interpreter_reader *r, const struct ynode *map,
                                  struct bootloader_def *def)
{
    return interpreter_string(r, map, "name", true, &def->name) &&
           interpreter_string(r, map, "dir", true, &def->dir) &&
           interpreter_string(r, map, "elf", true, &def->elf) &&
           interpreter_string(r, map, "cflags", false, &def->cflags) &&
           interpreter_string(r, map, "address_var", true, &def->address_var) &&
           interpreter_string(r, map, "program_address_var", true, &def->program_address_var) &&
           interpreter_string(r, map, "usb_vendor_var", true, &def->usb_vendor_var) &&
           interpreter_string(r, map, "usb_product_var", true, &def->usb_product_var) &&
           interpreter_string(r, map, "version_section", true, &def->version_section) &&
           interpreter_string(r, map, "storage_start_symbol", false, &def->storage_start_symbol) &&
           interpreter_string(r, map, "storage_end_symbol", false, &def->storage_end_symbol) &&
           interpreter_string(r, map, "packing_var", true, &def->packing_var) &&
           interpreter_string(r, map, "keys_var", true, &def->keys_var) &&
           interpreter_string(r, map, "chunk_size_var", true, &def->chunk_size_var);
}

static bool read_bootloader(struct interpreter_reader *r, const struct ynode *map,
                            struct port *port)
{
    const struct ynode *node = ynode_get(map, "bootloader");
    if (!node)
        return true;
    struct bootloader_def *def = arena_alloc(&r->doc->arena, sizeof(*def));
    const struct ynode *make = ynode_get(node, "make");
    port->bootloader = def;
    def->cflags = "";
    if (!ymap_only_keys(r->doc, node, BOOTLOADER_KEYS, r->diags) ||
        !read_bootloader_names(r, node, def))
        return false;
    if (!make)
        return true;
    struct make_var *vars = arena_alloc(&r->doc->arena, make->count * sizeof(*vars) + 1);
    def->make = vars;
    return interpreter_is_type(r, make, YNODE_MAPPING) &&
           interpreter_vars(r, make, vars, &def->make_count);
}

static bool read_port(struct interpreter_reader *r, const struct ynode *map, struct port *port)
{
    port->frozen = true;
    port->target.has_image = true;
    if (!ymap_only_keys(r->doc, map, PORT_KEYS, r->diags) || !read_port_names(r, map, port) ||
        !ymap_bool(r->doc, map, "frozen", false, &port->frozen, r->diags) ||
        !read_board_files(r, map, port) || !read_submodules(r, map, port) ||
        !read_bootloader(r, map, port) || !interpreter_read_target(r, map, &port->target))
        return false;
    if (!port->target.toolchain)
        return ynode_error(r->doc, map, r->diags, NULL, "port '%s' names no toolchain", port->name);
    return read_boards(r, map, port) && read_board_names(r, map, port);
}

static bool read_ports(struct interpreter_reader *r, const struct ynode *root)
{
    const struct ynode *node = ynode_get(root, "ports");
    struct interpreter *in = r->interpreter;
    if (!node)
        return ynode_error(r->doc, root, r->diags, NULL, "'ports' is missing");
    if (!interpreter_is_type(r, node, YNODE_MAPPING))
        return false;
    in->ports = arena_alloc(&r->doc->arena, node->count * sizeof(*in->ports) + 1);
    in->port_count = node->count;
    for (size_t i = 0; i < node->count; i++) {
        in->ports[i].name = node->keys[i]->value;
        if (!read_port(r, node->items[i], &in->ports[i]))
            return false;
    }
    return true;
}

static bool read_rules(struct interpreter_reader *r, const struct ynode *root)
{
    static const char *const none[] = {NULL};
    const struct ynode *node = ynode_get(root, "rules");
    struct interpreter *in = r->interpreter;
    in->rules_left_out = none;
    return !node || (ymap_only_keys(r->doc, node, RULES_KEYS, r->diags) &&
                     interpreter_string(r, node, "file", true, &in->rules_file) &&
                     ymap_strings(r->doc, node, "leave_out", &in->rules_left_out, r->diags));
}

static bool read_interpreter(struct interpreter_reader *r)
{
    const struct ynode *root = r->doc->root;
    struct interpreter *in = r->interpreter;
    return ymap_only_keys(r->doc, root, TOP_KEYS, r->diags) &&
           interpreter_string(r, root, "upstream", true, &in->upstream) &&
           interpreter_string(r, root, "default_ref", true, &in->default_ref) &&
           interpreter_string(r, root, "mpy_cross", true, &in->mpy_cross_dir) &&
           interpreter_string(r, root, "library", true, &in->library) &&
           interpreter_string(r, root, "python", true, &in->python) && read_rules(r, root) &&
           read_ports(r, root);
}

/* "there are: micropython", or nothing. */
static void hint_interpreters(const char *dir, struct err **err)
{
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    _cleanup_(buf_release) struct buf list = BUF_INIT;
    _cleanup_err_ struct err *ignored = NULL;
    if (!fs_list(dir, &names, &ignored))
        return;
    for (size_t i = 0; i < names.count; i++) {
        if (text_ends_with(names.items[i], ".yaml"))
            buf_addf(&list, "%s%.*s", list.len ? ", " : "", (int)strlen(names.items[i]) - 5,
                     names.items[i]);
    }
    if (list.len)
        err_hint(err, "there are: %s", list.data);
}

static bool find_file(const char *data_dir, const char *name, char **path, struct diags *diags)
{
    struct err *err = NULL;
    _cleanup_free_ char *dir = path_join(data_dir, "firmware-src");
    _cleanup_free_ char *file = xasprintf("%s/%s.yaml", dir, name);
    if (!strchr(name, '/') && fs_is_file(file)) {
        *path = file;
        file = NULL;
        return true;
    }
    err_set(&err, ERR_MANIFEST, "unknown interpreter '%s'", name);
    hint_interpreters(dir, &err);
    diags_take_error(diags, err);
    return false;
}

struct interpreter *interpreter_load(const char *data_dir, const char *name, struct diags *diags)
{
    _cleanup_free_ char *path = NULL;
    if (!find_file(data_dir, name, &path, diags))
        return NULL;
    struct interpreter *in = xcalloc(1, sizeof(*in));
    struct interpreter_reader r = {in, &in->doc, diags};
    if (!ydoc_load(&in->doc, path, diags) || !read_interpreter(&r)) {
        interpreter_free(in);
        return NULL;
    }
    in->name = arena_strdup(&in->doc.arena, name);
    return in;
}
