/* Everything that can change a byte changes the key; nothing else does. */
#include "tests/unit/unit.h"

#include "base/fs.h"
#include "builder/build_job.h"

#define MANIFEST                                                                                   \
    "firn: 1\nproduct: p\nversion: 1.0\nfirmware: {git: 'https://x.org/y', ref: v1}\n"             \
    "board: NETDUINO2\n"

/* Strings that a test points at something else. */
struct inputs {
    const char *manifest;
    char *commit, *describe, *toolchain, *host, *data, *target, *qstr, *digest, *defs;
    int opt;
    enum frozen_form form;
    json_t *identity; /* of the toolchain */
};

static char text_commit[] = "0123", text_describe[] = "v1", text_toolchain[] = "t1",
            text_host[] = "h1", text_data[] = "x = 1\n", text_target[] = "a.py", text_qstr[] = "q",
            text_digest[] = "d1", text_defs[] = "";

static struct inputs inputs_default(void)
{
    return (struct inputs){MANIFEST,  text_commit,     text_describe, text_toolchain, text_host,
                           text_data, text_target,     text_qstr,     text_digest,    text_defs,
                           -1,        FROZEN_BYTECODE, NULL};
}

static struct manifest *load(const char *text)
{
    struct err *err = NULL;
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    char *dir = NULL;
    assert_ok(fs_temp_dir("/tmp", &dir, &err), &err);
    _cleanup_free_ char *path = path_join(dir, "m.yaml");
    assert_ok(fs_write(path, text, strlen(text), 0644, &err), &err);
    struct manifest *manifest = manifest_load(path, &diags);
    assert_non_null(manifest);
    assert_ok(fs_remove_tree(dir, &err), &err);
    free(dir);
    return manifest;
}

static void make_keys(const struct inputs *in, char key[HASH_HEX_SIZE],
                      char bootloader_key[HASH_HEX_SIZE])
{
    char url[] = "https://x.org/y", origin[] = "upstream", label[] = "c_modules/f";
    char *names[] = {in->qstr, NULL}, *files[] = {(char[]){"f.c"}, NULL},
         *digests[] = {in->digest, NULL};
    struct frozen_file file = {.form = in->form,
                               .target = in->target,
                               .data = in->data,
                               .size = strlen(in->data),
                               .opt = in->opt};
    struct copied_dir copied = {label, NULL, {files, 1, 1}, {digests, 1, 1}};
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    _cleanup_(manifest_free_ptr) struct manifest *manifest = load(in->manifest);
    _cleanup_(interpreter_free_ptr) struct interpreter *interpreter =
        interpreter_load(FIRN_SOURCE_DIR, "micropython", &diags);
    assert_non_null(interpreter);
    struct build_job job = {
        .manifest = manifest,
        .interpreter = interpreter,
        .source = {.url = url,
                   .ref = in->describe,
                   .commit = in->commit,
                   .origin = origin,
                   .describe = in->describe},
        .make_vars = STRV_INIT,
        .toolchain = {.digest = in->toolchain, .identity = in->identity},
        .host = {.digest = in->host},
        .frozen = {&file, 1},
        .qstrs = {{names, 1, 1}},
        .qstrs_removed = STRV_INIT,
        .qstr_defs = in->defs,
        .copied = &copied,
        .copied_count = 1,
    };
    assert_true(board_choose(&job.board, manifest, interpreter, NULL, &diags));
    board_choice_vars(&job.board, manifest, &job.make_vars);
    build_make_key(&job);
    memcpy(key, job.key, HASH_HEX_SIZE);
    memcpy(bootloader_key, job.bootloader_key, HASH_HEX_SIZE);
    key_parts_release(&job.parts);
    strv_release(&job.make_vars);
    board_choice_release(&job.board);
}

static void make_key(const struct inputs *in, char key[HASH_HEX_SIZE])
{
    char bootloader_key[HASH_HEX_SIZE];
    make_keys(in, key, bootloader_key);
}

/* Does this differ from the default's key? */
static bool differs(const struct inputs *changed)
{
    char a[HASH_HEX_SIZE], b[HASH_HEX_SIZE];
    const struct inputs base = inputs_default();
    make_key(&base, a);
    make_key(changed, b);
    return strcmp(a, b) != 0;
}

static void test_the_same_again(void **state)
{
    (void)state;
    const struct inputs same = inputs_default();
    assert_false(differs(&same));
}

static void test_every_manifest_field_that_counts(void **state)
{
    (void)state;
    static const char *const changed[] = {
        "firn: 1\nproduct: q\nversion: 1.0\nfirmware: {git: 'https://x.org/y', ref: v1}\n"
        "board: NETDUINO2\n",
        "firn: 1\nproduct: p\nversion: 1.1\nfirmware: {git: 'https://x.org/y', ref: v1}\n"
        "board: NETDUINO2\n",
        "firn: 1\nproduct: p\nversion: 1.0\nfirmware: {git: 'https://x.org/y', ref: v1}\n"
        "board: MICROBIT\n",
        MANIFEST "config: {defines: {A: 1}}\n",
        MANIFEST "config: {make: {A: 1}}\n",
        MANIFEST "config: {make: {MICROPY_HEAP_SIZE: 70000}}\n",
        MANIFEST "flash: {usb: '1234:5678'}\n",
        MANIFEST "flash: {enter: repl}\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(changed); i++) {
        struct inputs in = inputs_default();
        in.manifest = changed[i];
        if (!differs(&in))
            fail_msg("does not count: %s", changed[i]);
    }
}

