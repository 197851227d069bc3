#include "base/yaml.h"

#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"
#include "tests/unit/unit.h"

/* Must parse. */
static void parse(struct ydoc *doc, const char *text)
{
    struct diags diags = DIAGS_INIT;
    _cleanup_(buf_release) struct buf out = BUF_INIT;

    if (!ydoc_parse(doc, "m.yaml", text, strlen(text), &diags)) {
        diags_format_errors(&diags, &out);
        fail_msg("%s", out.data);
    }
    diags_release(&diags);
}

/* Must fail with exactly these errors. */
static void refused_bytes(const char *text, size_t len, const char *expected)
{
    struct ydoc doc = YDOC_INIT;
    struct diags diags = DIAGS_INIT;
    _cleanup_(buf_release) struct buf out = BUF_INIT;

    assert_false(ydoc_parse(&doc, "m.yaml", text, len, &diags));
    diags_format_errors(&diags, &out);
    for (size_t i = 0; i < diags.error_count; i++)
        assert_int_equal(err_exit_status(diags.errors[i]), 2);
    assert_string_equal(out.data, expected);
    diags_release(&diags);
    ydoc_release(&doc);
}

static void refused(const char *text, const char *expected)
{
    refused_bytes(text, strlen(text), expected);
}

static void assert_mark(const struct ynode *node, unsigned line, unsigned column, unsigned length)
{
    assert_int_equal(node->line, line);
    assert_int_equal(node->column, column);
    assert_int_equal(node->length, length);
}

static void nodes_keep_their_marks(void **state)
{
    (void)state;
    struct ydoc doc = YDOC_INIT;

    parse(&doc, "\xef\xbb\xbf# comment\r\n"
                "board: PYBV11\r\n"
                "gr\u00fc\u00df: 'a b' \n"
                "list:\n"
                "  - x\n"
                "  - {k: v}\n"
                "text: |\n"
                "  line\n"
                "  more\n"
                "long: a\n"
                "  b\n");
    const struct ynode *root = doc.root, *list = ynode_get(root, "list");

    assert_mark(root, 2, 1, 5);
    assert_int_equal(root->count, 5);
    assert_mark(ynode_get(root, "board"), 2, 8, 6);
    assert_mark(ynode_get(root, "gr\u00fc\u00df"), 3, 7, 5);
    assert_true(ynode_get(root, "gr\u00fc\u00df")->quoted);
    assert_false(ynode_get(root, "board")->quoted);
    assert_mark(ynode_get_key(root, "list"), 4, 1, 4);
    assert_int_equal(list->type, YNODE_SEQUENCE);
    assert_int_equal(list->count, 2);
    assert_mark(list->items[0], 5, 5, 1);
    assert_mark(list->items[1], 6, 5, 1);
    assert_string_equal(ynode_get(list->items[1], "k")->value, "v");
    assert_mark(ynode_get(root, "text"), 7, 7, 1);
    assert_string_equal(ynode_get(root, "text")->value, "line\nmore\n");
    assert_true(ynode_get(root, "text")->quoted);
    assert_mark(ynode_get(root, "long"), 10, 7, 1);
    assert_string_equal(ynode_get(root, "long")->value, "a b");
    assert_null(ynode_get(root, "absent"));
    assert_null(ynode_get(list, "x"));
    ydoc_release(&doc);
    assert_null(doc.root);
}

/* As Windows' editors write it. */
static void byte_order_mark_has_no_column(void **state)
{
    (void)state;
    struct ydoc doc = YDOC_INIT;
    parse(&doc, "\xef\xbb\xbf"
                "a: 1\nb: 2\n");
    assert_int_equal(doc.root->count, 2);
    assert_mark(doc.root->keys[0], 1, 1, 1);
    assert_mark(doc.root->items[0], 1, 4, 1);
    assert_mark(doc.root->keys[1], 2, 1, 1);
    ydoc_release(&doc);
}

