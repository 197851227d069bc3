#include "image/mboot_packer.h"

#include "image/dfuse_file.h"
#include "image/mboot_pack.h"
#include "tests/unit/mboot_keys_fixture.h"

#define APP 0x08020000
#define CHUNK 4096
#define HEADER 12
#define CONTEXT "mbootenc"

static void add(struct image *image, uint32_t address, size_t size)
{
    struct err *err = NULL;
    _cleanup_free_ uint8_t *data = xmalloc(size);
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(i % 251 + address % 7);
    assert_ok(image_add(image, 0, address, data, size, &err), &err);
}

static bool is_signed(const void *data, size_t size, const uint8_t *signature,
                      const struct mboot_keys *keys)
{
    struct hydrogen_sign sign;
    uint8_t expected[HYDROGEN_SIGNATURE_SIZE];
    hydrogen_sign_init(&sign, CONTEXT);
    hydrogen_sign_update(&sign, data, size);
    assert_true(hydrogen_sign_final(&sign, keys->secret, expected));
    return !memcmp(signature, expected, sizeof(expected));
}

/* What an mboot with these keys writes into its flash; every signature is checked. */
static void unpack(const struct image *packed, const struct mboot_keys *keys, struct image *flash,
                   struct buf *whole)
{
    struct err *err = NULL;
    for (size_t i = 0; i < packed->count; i++) {
        const struct segment *s = &packed->segments[i];
        uint32_t size = load_le32(s->data + 8);
        const uint8_t *payload = s->data + HEADER;
        uint8_t plain[CHUNK];
        assert_int_equal(s->size % 8, 0);
        assert_int_equal(load_le32(s->data + 4), s->address);
        assert_true(is_signed(s->data, HEADER + size, payload + size, keys));
        if (s->data[1] == MBOOT_CHUNK_FULL_SIGNATURE) {
            assert_int_equal(i, packed->count - 1);
            assert_true(is_signed(whole->data, whole->len, payload + size - 64, keys));
            continue;
        }
        assert_int_equal(s->data[1], MBOOT_CHUNK_FIRMWARE);
        assert_true(size - HYDROGEN_BOX_EXTRA <= CHUNK);
        assert_true(hydrogen_decrypt(plain, payload, size, CONTEXT, keys->box));
        buf_add(whole, plain, size - HYDROGEN_BOX_EXTRA);
        assert_ok(image_add(flash, 0, s->address, plain, size - HYDROGEN_BOX_EXTRA, &err), &err);
    }
}

static void mboot_gets_the_application(void **state)
{
    (void)state;
    _cleanup_(image_release) struct image app = IMAGE_INIT, packed = IMAGE_INIT, flash = IMAGE_INIT;
    _cleanup_(buf_release) struct buf whole = BUF_INIT;
    _cleanup_(mboot_pack_release) struct mboot_pack pack = MBOOT_PACK_INIT;
    struct mboot_keys keys;
    struct err *err = NULL;
    fixture_keys(&keys);
    add(&app, APP, 3 * CHUNK + 800);
    app.usb_vendor = 0x0483;
    app.usb_product = 0xdf11;
    assert_ok(mboot_packer_pack(&app, &keys, CHUNK, &packed, &err), &err);
    unpack(&packed, &keys, &flash, &whole);
    assert_true(image_equal(&flash, &app));
    assert_int_equal(packed.usb_product, 0xdf11);
    assert_ok(mboot_pack_read(&packed, &pack, &err), &err);
    assert_int_equal(pack.firmware_chunks, 4);
    assert_int_equal(pack.region_count, 1);
    assert_int_equal(pack.regions[0].address, APP);
    assert_int_equal(pack.regions[0].size, 3 * CHUNK + 800);
    assert_int_equal(packed.segments[4].address, APP + 4 * CHUNK);
}

