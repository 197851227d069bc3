#include "base/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/unit.h"

/* FIPS 180-4 example */
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void known_answers(void **state)
{
    (void)state;
    char hex[HASH_HEX_SIZE];
    struct hash hash;

    hash_bytes("abc", 3, hex);
    assert_string_equal(hex, ABC);
    hash_bytes(NULL, 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    hash_init(&hash);
    hash_update(&hash, "a", 1);
    hash_update(&hash, "bc", 2);
    hash_final(&hash, hex);
    assert_string_equal(hex, ABC);
}

static void field_pair(const char *a, const char *b, char hex[HASH_HEX_SIZE])
{
    struct hash hash;

    hash_init(&hash);
    hash_field_str(&hash, a, b);
    hash_final(&hash, hex);
}

static void fields_do_not_run_into_each_other(void **state)
{
    (void)state;
    char one[HASH_HEX_SIZE], two[HASH_HEX_SIZE];

    field_pair("ab", "c", one);
    field_pair("a", "bc", two);
    assert_string_not_equal(one, two);
    field_pair("ab", "c", two);
    assert_string_equal(one, two);
    /* lengths as 8 bytes, little-endian, before name and value: docs/image.md relies on it */
    field_pair("name", "abc", one);
    assert_string_equal(one, "f81ef6f2cc0fffe639d718e325074907064894bfad240ad02d509a80334be543");
}

static void files(void **state)
{
    (void)state;
    char path[] = "/tmp/firn-test-hash.XXXXXX", hex[HASH_HEX_SIZE];
    int fd = mkstemp(path);
    struct err *err = NULL;

    assert_int_equal(write(fd, "abc", 3), 3);
    close(fd);
    assert_ok(hash_file(path, hex, &err), &err);
    assert_string_equal(hex, ABC);
    unlink(path);
    assert_false(hash_file(path, hex, &err));
    assert_error(&err, ERR_NOT_FOUND, path);
    assert_false(hash_file("/tmp", hex, &err));
    assert_error(&err, ERR_FAILED, "'/tmp': Is a directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(fields_do_not_run_into_each_other),
        cmocka_unit_test(files),
    };

    return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
