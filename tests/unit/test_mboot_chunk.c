#include "simulator/mboot_chunk.h"

#include "base/hash.h"
#include "simulator/mboot_device.h"
#include "tests/unit/dfu_host.h"

#define APPLICATION (HOST_FLASH + 0x8000)

static int setup(void **state)
{
    (void)state;
    return host_start("mboot-packed", BOARD_TIMING_ZERO);
}

/* A chunk for an address, signed. The caller releases it. */
static struct buf chunk(enum pack_format format, uint32_t address, const void *data, size_t len)
{
    struct buf out = BUF_INIT;
    char hex[HASH_HEX_SIZE];
    const char head[] = {PACK_VERSION, (char)format, 0, 0};
    buf_add(&out, head, sizeof(head));
    buf_add_le32(&out, address);
    buf_add_le32(&out, (uint32_t)len);
    buf_add(&out, data, len);
    hash_bytes(out.data, out.len, hex);
    buf_adds(&out, hex);
    return out;
}

/* Firmware behind the bytes that decryption would need. */
static struct buf firmware(uint32_t address, const void *data, size_t len)
{
    _cleanup_(buf_release) struct buf secret = BUF_INIT;
    for (int i = 0; i < PACK_SECRET; i++)
        buf_addc(&secret, '?');
    buf_add(&secret, data, len);
    return chunk(PACK_RAW, address, secret.data, secret.len);
}

/* The signature of one region of flash as it shall be. */
static struct buf full_signature(uint32_t address, uint32_t region, const void *data, size_t len)
{
    _cleanup_(buf_release) struct buf regions = BUF_INIT;
    char hex[HASH_HEX_SIZE];
    buf_add_le32(&regions, region);
    buf_add_le32(&regions, (uint32_t)len);
    hash_bytes(data, len, hex);
    buf_adds(&regions, hex);
    return chunk(PACK_FULL_SIGNATURE, address, regions.data, regions.len);
}

/* Send a chunk in blocks; all but the last end well. */
static void send_chunk(uint32_t address, const struct buf *bytes, size_t block_size)
{
    command(DFUSE_SET_ADDRESS, address);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    for (size_t at = 0; at < bytes->len; at += block_size) {
        size_t left = bytes->len - at;
        if (at)
            finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
        download((uint16_t)(2 + at / 2048), bytes->data + at,
                 (uint16_t)(left < block_size ? left : block_size));
    }
}

static void check_refused(enum dfu_status status, unsigned string)
{
    check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK, 0);
    check_string_status(DFU_STATE_ERROR, status, 0, string);
    clear_error();
}

/* ---- a good image --------------------------------------------------------------------------- */

static void an_image_is_written_head_last(void **state)
{
    (void)state;
    uint8_t image[5000];
    uint8_t *flash = board.memory[0].bytes;
    for (size_t i = 0; i < sizeof(image); i++)
        image[i] = (uint8_t)(i * 5 >> 2);
    memset(flash + 0x8000, 0x12, 0x8000); /* two sectors with an older one */
    _cleanup_(buf_release) struct buf meta = chunk(PACK_META, APPLICATION, "about", 5);
    send_chunk(APPLICATION, &meta, 2048);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    assert_int_equal(flash[0x8000], 0x12);

    _cleanup_(buf_release) struct buf body = firmware(APPLICATION, image, sizeof(image));
    send_chunk(APPLICATION, &body, 2048);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    assert_memory_equal(flash + 0x8000, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8);
    assert_memory_equal(flash + 0x8008, image + 8, sizeof(image) - 8);
    assert_int_equal(flash[0xC000], 0x12); /* no byte for this sector yet */

    _cleanup_(buf_release) struct buf all =
        full_signature(APPLICATION + 0x20000, APPLICATION, image, sizeof(image));
    send_chunk(APPLICATION + 0x20000, &all, 2048);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    assert_memory_equal(flash + 0x8000, image, sizeof(image));
    assert_int_equal(board.memory[0].overwritten, 0);
    assert_int_equal(dfu.counters.erases, 1);
}

static void a_chunk_may_cross_sectors(void **state)
{
    (void)state;
    static uint8_t image[16384];
    uint32_t address = APPLICATION + 0x3000;
    memset(board.memory[0].bytes + 0x8000, 0x12, 0x10000);
    _cleanup_(buf_release) struct buf body = firmware(address, image, sizeof(image));
    send_chunk(address, &body, 2048);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    assert_memory_equal(board.memory[0].bytes + 0xB000, image, sizeof(image));
    assert_int_equal(dfu.counters.erases, 2);
    assert_int_equal(board.memory[0].overwritten, 0);
}

