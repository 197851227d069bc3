#include "builder/size.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/text.h"
#include "builder/size_frozen.h"
#include "image/elf_table.h"
#include "image/linker_map.h"

#define PADDING "(padding)"
#define UNKNOWN "(not in the linker's map)"

struct range {
    uint64_t start, end; /* end is not in it any more */
};

/* What an object brought. */
struct part {
    const char *name;
    uint64_t flash, ram;
};

struct ledger {
    struct part *parts;
    size_t count, size;
};

struct report {
    const struct size_input *in;
    struct elf_table elf;
    struct linker_map map;
    struct range heap, stack;
    struct ledger ledger;
    uint64_t flash, data, bss;
};

static uint64_t length(struct range range)
{
    return range.end > range.start ? range.end - range.start : 0;
}

static struct range intersect(struct range a, struct range b)
{
    return (struct range){a.start > b.start ? a.start : b.start, a.end < b.end ? a.end : b.end};
}

/* ---- the ledger ---- */

static void add_part(struct ledger *ledger, const char *name, uint64_t flash, uint64_t ram)
{
    if (!flash && !ram)
        return;
    if (ledger->count == ledger->size) {
        ledger->size = ledger->size ? ledger->size * 2 : 1024;
        ledger->parts = xreallocarray(ledger->parts, ledger->size, sizeof(*ledger->parts));
    }
    ledger->parts[ledger->count++] = (struct part){name, flash, ram};
}

static int by_name(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static int by_size(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    if (x->flash != y->flash)
        return x->flash < y->flash ? 1 : -1;
    if (x->ram != y->ram)
        return x->ram < y->ram ? 1 : -1;
    return strcmp(x->name, y->name);
}

/* One entry a name, the largest first. */
static void add_up(struct ledger *ledger)
{
    size_t kept = 0;
    if (!ledger->count)
        return;
    qsort(ledger->parts, ledger->count, sizeof(*ledger->parts), by_name);
    for (size_t i = 0; i < ledger->count; i++) {
        struct part *part = &ledger->parts[i];
        if (kept && !strcmp(ledger->parts[kept - 1].name, part->name)) {
            ledger->parts[kept - 1].flash += part->flash;
            ledger->parts[kept - 1].ram += part->ram;
        } else {
            ledger->parts[kept++] = *part;
        }
    }
    ledger->count = kept;
    qsort(ledger->parts, kept, sizeof(*ledger->parts), by_size);
}

/* "/build/py/gc.o" to "py/gc.o", "/usr/lib/.../libgcc.a(_divsi3.o)" to "libgcc.a(_divsi3.o)". */
static const char *object_name(const struct report *r, const char *object)
{
    if (path_is_beneath(object, r->in->build_at))
        return object + strlen(r->in->build_at) + 1;
    const char *archive = strstr(object, ".a(");
    const char *name = object;
    for (const char *p = object; *p && (!archive || p < archive); p++)
        if (*p == '/' && p[1])
            name = p + 1;
    return name;
}

/* ---- sections ---- */

static bool is_in_ram(const struct elf_section *s)
{
    return s->writable || !s->has_bytes || s->load_address != s->address;
}

/* The heap and the stack are counted by themselves, wherever the linker has put them. */
static void charge(struct report *r, const struct elf_section *s, const char *name,
                   struct range range)
{
    uint64_t ram = 0;
    if (is_in_ram(s))
        ram =
            length(range) - length(intersect(range, r->heap)) - length(intersect(range, r->stack));
    add_part(&r->ledger, name, s->has_bytes ? length(range) : 0, ram);
    r->data += s->has_bytes ? ram : 0;
    r->bss += s->has_bytes ? 0 : ram;
}

static int by_address(const void *a, const void *b)
{
    const struct map_piece *const *x = a, *const *y = b;
    if ((*x)->address != (*y)->address)
        return (*x)->address < (*y)->address ? -1 : 1;
    return (*x > *y) - (*x < *y); /* the file's order */
}

/* A piece whose strings were merged with others is given with the size that it had before: it ends
 * where the next one begins. */
static void charge_pieces(struct report *r, const struct elf_section *s)
{
    const struct map_piece **pieces = xcalloc(r->map.piece_count + 1, sizeof(*pieces));
    uint64_t at = s->address, end = s->address + s->size;
    size_t count = 0;
    for (size_t i = 0; i < r->map.piece_count; i++) {
        const struct map_piece *p = &r->map.pieces[i];
        if (p->address >= at && p->address < end && !strcmp(p->output, s->name))
            pieces[count++] = p;
    }
    qsort(pieces, count, sizeof(*pieces), by_address);
    for (size_t i = 0; i < count; i++) {
        const struct map_piece *p = pieces[i];
        uint64_t next = i + 1 < count ? pieces[i + 1]->address : end;
        struct range range =
            intersect((struct range){p->address, p->address + p->size}, (struct range){at, next});
        if (!length(range))
            continue;
        charge(r, s, PADDING, (struct range){at, range.start});
        charge(r, s, object_name(r, p->object), range);
        at = range.end;
    }
    charge(r, s, count ? PADDING : UNKNOWN, (struct range){at, end});
    free(pieces);
}

static void charge_sections(struct report *r)
{
    uint64_t in_sections = 0;
    for (size_t i = 0; i < r->elf.segment_count; i++)
        r->flash += r->elf.segments[i].size;
    for (size_t i = 0; i < r->elf.section_count; i++) {
        const struct elf_section *s = &r->elf.sections[i];
        if (!s->alloc || !s->size)
            continue;
        in_sections += s->has_bytes ? s->size : 0;
        charge_pieces(r, s);
    }
    if (r->flash > in_sections) /* what lies between sections, and an ELF file's own headers */
        add_part(&r->ledger, PADDING, r->flash - in_sections, 0);
}

/* ---- heap and stack ---- */

static struct range find_range(const struct report *r, const char *start, const char *end)
{
    const struct elf_symbol *from = start ? elf_table_symbol(&r->elf, start) : NULL;
    const struct elf_symbol *to = end ? elf_table_symbol(&r->elf, end) : NULL;
    if (!from || (end && !to))
        return (struct range){0, 0};
    return (struct range){from->value, to ? to->value : from->value + from->size};
}

/* ---- to JSON ---- */

static json_t *address_json(uint64_t address)
{
    char text[24];
    snprintf(text, sizeof(text), "0x%08llx", (unsigned long long)address);
    return json_string(text);
}

/* What is not UTF-8 has its bytes as \\xNN. */
static json_t *name_json(const char *name)
{
    _cleanup_(buf_release) struct buf printable = BUF_INIT;
    text_add_printable(&printable, name, strlen(name));
    return json_string(printable.data);
}

static json_t *sections_json(const struct report *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->elf.section_count; i++) {
        const struct elf_section *s = &r->elf.sections[i];
        if (!s->alloc || !s->size)
            continue;
        json_t *item = json_pack("{s:o, s:I, s:o, s:b, s:b}", "name", name_json(s->name), "size",
                                 (json_int_t)s->size, "address", address_json(s->address), "flash",
                                 s->has_bytes, "ram", is_in_ram(s));
        if (s->has_bytes && s->load_address != s->address)
            json_object_set_new(item, "load_address", address_json(s->load_address));
        json_array_append_new(list, item);
    }
    return list;
}