static void unsupported_parts_are_all_named(void **state)
{
    (void)state;
    refused("a: &anchor x\n"
            "b: *anchor\n"
            "c: !!str 1\n"
            "d: ! x\n"
            "? [k]\n"
            ": v\n"
            "e: \"a\\0b\"\n"
            "a: again\n",
            "m.yaml:1:4: anchors are not supported\n"
            "   1 | a: &anchor x\n"
            "     |    ^~~~~~~ write the value where it is needed\n"
            "m.yaml:2:4: aliases are not supported\n"
            "   2 | b: *anchor\n"
            "     |    ^~~~~~~ write the value again, or put it in quotes\n"
            "m.yaml:3:4: tags are not supported\n"
            "   3 | c: !!str 1\n"
            "     |    ^ remove it, or put it in quotes\n"
            "m.yaml:4:4: tags are not supported\n"
            "   4 | d: ! x\n"
            "     |    ^ remove it, or put it in quotes\n"
            "m.yaml:7:4: a string may not contain a NUL\n"
            "   7 | e: \"a\\0b\"\n"
            "     |    ^~~~~~ remove the \\0\n"
            "m.yaml:5:3: a key must be a string, not a list\n"
            "   5 | ? [k]\n"
            "     |   ^\n"
            "m.yaml:8:1: duplicate key 'a'\n"
            "   8 | a: again\n"
            "     | ^ it stands on line 1 already\n");
}

static void syntax_errors_are_readable(void **state)
{
    (void)state;
    refused("a:\n\tb: c\n", "m.yaml:2:1: a tab may not be used for indentation\n"
                            "   2 |     b: c\n"
                            "     | ^~~~ use spaces\n");
    refused("a: b\n\tc: d\n", "m.yaml:2:1: a tab may not be used for indentation\n"
                              "   2 |     c: d\n"
                              "     | ^~~~ use spaces\n");
    refused("a: @x\n", "m.yaml:1:4: a value cannot begin with this character\n"
                       "   1 | a: @x\n"
                       "     |    ^ put the value in quotes\n");
    refused("a: b: c\n", "m.yaml:1:5: a ':' is not allowed here\n"
                         "   1 | a: b: c\n"
                         "     |     ^ check the indentation, or put the value in quotes\n");
    refused("a: b\nword\n", "m.yaml:2:1: a key without ':'\n"
                            "   2 | word\n"
                            "     | ^ write 'key: value'\n");
    refused("a: \"x\nb: c\n", "m.yaml:1:4: a quoted string without its end\n"
                              "   1 | a: \"x\n"
                              "     |    ^ add the closing quote\n");
    refused("a: [1, 2\nb: 3\n", "m.yaml:1:4: a list without its end\n"
                                "   1 | a: [1, 2\n"
                                "     |    ^ put ',' between its items and ']' at its end\n");
    refused("a:\n  b: 1\n c: 2\n",
            "m.yaml:3:2: this does not belong to the mapping around it\n"
            "   3 |  c: 2\n"
            "     |  ^ check the indentation, the quotes, and that each key ends with ':'\n");
    /* Without a line break at its end libyaml counts one line more than there is. */
    refused("a: 1\nb: {", "m.yaml:2:5: not valid YAML: did not find expected node content\n"
                          "   2 | b: {\n"
                          "     |     ^\n");
    refused("a: 1\n---\nb: 2\n", "m.yaml:2:1: a second document\n"
                                 "   2 | ---\n"
                                 "     | ^~~ put it into a file of its own\n");
    refused("a: !<x\n", "m.yaml:1:7: not valid YAML: did not find the expected '>'\n"
                        "   1 | a: !<x\n"
                        "     |       ^\n");
}

