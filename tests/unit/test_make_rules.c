#include "tests/unit/unit.h"

#include <unistd.h>

#include "base/fs.h"
#include "builder/make_rules.h"

static const char *const LEFT_OUT[] = {"@$(CP) $@ x; $(RM) y", NULL};

/* *want is what make_rules_of() gives; NULL: nothing. */
static void expect(const char *makefile, const char *want)
{
    _cleanup_free_ char *got = make_rules_of(makefile, "include rules.mk\n", LEFT_OUT);
    if (want)
        assert_string_equal(got ? got : "(nothing)", want);
    else
        assert_null(got);
}

static void test_lines_are_left_out(void **state)
{
    (void)state;
    expect("all:\n\techo\n"
           "define compile\n$(CC) -c \\\n  -o $@\n@# a comment\n@$(CP) $@ x;\\\n\t $(RM) y\nlast\n"
           "endef\n"
           "define other\n@$(CP) $@ x; $(RM) z\nendef\n",
           "override define compile\n$(CC) -c \\\n  -o $@\nlast\nendef\n");
    expect("define a\n@#x\nendef\n define  b \n @ # y\n@echo '@# z'\n endef",
           "override define a\nendef\noverride define b\n@echo '@# z'\nendef\n");
}

static void test_what_is_kept(void **state)
{
    (void)state;
    expect("", NULL);
    expect("define a\nx\nendef\n", NULL);
    expect("define a\n@# $(shell x)\nendef\n", NULL); /* make runs it */
    expect("define a\n# text\nendef\n", NULL);        /* a text, for all we know */
    expect("define a =\n@# x\nendef\n", NULL);
    expect("define a b\n@# x\nendef\n", NULL);
    expect("define $(a)\n@# x\nendef\n", NULL);
    expect("define\n@# x\nendef\n", NULL);
    expect("define a\n@# x\n", NULL); /* never ends */
    expect("@# x\n", NULL);
    expect("define a\n@# x \\\n", NULL);
}

static void test_conditions(void **state)
{
    (void)state;
    expect("ifeq ($(A),1)\ndefine a\n@# x\nendef\nelse\ndefine a\n@# y\nendef\nendif\n"
           "define b\n@# z\nendef\n",
           "override define b\nendef\n");
    expect("ifdef A\nifndef B\nendif # B\ndefine a\n@# x\nendef\nendif\n", NULL);
    expect("ifname = 1\ndefine a\n@# x\nendef\n", "override define a\nendef\n");
}

/* The real definition, on a text as MicroPython 1.25 has it. */
static void test_the_real_rule(void **state)
{
    (void)state;
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    _cleanup_(interpreter_free_ptr) struct interpreter *in =
        interpreter_load(FIRN_SOURCE_DIR, "micropython", &diags);
    assert_non_null(in);
    assert_string_equal(in->rules_file, "py/mkrules.mk");
    _cleanup_free_ char *got =
        make_rules_of("define compile_c\n"
                      "$(ECHO) \"CC $<\"\n"
                      "$(Q)$(CC) $(CFLAGS) -c -MD -MF $(@:.o=.d) -o $@ $<\n"
                      "@# The following fixes the dependency file.\n"
                      "@$(CP) $(@:.o=.d) $(@:.o=.P); \\\n"
                      "  $(SED) -e 's/#.*//' -e 's/^.*:  *//' -e 's/ *\\\\$$//' \\\n"
                      "      -e '/^$$/ d' -e 's/$$/ :/' < $(@:.o=.d) >> $(@:.o=.P); \\\n"
                      "  $(RM) -f $(@:.o=.d)\n"
                      "endef\n",
                      "", in->rules_left_out);
    assert_string_equal(got, "override define compile_c\n"
                             "$(ECHO) \"CC $<\"\n"
                             "$(Q)$(CC) $(CFLAGS) -c -MD -MF $(@:.o=.d) -o $@ $<\n"
                             "endef\n");
}

static void test_a_checkout(void **state)
{
    (void)state;
    static const char text[] = "define a\n@# x\nendef\n";
    struct interpreter in = {.rules_file = "py/rules.mk", .rules_left_out = LEFT_OUT};
    _cleanup_free_ char *dir = NULL;
    struct err *err = NULL;
    assert_true(fs_temp_dir("/tmp", &dir, &err));
    _cleanup_free_ char *py = path_join(dir, "py");
    _cleanup_free_ char *rules = path_join(dir, in.rules_file);
    _cleanup_free_ char *elsewhere = path_join(dir, "elsewhere");
    assert_true(fs_mkdirs(py, &err));
    _cleanup_free_ char *makefile = path_join(dir, "port/Makefile");
    _cleanup_free_ char *port = path_join(dir, "port");
    assert_true(fs_mkdirs(port, &err));
    assert_true(fs_write(makefile, "x:\n", 3, 0644, &err));
    assert_null(make_rules(&in, dir, "port"));
    assert_true(fs_write(elsewhere, text, strlen(text), 0644, &err));
    assert_int_equal(symlink("../elsewhere", rules), 0);
    assert_null(make_rules(&in, dir, "port")); /* not through a link */
    assert_int_equal(rename(elsewhere, rules), 0);
    _cleanup_free_ char *got = make_rules(&in, dir, "port");
    assert_string_equal(got, "override define a\nendef\n");
    assert_null(make_rules(&in, dir, "another"));
    static const char own[] = "include rules.mk\ndefine a\nx\nendef\n";
    assert_true(fs_write(makefile, own, strlen(own), 0644, &err));
    assert_null(make_rules(&in, dir, "port"));
    in.rules_file = NULL;
    assert_null(make_rules(&in, dir, "port"));
    assert_true(fs_remove_tree(dir, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_are_left_out), cmocka_unit_test(test_what_is_kept),
        cmocka_unit_test(test_conditions),         cmocka_unit_test(test_the_real_rule),
        cmocka_unit_test(test_a_checkout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