struct ranges {
    struct range *items;
    size_t count;
};

static void add_range(struct ranges *ranges, struct range range, struct range within)
{
    range = intersect(range, within);
    if (length(range))
        ranges->items[ranges->count++] = range;
}

static int by_range_start(const void *a, const void *b)
{
    const struct range *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

/* What is used of a memory; *last is where the last of it ends. */
static uint64_t used_of(const struct report *r, struct range memory, uint64_t *last)
{
    struct ranges ranges = {xcalloc(2 * r->elf.section_count + 2, sizeof(struct range)), 0};
    uint64_t used = 0;
    for (size_t i = 0; i < r->elf.section_count; i++) {
        const struct elf_section *s = &r->elf.sections[i];
        if (!s->alloc)
            continue;
        add_range(&ranges, (struct range){s->address, s->address + s->size}, memory);
        if (s->has_bytes)
            add_range(&ranges, (struct range){s->load_address, s->load_address + s->size}, memory);
    }
    add_range(&ranges, r->heap, memory);
    add_range(&ranges, r->stack, memory);
    qsort(ranges.items, ranges.count, sizeof(*ranges.items), by_range_start);
    *last = memory.start;
    for (size_t i = 0; i < ranges.count; i++) {
        used += length((struct range){ranges.items[i].start > *last ? ranges.items[i].start : *last,
                                      ranges.items[i].end});
        *last = ranges.items[i].end > *last ? ranges.items[i].end : *last;
    }
    free(ranges.items);
    return used;
}

static json_t *regions_json(const struct report *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->map.region_count; i++) {
        const struct map_region *m = &r->map.regions[i];
        uint64_t last, end = m->origin + m->length;
        uint64_t used = used_of(r, (struct range){m->origin, end}, &last);
        json_array_append_new(
            list, json_pack("{s:o, s:o, s:I, s:I, s:I}", "name", name_json(m->name), "address",
                            address_json(m->origin), "size", (json_int_t)m->length, "used",
                            (json_int_t)used, "free_at_end", (json_int_t)(end - last)));
    }
    return list;
}

