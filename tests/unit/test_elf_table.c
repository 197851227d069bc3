#include "image/elf_table.h"

#include "base/fs.h"
#include "tests/unit/unit.h"

#define SELF_MAX_BYTES ((size_t)256 * 1024 * 1024)

/* This program is an executable, too: what the compiler knows of it has to be in its table. */
__attribute__((used)) static const char marker[] = "the text that elf_table_text() is asked for";
__attribute__((used)) static char zeros[12345];

static struct buf self = BUF_INIT;

static int setup(void **state)
{
    (void)state;
    struct err *err = NULL;
    return fs_read("/proc/self/exe", SELF_MAX_BYTES, &self, &err) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    buf_release(&self);
    return 0;
}

static void sections_and_symbols_are_those_of_the_program(void **state)
{
    (void)state;
    struct elf_table table = ELF_TABLE_INIT;
    struct err *err = NULL;
    assert_ok(elf_table_read(self.data, self.len, &table, &err), &err);
    assert_int_equal(table.pointer_size, sizeof(void *));
    assert_true(table.segment_count > 0);
    const struct elf_section *text = elf_table_section(&table, ".text");
    const struct elf_section *bss = elf_table_section(&table, ".bss");
    assert_non_null(text);
    assert_true(text->alloc && text->has_bytes && !text->writable);
    assert_true(bss && bss->alloc && bss->writable && !bss->has_bytes);
    assert_int_equal(text->load_address, text->address);
    const struct elf_symbol *symbol = elf_table_symbol(&table, "zeros");
    assert_non_null(symbol);
    assert_true(symbol->size >= sizeof(zeros));
    assert_true(symbol->value >= bss->address &&
                symbol->value + sizeof(zeros) <= bss->address + bss->size);
    assert_null(elf_table_section(&table, ".nothing"));
    assert_null(elf_table_symbol(&table, "nothing"));
    elf_table_release(&table);
}

static void bytes_are_found_by_their_address(void **state)
{
    (void)state;
    struct elf_table table = ELF_TABLE_INIT;
    struct err *err = NULL;
    assert_ok(elf_table_read(self.data, self.len, &table, &err), &err);
    const struct elf_symbol *symbol = elf_table_symbol(&table, "marker");
    assert_non_null(symbol);
    assert_string_equal(elf_table_text(&table, self.data, symbol->value), marker);
    assert_memory_equal(elf_table_bytes(&table, self.data, symbol->value + 4, 4), marker + 4, 4);
    assert_null(elf_table_bytes(&table, self.data, symbol->value, self.len));
    symbol = elf_table_symbol(&table, "zeros");
    assert_null(elf_table_text(&table, self.data, symbol->value)); /* no bytes in the file */
    assert_null(elf_table_bytes(&table, self.data, UINT64_MAX, 1));
    elf_table_release(&table);
}

static void what_is_cut_short_is_refused(void **state)
{
    (void)state;
    struct elf_table table = ELF_TABLE_INIT;
    struct err *err = NULL;
    assert_false(elf_table_read("no", 2, &table, &err));
    assert_error(&err, ERR_FAILED, "not an ELF file");
    assert_false(elf_table_read(self.data, 40, &table, &err));
    assert_error(&err, ERR_FAILED, "too short");
    /* The table of sections is at the end. */
    assert_false(elf_table_read(self.data, self.len - 64, &table, &err));
    assert_error(&err, ERR_FAILED, "ends behind the file");
    assert_null(table.sections);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_and_symbols_are_those_of_the_program),
        cmocka_unit_test(bytes_are_found_by_their_address),
        cmocka_unit_test(what_is_cut_short_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
