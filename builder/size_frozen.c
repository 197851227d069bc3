#include "builder/size_frozen.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

#define FILE_COMMENT "// - frozen file name: "
#define LISTS_COMMENT "// collection of all frozen modules"
#define POOL "mp_qstr_frozen_const_pool"
#define HASHES "mp_qstr_frozen_const_hashes"
#define LENGTHS "mp_qstr_frozen_const_lengths"
#define SOURCE_SIZES "mp_frozen_str_sizes"
#define MODULE_LIST "mp_frozen_mpy_content"

/* A pool's qstr: which module is the first to use it, and the bytes of its text that nothing before
 * it has. */
struct qstr_use {
    char *name;             /* "MP_QSTR_snowfall" */
    struct frozen_size *by; /* or NULL */
};

struct reading {
    struct frozen_sizes *sizes;
    const struct elf_table *elf;
    const void *elf_data;
    const struct linker_map *map;
    struct qstr_use *uses; /* in the pool's order */
    size_t use_count, use_size;
    struct elf_symbol *variables; /* of frozen_content.o, sorted by name */
    size_t variable_count;
    uint64_t pointer_size;
};

/* ---- the variables of frozen_content.o ---- */

static bool is_frozen_object(const char *object)
{
    return text_ends_with(object, "/" FROZEN_OBJECT) || !strcmp(object, FROZEN_OBJECT);
}

static bool is_frozen_address(const struct linker_map *map, uint64_t address)
{
    for (size_t i = 0; i < map->piece_count; i++) {
        const struct map_piece *p = &map->pieces[i];
        if (address >= p->address && address - p->address < p->size && is_frozen_object(p->object))
            return true;
    }
    return false;
}

static int by_variable_name(const void *a, const void *b)
{
    const struct elf_symbol *x = a, *y = b;
    return strcmp(x->name, y->name);
}

/* Not every symbol is held against every piece: only those whose name can be one of ours. */
static bool can_be_frozen(const char *name)
{
    static const char *const prefixes[] = {
        "fun_data_", "proto_fun_", "raw_code_",       "children_",      "const_",
        "fun_",      "mp_frozen",  "mp_qstr_frozen_", "frozen_module_", NULL};
    for (size_t i = 0; prefixes[i]; i++)
        if (text_starts_with(name, prefixes[i]))
            return true;
    return false;
}

/* Each has a section of its own (-fdata-sections), which tells of it where a program has no symbols
 * any more: ".rodata.fun_data_greet_main". */
static void add_pieces(struct reading *r)
{
    for (size_t i = 0; i < r->map->piece_count; i++) {
        const struct map_piece *p = &r->map->pieces[i];
        const char *dot = strrchr(p->input, '.');
        if (dot && can_be_frozen(dot + 1) && is_frozen_object(p->object))
            r->variables[r->variable_count++] = (struct elf_symbol){dot + 1, p->address, p->size};
    }
}

static void add_symbols(struct reading *r, size_t sorted)
{
    for (size_t i = 0; i < r->elf->symbol_count; i++) {
        const struct elf_symbol *s = &r->elf->symbols[i];
        if (s->size && can_be_frozen(s->name) &&
            (!sorted || !bsearch(s, r->variables, sorted, sizeof(*s), by_variable_name)) &&
            is_frozen_address(r->map, s->value & ~UINT64_C(1)))
            r->variables[r->variable_count++] = *s;
    }
}

static void find_variables(struct reading *r)
{
    r->variables = xcalloc(r->elf->symbol_count + r->map->piece_count + 1, sizeof(*r->variables));
    add_pieces(r);
    qsort(r->variables, r->variable_count, sizeof(*r->variables), by_variable_name);
    add_symbols(r, r->variable_count);
    qsort(r->variables, r->variable_count, sizeof(*r->variables), by_variable_name);
}

static const struct elf_symbol *find_variable(const struct reading *r, const char *name)
{
    const struct elf_symbol key = {.name = name};
    return r->variable_count ? bsearch(&key, r->variables, r->variable_count, sizeof(*r->variables),
                                       by_variable_name)
                             : NULL;
}