static json_t *parts_json(const struct ledger *ledger)
{
    json_t *list = json_array();
    for (size_t i = 0; i < ledger->count; i++) {
        const struct part *p = &ledger->parts[i];
        json_array_append_new(list,
                              json_pack("{s:o, s:I, s:I}", "name", name_json(p->name), "flash",
                                        (json_int_t)p->flash, "ram", (json_int_t)p->ram));
    }
    return list;
}

/* A C module's objects lie in a directory of its name. */
static json_t *c_modules_json(const struct report *r)
{
    struct ledger sums = {0};
    for (size_t m = 0; r->in->c_modules && r->in->c_modules[m]; m++) {
        const char *name = r->in->c_modules[m];
        for (size_t i = 0; i < r->ledger.count; i++) {
            const struct part *p = &r->ledger.parts[i];
            if (path_is_beneath(p->name, name))
                add_part(&sums, name, p->flash, p->ram);
        }
    }
    add_up(&sums);
    json_t *list = parts_json(&sums);
    free(sums.parts);
    return list;
}

static uint64_t flash_of_frozen_object(const struct report *r)
{
    for (size_t i = 0; i < r->ledger.count; i++)
        if (!strcmp(r->ledger.parts[i].name, FROZEN_OBJECT))
            return r->ledger.parts[i].flash;
    return 0;
}

static int by_flash(const void *a, const void *b)
{
    const struct frozen_size *x = a, *y = b;
    uint64_t of_x = frozen_size_total(x), of_y = frozen_size_total(y);
    return of_x != of_y ? (of_x < of_y ? 1 : -1) : strcmp(x->target, y->target);
}

/* The modules, the largest first, and what belongs to none of them: the frame of the qstr pool and
 * of the lists. */
static void add_frozen(const struct report *r, json_t *report)
{
    struct frozen_sizes sizes = FROZEN_SIZES_INIT;
    json_t *list = json_array();
    uint64_t shared = flash_of_frozen_object(r);
    frozen_sizes_read(&sizes, r->in->frozen, r->in->frozen_content, &r->elf, r->in->elf, &r->map);
    qsort(sizes.items, sizes.count, sizeof(*sizes.items), by_flash);
    for (size_t i = 0; i < sizes.count; i++) {
        const struct frozen_size *s = &sizes.items[i];
        uint64_t total = frozen_size_total(s);
        if (!total || total > shared)
            continue;
        shared -= total;
        json_array_append_new(
            list, json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "name", s->target, "flash",
                            (json_int_t)total, "bytecode", (json_int_t)s->bytecode, "constants",
                            (json_int_t)s->constants, "qstrs", (json_int_t)s->qstrs, "source",
                            (json_int_t)s->source, "names", (json_int_t)s->names));
    }
    json_object_set_new(report, "modules", list);
    json_object_set_new(report, "modules_shared", json_integer((json_int_t)shared));
    frozen_sizes_release(&sizes);
}

static json_t *to_json(const struct report *r)
{
    json_t *report = json_pack(
        "{s:I, s:{s:I, s:I, s:I, s:I}, s:o, s:o, s:o, s:o}", "flash", (json_int_t)r->flash, "ram",
        "data", (json_int_t)r->data, "bss", (json_int_t)r->bss, "heap", (json_int_t)length(r->heap),
        "stack", (json_int_t)length(r->stack), "sections", sections_json(r), "regions",
        regions_json(r), "objects", parts_json(&r->ledger), "c_modules", c_modules_json(r));
    add_frozen(r, report);
    return report;
}

json_t *size_report(const struct size_input *input, struct err **err)
{
    struct report r = {.in = input, .elf = ELF_TABLE_INIT, .map = LINKER_MAP_INIT};
    const struct memory_def *memory = input->memory;
    if (!elf_table_read(input->elf, input->elf_size, &r.elf, err))
        return NULL;
    linker_map_read(input->map, input->map_size, &r.map);
    r.heap = find_range(&r, memory->heap_start, memory->heap_end);
    r.stack = find_range(&r, memory->stack_start, memory->stack_end);
    charge_sections(&r);
    add_up(&r.ledger);
    json_t *report = to_json(&r);
    free(r.ledger.parts);
    elf_table_release(&r.elf);
    linker_map_release(&r.map);
    return report;
}