static void what_is_no_text_is_refused(void **state)
{
    (void)state;
    const char elf[] = "\x7f"
                       "ELF\0\0\1";

    refused("", "m.yaml: the file is empty\n");
    refused("# nothing but a comment\n", "m.yaml: the file is empty\n");
    refused_bytes(elf, sizeof(elf), "m.yaml: this is a binary file, not YAML\n");
    refused("\xef\xbb\xbf"
            "a: 1\r\nb\u00e9: \xff\n",
            "m.yaml:2:5: byte 0xff is not UTF-8 text\n"
            "   2 | b\u00e9: \\xff\n"
            "     |     ^~~~ save the file as UTF-8\n");
    refused("a: 1\rb: \xe2\x80\xa8 \xff\n", "m.yaml:3:2: byte 0xff is not UTF-8 text\n"
                                            "   3 |  \\xff\n"
                                            "     |  ^~~~ save the file as UTF-8\n");
    refused("a: \x1b[2J\n", "m.yaml:1:4: the character U+001B is not allowed\n"
                            "   1 | a: \\x1b[2J\n"
                            "     |    ^~~~ remove it\n");
    refused("a:\n  b\xef\xbb\xbf\n", "m.yaml:2:4: the character U+FEFF is not allowed\n"
                                     "   2 |   b\\xef\\xbb\\xbf\n"
                                     "     |    ^~~~~~~~~~~~ remove it\n");
}

static void repeat(struct buf *b, const char *s, size_t count)
{
    while (count--)
        buf_adds(b, s);
}

/* The first error's text; the time that it may take is far below what a quadratic reader needs. */
static void refused_quickly(const struct buf *text, const char *first)
{
    struct ydoc doc = YDOC_INIT;
    struct diags diags = DIAGS_INIT;
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    long long begin = clock_ms();

    assert_false(ydoc_parse(&doc, "m.yaml", text->data, text->len, &diags));
    assert_true(clock_ms() - begin < 3000);
    err_format(diags.errors[0], &out);
    assert_contains(out.data, first);
    diags_release(&diags);
    ydoc_release(&doc);
}

static void hostile_sizes_are_refused_quickly(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf text = BUF_INIT;

    repeat(&text, "[", 100000);
    refused_quickly(&text, "m.yaml:1:33: nested more than 32 levels deep\n   1 | [[[");
    buf_clear(&text);
    repeat(&text, "{a: ", 100000);
    refused_quickly(&text, "nested more than 32 levels deep");
    buf_clear(&text);
    repeat(&text, "- ", 100000);
    refused_quickly(&text, "nested more than 32 levels deep");
    buf_clear(&text);
    repeat(&text, "- x\n", 60000);
    refused_quickly(&text, "m.yaml:50000:3: more than 50000 values in one file");
    buf_clear(&text);
    repeat(&text, "key: 1\n", 24000);
    refused_quickly(&text, "m.yaml:2:1: duplicate key 'key'");
    buf_clear(&text);
    buf_fill(&text, ' ', YAML_MAX_BYTES + 1);
    refused_quickly(&text, "m.yaml: the file is too large: at most 1024 KiB are read\n");
    buf_clear(&text);
    repeat(&text, "- a\n  b\n", 49998);
    buf_adds(&text, "\t");
    refused_quickly(&text, "m.yaml:99997:1: a tab may not");
    buf_clear(&text);
    repeat(&text, "a: [", 20000);
    refused_quickly(&text, "nested more than");
}

static void nesting_up_to_the_limit_is_fine(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    struct ydoc doc = YDOC_INIT;

    repeat(&text, "[", YAML_MAX_DEPTH);
    repeat(&text, "]", YAML_MAX_DEPTH);
    parse(&doc, text.data);
    ydoc_release(&doc);
}

/* Every beginning of a document parses or is refused, without a crash, a leak or a missing error.
 */
