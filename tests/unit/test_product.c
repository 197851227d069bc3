#include "cli/product.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "cli/many_report.h"
#include "tests/unit/unit.h"

#define MANIFEST                                                                                   \
    "firn: 1\nproduct: %s\nversion: %s\nboard: PYBV11\n"                                           \
    "firmware: {git: 'https://example.org/m.git', ref: v1.25.0}\n"

struct fixture {
    char *dir;
    struct buf got; /* the events, but for times */
    struct events *events;
    struct products products;
};

static void collect(void *data, const json_t *event)
{
    json_t *copy = json_deep_copy(event);
    json_object_del(copy, "seconds");
    char *line = json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS);
    buf_addf(data, "%s\n", line);
    free(line);
    json_decref(copy);
}

static void put(const char *path, const char *product, const char *version)
{
    struct err *err = NULL;
    _cleanup_free_ char *text = xasprintf(MANIFEST, product, version);
    assert_ok(fs_write_scratch(path, text, strlen(text), &err), &err);
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    struct err *err = NULL;
    assert_ok(fs_temp_dir("/tmp", &f->dir, &err), &err);
    assert_int_equal(chdir(f->dir), 0);
    assert_int_equal(mkdir("sub", 0777), 0);
    put("one.yaml", "one", "1.0");
    put("two.yaml", "two", "1.0");
    put("sub/one.yaml", "other", "1.0");
    put("same.yaml", "one", "1.0");
    put("later.yaml", "one", "1.1");
    f->got = (struct buf)BUF_INIT;
    f->events = events_new();
    events_add_sink(f->events, collect, &f->got);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    products_release(&f->products);
    events_free(f->events);
    buf_release(&f->got);
    assert_int_equal(chdir("/"), 0);
    assert_ok(fs_remove_tree(f->dir, &err), &err);
    free(f->dir);
    free(f);
    return 0;
}

static bool init(struct fixture *f, const char *output_dir, struct err **err, const char *a,
                 const char *b)
{
    char *paths[] = {(char *)a, (char *)b};
    return products_init(&f->products, paths, b ? 2 : 1, output_dir, f->events, err);
}

static void labels_tell_products_apart(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    assert_ok(init(f, NULL, &err, "one.yaml", "sub/one.yaml"), &err);
    assert_string_equal(f->products.items[0].label, "one.yaml");
    assert_string_equal(f->products.items[1].label, "sub/one.yaml");
    products_release(&f->products);
    assert_ok(init(f, NULL, &err, "two.yaml", "sub/one.yaml"), &err);
    assert_string_equal(f->products.items[0].label, "two");
    assert_string_equal(f->products.items[1].label, "one");
}

static void a_manifest_is_given_once(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    assert_int_equal(symlink("one.yaml", "link.yaml"), 0);
    assert_false(init(f, NULL, &err, "one.yaml", "one.yaml"));
    assert_error(&err, ERR_USAGE, "the manifest 'one.yaml' is given twice");
    products_release(&f->products);
    assert_false(init(f, NULL, &err, "sub/../one.yaml", "link.yaml"));
    assert_error(&err, ERR_USAGE, "'sub/../one.yaml' and 'link.yaml' are the same manifest");
}

static void no_two_write_the_same_file(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    assert_false(init(f, NULL, &err, "one.yaml", "same.yaml"));
    assert_error(&err, ERR_MANIFEST, "'one.yaml' and 'same.yaml' would both write out/one/one-1.0");
    products_release(&f->products);
    assert_ok(init(f, NULL, &err, "one.yaml", "later.yaml"), &err);
    products_release(&f->products);
    /* Different directories, but not with -o. */
    put("a.yaml", "a", "1-1.0");
    put("b.yaml", "a-1", "1.0");
    assert_ok(init(f, NULL, &err, "a.yaml", "b.yaml"), &err);
    products_release(&f->products);
    assert_false(init(f, "here", &err, "a.yaml", "b.yaml"));
    assert_error(&err, ERR_MANIFEST, "would both write here/a-1-1.0");
    products_release(&f->products);
    /* What cannot be read is told when its turn comes. */
    assert_ok(init(f, NULL, &err, "none.yaml", "nor-this.yaml"), &err);
}

static void every_option_is_handed_on(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    _cleanup_(strv_release) struct strv argv = STRV_INIT;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    const struct build_options options = {.source = {.offline = true},
                                          .output_dir = "-o",
                                          .keep = true,
                                          .locked = true,
                                          .twice = true,
                                          .no_ccache = true,
                                          .no_base = true,
                                          .unsandboxed = true};
    assert_ok(init(f, NULL, &err, "one.yaml", NULL), &err);
    product_command(&f->products.items[0], &options, 3, &argv);
    for (size_t i = 0; i < argv.count; i++)
        buf_addf(&text, "%s ", argv.items[i]);
    assert_string_equal(text.data,
                        "/proc/self/exe --json build --jobs=3 --offline --keep --locked --twice "
                        "--no-ccache --no-base --unsandboxed --output=-o -- one.yaml ");
}

