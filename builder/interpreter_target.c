/* What a port and a board share: struct target of interpreter.h. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "builder/interpreter_internal.h"

const char *const INTERPRETER_TARGET_KEYS[] = {"toolchain", "image", "usb",  "link", "emulator",
                                               "memory",    "make",  "twin", NULL};
static const char *const LINK_KEYS[] = {"link", "flash", "size", NULL};
static const char *const EMULATOR_KEYS[] = {"program", "machine", "args", "clock", NULL};
static const char *const CLOCK_KEYS[] = {"setup", "read", "bits", "hz", NULL};
static const char *const TWIN_KEYS[] = {"port", "board", "stubs", "heap", "heap_max", NULL};
static const char *const MEMORY_KEYS[] = {"heap", "stack", NULL};

bool interpreter_is_type(struct interpreter_reader *r, const struct ynode *node,
                         enum ynode_type type)
{
    if (node->type == type)
        return true;
    return ynode_error(r->doc, node, r->diags, NULL, "expected %s, not %s", ynode_type_name(type),
                       ynode_type_name(node->type));
}

bool interpreter_string(struct interpreter_reader *r, const struct ynode *map, const char *key,
                        bool required, const char **out)
{
    return ymap_string(r->doc, map, key, required, out, r->diags);
}

static bool read_usb(struct interpreter_reader *r, const struct ynode *map, struct target *target)
{
    const struct ynode *node = ynode_get(map, "usb");
    unsigned vendor, product;
    char end;
    if (!node)
        return true;
    if (!interpreter_is_type(r, node, YNODE_SCALAR))
        return false;
    if (strlen(node->value) != 9 || sscanf(node->value, "%4x:%4x%c", &vendor, &product, &end) != 2)
        return ynode_error(r->doc, node, r->diags, NULL,
                           "'%s' is not a USB id such as \"0483:df11\"", node->value);
    target->usb_vendor = (uint16_t)vendor;
    target->usb_product = (uint16_t)product;
    return true;
}

static bool read_address(struct interpreter_reader *r, const struct ynode *map, const char *key,
                         uint32_t *out)
{
    const char *text = NULL;
    if (!interpreter_string(r, map, key, true, &text))
        return false;
    if (text_parse_u32(text, out))
        return true;
    return ynode_error(r->doc, ynode_get(map, key), r->diags, NULL, "'%s' is not an address", text);
}

static bool read_link(struct interpreter_reader *r, const struct ynode *map, struct target *target)
{
    const struct ynode *list = ynode_get(map, "link");
    if (!list)
        return true;
    if (!interpreter_is_type(r, list, YNODE_SEQUENCE))
        return false;
    struct link_map *maps = arena_alloc(&r->doc->arena, list->count * sizeof(*maps) + 1);
    for (size_t i = 0; i < list->count; i++) {
        unsigned long long size = 0;
        if (!ymap_only_keys(r->doc, list->items[i], LINK_KEYS, r->diags) ||
            !read_address(r, list->items[i], "link", &maps[i].link) ||
            !read_address(r, list->items[i], "flash", &maps[i].flash) ||
            !ymap_size(r->doc, list->items[i], "size", true, &size, r->diags))
            return false;
        maps[i].size = size;
    }
    target->link_maps = maps;
    target->link_map_count = list->count;
    return true;
}

static bool read_clock(struct interpreter_reader *r, const struct ynode *map,
                       struct clock_def *clock)
{
    const struct ynode *node = ynode_get(map, "clock");
    *clock = (struct clock_def){"", NULL, 0, 0};
    return !node || (ymap_only_keys(r->doc, node, CLOCK_KEYS, r->diags) &&
                     interpreter_string(r, node, "setup", false, &clock->setup) &&
                     interpreter_string(r, node, "read", true, &clock->read) &&
                     ymap_size(r->doc, node, "bits", true, &clock->bits, r->diags) &&
                     ymap_size(r->doc, node, "hz", true, &clock->hz, r->diags));
}

static bool read_emulator(struct interpreter_reader *r, const struct ynode *map,
                          struct target *target)
{
    const struct ynode *node = ynode_get(map, "emulator");
    if (!node)
        return true;
    target->machine = NULL;
    target->emulator_args = NULL;
    return ymap_only_keys(r->doc, node, EMULATOR_KEYS, r->diags) &&
           interpreter_string(r, node, "program", true, &target->emulator) &&
           interpreter_string(r, node, "machine", false, &target->machine) &&
           ymap_strings(r->doc, node, "args", &target->emulator_args, r->diags) &&
           read_clock(r, node, &target->clock);
}

/* The symbols at the beginning and the end; an array's alone gives both. */
static bool read_range(struct interpreter_reader *r, const struct ynode *map, const char *key,
                       const char **start, const char **end)
{
    const struct ynode *node = ynode_get(map, key);
    const char *const *names;
    *start = *end = NULL;
    if (!node)
        return true;
    if (node->type == YNODE_SCALAR) {
        *start = node->value;
        return true;
    }
    if (!ymap_strings(r->doc, map, key, &names, r->diags))
        return false;
    if (node->count != 2)
        return ynode_error(r->doc, node, r->diags, NULL, "expected two symbols");
    *start = names[0];
    *end = names[1];
    return true;
}