static void truncated_anywhere(void **state)
{
    (void)state;
    static const char text[] =
        "firn: 1\nlist: [a, {b: 'c'}, \"d\\n\"]\nmap:\n  x: |\n    gr\u00fc\u00df\n"
        "  ? y\n  : &a !t [*a]\n...\n---\nz: >-\n  w\n";

    for (size_t len = 0; len < sizeof(text) - 1; len++) {
        struct ydoc doc = YDOC_INIT;
        struct diags diags = DIAGS_INIT;
        bool ok = ydoc_parse(&doc, "m.yaml", text, len, &diags);

        assert_int_equal(ok, diags.error_count == 0);
        assert_int_equal(ok && doc.root == NULL, 0);
        diags_release(&diags);
        ydoc_release(&doc);
    }
}

static void loading_files(void **state)
{
    (void)state;
    char path[] = "/tmp/firn-test-yaml.XXXXXX";
    struct ydoc doc = YDOC_INIT;
    struct diags diags = DIAGS_INIT;
    int fd = mkstemp(path);

    assert_int_equal(write(fd, "a: 1\n", 5), 5);
    assert_true(ydoc_load(&doc, path, &diags));
    assert_string_equal(doc.file, path);
    ydoc_release(&doc);
    assert_int_equal(ftruncate(fd, 10 << 20), 0);
    close(fd);
    assert_false(ydoc_load(&doc, path, &diags));
    assert_contains(diags.errors[0]->message, "is too large: at most 1.0 MiB are read");
    unlink(path);
    assert_false(ydoc_load(&doc, path, &diags));
    assert_int_equal(err_exit_status(diags.errors[1]), 2);
    assert_contains(diags.errors[1]->message, "No such file");
    ydoc_release(&doc);
    diags_release(&diags);
}

struct typed {
    struct ydoc doc;
    struct diags diags;
};

static void assert_typed_errors(struct typed *t, const char *expected)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;

    diags_format_errors(&t->diags, &out);
    assert_string_equal(out.data, expected);
    diags_release(&t->diags);
    ydoc_release(&t->doc);
}

static void typed_readers_take_what_fits(void **state)
{
    (void)state;
    struct typed t = {YDOC_INIT, DIAGS_INIT};
    const char *s = "unset";
    long n = 9;
    bool b = false;
    unsigned long long size = 0;

    parse(&t.doc, "s: 1.10\nn: -3\nb: true\nsize: 384K\nempty: ''\n");
    assert_true(ymap_string(&t.doc, t.doc.root, "s", true, &s, &t.diags));
    assert_string_equal(s, "1.10");
    assert_true(ymap_string(&t.doc, t.doc.root, "empty", true, &s, &t.diags));
    assert_string_equal(s, "");
    assert_true(ymap_string(&t.doc, t.doc.root, "absent", false, &s, &t.diags));
    assert_string_equal(s, "");
    assert_true(ymap_integer(&t.doc, t.doc.root, "n", true, -3, 3, &n, &t.diags));
    assert_int_equal(n, -3);
    assert_true(ymap_bool(&t.doc, t.doc.root, "b", true, &b, &t.diags));
    assert_true(b);
    assert_true(ymap_size(&t.doc, t.doc.root, "size", true, &size, &t.diags));
    assert_int_equal(size, 384 * 1024);
    assert_typed_errors(&t, "");
}