/* ---- whose variable is it ---- */

static struct frozen_size *find_module(struct reading *r, const char *target)
{
    for (size_t i = 0; i < r->sizes->count; i++)
        if (!strcmp(r->sizes->items[i].target, target))
            return &r->sizes->items[i];
    return NULL;
}

/* The name that a line declares: "static const byte fun_data_greet_main[19] = {". The caller frees;
 * NULL: none. */
static char *declared_name(const char *line)
{
    if (!text_starts_with(line, "static const ") && !text_starts_with(line, "const "))
        return NULL;
    size_t end = strcspn(line, "[=");
    if (!line[end])
        return NULL;
    while (end && line[end - 1] == ' ')
        end--;
    size_t start = end;
    while (start && !strchr(" *", line[start - 1]))
        start--;
    return xstrndup(line + start, end - start);
}

static void count_variable(struct reading *r, struct frozen_size *module, const char *name)
{
    const struct elf_symbol *symbol = find_variable(r, name);
    if (!symbol)
        return;
    if (text_starts_with(name, "const_qstr_table"))
        module->qstrs += symbol->size;
    else if (text_starts_with(name, "const_"))
        module->constants += symbol->size;
    else
        module->bytecode += symbol->size;
}

/* "    MP_QSTR_snowfall," of the pool's enumeration or of a module's table. The caller frees. */
static char *qstr_name(const char *line)
{
    line += strspn(line, " ");
    return text_starts_with(line, "MP_QSTR_") ? xstrndup(line, strcspn(line, " ,=")) : NULL;
}

static void add_use(struct reading *r, char *name)
{
    if (r->use_count == r->use_size) {
        r->use_size = r->use_size ? r->use_size * 2 : 64;
        r->uses = xreallocarray(r->uses, r->use_size, sizeof(*r->uses));
    }
    r->uses[r->use_count++] = (struct qstr_use){name, NULL};
}

static void use_qstr(struct reading *r, struct frozen_size *module, const char *name)
{
    for (size_t i = 0; i < r->use_count; i++) {
        struct qstr_use *use = &r->uses[i];
        if (!strcmp(use->name, name) && (!use->by || module < use->by))
            use->by = module;
    }
}

static struct frozen_size *read_line(struct reading *r, struct frozen_size *module, bool *in_pool,
                                     const char *line)
{
    _cleanup_free_ char *variable = declared_name(line);
    _cleanup_free_ char *qstr = qstr_name(line);
    if (text_starts_with(line, FILE_COMMENT))
        return find_module(r, line + strlen(FILE_COMMENT));
    if (text_starts_with(line, LISTS_COMMENT))
        return NULL;
    if (text_starts_with(line, "enum {"))
        *in_pool = true;
    else if (text_starts_with(line, "};"))
        *in_pool = false;
    else if (qstr && *in_pool) {
        add_use(r, qstr);
        qstr = NULL;
    } else if (qstr && module)
        use_qstr(r, module, qstr);
    else if (variable && module)
        count_variable(r, module, variable);
    return module;
}

static void read_content(struct reading *r, const char *content)
{
    struct frozen_size *module = NULL;
    bool in_pool = false;
    while (*content) {
        size_t len = strcspn(content, "\n");
        _cleanup_free_ char *line = xstrndup(content, len);
        module = read_line(r, module, &in_pool, line);
        content += len + (content[len] == '\n');
    }
}

/* ---- the pool of qstrs ---- */

static uint64_t load_pointer(const struct reading *r, const uint8_t *at)
{
    return r->pointer_size == 8 ? load_le32(at) | (uint64_t)load_le32(at + 4) << 32 : load_le32(at);
}

struct text_range {
    uint64_t start, end;
    struct frozen_size *by;
};

static int by_start(const void *a, const void *b)
{
    const struct text_range *x = a, *y = b;
    if (x->start != y->start)
        return (x->start > y->start) - (x->start < y->start);
    return (x->end < y->end) - (x->end > y->end); /* the longer one first */
}

