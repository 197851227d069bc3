#include "descriptors.h"
#include "unit.h"

#include "flasher/descriptor.h"

static void functional(void **state)
{
    static const uint8_t dfu_1_0[] = {7, 0x21, 3, 0xe8, 3, 64, 0};
    static const uint8_t dfuse[] = {FUNCTIONAL(0x0b, 0, 8)};
    struct dfu_functional f;
    (void)state;
    assert_true(dfu_functional_parse(dfuse, sizeof(dfuse), &f));
    assert_int_equal(f.attributes, DFU_CAN_DOWNLOAD | DFU_CAN_UPLOAD | DFU_WILL_DETACH);
    assert_int_equal(f.detach_timeout_ms, 255);
    assert_int_equal(f.transfer_size, 2048);
    assert_int_equal(f.version, DFU_VERSION_DFUSE);
    assert_true(dfu_functional_parse(dfu_1_0, sizeof(dfu_1_0), &f));
    assert_int_equal(f.version, 0x0100);
    assert_int_equal(f.detach_timeout_ms, 1000);
    assert_false(dfu_functional_parse(dfuse, sizeof(dfuse) - 1, &f)); /* says 9, has 8 */
    assert_false(dfu_functional_parse(dfu_1_0, 6, &f));
    assert_false(dfu_functional_parse((const uint8_t *)"\7\x24\3\0\0\0\0", 7, &f));
    assert_false(dfu_functional_parse(dfuse, 0, &f));
}

static void rom(void **state)
{
    static const uint8_t bytes[] = {DEVICE,
                                    CONFIGURATION(9 + 3 * 9 + 9),
                                    INTERFACE(0, 0, 0xfe, 2, 4),
                                    INTERFACE(0, 1, 0xfe, 2, 5),
                                    INTERFACE(0, 2, 0xfe, 2, 6),
                                    FUNCTIONAL(0x0b, 0, 8)};
    struct dfu_interface interface;
    (void)state;
    assert_true(dfu_interface_find(bytes, sizeof(bytes), &interface));
    assert_int_equal(interface.number, 0);
    assert_int_equal(interface.protocol, DFU_PROTOCOL_DFU);
    assert_int_equal(interface.alt_count, 3);
    assert_int_equal(interface.alts[2].number, 2);
    assert_int_equal(interface.alts[2].string, 6);
    assert_true(interface.has_functional);
    assert_int_equal(interface.functional.transfer_size, 2048);
}

/* A program with a CDC port and a DFU interface beside it. */
static void runtime(void **state)
{
    static const uint8_t bytes[] = {
        DEVICE, CONFIGURATION(9 + 9 + 5 + 9 + 9), INTERFACE(0, 0, 2, 1, 0), 5, 0x24, 0, 0x10,
        1,      INTERFACE(2, 0, 0xfe, 1, 7),      FUNCTIONAL(0x0d, 0, 4)};
    struct dfu_interface interface;
    (void)state;
    assert_true(dfu_interface_find(bytes, sizeof(bytes), &interface));
    assert_int_equal(interface.number, 2);
    assert_int_equal(interface.protocol, DFU_PROTOCOL_RUNTIME);
    assert_int_equal(interface.functional.transfer_size, 1024);
}

static void dfu_mode_wins(void **state)
{
    static const uint8_t bytes[] = {DEVICE,
                                    CONFIGURATION(9 + 3 * 9 + 9),
                                    INTERFACE(0, 0, 0xfe, 1, 4),
                                    FUNCTIONAL(1, 64, 0),
                                    INTERFACE(1, 0, 0xfe, 2, 5),
                                    INTERFACE(2, 0, 0xfe, 2, 6)};
    struct dfu_interface interface;
    (void)state;
    assert_true(dfu_interface_find(bytes, sizeof(bytes), &interface));
    assert_int_equal(interface.number, 1);
    assert_int_equal(interface.alt_count, 1);
    assert_false(interface.has_functional);
}

