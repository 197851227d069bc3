#include "simulator/board_repl.h"

#include "tests/unit/unit.h"

#define BANNER                                                                                     \
    "MicroPython v1.25.0 on 2025-04-15; firn simulated board\r\n"                                  \
    "Type \"help()\" for more information.\r\n"

static struct board_repl repl;

static int setup(void **state)
{
    (void)state;
    board_repl_init(&repl);
    board_repl_boot(&repl);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    board_repl_release(&repl);
    return 0;
}

static enum board_request send(const char *text)
{
    buf_clear(&repl.out);
    return board_repl_input(&repl, (const uint8_t *)text, strlen(text));
}

static void check(const char *input, const char *expected)
{
    assert_int_equal(send(input), BOARD_GOES_ON);
    assert_string_equal(repl.out.len ? repl.out.data : "", expected);
}

static void friendly_mode(void **state)
{
    (void)state;
    assert_string_equal(repl.out.data, BANNER ">>> ");
    check("\r", "\r\n>>> ");
    check("print('hello')\r", "print('hello')\r\nhello\r\n>>> ");
    check("12\r", "12\r\n12\r\n>>> ");
    check("'a'\r", "'a'\r\n'a'\r\n>>> ");
    check("import machine\r", "import machine\r\n>>> ");
    check("x\x7fprinu\bt()\r", "x\b\033[Kprinu\b\033[Kt()\r\n\r\n>>> ");
    check("\003", "\r\n>>> ");
    check("half\003", "half\r\n>>> ");
    check("\002", "\r\n" BANNER ">>> ");
    check("\004", "\r\nMPY: soft reboot\r\n" BANNER ">>> ");
}

static void exceptions(void **state)
{
    (void)state;
#define TRACEBACK "Traceback (most recent call last):\r\n  File \"<stdin>\", line "
    check("foo\r", "foo\r\n" TRACEBACK "1, in <module>\r\nNameError: name 'foo' isn't "
                   "defined\r\n>>> ");
    check("\001", "\r\nraw REPL; CTRL-B to exit\r\n>");
    check("\n\nfoo.bar()\004", "OK\004" TRACEBACK "3, in <module>\r\nNameError: name 'foo' isn't "
                               "defined\r\n\004>");
    check("import foo\004", "OK\004" TRACEBACK "1, in <module>\r\nImportError: no module named "
                            "'foo'\r\n\004>");
    check("print(1 +)\004", "OK\004" TRACEBACK "1\r\nSyntaxError: invalid syntax\r\n\004>");
    check("if\004", "OK\004" TRACEBACK "1, in <module>\r\nNameError: name 'if' isn't defined\r\n"
                    "\004>");
}

static void raw_mode(void **state)
{
    (void)state;
    check("\r\003\003\001", "\r\n>>> \r\n>>> \r\n>>> \r\nraw REPL; CTRL-B to exit\r\n>");
    check("print('a')\nprint(\"b\"); 3\004", "OKa\r\nb\r\n\004\004>");
    check("\004", "OK\r\nMPY: soft reboot\r\nraw REPL; CTRL-B to exit\r\n>");
    check("forget this\003print(1)\004", "OK1\r\n\004\004>");
    check("\005A\001", "raw REPL; CTRL-B to exit\r\n>"); /* there is no raw-paste */
    check("\002", "\r\n" BANNER ">>> ");
}

static void paste_mode(void **state)
{
    (void)state;
    check("\005", "\r\npaste mode; Ctrl-C to cancel, Ctrl-D to finish\r\n=== ");
    check("print(1)\rprint(2)\004", "print(1)\r\n=== print(2)\r\n1\r\n2\r\n>>> ");
    send("\005print(3)");
    check("\003", "\r\n>>> ");
}

static void requests(void **state)
{
    (void)state;
    assert_int_equal(send("machine.bootloader()\r"), BOARD_TO_BOOTLOADER);
    assert_int_equal(send("import machine; machine.bootloader()\r"), BOARD_TO_BOOTLOADER);
    assert_int_equal(send("pyb.bootloader()\r"), BOARD_TO_BOOTLOADER);
    assert_int_equal(send("machine.reset()\r"), BOARD_RESETS);
    assert_int_equal(send("\001import machine\nmachine.bootloader()\n\004"), BOARD_TO_BOOTLOADER);
    assert_true(strstr(repl.out.data, "OK") && !strchr(repl.out.data, 4)); /* it is gone by then */
    assert_int_equal(send("machine.bootloade()\004"), BOARD_GOES_ON);
}

static void run(enum board_program program)
{
    repl.program = program;
    board_repl_boot(&repl);
    board_repl_tick(&repl);
}

static void a_program_that_can_be_interrupted(void **state)
{
    (void)state;
    run(BOARD_PROGRAM_LOOP);
    assert_string_equal(repl.out.data, "tick 1\r\n");
    check("print(1)\r", "");
    check("\003",
          "Traceback (most recent call last):\r\n  File \"main.py\", line 4, in <module>\r\n"
          "KeyboardInterrupt: \r\n" BANNER ">>> ");
    check("1\r", "1\r\n1\r\n>>> ");
    board_repl_boot(&repl);
    check("1\r", "");
}

static void programs_that_cannot(void **state)
{
    (void)state;
    run(BOARD_PROGRAM_BUSY);
    assert_string_equal(repl.out.data, "tick 1\r\n");
    check("\003\003\001", "");
    board_repl_tick(&repl);
    assert_string_equal(repl.out.data, "tick 2\r\n");
    run(BOARD_PROGRAM_SILENT);
    check("\003\003\001print(1)\004", "");
    run(BOARD_PROGRAM_GARBAGE);
    assert_true(repl.out.len > 0);
    send("\003\001");
    assert_true(repl.out.len > 0);
    assert_null(memchr(repl.out.data, '>', repl.out.len));
}

static void what_nobody_reads_is_lost(void **state)
{
    (void)state;
    run(BOARD_PROGRAM_BUSY);
    for (int i = 0; i < 2000; i++)
        board_repl_tick(&repl);
    assert_in_range(repl.out.len, BOARD_REPL_OUT_MAX - 16, BOARD_REPL_OUT_MAX);
    run(BOARD_PROGRAM_GARBAGE);
    for (int i = 0; i < 2000; i++)
        board_repl_tick(&repl);
    assert_int_equal(repl.out.len, BOARD_REPL_OUT_MAX);
    repl.program = BOARD_PROGRAM_REPL;
    for (int i = 0; i < 2 * BOARD_REPL_LINE_MAX; i++)
        board_repl_input(&repl, (const uint8_t *)"x", 1);
    assert_int_equal(repl.line.len, BOARD_REPL_LINE_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(friendly_mode),
        TEST(exceptions),
        TEST(raw_mode),
        TEST(paste_mode),
        TEST(requests),
        TEST(a_program_that_can_be_interrupted),
        TEST(programs_that_cannot),
        TEST(what_nobody_reads_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
