#include "builder/input_list.h"

#include "builder/build_job.h"
#include "tests/unit/manifest_fixture.h"
#include "tests/unit/mboot_keys_fixture.h"

/* What a job with this manifest waits for, without the directory: "files: ... dirs: ...". known:
 * its inputs were found. The caller frees. */
static char *collect_with(struct fixture *f, const struct build_options *options, const char *text,
                          bool known)
{
    const struct config config = {.home = "/nonexistent/home"};
    _cleanup_(input_list_release) struct input_list list = INPUT_LIST_INIT;
    _cleanup_(buf_release) struct buf got = BUF_INIT;
    _cleanup_free_ char *path = path_join(f->dir, "m.yaml");
    struct build_job job = build_job_init(&config, options, NULL, &f->diags);
    size_t skip = strlen(f->dir);
    job.manifest = known ? fixture_load_ok(f, text) : fixture_load(f, text);
    job.image_dir = known ? (char *)"/nonexistent/image" : NULL;
    strcpy(job.key, "key");
    input_list_collect(&list, &job, path);
    assert_string_equal(list.key, known ? "key" : "");
    for (size_t i = 0; i < list.files.count; i++)
        buf_addf(&got, "%s ", list.files.items[i] + skip);
    buf_adds(&got, "in ");
    for (size_t i = 0; i < list.dirs.count; i++)
        buf_addf(&got, "%s/ ", list.dirs.items[i] + skip);
    return xstrdup(got.data);
}

static char *collect(struct fixture *f, const char *text, bool known)
{
    const struct build_options options = {.jobs = 0};
    return collect_with(f, &options, text, known);
}

static void write_files(struct fixture *f)
{
    fixture_write(f, "main.py", "");
    fixture_write(f, "lib/acme/__init__.py", "");
    fixture_write(f, "lib/acme/sub/x.py", "");
    fixture_write(f, "texts/a.py", "");
    fixture_write(f, "names.txt", "");
    fixture_write(f, "keys.h", FIXTURE_KEYS);
    fixture_write(f, "cmods/filter/micropython.mk", "");
    fixture_write(f, ".git/HEAD", "");
    fixture_write(f, "out/p/p.dfu", "");
    fixture_write(f, "real/linked.py", "");
    fixture_link(f, "real/linked.py", "linked.py");
}

static void every_kind_of_input(void **state)
{
    struct fixture *f = *state;
    write_files(f);
    _cleanup_free_ char *got = collect(f,
                                       MANIFEST_HEAD "frozen:\n"
                                                     "  - module: main.py\n"
                                                     "  - {package: acme, base_path: lib}\n"
                                                     "  - freeze_as_str: texts\n"
                                                     "qstrs: [{file: names.txt}]\n"
                                                     "c_modules: [cmods/filter]\n"
                                                     "mboot: {keys: keys.h}\n",
                                       true);
    assert_string_equal(got,
                        "/cmods/filter /keys.h /lib/acme /m.yaml /main.py /names.txt /texts in "
                        "/cmods/filter/ /lib/acme/ /lib/acme/sub/ /texts/ ");
}

static void a_link_counts_and_what_it_leads_to(void **state)
{
    struct fixture *f = *state;
    write_files(f);
    _cleanup_free_ char *got = collect(f, MANIFEST_HEAD "frozen: [{module: linked.py}]\n", true);
    assert_string_equal(got, "/linked.py /m.yaml /real/linked.py in ");
}

static void when_not_all_is_known_everything_counts(void **state)
{
    struct fixture *f = *state;
    write_files(f);
    _cleanup_free_ char *wrong = collect(f, "firn: [\n", false);
    assert_string_equal(wrong, "/m.yaml in / /cmods/ /cmods/filter/ /lib/ /lib/acme/ "
                               "/lib/acme/sub/ /real/ /texts/ ");
    _cleanup_free_ char *partly = collect(f, MANIFEST_HEAD "frozen: [{module: main.py}]\n", false);
    assert_string_equal(partly, "/m.yaml /main.py in / /cmods/ /cmods/filter/ /lib/ /lib/acme/ "
                                "/lib/acme/sub/ /real/ /texts/ ");
}

static void a_lock_counts_where_it_is_read(void **state)
{
    struct fixture *f = *state;
    const struct build_options options = {.locked = true};
    write_files(f);
    _cleanup_free_ char *got =
        collect_with(f, &options, MANIFEST_HEAD "frozen: [{module: main.py}]\n", true);
    assert_string_equal(got, "/m.yaml /m.yaml.lock /main.py in ");
}

int main(void)
{
#define ON_FILES(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        ON_FILES(every_kind_of_input),
        ON_FILES(a_link_counts_and_what_it_leads_to),
        ON_FILES(a_lock_counts_where_it_is_read),
        ON_FILES(when_not_all_is_known_everything_counts),
    };
    return cmocka_run_group_tests_name("input_list", tests, NULL, NULL);
}