static void no_dfu(void **state)
{
    static const uint8_t bytes[] = {DEVICE, CONFIGURATION(18), INTERFACE(0, 0, 3, 1, 0)};
    struct dfu_interface interface;
    (void)state;
    assert_false(dfu_interface_find(bytes, sizeof(bytes), &interface));
    assert_false(dfu_interface_find(bytes, 18, &interface));
    assert_false(dfu_interface_find(NULL, 0, &interface));
}

/* Every length that can lie, lying, and every place to stop. ASan judges. */
static void hostile(void **state)
{
    static const uint8_t good[] = {DEVICE, CONFIGURATION(9 + 2 * 9 + 9),
                                   INTERFACE(0, 0, 0xfe, 2, 4), INTERFACE(0, 1, 0xfe, 2, 5),
                                   FUNCTIONAL(0x0b, 0, 8)};
    struct dfu_interface interface;
    (void)state;
    for (size_t len = 0; len <= sizeof(good); len++) {
        _cleanup_free_ uint8_t *copy = xmalloc(len + 1);
        memcpy(copy, good, len);
        copy = xrealloc(copy, len ? len : 1);
        assert_int_equal(dfu_interface_find(copy, len, &interface), len >= 18 + 9 + 9);
    }
    for (size_t at = 0; at < sizeof(good); at++) {
        for (unsigned value = 0; value < 256; value++) {
            _cleanup_free_ uint8_t *copy = xmalloc(sizeof(good));
            memcpy(copy, good, sizeof(good));
            copy[at] = (uint8_t)value;
            if (dfu_interface_find(copy, sizeof(good), &interface))
                assert_in_range(interface.alt_count, 1, 2);
        }
    }
}

static void many_alts(void **state)
{
    uint8_t bytes[18 + 9 + 9 * 40] = {DEVICE, CONFIGURATION(9 + 9 * 40)};
    struct dfu_interface interface;
    (void)state;
    for (uint8_t i = 0; i < 40; i++) {
        const uint8_t descriptor[] = {INTERFACE(0, i, 0xfe, 2, 4)};
        memcpy(bytes + 27 + 9 * i, descriptor, 9);
    }
    assert_true(dfu_interface_find(bytes, sizeof(bytes), &interface));
    assert_int_equal(interface.alt_count, DFU_ALTS_MAX);
}

static void assert_text(const void *bytes, size_t len, const char *expected)
{
    _cleanup_free_ char *text = descriptor_string(bytes, len);
    if (!expected)
        assert_null(text);
    else
        assert_string_equal(text, expected);
}

static void strings(void **state)
{
    (void)state;
    assert_text("\x08\x03@\0F\0l\0", 8, "@Fl");
    assert_text("\x08\x03@\0F\0l\0", 6, "@F"); /* sent less than it says */
    assert_text("\x06\x03@\0F\0l\0", 8, "@F"); /* says less than it sent */
    assert_text("\x07\x03@\0F\0l\0", 8, "@F"); /* half a character */
    assert_text("\x08\x03@\0\0\0l\0", 8, "@"); /* ends at NUL */
    assert_text("\x02\x03", 2, "");
    assert_text("\x08\x03\xe9\x00\xac\x20\x3c\xd8", 8, "\xc3\xa9\xe2\x82\xac\xef\xbf\xbd");
    assert_text("\x06\x03\x3c\xd8\x28\xdf", 6, "\xf0\x9f\x8c\xa8");
    assert_text("\x04\x03\x28\xdf", 4, "\xef\xbf\xbd");
    assert_text("\x08\x04@\0F\0l\0", 8, NULL);
    assert_text("\x01\x03", 2, NULL);
    assert_text("\x08", 1, NULL);
    assert_text("", 0, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functional),    cmocka_unit_test(rom),     cmocka_unit_test(runtime),
        cmocka_unit_test(dfu_mode_wins), cmocka_unit_test(no_dfu),  cmocka_unit_test(hostile),
        cmocka_unit_test(many_alts),     cmocka_unit_test(strings),
    };
    return cmocka_run_group_tests_name("descriptor", tests, NULL, NULL);
}
