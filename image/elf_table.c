#include "image/elf_table.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "image/elf_file.h"

/* A file and where its tables are, for both classes. */
struct file {
    const uint8_t *data;
    size_t size;
    bool wide; /* ELF64 */
    uint64_t segments_at, sections_at;
    unsigned segment_count, section_count, names_index;
};

/* One entry of the section table, of either class. */
struct header {
    uint32_t name, type, link;
    uint64_t flags, address, offset, size;
};

static bool fits(const struct file *f, uint64_t offset, uint64_t size)
{
    return offset <= f->size && size <= f->size - offset;
}

static bool read_header32(struct file *f)
{
    Elf32_Ehdr h;
    memcpy(&h, f->data, sizeof(h));
    f->segments_at = h.e_phoff;
    f->sections_at = h.e_shoff;
    f->segment_count = h.e_phnum;
    f->section_count = h.e_shnum;
    f->names_index = h.e_shstrndx;
    return (h.e_phentsize == sizeof(Elf32_Phdr) || !h.e_phnum) &&
           (h.e_shentsize == sizeof(Elf32_Shdr) || !h.e_shnum);
}

static bool read_header64(struct file *f)
{
    Elf64_Ehdr h;
    memcpy(&h, f->data, sizeof(h));
    f->segments_at = h.e_phoff;
    f->sections_at = h.e_shoff;
    f->segment_count = h.e_phnum;
    f->section_count = h.e_shnum;
    f->names_index = h.e_shstrndx;
    return (h.e_phentsize == sizeof(Elf64_Phdr) || !h.e_phnum) &&
           (h.e_shentsize == sizeof(Elf64_Shdr) || !h.e_shnum);
}

static bool read_file(struct file *f, struct err **err)
{
    if (!elf_is(f->data, f->size))
        return err_set(err, ERR_FAILED, "not an ELF file: no ELF magic at its start");
    if (f->size < sizeof(Elf64_Ehdr) || f->data[EI_DATA] != ELFDATA2LSB)
        return err_set(err, ERR_FAILED, "ELF file: too short, or not little-endian");
    f->wide = f->data[EI_CLASS] == ELFCLASS64;
    if (!(f->wide ? read_header64(f) : read_header32(f)))
        return err_set(err, ERR_FAILED, "ELF file: the entries of its tables have another size");
    uint64_t segment = f->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
    uint64_t section = f->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
    if (!fits(f, f->segments_at, f->segment_count * segment) ||
        !fits(f, f->sections_at, f->section_count * section))
        return err_set(err, ERR_FAILED, "ELF file: a table of it ends behind the file");
    return true;
}

/* ---- segments ---- */

static bool read_segment(const struct file *f, unsigned i, struct elf_segment *segment)
{
    uint32_t type;
    if (f->wide) {
        Elf64_Phdr p;
        memcpy(&p, f->data + f->segments_at + i * sizeof(p), sizeof(p));
        *segment = (struct elf_segment){p.p_vaddr, p.p_paddr, p.p_offset, p.p_filesz};
        type = p.p_type;
    } else {
        Elf32_Phdr p;
        memcpy(&p, f->data + f->segments_at + i * sizeof(p), sizeof(p));
        *segment = (struct elf_segment){p.p_vaddr, p.p_paddr, p.p_offset, p.p_filesz};
        type = p.p_type;
    }
    return type == PT_LOAD && segment->size > 0;
}

static int by_load_address(const void *a, const void *b)
{
    const struct elf_segment *x = a, *y = b;
    return (x->load_address > y->load_address) - (x->load_address < y->load_address);
}

static bool read_segments(const struct file *f, struct elf_table *table, struct err **err)
{
    table->segments = xcalloc(f->segment_count + 1, sizeof(*table->segments));
    for (unsigned i = 0; i < f->segment_count; i++) {
        struct elf_segment *s = &table->segments[table->segment_count];
        if (!read_segment(f, i, s))
            continue;
        if (!fits(f, s->offset, s->size))
            return err_set(err, ERR_FAILED, "ELF file: a segment of it ends behind the file");
        table->segment_count++;
    }
    qsort(table->segments, table->segment_count, sizeof(*table->segments), by_load_address);
    return true;
}

/* ---- sections ---- */

static struct header read_header(const struct file *f, unsigned i)
{
    if (f->wide) {
        Elf64_Shdr s;
        memcpy(&s, f->data + f->sections_at + i * sizeof(s), sizeof(s));
        return (struct header){s.sh_name, s.sh_type,   s.sh_link, s.sh_flags,
                               s.sh_addr, s.sh_offset, s.sh_size};
    }
    Elf32_Shdr s;
    memcpy(&s, f->data + f->sections_at + i * sizeof(s), sizeof(s));
    return (struct header){s.sh_name, s.sh_type,   s.sh_link, s.sh_flags,
                           s.sh_addr, s.sh_offset, s.sh_size};
}

static const char *string_at(const struct file *f, const struct header *strings, uint32_t offset)
{
    if (strings->type != SHT_STRTAB || !fits(f, strings->offset, strings->size) ||
        offset >= strings->size)
        return "";
    const char *text = (const char *)f->data + strings->offset + offset;
    return memchr(text, '\0', strings->size - offset) ? text : "";
}