static void typed_readers_refuse_what_does_not(void **state)
{
    (void)state;
    struct typed t = {YDOC_INIT, DIAGS_INIT};
    const char *s = "unset";
    long n = 9;
    bool b = false;
    unsigned long long size = 7;

    parse(&t.doc, "s: [a]\nnone:\nn: '3'\nbig: 99999999999999999999\nm: 4\nb: yes\nsize: 1.5M\n");
    assert_false(ymap_string(&t.doc, t.doc.root, "s", true, &s, &t.diags));
    assert_false(ymap_string(&t.doc, t.doc.root, "none", false, &s, &t.diags));
    assert_false(ymap_string(&t.doc, t.doc.root, "absent", true, &s, &t.diags));
    assert_false(ymap_integer(&t.doc, t.doc.root, "n", true, 0, 3, &n, &t.diags));
    assert_false(ymap_integer(&t.doc, t.doc.root, "big", true, 0, 3, &n, &t.diags));
    assert_false(ymap_integer(&t.doc, t.doc.root, "m", true, 0, 3, &n, &t.diags));
    assert_false(ymap_bool(&t.doc, t.doc.root, "b", true, &b, &t.diags));
    assert_false(ymap_size(&t.doc, t.doc.root, "size", true, &size, &t.diags));
    assert_string_equal(s, "unset");
    assert_int_equal(n, 9);
    assert_int_equal(size, 7);
    assert_typed_errors(&t, "m.yaml:1:4: 's' must be a string, not a list\n"
                            "   1 | s: [a]\n"
                            "     |    ^\n"
                            "m.yaml:2:6: 'none' must be a string, not nothing\n"
                            "   2 | none:\n"
                            "     |      ^\n"
                            "m.yaml:1:1: the key 'absent' is missing here\n"
                            "   1 | s: [a]\n"
                            "     | ^\n"
                            "m.yaml:3:4: 'n' must be a whole number, not a string\n"
                            "   3 | n: '3'\n"
                            "     |    ^~~\n"
                            "m.yaml:4:6: 'big' must be a whole number, not this\n"
                            "   4 | big: 99999999999999999999\n"
                            "     |      ^~~~~~~~~~~~~~~~~~~~\n"
                            "m.yaml:5:4: 'm' must lie between 0 and 3\n"
                            "   5 | m: 4\n"
                            "     |    ^\n"
                            "m.yaml:6:4: 'b' must be true or false, not this\n"
                            "   6 | b: yes\n"
                            "     |    ^~~\n"
                            "m.yaml:7:7: 'size' must be a size such as 384K, 1M or 0x1000, up to "
                            "4096M\n"
                            "   7 | size: 1.5M\n"
                            "     |       ^~~~\n");
}

static void unknown_keys_get_a_suggestion(void **state)
{
    (void)state;
    static const char *const known[] = {"board", "frozen", NULL};
    struct typed t = {YDOC_INIT, DIAGS_INIT};

    parse(&t.doc, "baord: x\n<<: {}\nfrozen: y\n");
    assert_false(ymap_only_keys(&t.doc, t.doc.root, known, &t.diags));
    assert_false(ymap_only_keys(&t.doc, ynode_get(t.doc.root, "frozen"), known, &t.diags));
    ynode_warning(&t.doc, ynode_get(t.doc.root, "frozen"), &t.diags, NULL, "odd %d", 1);
    assert_int_equal(t.diags.warning_count, 1);
    assert_int_equal(t.diags.warnings[0]->line, 3);
    assert_typed_errors(&t, "m.yaml:1:1: unknown key 'baord'\n"
                            "   1 | baord: x\n"
                            "     | ^~~~~ did you mean 'board'?\n"
                            "m.yaml:2:1: unknown key '<<'\n"
                            "   2 | <<: {}\n"
                            "     | ^~\n"
                            "m.yaml:3:9: expected a mapping ('key: value'), not this\n"
                            "   3 | frozen: y\n"
                            "     |         ^\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_keep_their_marks),
        cmocka_unit_test(byte_order_mark_has_no_column),
        cmocka_unit_test(unsupported_parts_are_all_named),
        cmocka_unit_test(syntax_errors_are_readable),
        cmocka_unit_test(what_is_no_text_is_refused),
        cmocka_unit_test(hostile_sizes_are_refused_quickly),
        cmocka_unit_test(nesting_up_to_the_limit_is_fine),
        cmocka_unit_test(truncated_anywhere),
        cmocka_unit_test(loading_files),
        cmocka_unit_test(typed_readers_take_what_fits),
        cmocka_unit_test(typed_readers_refuse_what_does_not),
        cmocka_unit_test(unknown_keys_get_a_suggestion),
    };

    return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
