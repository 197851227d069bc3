#include "image/linker_map.h"

#include "tests/unit/unit.h"

static const char map_text[] =
    "Archive member included to satisfy reference by file (symbol)\n"
    "\n"
    "Discarded input sections\n"
    "\n"
    " .text          0x00000000       0x10 /build/discarded.o\n"
    "\n"
    "Memory Configuration\n"
    "\n"
    "Name             Origin             Length             Attributes\n"
    "FLASH            0x08000000         0x00100000         xr\n"
    "RAM              0x20000000         0x00020000         xrw\n"
    "*default*        0x00000000         0xffffffff\n"
    "\n"
    "Linker script and memory map\n"
    "\n"
    "                0x20020000                        _estack = 0x20020000\n"
    "LOAD /build/py/gc.o\n"
    "\n"
    ".text           0x08000000      0x118 load address 0x08000000\n"
    "                0x08000000                        . = ALIGN (0x4)\n"
    " *(.text*)\n"
    " .text.f_open   0x08000000       0x1a /build/lib/oofatfs/ff.o\n"
    "                0x08000000                f_open\n"
    " *fill*         0x0800001a        0x2 \n"
    " .rodata.mp_qstr_const_pool.str1.1\n"
    "                0x0800001c       0xc0 /build/py/qstr.o\n"
    "                                 0xd7 (size before relaxing)\n"
    " .text.empty    0x080000dc        0x0 /build/py/gc.o\n"
    " .text          0x080000dc       0x3c /usr/lib/my gcc/libgcc.a(_divsi3.o)\n"
    ".bss            0x20000000       0x10\n"
    " COMMON         0x20000000       0x10 main.o\n"
    ".debug_info     0x00000000       0x20\n"
    " .debug_info    0x00000000       0x20 main.o\n";

static void assert_piece(const struct map_piece *piece, const struct map_piece *expected)
{
    assert_string_equal(piece->output, expected->output);
    assert_string_equal(piece->input, expected->input);
    assert_string_equal(piece->object, expected->object);
    assert_int_equal(piece->address, expected->address);
    assert_int_equal(piece->size, expected->size);
}

static void memories_and_pieces_are_read(void **state)
{
    (void)state;
    static const struct map_piece expected[] = {
        {".text", ".text.f_open", "/build/lib/oofatfs/ff.o", 0x08000000, 0x1a},
        {".text", ".rodata.mp_qstr_const_pool.str1.1", "/build/py/qstr.o", 0x0800001c, 0xc0},
        {".text", ".text", "/usr/lib/my gcc/libgcc.a(_divsi3.o)", 0x080000dc, 0x3c},
        {".bss", "COMMON", "main.o", 0x20000000, 0x10},
        {".debug_info", ".debug_info", "main.o", 0, 0x20},
    };
    struct linker_map map = LINKER_MAP_INIT;
    linker_map_read(map_text, strlen(map_text), &map);
    assert_int_equal(map.region_count, 2);
    assert_string_equal(map.regions[1].name, "RAM");
    assert_int_equal(map.regions[1].origin, 0x20000000);
    assert_int_equal(map.regions[1].length, 0x20000);
    assert_int_equal(map.piece_count, ARRAY_SIZE(expected));
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
        assert_piece(&map.pieces[i], &expected[i]);
    linker_map_release(&map);
}

/* A map that was cut short, or is none at all. */
static void what_is_not_there_is_not_read(void **state)
{
    (void)state;
    for (size_t len = 0; len < strlen(map_text); len++) {
        struct linker_map map = LINKER_MAP_INIT;
        linker_map_read(map_text, len, &map);
        assert_true(map.piece_count <= 5 && map.region_count <= 2);
        linker_map_release(&map);
    }
    struct linker_map map = LINKER_MAP_INIT;
    linker_map_read("\n\n .text 0x0 0x1 a.o\n", 21, &map);
    assert_int_equal(map.piece_count, 0);
    linker_map_release(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memories_and_pieces_are_read),
        cmocka_unit_test(what_is_not_there_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