/* mboot programs words: a piece that is none would be cut. */
static void pieces_are_whole_words(void **state)
{
    (void)state;
    _cleanup_(image_release) struct image app = IMAGE_INIT, packed = IMAGE_INIT, flash = IMAGE_INIT;
    _cleanup_(buf_release) struct buf whole = BUF_INIT;
    struct mboot_keys keys;
    struct err *err = NULL;
    fixture_keys(&keys);
    add(&app, APP, 13);       /* its last word */
    add(&app, APP + 14, 1);   /* is this one's, too */
    add(&app, APP + 20, 12);  /* touches: the next word */
    add(&app, APP + 100, 50); /* begins and ends in the middle of a word */
    add(&app, 0x90000000, 8);
    assert_ok(mboot_packer_pack(&app, &keys, CHUNK, &packed, &err), &err);
    unpack(&packed, &keys, &flash, &whole);
    assert_int_equal(flash.count, 3);
    assert_int_equal(flash.segments[0].size, 32);
    assert_int_equal(flash.segments[1].address, APP + 96);
    assert_int_equal(flash.segments[1].size, 56);
    assert_int_equal(flash.segments[2].address, 0x90000000);
    const uint8_t *first = flash.segments[0].data, *second = flash.segments[1].data;
    assert_memory_equal(first, app.segments[0].data, 13);
    assert_int_equal(first[13], 0xff);
    assert_int_equal(first[14], app.segments[1].data[0]);
    assert_memory_equal(first + 15, "\xff\xff\xff\xff\xff", 5);
    assert_memory_equal(first + 20, app.segments[2].data, 12);
    assert_memory_equal(second, "\xff\xff\xff\xff", 4);
    assert_memory_equal(second + 4, app.segments[3].data, 50);
    assert_memory_equal(second + 54, "\xff\xff", 2);
}

static void the_same_again(void **state)
{
    (void)state;
    _cleanup_(image_release) struct image app = IMAGE_INIT, one = IMAGE_INIT, two = IMAGE_INIT;
    struct mboot_keys keys;
    struct err *err = NULL;
    fixture_keys(&keys);
    add(&app, APP, 2 * CHUNK);
    memset(app.segments[0].data, 0, 2 * CHUNK);
    assert_ok(mboot_packer_pack(&app, &keys, CHUNK, &one, &err), &err);
    assert_ok(mboot_packer_pack(&app, &keys, CHUNK, &two, &err), &err);
    assert_true(image_equal(&one, &two));
    /* ... but two equal chunks of one image differ. */
    assert_memory_not_equal(one.segments[0].data + HEADER, one.segments[1].data + HEADER, CHUNK);
}

static void a_file_of_it_is_read_as_packed(void **state)
{
    (void)state;
    _cleanup_(image_release) struct image app = IMAGE_INIT, packed = IMAGE_INIT, read = IMAGE_INIT;
    _cleanup_(buf_release) struct buf file = BUF_INIT;
    struct mboot_keys keys;
    struct err *err = NULL;
    fixture_keys(&keys);
    add(&app, APP, CHUNK + 1);
    assert_ok(mboot_packer_pack(&app, &keys, CHUNK, &packed, &err), &err);
    dfuse_file_write(&packed, "p 1", &file);
    assert_ok(dfuse_file_read(file.data, file.len, &read, &err), &err);
    assert_true(read.packed);
    assert_true(image_equal(&read, &packed));
}

static void refused(const struct image *app, uint32_t chunk, const char *why)
{
    _cleanup_(image_release) struct image packed = IMAGE_INIT;
    struct mboot_keys keys;
    struct err *err = NULL;
    fixture_keys(&keys);
    assert_false(mboot_packer_pack(app, &keys, chunk, &packed, &err));
    assert_error(&err, ERR_FAILED, why);
}

static void chunk_sizes_that_mboot_has_not(void **state)
{
    (void)state;
    _cleanup_(image_release) struct image app = IMAGE_INIT;
    add(&app, APP, 16);
    refused(&app, 0, "mboot's chunks of 0 bytes");
    refused(&app, 4092, "a multiple of 8");
    refused(&app, 2 * MBOOT_CHUNK_MAX_BYTES, "at most 1048576");
    for (uint32_t i = 1; i < 10; i++)
        add(&app, APP + i * 64, 8);
    refused(&app, 128, "chunks of 128 bytes cannot list 10 separate pieces");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mboot_gets_the_application),
        cmocka_unit_test(pieces_are_whole_words),
        cmocka_unit_test(the_same_again),
        cmocka_unit_test(a_file_of_it_is_read_as_packed),
        cmocka_unit_test(chunk_sizes_that_mboot_has_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