static void line(struct product *p, const char *text)
{
    product_take_line(p, text, strlen(text));
}

static void a_child_that_succeeds(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    assert_ok(init(f, NULL, &err, "one.yaml", NULL), &err);
    struct product *p = &f->products.items[0];
    event_phase_begin(p->events, "product", "Building");
    line(p, "{\"event\":\"log\",\"level\":\"warning\",\"text\":\"mind\"}");
    line(p, "{\"event\":\"result\",\"ok\":true,\"exit\":0,\"images\":[{\"product\":\"one\","
            "\"version\":\"1.0\",\"board\":\"B\",\"size\":1024,\"unchanged\":false}]}");
    buf_clear(&f->got);
    product_child_ended(p, 0);
    assert_string_equal(f->got.data,
                        "{\"detail\":\"one 1.0 for B, 1.0 KiB of flash\",\"event\":\"phase\","
                        "\"job\":\"one\",\"ok\":true,\"phase\":\"product\",\"state\":\"end\","
                        "\"title\":\"Building\"}\n");
    assert_true(p->ended && !p->exit_status && !p->first_error && !p->base_failed);
    json_t *fields = many_report_fields(&f->products, 1);
    const json_t *image = json_array_get(json_object_get(fields, "images"), 0);
    assert_string_equal(json_string_value(json_object_get(image, "job")), "one");
    assert_string_equal(json_string_value(json_object_get(image, "manifest")), "one.yaml");
    json_decref(fields);
}

static void a_child_that_fails(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    assert_ok(init(f, NULL, &err, "one.yaml", "two.yaml"), &err);
    struct product *p = &f->products.items[0];
    event_phase_begin(p->events, "product", "Building");
    line(p, "{\"event\":\"phase\",\"phase\":\"base\",\"title\":\"T\",\"state\":\"begin\"}");
    line(p, "{\"event\":\"phase\",\"phase\":\"base\",\"title\":\"T\",\"state\":\"end\","
            "\"ok\":false,\"seconds\":1}");
    line(p, "{\"event\":\"log\",\"level\":\"error\",\"text\":\"x:1\",\"message\":\"bad\","
            "\"file\":\"m.py\",\"line\":3,\"column\":1}");
    line(p, "{\"event\":\"log\",\"level\":\"error\",\"text\":\"later\"}");
    line(p, "{\"event\":\"result\",\"ok\":false,\"exit\":1}");
    product_child_ended(p, 1);
    assert_string_equal(p->first_error, "m.py:3:1: bad");
    assert_true(p->base_failed);
    product_give_up(&f->products.items[1], p);
    assert_string_equal(f->products.items[1].first_error,
                        "the base of 'two.yaml' could not be compiled: 'one.yaml' is on the same "
                        "one");
    _cleanup_free_ char *summary = many_report_summary(&f->products);
    assert_string_equal(summary, "0 of 2 products, 2 failed");
    json_t *fields = many_report_fields(&f->products, 1);
    assert_int_equal(json_array_size(json_object_get(fields, "failed")), 2);
    assert_int_equal(json_array_size(json_object_get(fields, "images")), 0);
    json_decref(fields);
}

/* Killed in the middle: its phases end, and what it said last is the reason. */
static void a_child_that_dies(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    assert_ok(init(f, NULL, &err, "one.yaml", NULL), &err);
    struct product *p = &f->products.items[0];
    event_phase_begin(p->events, "product", "Building");
    line(p, "{\"event\":\"phase\",\"phase\":\"compile\",\"title\":\"T\",\"state\":\"begin\"}");
    line(p, "out of memory");
    line(p, "");
    buf_clear(&f->got);
    product_child_ended(p, 128 + 9);
    assert_contains(f->got.data, "\"ok\":false,\"phase\":\"compile\",\"state\":\"end\"");
    assert_contains(f->got.data, "\"ok\":false,\"phase\":\"product\",\"state\":\"end\"");
    assert_string_equal(p->first_error,
                        "the firn that built 'one.yaml' ended by signal 9: out of memory");
    assert_int_equal(p->exit_status, 128 + 9);
}

int main(void)
{
#define ON_FILES(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        ON_FILES(labels_tell_products_apart), ON_FILES(a_manifest_is_given_once),
        ON_FILES(no_two_write_the_same_file), ON_FILES(every_option_is_handed_on),
        ON_FILES(a_child_that_succeeds),      ON_FILES(a_child_that_fails),
        ON_FILES(a_child_that_dies),
    };
    return cmocka_run_group_tests_name("product", tests, NULL, NULL);
}
