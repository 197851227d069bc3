#include "image/elf_file.h"

#include <elf.h>

#include "base/proc.h"
#include "tests/unit/unit.h"

#define DATA_OFFSET 256

/* An executable whose segments all have their bytes from DATA_OFFSET on. */
static void make_elf(struct buf *file, const Elf32_Phdr *segments, uint16_t count)
{
    Elf32_Ehdr header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_ARM,
        .e_phoff = sizeof(header),
        .e_phentsize = sizeof(Elf32_Phdr),
        .e_phnum = count,
    };
    buf_clear(file);
    buf_add(file, &header, sizeof(header));
    for (uint16_t i = 0; i < count; i++) {
        Elf32_Phdr segment = segments[i];
        segment.p_offset += DATA_OFFSET;
        buf_add(file, &segment, sizeof(segment));
    }
    buf_fill(file, 0, DATA_OFFSET - file->len);
    buf_adds(file, "0123456789");
}

static Elf32_Phdr load(uint32_t paddr, uint32_t offset, uint32_t size)
{
    return (Elf32_Phdr){.p_type = PT_LOAD,
                        .p_offset = offset,
                        .p_vaddr = 0x20000000,
                        .p_paddr = paddr,
                        .p_filesz = size,
                        .p_memsz = size};
}

static void loads_file_bytes_at_load_addresses(void **state)
{
    (void)state;
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    _cleanup_(buf_release) struct buf file = BUF_INIT;
    struct err *err = NULL;
    Elf32_Phdr bss = load(0x20000000, 0, 0), note = load(0x08000100, 0, 4);
    bss.p_memsz = 1000;
    note.p_type = PT_NOTE;
    make_elf(&file, (Elf32_Phdr[]){load(0x08000004, 4, 6), bss, note, load(0x08000000, 0, 4)}, 4);
    assert_true(elf_is(file.data, file.len));
    assert_ok(elf_read(file.data, file.len, NULL, 0, &image, &err), &err);
    assert_int_equal(image.count, 1);
    assert_int_equal(image.segments[0].address, 0x08000000);
    assert_int_equal(image.segments[0].size, 10);
    assert_memory_equal(image.segments[0].data, "0123456789", 10);
}

static void link_addresses_are_mapped_to_flash(void **state)
{
    (void)state;
    static const struct link_map maps[] = {{0, 0x08000000, 8}, {0x90000000, 0x08100000, 4}};
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    _cleanup_(buf_release) struct buf file = BUF_INIT;
    struct err *err = NULL;
    make_elf(&file, (Elf32_Phdr[]){load(4, 0, 4), load(0x90000000, 0, 4)}, 2);
    assert_ok(elf_read(file.data, file.len, maps, 2, &image, &err), &err);
    assert_int_equal(image.segments[0].address, 0x08000004);
    assert_int_equal(image.segments[1].address, 0x08100000);
    make_elf(&file, (Elf32_Phdr[]){load(5, 0, 4)}, 1); /* the last byte is outside */
    assert_false(elf_read(file.data, file.len, maps, 2, &image, &err));
    assert_error(&err, ERR_FAILED, "the segment at 0x00000005 (4 bytes) lies outside the flash");
    make_elf(&file, (Elf32_Phdr[]){load(0xfffffffe, 0, 4)}, 1);
    assert_false(elf_read(file.data, file.len, maps, 2, &image, &err));
    assert_error(&err, ERR_FAILED, "lies outside the flash");
}

static void refused(const struct buf *file, const char *message)
{
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    struct err *err = NULL;
    assert_false(elf_read(file->data, file->len, NULL, 0, &image, &err));
    assert_error(&err, ERR_FAILED, message);
}

