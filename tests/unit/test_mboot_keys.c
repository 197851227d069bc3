#include "image/mboot_keys.h"

#include "tests/unit/mboot_keys_fixture.h"

static void the_generated_header_is_read(void **state)
{
    (void)state;
    struct mboot_keys keys;
    fixture_keys(&keys);
    assert_int_equal(keys.secret[0], 0xa2);
    assert_int_equal(keys.secret[31], 0xdf);
    assert_int_equal(keys.secret[63], 0x7f);
    assert_int_equal(keys.public_key[0], 0xec);
    assert_int_equal(keys.box[31], 0xa9);
}

static void other_spellings_are_read(void **state)
{
    (void)state;
    struct mboot_keys keys;
    struct err *err = NULL;
    assert_ok(mboot_keys_parse("#pragma once\r\n" FIXTURE_BOX_LINE
                               "const uint8_t mboot_pack_sign_public_key[32] =\n  { " FIXTURE_PUBLIC
                               "\n };\r\n" FIXTURE_SECRET_LINE,
                               &keys, &err),
              &err);
    assert_int_equal(keys.public_key[31], 0x7f);
}

static void refused(const char *text, const char *why)
{
    struct mboot_keys keys;
    static const struct mboot_keys none;
    struct err *err = NULL;
    memset(&keys, 1, sizeof(keys));
    assert_false(mboot_keys_parse(text, &keys, &err));
    /* Nothing of a key is kept, and nothing of it is said. */
    assert_memory_equal(&keys, &none, sizeof(keys));
    assert_null(strstr(err->message, "0x"));
    assert_error(&err, ERR_MANIFEST, why);
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    refused("", "no array mboot_pack_sign_secret_key");
    refused(FIXTURE_PUBLIC_LINE FIXTURE_BOX_LINE, "no array mboot_pack_sign_secret_key");
    refused(FIXTURE_SECRET_LINE FIXTURE_BOX_LINE, "no array mboot_pack_sign_public_key");
    refused(FIXTURE_SECRET_LINE FIXTURE_PUBLIC_LINE, "no array mboot_pack_secretbox_key");
    refused(FIXTURE_SECRET_LINE FIXTURE_PUBLIC_LINE "mboot_pack_secretbox_key[] = {0x01,0x02};",
            "mboot_pack_secretbox_key has 2 bytes, expected 32");
    refused(FIXTURE_SECRET_LINE FIXTURE_PUBLIC_LINE "mboot_pack_secretbox_key[] = {" FIXTURE_BOX
                                                    ",0x00};",
            "mboot_pack_secretbox_key has 33 bytes, expected 32");
    refused(FIXTURE_SECRET_LINE FIXTURE_PUBLIC_LINE "mboot_pack_secretbox_key[] = {0x100,0x01};",
            "has 0 bytes");
    refused(FIXTURE_SECRET_LINE FIXTURE_PUBLIC_LINE "mboot_pack_secretbox_key[", "has 0 bytes");
    refused(FIXTURE_SECRET_LINE "mboot_pack_sign_public_key[] = {" FIXTURE_BOX
                                "};\n" FIXTURE_BOX_LINE,
            "mboot_pack_sign_public_key is not the public key of mboot_pack_sign_secret_key");
    refused("mboot_pack_sign_secret_key[] = {" FIXTURE_SCALAR "," FIXTURE_BOX
            "};\n" FIXTURE_PUBLIC_LINE FIXTURE_BOX_LINE,
            "is not the public key of");
}

/* Makefiles and compilers of the source see this one. */
static void mboot_gets_no_key_that_signs(void **state)
{
    (void)state;
    struct mboot_keys keys;
    _cleanup_(buf_release) struct buf header = BUF_INIT;
    fixture_keys(&keys);
    mboot_keys_header(&keys, &header);
    assert_string_equal(
        header.data, "/* Written by firn. */\n#include <stdint.h>\n"
                     "const uint8_t mboot_pack_sign_public_key[32] =\n{\n" FIXTURE_PUBLIC "\n};\n"
                     "const uint8_t mboot_pack_secretbox_key[32] =\n{\n" FIXTURE_BOX "\n};\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_generated_header_is_read),
        cmocka_unit_test(other_spellings_are_read),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(mboot_gets_no_key_that_signs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
