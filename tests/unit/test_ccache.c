/* ccache below a build: when, whose cache, and that it hits. */
#include "builder/ccache.h"

#include "tests/unit/sandbox_fixture.h"

static struct config config;
static struct build_options options;
static struct manifest manifest;
static struct config_entry make_vars[1];
static char commit[] = "1111111111111111111111111111111111111111";
static char prefix[] = "", digest[] = "abc";

static int afresh(void **state)
{
    if (set_up(state) != 0)
        return -1;
    config = (struct config){.home = dir, .build = CONFIG_BUILD_INIT};
    options = (struct build_options){0};
    manifest = (struct manifest){.make = make_vars};
    return 0;
}

static struct build_job job_of(void)
{
    struct build_job job = {.config = &config, .options = &options, .manifest = &manifest};
    job.source.commit = commit;
    job.toolchain.prefix = prefix;
    job.toolchain.digest = digest;
    return job;
}

static void set_make(const char *name, const char *value)
{
    make_vars[0] = (struct config_entry){.name = name, .value = value};
    manifest.make_count = 1;
}

static void it_is_used_when_wanted_and_there(void **state)
{
    (void)state;
    const struct build_job job = job_of();
    _cleanup_free_ char *path = xstrdup(getenv("PATH")), *bin = path_join(dir, "bin");
    put("bin/other", "", 0755);
    setenv("PATH", bin, 1);
    bool without = ccache_usable(&job);
    put("bin/ccache", "", 0755);
    bool with = ccache_usable(&job);
    config.build.ccache = false;
    bool unwanted = ccache_usable(&job);
    config.build.ccache = options.no_ccache = true;
    bool forbidden = ccache_usable(&job);
    options.no_ccache = false;
    set_make("CC", "my-gcc");
    bool own_compiler = ccache_usable(&job);
    set_make("CCX", "my-gcc");
    bool other_variable = ccache_usable(&job);
    setenv("PATH", path, 1);
    assert_false(without);
    assert_true(with);
    assert_false(unwanted);
    assert_false(forbidden);
    assert_false(own_compiler);
    assert_true(other_variable);
}

/* What ccache_add() gives, the sandbox off: names are the machine's. */
struct added {
    struct place place;
    struct strv vars, env;
};

static void added_release(struct added *added)
{
    sandbox_release(&added->place.sandbox);
    strv_release(&added->vars);
    strv_release(&added->env);
}

static struct added add(const struct build_job *job, bool sandboxed)
{
    struct added added = {PLACE_INIT, STRV_INIT, STRV_INIT};
    struct err *err = NULL;
    assert_ok(sandbox_init(&added.place.sandbox, sandboxed, &LIMITS, &err), &err);
    assert_ok(ccache_add(job, &added.place, &added.vars, &added.env, &err), &err);
    return added;
}

static const char *value_of(const struct strv *list, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < list->count; i++)
        if (!strncmp(list->items[i], name, len) && list->items[i][len] == '=')
            return list->items[i] + len + 1;
    return NULL;
}

/* The directory of a job's cache. The caller frees. */
static char *cache_of(const struct build_job *job)
{
    _cleanup_(added_release) struct added added = add(job, false);
    const char *found = value_of(&added.env, "CCACHE_DIR");
    assert_non_null(found);
    assert_true(fs_is_dir(found));
    return xstrdup(found);
}

static void assert_cache(const struct build_job *job, const char *other, bool same)
{
    _cleanup_free_ char *cache = cache_of(job);
    assert_int_equal(!strcmp(cache, other), same);
}

static void what_make_and_compilers_get(void **state)
{
    (void)state;
    struct build_job job = job_of();
    char arm[] = "arm-none-eabi-";
    job.toolchain.prefix = arm;
    _cleanup_(added_release) struct added added = add(&job, true);
    assert_string_equal(value_of(&added.vars, "CC"), "ccache arm-none-eabi-gcc");
    assert_string_equal(value_of(&added.env, "CCACHE_DIR"), "/ccache");
    assert_string_equal(value_of(&added.env, "CCACHE_COMPILERCHECK"), "string:abc");
    assert_null(value_of(&added.env, "CCACHE_REMOTE_STORAGE"));
}