static bool read_memory(struct interpreter_reader *r, const struct ynode *map,
                        struct target *target)
{
    const struct ynode *node = ynode_get(map, "memory");
    struct memory_def *memory = &target->memory;
    return !node || (ymap_only_keys(r->doc, node, MEMORY_KEYS, r->diags) &&
                     read_range(r, node, "heap", &memory->heap_start, &memory->heap_end) &&
                     read_range(r, node, "stack", &memory->stack_start, &memory->stack_end));
}

static bool read_twin(struct interpreter_reader *r, const struct ynode *map, struct target *target)
{
    const struct ynode *node = ynode_get(map, "twin");
    struct twin_def *twin = &target->twin;
    return !node || (ymap_only_keys(r->doc, node, TWIN_KEYS, r->diags) &&
                     interpreter_string(r, node, "port", true, &twin->port) &&
                     interpreter_string(r, node, "board", true, &twin->board) &&
                     interpreter_string(r, node, "heap", true, &twin->heap_var) &&
                     ymap_size(r->doc, node, "heap_max", true, &twin->heap_max, r->diags) &&
                     ymap_strings(r->doc, node, "stubs", &twin->stubs, r->diags));
}

static void set_make_var(struct make_var *vars, size_t *count, const char *name, const char *value)
{
    size_t i = 0;
    while (i < *count && strcmp(vars[i].name, name) != 0)
        i++;
    vars[i] = (struct make_var){name, value};
    if (i == *count)
        (*count)++;
}

/* A mapping of strings; *vars has `count` entries, which stay in front, and room for all. */
bool interpreter_vars(struct interpreter_reader *r, const struct ynode *node, struct make_var *vars,
                      size_t *count)
{
    for (size_t i = 0; i < node->count; i++) {
        if (!interpreter_is_type(r, node->items[i], YNODE_SCALAR))
            return false;
        set_make_var(vars, count, node->keys[i]->value, node->items[i]->value);
    }
    return true;
}

/* The port's variables with the board's over them. */
static bool read_make(struct interpreter_reader *r, const struct ynode *map, struct target *target)
{
    const struct ynode *node = ynode_get(map, "make");
    if (!node)
        return true;
    if (!interpreter_is_type(r, node, YNODE_MAPPING))
        return false;
    size_t count = target->make_count;
    struct make_var *vars = arena_alloc(&r->doc->arena, (count + node->count) * sizeof(*vars) + 1);
    for (size_t i = 0; i < count; i++)
        vars[i] = target->make[i];
    if (!interpreter_vars(r, node, vars, &count))
        return false;
    target->make = vars;
    target->make_count = count;
    return true;
}

bool interpreter_read_target(struct interpreter_reader *r, const struct ynode *map,
                             struct target *target)
{
    return interpreter_string(r, map, "toolchain", false, &target->toolchain) &&
           ymap_bool(r->doc, map, "image", false, &target->has_image, r->diags) &&
           read_usb(r, map, target) && read_link(r, map, target) && read_emulator(r, map, target) &&
           read_memory(r, map, target) && read_twin(r, map, target) && read_make(r, map, target);
}