/* A section lies where the segment around its bytes is loaded. */
static bool is_loaded(const struct elf_table *table, struct elf_section *section)
{
    for (size_t i = 0; i < table->segment_count; i++) {
        const struct elf_segment *s = &table->segments[i];
        if (section->offset >= s->offset && section->offset - s->offset <= s->size &&
            section->size <= s->size - (section->offset - s->offset)) {
            section->load_address = s->load_address + (section->offset - s->offset);
            return true;
        }
    }
    return false;
}

static bool read_sections(const struct file *f, struct elf_table *table, struct err **err)
{
    struct header names = {0};
    if (f->names_index < f->section_count)
        names = read_header(f, f->names_index);
    table->sections = xcalloc(f->section_count + 1, sizeof(*table->sections));
    for (unsigned i = 1; i < f->section_count; i++) {
        struct header h = read_header(f, i);
        struct elf_section *s = &table->sections[table->section_count++];
        if (h.type != SHT_NOBITS && !fits(f, h.offset, h.size))
            return err_set(err, ERR_FAILED, "ELF file: a section of it ends behind the file");
        *s = (struct elf_section){.name = string_at(f, &names, h.name),
                                  .address = h.address,
                                  .size = h.size,
                                  .offset = h.offset,
                                  .alloc = h.flags & SHF_ALLOC,
                                  .writable = h.flags & SHF_WRITE};
        s->has_bytes = s->alloc && h.type != SHT_NOBITS && is_loaded(table, s);
    }
    return true;
}

/* ---- symbols ---- */

static void add_symbol(const struct file *f, const struct header *strings, struct elf_table *table,
                       const uint8_t *at)
{
    struct elf_symbol *symbol = &table->symbols[table->symbol_count];
    uint32_t name;
    if (f->wide) {
        Elf64_Sym s;
        memcpy(&s, at, sizeof(s));
        name = s.st_name;
        *symbol = (struct elf_symbol){NULL, s.st_value, s.st_size};
    } else {
        Elf32_Sym s;
        memcpy(&s, at, sizeof(s));
        name = s.st_name;
        *symbol = (struct elf_symbol){NULL, s.st_value, s.st_size};
    }
    symbol->name = string_at(f, strings, name);
    table->symbol_count += *symbol->name != '\0';
}

/* There is one table of symbols. */
static void read_symbols(const struct file *f, struct elf_table *table)
{
    size_t entry = f->wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
    for (unsigned i = 1; i < f->section_count; i++) {
        struct header h = read_header(f, i);
        if (h.type != SHT_SYMTAB || h.link >= f->section_count)
            continue;
        struct header strings = read_header(f, h.link);
        table->symbols = xcalloc(h.size / entry + 1, sizeof(*table->symbols));
        for (size_t at = 0; at + entry <= h.size; at += entry)
            add_symbol(f, &strings, table, f->data + h.offset + at);
        return;
    }
}

bool elf_table_read(const void *data, size_t size, struct elf_table *table, struct err **err)
{
    struct file f = {.data = data, .size = size};
    if (!read_file(&f, err) || !read_segments(&f, table, err) || !read_sections(&f, table, err)) {
        elf_table_release(table);
        return false;
    }
    read_symbols(&f, table);
    table->pointer_size = f.wide ? 8 : 4;
    return true;
}

void elf_table_release(struct elf_table *table)
{
    free(table->segments);
    free(table->sections);
    free(table->symbols);
    *table = (struct elf_table)ELF_TABLE_INIT;
}

/* ---- looking up ---- */

const struct elf_section *elf_table_section(const struct elf_table *table, const char *name)
{
    for (size_t i = 0; i < table->section_count; i++)
        if (!strcmp(table->sections[i].name, name))
            return &table->sections[i];
    return NULL;
}

const struct elf_symbol *elf_table_symbol(const struct elf_table *table, const char *name)
{
    for (size_t i = 0; i < table->symbol_count; i++)
        if (!strcmp(table->symbols[i].name, name))
            return &table->symbols[i];
    return NULL;
}

/* The section that has bytes at this address; *offset is how far in it. */
static const struct elf_section *section_at(const struct elf_table *table, uint64_t address,
                                            uint64_t *offset)
{
    for (size_t i = 0; i < table->section_count; i++) {
        const struct elf_section *s = &table->sections[i];
        *offset = address - s->address;
        if (s->has_bytes && address >= s->address && *offset < s->size)
            return s;
    }
    return NULL;
}

const uint8_t *elf_table_bytes(const struct elf_table *table, const void *data, uint64_t address,
                               uint64_t size)
{
    uint64_t offset;
    const struct elf_section *s = section_at(table, address, &offset);
    return s && size <= s->size - offset ? (const uint8_t *)data + s->offset + offset : NULL;
}

const char *elf_table_text(const struct elf_table *table, const void *data, uint64_t address)
{
    uint64_t offset;
    const struct elf_section *s = section_at(table, address, &offset);
    const char *text = s ? (const char *)data + s->offset + offset : NULL;
    return text && memchr(text, '\0', s->size - offset) ? text : NULL;
}