/* ---- what is refused ------------------------------------------------------------------------ */

static void a_bad_signature(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf body = firmware(APPLICATION, "12345678abcd", 12);
    body.data[body.len - 1] ^= 1;
    send_chunk(APPLICATION, &body, 2048);
    check_refused(DFU_STATUS_VERIFY, MBOOT_STRING_BAD_SIGNATURE);
    assert_int_equal(board.memory[0].bytes[0x8008], 0xFF);
}

static void a_bad_signature_of_everything(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf body = firmware(APPLICATION, "12345678abcd", 12);
    send_chunk(APPLICATION, &body, 2048);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    _cleanup_(buf_release) struct buf all =
        full_signature(APPLICATION + 0x8000, APPLICATION, "12345678abce", 12);
    send_chunk(APPLICATION + 0x8000, &all, 2048);
    check_refused(DFU_STATUS_VERIFY, MBOOT_STRING_BAD_SIGNATURE);
    assert_int_equal(board.memory[0].bytes[0x8000], 0xFF); /* it does not boot */
}

static void other_contents(void **state)
{
    (void)state;
    command(DFUSE_SET_ADDRESS, APPLICATION);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    download(2, "plain firmware", 14); /* not packed */
    check_refused(DFU_STATUS_FILE, MBOOT_STRING_BAD_SIGNATURE);

    _cleanup_(buf_release) struct buf moved = firmware(APPLICATION + 0x800, "12345678", 8);
    send_chunk(APPLICATION, &moved, 2048);
    check_refused(DFU_STATUS_ADDRESS, MBOOT_STRING_BAD_SIGNATURE);

    _cleanup_(buf_release) struct buf gzip = chunk(PACK_GZIP, APPLICATION, "12345678", 8);
    send_chunk(APPLICATION, &gzip, 2048);
    check_refused(DFU_STATUS_OK, 0);

    _cleanup_(buf_release) struct buf own = firmware(HOST_FLASH, "12345678", 8);
    send_chunk(HOST_FLASH, &own, 2048);
    check_refused(DFU_STATUS_ADDRESS, MBOOT_STRING_OWN_SECTOR);

    _cleanup_(buf_release) struct buf tiny = chunk(PACK_RAW, APPLICATION, "1234", 4);
    send_chunk(APPLICATION, &tiny, 2048);
    check_refused(DFU_STATUS_VERIFY, MBOOT_STRING_BAD_SIGNATURE);
}

static void a_chunk_that_never_ends(void **state)
{
    (void)state;
    static const uint8_t filler[2048] = {PACK_VERSION, PACK_RAW, 0,    0,    0x00, 0x80,
                                         0x00,         0x08,     0xFF, 0xFF, 0xFF, 0xFF};
    command(DFUSE_SET_ADDRESS, APPLICATION);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    for (uint16_t block = 0; block < 8; block++) {
        download((uint16_t)(2 + block), filler, 2048);
        finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    }
    download(10, filler, 2048);
    check_refused(DFU_STATUS_OK, 0);
    download(1, filler, 4); /* and before the chunk's own address */
    check_refused(DFU_STATUS_OK, 0);
}

static void erasing_does_nothing(void **state)
{
    (void)state;
    board.memory[0].bytes[0x8000] = 0x12;
    command(DFUSE_ERASE, APPLICATION);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    command(DFUSE_ERASE, HOST_FLASH);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    assert_int_equal(board.memory[0].bytes[0x8000], 0x12);
}

static void reading_gets_stale_bytes(void **state)
{
    (void)state;
    memset(board.memory[0].bytes, 0x12, 64);
    assert_int_equal(request(IN, DFU_UPLOAD, 2, NULL, 64), USB_DONE);
    assert_int_equal(reply.length, 64);
    assert_int_not_equal(in[0], 0x12);
    assert_int_equal(in[63], 0);
    check_string_status(DFU_STATE_UPLOAD_IDLE, DFU_STATUS_FILE, 0, MBOOT_STRING_NO_READING);
    check_status(DFU_STATE_UPLOAD_IDLE, DFU_STATUS_OK, 0);
    assert_string_equal(mboot_string(&dfu, MBOOT_STRING_NO_READING),
                        "Read support disabled on encrypted bootloader");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, host_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_image_is_written_head_last),
        TEST(a_chunk_may_cross_sectors),
        TEST(a_bad_signature),
        TEST(a_bad_signature_of_everything),
        TEST(other_contents),
        TEST(a_chunk_that_never_ends),
        TEST(erasing_does_nothing),
        TEST(reading_gets_stale_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