/* Whatever can run code of its own has a cache of its own. */
static void each_set_of_sources_has_its_own(void **state)
{
    (void)state;
    struct build_job job = job_of();
    char path[] = "lib/a", one[] = "22", label[] = "c_modules/f", name[] = "f.c", hash[] = "33";
    char *names[] = {name, NULL}, *hashes[] = {hash, NULL};
    struct submodule submodule = {path, path, one};
    struct copied_dir copied = {label, dir, {names, 1, 1}, {hashes, 1, 1}};
    _cleanup_free_ char *first = cache_of(&job);
    assert_cache(&job, first, true);
    job.source.submodules = &submodule;
    job.source.submodule_count = 1;
    assert_cache(&job, first, false);
    _cleanup_free_ char *second = cache_of(&job);
    one[0] = '4';
    assert_cache(&job, second, false);
    job.source.submodule_count = 0;
    job.copied = &copied;
    job.copied_count = 1;
    _cleanup_free_ char *third = cache_of(&job);
    hash[0] = '5';
    assert_cache(&job, third, false);
    job.copied_count = 0;
    commit[0] = '2';
    assert_cache(&job, first, false);
    commit[0] = '1';
    assert_cache(&job, first, true);
}

/* A plain value cannot run anything: products that differ in it share what they compile. */
static void plain_variables_share(void **state)
{
    (void)state;
    const struct build_job job = job_of();
    static const char *const plain[] = {"1", "a b", "-O2 -DX=/y", "c++,d:e.f_g", ""};
    static const char *const running[] = {"$(shell id)", "`id`", "a;b", "a|b", "x'y", "a\nb", "{}"};
    _cleanup_free_ char *first = cache_of(&job);
    for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
        set_make("X", plain[i]);
        assert_cache(&job, first, true);
    }
    for (size_t i = 0; i < ARRAY_SIZE(running); i++) {
        set_make("X", running[i]);
        assert_cache(&job, first, false);
    }
}

static void a_remote_one_is_seen_in_the_sandbox(void **state)
{
    (void)state;
    const struct build_job job = job_of();
    int status;
    put("remote/entry", "shared", 0644);
    _cleanup_free_ char *remote = xasprintf("file://%s/remote|read-only", dir);
    config.build.ccache_remote = remote;
    _cleanup_(added_release) struct added added = add(&job, true);
    assert_string_equal(value_of(&added.env, "CCACHE_REMOTE_STORAGE"), remote);
    _cleanup_free_ char *script = xasprintf("cat %s/remote/entry; ls %s", dir, dir);
    _cleanup_free_ char *said = run(&added.place.sandbox, script, &status);
    assert_string_equal(said, "sharedremote\n");
}

static void assert_chosen(const struct build_job *job, bool expected)
{
    struct err *err = NULL;
    bool use = !expected;
    assert_ok(ccache_choose(job, &use, &err), &err);
    assert_int_equal(use, expected);
}

/* The first build of a source does not pay for those that may never come. */
static void the_second_build_fills_it(void **state)
{
    (void)state;
    struct build_job job = job_of();
    _cleanup_free_ char *path = xstrdup(getenv("PATH")), *bin = path_join(dir, "bin");
    put("bin/ccache", "", 0755);
    setenv("PATH", bin, 1);
    assert_chosen(&job, false);
    assert_chosen(&job, true);
    commit[0] = '2';
    assert_chosen(&job, false);
    commit[0] = '3';
    config.build.ccache_remote = "http://cache.lan";
    assert_chosen(&job, true);
    commit[0] = '1';
    options.no_ccache = true;
    assert_chosen(&job, false);
    setenv("PATH", path, 1);
}

/* Hits and misses as ccache itself counts them, after another build of the same sources. */
static void a_second_build_compiles_nothing(void **state)
{
    (void)state;
    const struct build_job job = job_of();
    _cleanup_free_ char *program = proc_find("ccache");
    if (!program) {
        print_message("skipped: ccache is not installed\n");
        skip();
    }
    put("x.c", "int x = 1;\n", 0644);
    for (int round = 0; round < 2; round++) {
        _cleanup_(added_release) struct added added = add(&job, true);
        int status;
        sandbox_bind(&added.place.sandbox, dir, "/build", SANDBOX_WRITE);
        strv_add_all(&added.env,
                     (const char *const[]){"PATH=/usr/bin:/bin", "HOME=/nonexistent", NULL});
        _cleanup_free_ char *script =
            xasprintf("exec 2>&1; cd /build && %s -c x.c -o x%d.o && ccache --print-stats |"
                      " grep -E '^(direct_cache_hit|cache_miss)' | tr '\\t\\n' '= '",
                      value_of(&added.vars, "CC"), round);
        _cleanup_free_ char *said =
            run_with(&added.place.sandbox, (const char *const *)added.env.items, script, &status);
        if (status != 0)
            fail_msg("exit status %d: %s", status, said);
        assert_contains(said, "cache_miss=1 ");
        assert_contains(said, round ? "direct_cache_hit=1 " : "direct_cache_hit=0 ");
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, afresh, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(it_is_used_when_wanted_and_there),    TEST(what_make_and_compilers_get),
        TEST(each_set_of_sources_has_its_own),     TEST(plain_variables_share),
        TEST(a_remote_one_is_seen_in_the_sandbox), TEST(the_second_build_fills_it),
        TEST(a_second_build_compiles_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
