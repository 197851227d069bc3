/*
 * What an executable consists of: its segments, sections and symbols, ELF32 or ELF64 little-endian,
 * as in the System V ABI's "Object Files". For reports; elf_file.h makes an image of one.
 *
 *     struct elf_table table = ELF_TABLE_INIT;
 *     if (!elf_table_read(data, size, &table, err)) ...
 *     elf_table_release(&table);
 *
 * Names are borrowed from data, which has to outlive the table. Every offset and size was checked
 * against the file; a name whose string does not end in it is "".
 */
#ifndef FIRN_IMAGE_ELF_TABLE_H
#define FIRN_IMAGE_ELF_TABLE_H

#include "base/err.h"

struct elf_segment { /* PT_LOAD with bytes in the file */
    uint64_t address, load_address, offset, size;
};

struct elf_section {
    const char *name;
    uint64_t address, size;
    uint64_t load_address; /* where its bytes are before it is started; with has_bytes */
    uint64_t offset;       /* of its bytes in the file */
    bool alloc;            /* it is in memory when the program runs (SHF_ALLOC) */
    bool writable;
    bool has_bytes; /* ... which come from the file: it is loaded */
};

struct elf_symbol {
    const char *name;
    uint64_t value, size;
};

struct elf_table {
    struct elf_segment *segments; /* sorted by load address */
    struct elf_section *sections; /* in the file's order; the empty first one left out */
    struct elf_symbol *symbols;   /* in the file's order; those without a name left out */
    size_t segment_count, section_count, symbol_count;
    unsigned pointer_size; /* 4 or 8 bytes */
};
#define ELF_TABLE_INIT                                                                             \
    {                                                                                              \
        NULL, NULL, NULL, 0, 0, 0, 0                                                               \
    }

/* Fails when it is no such file or damaged. */
bool elf_table_read(const void *data, size_t size, struct elf_table *table,
                    struct err **err) MUST_CHECK;
void elf_table_release(struct elf_table *table);

/* Borrowed; NULL: there is none of that name. */
const struct elf_section *elf_table_section(const struct elf_table *table, const char *name);
const struct elf_symbol *elf_table_symbol(const struct elf_table *table, const char *name);
/* The bytes of the file that lie at these addresses when the program runs, borrowed from data;
 * NULL: they are not all in one section that has bytes. */
const uint8_t *elf_table_bytes(const struct elf_table *table, const void *data, uint64_t address,
                               uint64_t size);

/* The text that lies there, borrowed; NULL: there is none that ends in its section. */
const char *elf_table_text(const struct elf_table *table, const void *data, uint64_t address);

#endif
