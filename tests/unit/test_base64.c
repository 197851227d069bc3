#include "base/base64.h"

#include "tests/unit/unit.h"

/* RFC 4648, section 10, and what needs every part of the alphabet. */
static const struct {
    const char *bytes;
    size_t len;
    const char *text;
} vectors[] = {
    {"", 0, ""},
    {"f", 1, "Zg=="},
    {"fo", 2, "Zm8="},
    {"foo", 3, "Zm9v"},
    {"foob", 4, "Zm9vYg=="},
    {"fooba", 5, "Zm9vYmE="},
    {"foobar", 6, "Zm9vYmFy"},
    {"\0\0\0", 3, "AAAA"},
    {"\xff\xff\xff", 3, "////"},
    {"\xfb\xef\xbe", 3, "++++"},
    {"\0", 1, "AA=="},
};

static void known_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
        _cleanup_(buf_release) struct buf text = BUF_INIT, bytes = BUF_INIT;

        base64_encode(vectors[i].bytes, vectors[i].len, &text);
        assert_string_equal(text.data, vectors[i].text);
        assert_true(base64_decode(vectors[i].text, &bytes));
        assert_int_equal(bytes.len, vectors[i].len);
        assert_memory_equal(bytes.data, vectors[i].bytes, vectors[i].len);
    }
}

static void every_byte_at_every_place(void **state)
{
    (void)state;
    for (unsigned len = 1; len < 520; len++) {
        _cleanup_(buf_release) struct buf in = BUF_INIT, text = BUF_INIT, out = BUF_INIT;

        for (unsigned i = 0; i < len; i++)
            buf_addc(&in, (char)(i * 7 + len));
        base64_encode(in.data, in.len, &text);
        assert_int_equal(text.len, (len + 2) / 3 * 4);
        assert_true(base64_decode(text.data, &out));
        assert_int_equal(out.len, len);
        assert_memory_equal(out.data, in.data, len);
    }
}

static void what_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "Z",        "Zg",       "Zg=",      "=",        "====",    "Z===",       "Zg==Zg==",
        "Zm9v\n",   "Zm 9",     "Zm9v Zm9", "Zm8-",     "Zm8_",    "Zh==",       "Zm9=",
        "Zm9vYh==", "Zm9vYmF=", "Zg=a",     "Zm9v=m9v", "Zm9\x80", "\xc3\xa9Zm",
    };

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        _cleanup_(buf_release) struct buf out = BUF_INIT;

        buf_adds(&out, "before");
        if (base64_decode(bad[i], &out))
            fail_msg("'%s' was taken", bad[i]);
        assert_string_equal(out.data, "before");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(every_byte_at_every_place),
        cmocka_unit_test(what_is_refused),
    };

    return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