static void test_comments_budgets_and_firnd_do_not_count(void **state)
{
    (void)state;
    struct inputs in = inputs_default();
    in.manifest = "# hello\n" MANIFEST "budget: {flash: 100K}\n";
    assert_false(differs(&in));
    in.manifest = MANIFEST "firnd: {auto_build: true, follow: daily, memory: 1G, cores: 2}\n";
    assert_false(differs(&in));
}

static void test_source_and_compilers(void **state)
{
    (void)state;
    char other[] = "other";
    struct inputs in[] = {inputs_default(), inputs_default(), inputs_default(), inputs_default()};
    in[0].commit = other;
    in[1].describe = other;
    in[2].toolchain = other;
    in[3].host = other;
    for (size_t i = 0; i < ARRAY_SIZE(in); i++)
        assert_true(differs(&in[i]));
}

#define STM32_MANIFEST                                                                             \
    "firn: 1\nproduct: p\nversion: 1.0\nfirmware: {git: 'https://x.org/y', ref: v1}\n"             \
    "board: PYBV11\n"

static void test_a_boot_loader_counts(void **state)
{
    (void)state;
    char without[HASH_HEX_SIZE], with[HASH_HEX_SIZE];
    struct inputs in = inputs_default();
    in.manifest = STM32_MANIFEST;
    make_key(&in, without);
    in.manifest = STM32_MANIFEST "mboot: true\n";
    make_key(&in, with);
    assert_string_not_equal(without, with);
    in.manifest = STM32_MANIFEST "mboot: false\n";
    make_key(&in, with);
    assert_string_equal(without, with);
}

/* What only goes into the program leaves the boot loader as it is. */
static void test_a_boot_loaders_own_key(void **state)
{
    (void)state;
    char other[] = "other", key[HASH_HEX_SIZE], one[HASH_HEX_SIZE], two[HASH_HEX_SIZE];
    struct inputs in[] = {inputs_default(), inputs_default(), inputs_default(), inputs_default(),
                          inputs_default(), inputs_default(), inputs_default(), inputs_default()};
    const size_t others = 5; /* the first that are the program's alone */
    for (size_t i = 0; i < ARRAY_SIZE(in); i++)
        in[i].manifest = STM32_MANIFEST "mboot: true\n";
    make_keys(&in[0], key, one);
    in[0].data = other;
    in[1].qstr = other;
    in[2].defs = other;
    in[3].digest = other; /* of a C module */
    in[4].manifest = "firn: 1\nproduct: q\nversion: 2.0\nfirmware: {git: 'https://x.org/y', ref: "
                     "v1}\nboard: PYBV11\nmboot: true\n";
    in[5].commit = other;
    in[6].toolchain = other;
    in[7].manifest = STM32_MANIFEST "mboot: true\nconfig: {make: {A: 1}}\n";
    for (size_t i = 0; i < ARRAY_SIZE(in); i++) {
        make_keys(&in[i], key, two);
        if (!strcmp(one, two) != (i < others))
            fail_msg("input %zu", i);
    }
}

static void test_files_and_names(void **state)
{
    (void)state;
    char other[] = "x = 2\n";
    struct inputs in[] = {inputs_default(), inputs_default(), inputs_default(), inputs_default(),
                          inputs_default(), inputs_default(), inputs_default()};
    in[0].data = other;
    in[1].target = other;
    in[2].opt = 0;
    in[3].form = FROZEN_SOURCE;
    in[4].qstr = other;
    in[5].digest = other;
    in[6].defs = other;
    for (size_t i = 0; i < ARRAY_SIZE(in); i++)
        assert_true(differs(&in[i]));
}

/* A compiler that was just looked at has its files in another order than one that was kept. */
static void test_order_of_a_toolchains_files(void **state)
{
    (void)state;
    char one[HASH_HEX_SIZE], two[HASH_HEX_SIZE], other[HASH_HEX_SIZE];
    struct inputs in = inputs_default();
    in.identity = json_pack("{s:{s:s, s:s}}", "files", "gcc", "1a", "as", "2b");
    make_key(&in, one);
    json_decref(in.identity);
    in.identity = json_pack("{s:{s:s, s:s}}", "files", "as", "2b", "gcc", "1a");
    make_key(&in, two);
    json_decref(in.identity);
    in.identity = json_pack("{s:{s:s, s:s}}", "files", "as", "1a", "gcc", "2b");
    make_key(&in, other);
    json_decref(in.identity);
    assert_string_equal(one, two);
    assert_string_not_equal(one, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_again),
        cmocka_unit_test(test_every_manifest_field_that_counts),
        cmocka_unit_test(test_comments_budgets_and_firnd_do_not_count),
        cmocka_unit_test(test_source_and_compilers),
        cmocka_unit_test(test_a_boot_loader_counts),
        cmocka_unit_test(test_a_boot_loaders_own_key),
        cmocka_unit_test(test_files_and_names),
        cmocka_unit_test(test_order_of_a_toolchains_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