/* Strings are merged: one may be the end of another, or lie among the interpreter's own, and then
 * costs nothing. */
static void count_texts(const struct reading *r, struct text_range *ranges, size_t count)
{
    uint64_t covered = 0;
    qsort(ranges, count, sizeof(*ranges), by_start);
    for (size_t i = 0; i < count; i++) {
        uint64_t start = ranges[i].start > covered ? ranges[i].start : covered;
        if (start >= ranges[i].end)
            continue;
        covered = ranges[i].end;
        if (ranges[i].by && is_frozen_address(r->map, start))
            ranges[i].by->qstrs += ranges[i].end - start;
    }
}

static uint64_t entry_size(const struct reading *r, const char *array)
{
    const struct elf_symbol *symbol = find_variable(r, array);
    return symbol && r->use_count ? symbol->size / r->use_count : 0;
}

/* The pool ends with a pointer to each text. */
static void count_pool(const struct reading *r)
{
    const struct elf_symbol *pool = find_variable(r, POOL);
    uint64_t pointers = r->use_count * r->pointer_size;
    if (!pool || !r->use_count || pool->size < pointers)
        return;
    uint64_t entry = r->pointer_size + entry_size(r, HASHES) + entry_size(r, LENGTHS);
    const uint8_t *at = elf_table_bytes(r->elf, r->elf_data, pool->value, pool->size);
    struct text_range *ranges = xcalloc(r->use_count, sizeof(*ranges));
    size_t count = 0;
    for (size_t i = 0; i < r->use_count; i++) {
        struct frozen_size *by = r->uses[i].by;
        if (by)
            by->qstrs += entry;
        if (!at)
            continue;
        uint64_t text = load_pointer(r, at + (pool->size - pointers) + i * r->pointer_size);
        const char *bytes = elf_table_text(r->elf, r->elf_data, text);
        if (bytes)
            ranges[count++] = (struct text_range){text, text + strlen(bytes) + 1, by};
    }
    count_texts(r, ranges, count);
    free(ranges);
}

/* ---- the lists of modules ---- */

static void count_lists(struct reading *r, const struct frozen *frozen)
{
    bool has_names = find_variable(r, "mp_frozen_names") || find_variable(r, "mp_frozen_mpy_names");
    for (size_t i = 0; i < r->sizes->count; i++) {
        struct frozen_size *size = &r->sizes->items[i];
        bool is_source = i < frozen->count && frozen->files[i].form == FROZEN_SOURCE;
        if (is_source && find_variable(r, SOURCE_SIZES)) {
            size->source = frozen->files[i].size + 1;
            size->names += 4;
        } else if (!is_source && size->bytecode && find_variable(r, MODULE_LIST)) {
            size->names += r->pointer_size;
        }
        if (has_names && (is_source || size->bytecode))
            size->names += strlen(size->target) + 1;
    }
}

void frozen_sizes_read(struct frozen_sizes *sizes, const struct frozen *frozen, const char *content,
                       const struct elf_table *elf, const void *elf_data,
                       const struct linker_map *map)
{
    struct reading r = {.sizes = sizes,
                        .elf = elf,
                        .elf_data = elf_data,
                        .map = map,
                        .pointer_size = elf->pointer_size};
    sizes->items = xcalloc(frozen->count + 1, sizeof(*sizes->items));
    for (size_t i = 0; i < frozen->count; i++)
        sizes->items[i].target = frozen->files[i].target;
    sizes->items[frozen->count].target = FROZEN_QSTR_MODULE;
    sizes->count = frozen->count + 1;
    find_variables(&r);
    read_content(&r, content);
    count_pool(&r);
    count_lists(&r, frozen);
    for (size_t i = 0; i < r.use_count; i++)
        free(r.uses[i].name);
    free(r.uses);
    free(r.variables);
}

void frozen_sizes_release(struct frozen_sizes *sizes)
{
    free(sizes->items);
    *sizes = (struct frozen_sizes)FROZEN_SIZES_INIT;
}
