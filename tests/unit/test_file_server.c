#include "economy/file_server.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "tests/unit/unit.h"

#define MARK "@@mark"

struct fixture {
    char *dir;
    struct file_server server;
    struct buf text, reply;
};

static void add_file(const char *dir, const char *name, const char *bytes, size_t size)
{
    struct err *err = NULL;
    _cleanup_free_ char *path = path_join(dir, name);
    _cleanup_free_ char *parent = path_dirname(path);
    assert_ok(fs_mkdirs(parent, &err) && fs_write_scratch(path, bytes, size, &err), &err);
}

static int set_up(void **state)
{
    static struct fixture f;
    struct err *err = NULL;
    char bytes[300];

    f = (struct fixture){.text = BUF_INIT, .reply = BUF_INIT};
    assert_ok(fs_temp_dir("/tmp", &f.dir, &err), &err);
    add_file(f.dir, "files/acme/drv.py", "import os\n", 10);
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)i;
    add_file(f.dir, "files/all.mpy", bytes, sizeof(bytes));
    add_file(f.dir, "secret", "nothing for boards", 18);
    _cleanup_free_ char *link = path_join(f.dir, "files/link");
    assert_int_equal(symlink("../secret", link), 0);
    _cleanup_free_ char *up = path_join(f.dir, "files/up");
    assert_int_equal(symlink("..", up), 0);
    f.server = (struct file_server)FILE_SERVER_INIT(path_join(f.dir, "files"), MARK);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;

    assert_ok(fs_remove_tree(f->dir, &err), &err);
    free((char *)f->server.dir);
    file_server_release(&f->server);
    buf_release(&f->text);
    buf_release(&f->reply);
    free(f->dir);
    return 0;
}

static void assert_answer(struct fixture *f, const char *question, const char *expected)
{
    buf_clear(&f->text);
    buf_clear(&f->reply);
    buf_addf(&f->text, "printed\n" MARK "? %s\n", question);
    file_server_answer(&f->server, &f->text, &f->reply);
    assert_string_equal(f->text.data, "printed");
    assert_string_equal(f->reply.data, expected);
}

static void says_what_is_there(void **state)
{
    struct fixture *f = *state;

    assert_answer(f, "stat /acme", "2");
    assert_answer(f, "stat /acme/drv.py", "1");
    assert_answer(f, "stat acme/drv.py", "1");
    assert_answer(f, "stat /acme/drv.mpy", "0");
    assert_answer(f, "stat /", "0");
    assert_answer(f, "stat ", "0");
}

static void gives_a_file_in_pieces(void **state)
{
    struct fixture *f = *state;
    _cleanup_(buf_release) struct buf all = BUF_INIT;

    assert_answer(f, "0 6 /acme/drv.py", "06696d706f7274");
    assert_answer(f, "6 96 /acme/drv.py", "04206f730a");
    assert_answer(f, "10 96 /acme/drv.py", "00");
    assert_answer(f, "11 96 /acme/drv.py", "00");
    for (size_t at = 0;;) {
        _cleanup_free_ char *question = xasprintf("%zu 100000 /all.mpy", at);
        buf_clear(&f->text);
        buf_clear(&f->reply);
        buf_addf(&f->text, "\n" MARK "? %s\n", question);
        file_server_answer(&f->server, &f->text, &f->reply);
        assert_true(f->reply.len >= 2 && f->reply.len <= 200);
        size_t n = (f->reply.len - 2) / 2;
        if (n == 0)
            break;
        buf_add(&all, f->reply.data + 2, f->reply.len - 2);
        at += n;
    }
    assert_int_equal(all.len, 600);
    for (size_t i = 0; i < 300; i++) {
        const char digits[] = {all.data[2 * i], all.data[2 * i + 1], '\0'};
        assert_int_equal(strtoul(digits, NULL, 16), i & 0xff);
    }
}

static void gives_nothing_else(void **state)
{
    struct fixture *f = *state;

    assert_answer(f, "stat /../secret", "0");
    assert_answer(f, "stat /link", "0");
    assert_answer(f, "0 96 /../secret", "00");
    assert_answer(f, "0 96 //../secret", "00");
    assert_answer(f, "0 96 /acme/../../secret", "00");
    assert_answer(f, "0 96 /link", "00");
    assert_answer(f, "0 96 /up/secret", "00");
    assert_answer(f, "0 96 /acme", "00");
    assert_answer(f, "0 96 /etc/passwd", "00");
    assert_answer(f, "-1 96 /acme/drv.py", "00");
    assert_answer(f, "nonsense", "00");
}

static void answers_what_has_come(void **state)
{
    struct fixture *f = *state;

    buf_adds(&f->text, "a\n" MARK "? stat /acme\nb\n" MARK "? stat /x\n\n" MARK "? stat /all");
    file_server_answer(&f->server, &f->text, &f->reply);
    assert_string_equal(f->reply.data, "20");
    assert_string_equal(f->text.data, "ab\n" MARK "? stat /all");
    buf_adds(&f->text, ".mpy\n");
    buf_clear(&f->reply);
    file_server_answer(&f->server, &f->text, &f->reply);
    assert_string_equal(f->reply.data, "1");
    assert_string_equal(f->text.data, "ab");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(says_what_is_there),
        TEST(gives_a_file_in_pieces),
        TEST(gives_nothing_else),
        TEST(answers_what_has_come),
    };

    return cmocka_run_group_tests_name("file_server", tests, NULL, NULL);
}
