#include "base/mem.h"

#include "tests/unit/unit.h"

static void strings(void **state)
{
    (void)state;
    _cleanup_free_ char *a = xstrdup("abc");
    _cleanup_free_ char *b = xstrndup("abcdef", 2);
    _cleanup_free_ char *c = xasprintf("%s-%d", "x", 7);

    assert_string_equal(a, "abc");
    assert_string_equal(b, "ab");
    assert_string_equal(c, "x-7");
}

static void arena_gives_zeroed_aligned_distinct_memory(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    unsigned char *last = NULL;

    for (size_t size = 1; size < 20000; size += 97) {
        unsigned char *p = arena_alloc(&arena, size);

        assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xff, size);
        assert_ptr_not_equal(p, last);
        last = p;
    }
    arena_release(&arena);
    assert_null(arena.head);
}

static void arena_strings_outlive_their_source(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    char source[] = "PYBV11";
    char *whole = arena_strdup(&arena, source);
    char *part = arena_strndup(&arena, source, 3);
    char *made = arena_printf(&arena, "%s/%u", source, 11u);

    memset(source, 'x', sizeof(source) - 1);
    assert_string_equal(whole, "PYBV11");
    assert_string_equal(part, "PYB");
    assert_string_equal(made, "PYBV11/11");
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings),
        cmocka_unit_test(arena_gives_zeroed_aligned_distinct_memory),
        cmocka_unit_test(arena_strings_outlive_their_source),
    };

    return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
