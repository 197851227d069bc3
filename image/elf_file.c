#include "image/elf_file.h"

#include <elf.h>
#include <string.h>

#include "image/pieces.h"

bool elf_is(const void *data, size_t size)
{
    return size >= SELFMAG && memcmp(data, ELFMAG, SELFMAG) == 0;
}

static bool read_header(const uint8_t *data, size_t size, Elf32_Ehdr *header, struct err **err)
{
    if (!elf_is(data, size))
        return err_set(err, ERR_FAILED, "not an ELF file: no ELF magic at its start");
    if (size < sizeof(*header))
        return err_set(err, ERR_FAILED, "ELF file: %zu bytes are too few for its header", size);
    if (data[EI_CLASS] != ELFCLASS32 || data[EI_DATA] != ELFDATA2LSB)
        return err_set(err, ERR_FAILED,
                       "ELF file: only 32-bit little-endian executables are flashed, and this is "
                       "none: is it a program for the host?");
    memcpy(header, data, sizeof(*header));
    if (header->e_phentsize != sizeof(Elf32_Phdr))
        return err_set(err, ERR_FAILED, "ELF file: program headers of %u bytes, expected %zu",
                       header->e_phentsize, sizeof(Elf32_Phdr));
    uint64_t table_end = header->e_phoff + (uint64_t)header->e_phnum * sizeof(Elf32_Phdr);
    if (table_end > size)
        return err_set(err, ERR_FAILED,
                       "ELF file: the program headers end at %llu, the file at %zu",
                       (unsigned long long)table_end, size);
    return true;
}

/* Load address to flash address. */
static bool map_address(const struct link_map *maps, size_t count, const Elf32_Phdr *ph,
                        uint32_t *address, struct err **err)
{
    *address = ph->p_paddr;
    if (count == 0)
        return true;
    uint64_t end = (uint64_t)ph->p_paddr + ph->p_filesz;
    for (size_t i = 0; i < count; i++) {
        if (ph->p_paddr >= maps[i].link && end <= maps[i].link + maps[i].size) {
            *address = maps[i].flash + (ph->p_paddr - maps[i].link);
            return true;
        }
    }
    err_set(err, ERR_FAILED, "ELF file: the segment at 0x%08x (%u bytes) lies outside the flash",
            ph->p_paddr, ph->p_filesz);
    return err_hint(err,
                    "'link' of the port or board in firmware-src/ says where addresses end up");
}

static bool add_segment(const uint8_t *data, size_t size, const Elf32_Phdr *ph,
                        const struct link_map *maps, size_t count, struct pieces *pieces,
                        struct err **err)
{
    uint32_t address;
    if ((uint64_t)ph->p_offset + ph->p_filesz > size)
        return err_set(err, ERR_FAILED,
                       "ELF file: the segment at 0x%08x ends at offset %llu, the file at %zu",
                       ph->p_paddr, (unsigned long long)ph->p_offset + ph->p_filesz, size);
    return map_address(maps, count, ph, &address, err) &&
           pieces_add(pieces, 0, address, data + ph->p_offset, ph->p_filesz, err);
}

bool elf_read(const void *data, size_t size, const struct link_map *maps, size_t count,
              struct image *image, struct err **err)
{
    Elf32_Ehdr header = {0};
    _cleanup_(pieces_release) struct pieces pieces = PIECES_INIT;
    const uint8_t *bytes = data;
    if (!read_header(bytes, size, &header, err))
        return false;
    for (unsigned i = 0; i < header.e_phnum; i++) {
        Elf32_Phdr ph;
        memcpy(&ph, bytes + header.e_phoff + i * sizeof(ph), sizeof(ph));
        if (ph.p_type == PT_LOAD && ph.p_filesz > 0 &&
            !add_segment(bytes, size, &ph, maps, count, &pieces, err))
            return false;
    }
    if (pieces.count == 0)
        return err_set(err, ERR_FAILED, "ELF file: no loadable segment with bytes in it");
    if (!pieces_move(&pieces, image, err))
        return err_wrap(err, "ELF file");
    return true;
}

static bool read_section(const uint8_t *data, size_t size, const Elf32_Ehdr *header, unsigned i,
                         Elf32_Shdr *section)
{
    uint64_t at = header->e_shoff + (uint64_t)i * sizeof(*section);
    if (i >= header->e_shnum || at + sizeof(*section) > size)
        return false;
    memcpy(section, data + at, sizeof(*section));
    return section->sh_type != SHT_NOBITS &&
           (uint64_t)section->sh_offset + section->sh_size <= size;
}

/* Is that the string at `offset` of a string table's section? */
static bool is_string(const uint8_t *data, const Elf32_Shdr *strings, uint32_t offset,
                      const char *name)
{
    return offset < strings->sh_size && strings->sh_size - offset > strlen(name) &&
           memcmp(data + strings->sh_offset + offset, name, strlen(name) + 1) == 0;
}

static bool read_sections(const void *data, size_t size, Elf32_Ehdr *header)
{
    _cleanup_err_ struct err *ignored = NULL;
    return read_header(data, size, header, &ignored) && header->e_shentsize == sizeof(Elf32_Shdr);
}

bool elf_section(const void *data, size_t size, const char *name, const uint8_t **bytes,
                 size_t *len)
{
    Elf32_Ehdr header = {0};
    Elf32_Shdr names, section;
    if (!read_sections(data, size, &header) ||
        !read_section(data, size, &header, header.e_shstrndx, &names))
        return false;
    for (unsigned i = 0; i < header.e_shnum; i++) {
        if (!read_section(data, size, &header, i, &section) ||
            !is_string(data, &names, section.sh_name, name))
            continue;
        *bytes = (const uint8_t *)data + section.sh_offset;
        *len = section.sh_size;
        return true;
    }
    return false;
}

static bool find_symbol(const uint8_t *data, const Elf32_Shdr *table, const Elf32_Shdr *strings,
                        const char *name, uint32_t *value)
{
    Elf32_Sym symbol;
    for (size_t at = 0; at + sizeof(symbol) <= table->sh_size; at += sizeof(symbol)) {
        memcpy(&symbol, data + table->sh_offset + at, sizeof(symbol));
        if (!is_string(data, strings, symbol.st_name, name))
            continue;
        *value = symbol.st_value;
        return true;
    }
    return false;
}

bool elf_symbol(const void *data, size_t size, const char *name, uint32_t *value)
{
    Elf32_Ehdr header = {0};
    Elf32_Shdr table, strings;
    if (!read_sections(data, size, &header))
        return false;
    /* There is one table; a file with thousands of large ones was made to keep us busy. */
    for (unsigned i = 0; i < header.e_shnum; i++) {
        if (read_section(data, size, &header, i, &table) && table.sh_type == SHT_SYMTAB)
            return read_section(data, size, &header, table.sh_link, &strings) &&
                   find_symbol(data, &table, &strings, name, value);
    }
    return false;
}