static void what_cannot_be_flashed_is_refused(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf file = BUF_INIT;
    buf_adds(&file, "\x7f"
                    "EL");
    refused(&file, "not an ELF file");
    make_elf(&file, (Elf32_Phdr[]){load(0, 0, 4)}, 1);
    file.data[EI_CLASS] = ELFCLASS64;
    refused(&file, "only 32-bit little-endian executables are flashed");
    make_elf(&file, (Elf32_Phdr[]){load(0, 0, 11)}, 1);
    refused(&file, "the segment at 0x00000000 ends at offset 267, the file at 266");
    make_elf(&file, (Elf32_Phdr[]){load(0, UINT32_MAX - DATA_OFFSET, 2)}, 1);
    refused(&file, "ends at offset 4294967297");
    make_elf(&file, (Elf32_Phdr[]){load(0, 0, 4), load(3, 0, 4)}, 2);
    refused(&file, "ELF file: 0x00000003-0x00000006 overlaps 0x00000000-0x00000003");
    make_elf(&file, NULL, 0);
    refused(&file, "no loadable segment");
    make_elf(&file, NULL, 0);
    ((Elf32_Ehdr *)file.data)->e_phnum = 0xffff;
    refused(&file, "the program headers end at 2097172, the file at 266");
    make_elf(&file, NULL, 0);
    ((Elf32_Ehdr *)file.data)->e_phentsize = 31;
    refused(&file, "program headers of 31 bytes, expected 32");
}

/* In memory of exactly that size, so that the sanitizer sees a read past the end. */
static void cut_or_changed_anywhere(void **state)
{
    (void)state;
    static const uint8_t values[] = {0x00, 0x7f, 0x80, 0xff};
    _cleanup_(buf_release) struct buf file = BUF_INIT;
    struct err *err = NULL;
    make_elf(&file, (Elf32_Phdr[]){load(0x08000000, 0, 4), load(0x08000004, 4, 6)}, 2);
    for (size_t len = 0; len < file.len; len++) {
        _cleanup_(image_release) struct image image = IMAGE_INIT;
        _cleanup_free_ char *copy = xmalloc(len);
        memcpy(copy, file.data, len);
        assert_false(elf_read(copy, len, NULL, 0, &image, &err));
        assert_error(&err, ERR_FAILED, "ELF file");
    }
    for (size_t i = 0; i < DATA_OFFSET; i++) {
        for (size_t v = 0; v < sizeof(values); v++) {
            _cleanup_(image_release) struct image image = IMAGE_INIT;
            _cleanup_free_ char *copy = xmalloc(file.len);
            memcpy(copy, file.data, file.len);
            copy[i] = (char)values[v];
            if (!elf_read(copy, file.len, NULL, 0, &image, &err))
                assert_error(&err, ERR_FAILED, "ELF file");
        }
    }
}

/* Segments that go downwards and share their bytes: 50 MB out of a small file. */
static void many_segments_are_read_quickly(void **state)
{
    (void)state;
    const uint16_t count = 50000;
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    _cleanup_(buf_release) struct buf file = BUF_INIT;
    struct err *err = NULL;
    make_elf(&file, NULL, 0);
    ((Elf32_Ehdr *)file.data)->e_phnum = count;
    ((Elf32_Ehdr *)file.data)->e_phoff = (uint32_t)file.len;
    for (uint32_t i = count; i > 0; i--) {
        Elf32_Phdr segment = load(i * 1000, DATA_OFFSET, 1000);
        buf_add(&file, &segment, sizeof(segment));
    }
    long long begin = clock_ms();
    assert_ok(elf_read(file.data, file.len, NULL, 0, &image, &err), &err);
    assert_int_equal(image.count, 1);
    assert_true(clock_ms() - begin < 10000);
}

