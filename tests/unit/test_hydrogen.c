/* Held against libhydrogen itself: what its commit 5c5d5130 (MicroPython v1.25's submodule) makes
 * of the same messages, with the IV given and with zeros in place of random numbers. */
#include "base/hydrogen.h"

#include "tests/unit/unit.h"

#define CONTEXT "mbootenc"
#define MESSAGE_MAX 1000

static const char SECRET[] = "a25e12a4eeb53d096d9a2d2f92ecf05e44d81f6e42c61a9804002779bcd439df"
                             "ec6a7d44462cdb3d3a997eec18eeffb974dd41f7694fcc53ec2f1e8291ea547f";

struct vector {
    size_t size;
    const char *box; /* "" = too long to stand here */
    const char *signature;
};

static const struct vector VECTORS[] = {
    {0,
     "2d2693f04a6c61387b0a90cff2d0a405b33e1f90444532815915df2a97772833"
     "903cdd37",
     "0ce6d143c2a08ca87631cab9854acecc4411f3ed6612558e91825b2b3fc9a94d"
     "221151f37140e475d1112b55b66c3fea894ecc697150c2fccc00d48966ff630a"},
    {1,
     "c9e78af71ed6f6ebb24c5bd618e03b679bb40fc330278662a6bcd0b9cccfc920"
     "2bfb69aa9b",
     "41db9b29d3cf710ad1826bd6fafc950321cdf149e01302950e83b2a39aadae18"
     "e3ace987bcfa6fe336d11924a9fa70292500051478cbf09b4d9eba9c1d955e08"},
    {15,
     "cc29ca8311015b449f14feee77060f7c36d4cd6a6c4771f335e67e2a4badf80f"
     "218b0d7ec0045975b6b7014688853f7c71be1e",
     "32c36e6c8a66c90e13c0b879ef88cc246b83c7bc0fdf5d7f101d80d3cffa2439"
     "9f792584ba17e38fcc7d78d3788b965fa2aef4de27af38b4137e3e826583d407"},
    {16,
     "b3f966564d04eed629e897704286ec5a768f1e7559680e54770bb8c7b143e5b4"
     "3e24b4e297028fc3689323644ad251c3ae026e13",
     "dc48a5f1043a5dff551565bab61331257ed3e7a5cc684c0ac5254f27c0b75f1b"
     "e4c58bdc81e46658e13b60bec6de4fab8a88edd49809a1f9b9bf07eeee03b408"},
    {17,
     "6b3ea26146296f9297b539f4ca442ccf091d1269b8222cee61b866c5bbead6b3"
     "228290113954222fad06dad758c305ad545437da92",
     "1eeb4a997d21067b9635c94b3af604e1394e26794f40894a7ceb96f45b067b60"
     "ea667db733ded1cbe0f3720b191761e8168ee3fa59d05c0ee9d9e482b6db7e00"},
    {1000, "",
     "6e5759d269f2c1ebf597d117ae92e0ae1b663a73652cf8332945e8136eb0aa05"
     "7d75230d882167e9f6b04982d59229861d01113eb886ad6435241f2c655aba08"},
};

static void from_hex(const char *hex, uint8_t *out)
{
    for (unsigned byte; sscanf(hex, "%2x", &byte) == 1; hex += 2)
        *out++ = (uint8_t)byte;
}

static void assert_hex(const uint8_t *got, size_t size, const char *hex)
{
    uint8_t expected[MESSAGE_MAX];
    assert_int_equal(strlen(hex), 2 * size);
    from_hex(hex, expected);
    assert_memory_equal(got, expected, size);
}

static void make_message(uint8_t message[MESSAGE_MAX])
{
    for (size_t i = 0; i < MESSAGE_MAX; i++)
        message[i] = (uint8_t)(i * 7 + 3);
}

static void make_key(uint8_t key[HYDROGEN_KEY_SIZE])
{
    for (int i = 0; i < HYDROGEN_KEY_SIZE; i++)
        key[i] = (uint8_t)(200 - i);
}

static const uint8_t IV[HYDROGEN_IV_SIZE] = {0x00, 0x80, 0x02, 0x08};