/* Sections: 1 their names, 2 ".version" with "1.2", 3 without bytes, 4 symbols, 5 their names. */
static void make_sections(struct buf *file)
{
    static const char names[] = "\0.names\0.version\0.bss", symbols[] = "\0_start\0_end";
    const Elf32_Sym table[] = {
        {0}, {.st_name = 1, .st_value = 0x08004000}, {.st_name = 8, .st_value = 0x08020000}};
    make_elf(file, (Elf32_Phdr[]){load(0x08000000, 0, 4)}, 1);
    uint32_t names_at = (uint32_t)file->len;
    buf_add(file, names, sizeof(names));
    uint32_t version_at = (uint32_t)file->len;
    buf_adds(file, "1.2");
    uint32_t table_at = (uint32_t)file->len;
    buf_add(file, table, sizeof(table));
    uint32_t symbols_at = (uint32_t)file->len;
    buf_add(file, symbols, sizeof(symbols));
    const Elf32_Shdr sections[] = {
        {0},
        {.sh_name = 1, .sh_type = SHT_STRTAB, .sh_offset = names_at, .sh_size = sizeof(names)},
        {.sh_name = 8, .sh_type = SHT_PROGBITS, .sh_offset = version_at, .sh_size = 3},
        {.sh_name = 17, .sh_type = SHT_NOBITS, .sh_offset = version_at, .sh_size = 1 << 30},
        {.sh_type = SHT_SYMTAB, .sh_offset = table_at, .sh_size = sizeof(table), .sh_link = 5},
        {.sh_type = SHT_STRTAB, .sh_offset = symbols_at, .sh_size = sizeof(symbols)},
    };
    Elf32_Ehdr *header = (Elf32_Ehdr *)file->data;
    header->e_shoff = (uint32_t)file->len;
    header->e_shentsize = sizeof(Elf32_Shdr);
    header->e_shnum = ARRAY_SIZE(sections);
    header->e_shstrndx = 1;
    buf_add(file, sections, sizeof(sections));
}

static void sections_and_symbols_by_name(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf file = BUF_INIT;
    const uint8_t *bytes;
    size_t len;
    uint32_t value;
    make_sections(&file);
    assert_true(elf_section(file.data, file.len, ".version", &bytes, &len));
    assert_int_equal(len, 3);
    assert_memory_equal(bytes, "1.2", 3);
    assert_false(elf_section(file.data, file.len, ".vers", &bytes, &len));
    assert_false(elf_section(file.data, file.len, ".bss", &bytes, &len));
    assert_true(elf_symbol(file.data, file.len, "_start", &value));
    assert_int_equal(value, 0x08004000);
    assert_true(elf_symbol(file.data, file.len, "_end", &value));
    assert_int_equal(value, 0x08020000);
    assert_false(elf_symbol(file.data, file.len, "_en", &value));
    make_elf(&file, (Elf32_Phdr[]){load(0x08000000, 0, 4)}, 1);
    assert_false(elf_section(file.data, file.len, ".version", &bytes, &len));
    assert_false(elf_symbol(file.data, file.len, "_start", &value));
}

static void sections_cut_or_changed_anywhere(void **state)
{
    (void)state;
    static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    _cleanup_(buf_release) struct buf file = BUF_INIT;
    const uint8_t *bytes;
    size_t len, found = 0;
    uint32_t value;
    make_sections(&file);
    for (size_t size = 0; size < file.len; size++) {
        _cleanup_free_ char *copy = xmalloc(size);
        memcpy(copy, file.data, size);
        assert_false(elf_section(copy, size, ".none", &bytes, &len));
        (void)!elf_symbol(copy, size, "_end", &value);
    }
    for (size_t i = 0; i < file.len * sizeof(values); i++) {
        _cleanup_free_ char *copy = xmalloc(file.len);
        memcpy(copy, file.data, file.len);
        copy[i / sizeof(values)] = (char)values[i % sizeof(values)];
        if (elf_section(copy, file.len, ".version", &bytes, &len)) {
            assert_true(bytes >= (uint8_t *)copy && bytes + len <= (uint8_t *)copy + file.len);
            found++;
        }
        (void)!elf_symbol(copy, file.len, "_end", &value);
    }
    assert_true(found > file.len); /* most bytes are not of it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_file_bytes_at_load_addresses),
        cmocka_unit_test(link_addresses_are_mapped_to_flash),
        cmocka_unit_test(what_cannot_be_flashed_is_refused),
        cmocka_unit_test(cut_or_changed_anywhere),
        cmocka_unit_test(many_segments_are_read_quickly),
        cmocka_unit_test(sections_and_symbols_by_name),
        cmocka_unit_test(sections_cut_or_changed_anywhere),
    };
    return cmocka_run_group_tests_name("elf_file", tests, NULL, NULL);
}