static void signatures_are_libhydrogens(void **state)
{
    (void)state;
    uint8_t message[MESSAGE_MAX], secret[HYDROGEN_SECRET_SIZE], got[HYDROGEN_SIGNATURE_SIZE];
    make_message(message);
    from_hex(SECRET, secret);
    for (size_t i = 0; i < ARRAY_SIZE(VECTORS); i++) {
        struct hydrogen_sign sign;
        size_t half = VECTORS[i].size / 2;
        hydrogen_sign_init(&sign, CONTEXT);
        hydrogen_sign_update(&sign, message, half);
        hydrogen_sign_update(&sign, message + half, VECTORS[i].size - half);
        assert_true(hydrogen_sign_final(&sign, secret, got));
        assert_hex(got, sizeof(got), VECTORS[i].signature);
    }
}

static void a_public_key_follows_from_the_secret_one(void **state)
{
    (void)state;
    uint8_t secret[HYDROGEN_SECRET_SIZE], public_key[HYDROGEN_PUBLIC_SIZE];
    from_hex(SECRET, secret);
    assert_true(hydrogen_public_key(secret, public_key));
    assert_memory_equal(public_key, secret + HYDROGEN_SECRET_SIZE - HYDROGEN_PUBLIC_SIZE,
                        HYDROGEN_PUBLIC_SIZE);
    memset(secret, 0, sizeof(secret));
    assert_false(hydrogen_public_key(secret, public_key));
}

static void boxes_are_libhydrogens(void **state)
{
    (void)state;
    uint8_t message[MESSAGE_MAX], key[HYDROGEN_KEY_SIZE], box[MESSAGE_MAX + HYDROGEN_BOX_EXTRA];
    make_message(message);
    make_key(key);
    for (size_t i = 0; i < ARRAY_SIZE(VECTORS); i++) {
        hydrogen_encrypt(box, message, VECTORS[i].size, CONTEXT, key, IV);
        if (VECTORS[i].box[0])
            assert_hex(box, VECTORS[i].size + HYDROGEN_BOX_EXTRA, VECTORS[i].box);
    }
}

static void a_box_opens_with_its_key_only(void **state)
{
    (void)state;
    uint8_t message[MESSAGE_MAX], key[HYDROGEN_KEY_SIZE], box[MESSAGE_MAX + HYDROGEN_BOX_EXTRA],
        got[MESSAGE_MAX];
    make_message(message);
    make_key(key);
    hydrogen_encrypt(box, message, MESSAGE_MAX, CONTEXT, key, IV);
    assert_true(hydrogen_decrypt(got, box, sizeof(box), CONTEXT, key));
    assert_memory_equal(got, message, MESSAGE_MAX);
    assert_false(hydrogen_decrypt(got, box, HYDROGEN_BOX_EXTRA - 1, CONTEXT, key));
    assert_false(hydrogen_decrypt(got, box, sizeof(box), "anothere", key));
    key[31] ^= 1;
    assert_false(hydrogen_decrypt(got, box, sizeof(box), CONTEXT, key));
    key[31] ^= 1;
    for (size_t i = 0; i < sizeof(box); i += 35) { /* IV, MAC and message */
        box[i] ^= 0x10;
        assert_false(hydrogen_decrypt(got, box, sizeof(box), CONTEXT, key));
        box[i] ^= 0x10;
    }
}

/* Chunks of an image may hold the same bytes; whoever looks at the file is not to see it. */
static void another_iv_makes_another_box(void **state)
{
    (void)state;
    static const uint8_t other_iv[HYDROGEN_IV_SIZE] = {0x00, 0xc0, 0x02, 0x08};
    uint8_t key[HYDROGEN_KEY_SIZE], one[32 + HYDROGEN_BOX_EXTRA], two[sizeof(one)];
    static const uint8_t message[32];
    make_key(key);
    hydrogen_encrypt(one, message, sizeof(message), CONTEXT, key, IV);
    hydrogen_encrypt(two, message, sizeof(message), CONTEXT, key, other_iv);
    assert_memory_not_equal(one, two, HYDROGEN_BOX_EXTRA);
    assert_memory_not_equal(one + HYDROGEN_BOX_EXTRA, two + HYDROGEN_BOX_EXTRA, sizeof(message));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_are_libhydrogens),
        cmocka_unit_test(a_public_key_follows_from_the_secret_one),
        cmocka_unit_test(boxes_are_libhydrogens),
        cmocka_unit_test(a_box_opens_with_its_key_only),
        cmocka_unit_test(another_iv_makes_another_box),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
