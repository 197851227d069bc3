/* Archives made here, entry by entry, good and hostile. */
#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "builder/unpack.h"
#include "tests/unit/unit.h"

static char root[64], archive_path[80], target[80], outside[80];

struct entry {
    const char *name;
    mode_t type; /* 0 = a file */
    const char *data, *link, *hard;
    mode_t mode;
    size_t zeros; /* instead of data */
};

static int set_up(void **state)
{
    (void)state;
    strcpy(root, "/tmp/firn-test-unpack.XXXXXX");
    if (!mkdtemp(root))
        return -1;
    snprintf(archive_path, sizeof(archive_path), "%s/archive", root);
    snprintf(target, sizeof(target), "%s/store/target", root);
    snprintf(outside, sizeof(outside), "%s/outside", root);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    struct err *err = NULL;
    return fs_remove_tree(root, &err) ? 0 : -1;
}

static void write_entry(struct archive *a, const struct entry *e)
{
    static const char zeros[65536];
    struct archive_entry *entry = archive_entry_new();
    size_t size = e->zeros ? e->zeros : e->data ? strlen(e->data) : 0;
    mode_t type = e->type ? e->type : AE_IFREG;
    archive_entry_set_pathname_utf8(entry, e->name);
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, e->mode ? e->mode : 0644);
    archive_entry_set_mtime(entry, 1700000000, 0);
    archive_entry_set_uid(entry, 12345);
    archive_entry_set_size(entry, e->hard ? 0 : (la_int64_t)size);
    if (e->link)
        archive_entry_set_symlink(entry, e->link);
    if (e->hard)
        archive_entry_set_hardlink(entry, e->hard);
    if (type == AE_IFBLK)
        archive_entry_set_rdev(entry, makedev(8, 0));
    assert_int_equal(archive_write_header(a, entry), ARCHIVE_OK);
    for (size_t done = 0; e->zeros && done < size; done += sizeof(zeros))
        archive_write_data(a, zeros, sizeof(zeros));
    if (e->data && !e->hard)
        archive_write_data(a, e->data, size);
    archive_entry_free(entry);
}

typedef int (*set_fn)(struct archive *a);

static void make_with(set_fn format, set_fn filter, const struct entry *entries, size_t count)
{
    struct archive *a = archive_write_new();
    setlocale(LC_CTYPE, "C.UTF-8"); /* for the writer; firn reads in the C locale */
    assert_int_equal(format(a), ARCHIVE_OK);
    if (filter)
        assert_int_equal(filter(a), ARCHIVE_OK);
    assert_int_equal(archive_write_open_filename(a, archive_path), ARCHIVE_OK);
    for (size_t i = 0; i < count; i++)
        write_entry(a, &entries[i]);
    assert_int_equal(archive_write_close(a), ARCHIVE_OK);
    archive_write_free(a);
    setlocale(LC_CTYPE, "C");
}

#define MAKE(...)                                                                                  \
    make_with(archive_write_set_format_pax_restricted, archive_write_add_filter_gzip,              \
              (const struct entry[]){__VA_ARGS__},                                                 \
              sizeof((const struct entry[]){__VA_ARGS__}) / sizeof(struct entry))

static struct unpack request(void)
{
    return (struct unpack){.archive = archive_path, .name = "the thing", .phase = "unpack"};
}

static bool publish(const struct unpack *what, struct err **err)
{
    return unpack_publish(what, target, NULL, NULL, NULL, err);
}

static void assert_unpacks(void)
{
    const struct unpack what = request();
    struct err *err = NULL;
    assert_ok(publish(&what, &err), &err);
}

/* Refused, with nothing left of it, neither below its name nor beside. */
static void assert_refused(const struct unpack *what, const char *part)
{
    _cleanup_free_ char *store = path_join(root, "store");
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    struct err *err = NULL;
    assert_false(publish(what, &err));
    assert_error(&err, ERR_FETCH, part);
    assert_ok(fs_list(store, &names, &err), &err);
    assert_int_equal(names.count, 1);
    assert_string_equal(names.items[0], ".lock");
    assert_false(fs_exists(outside));
}

static void assert_hostile(const char *part)
{
    const struct unpack what = request();
    assert_refused(&what, part);
}

static void assert_content(const char *name, const char *text)
{
    _cleanup_free_ char *path = path_join(target, name);
    _cleanup_(buf_release) struct buf got = BUF_INIT;
    struct err *err = NULL;
    assert_ok(fs_read(path, 1000, &got, &err), &err);
    assert_string_equal(got.data, text);
}

static void assert_mode(const char *name, mode_t mode)
{
    _cleanup_free_ char *path = path_join(target, name);
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, mode);
    assert_int_equal(st.st_uid, getuid());
}

/* ---- good ones ---- */

static void files_links_and_modes(void **state)
{
    (void)state;
    mode_t old = umask(0077);
    MAKE({"./d", .type = AE_IFDIR, .mode = 0700}, {"./d/run", .data = "#!", .mode = 06711},
         {"d/text", .data = "text", .mode = 0666}, {"l", .type = AE_IFLNK, .link = "d/text"},
         {"d/up", .type = AE_IFLNK, .link = "../l"}, {"d/hard", .hard = "./d/run"},
         {"without/parents/file", .data = "x"});
    assert_unpacks();
    umask(old);
    assert_content("d/run", "#!");
    assert_content("d/up", "text");
    assert_content("d/hard", "#!");
    assert_content("without/parents/file", "x");
    assert_mode("d", 0755);
    assert_mode("without/parents", 0755);
    assert_mode("d/run", 0755);
    assert_mode("d/text", 0644);
}

static void every_kind(void **state)
{
    (void)state;
    static const set_fn filters[] = {archive_write_add_filter_gzip, archive_write_add_filter_xz,
                                     archive_write_add_filter_bzip2, archive_write_add_filter_zstd,
                                     NULL};
    const struct entry entries[] = {{"a/b", .data = "bytes", .mode = 0755},
                                    {"a/c", .type = AE_IFLNK, .link = "b"}};
    struct err *err = NULL;
    for (size_t i = 0; i <= ARRAY_SIZE(filters); i++) {
        if (i < ARRAY_SIZE(filters))
            make_with(archive_write_set_format_gnutar, filters[i], entries, 2);
        else
            make_with(archive_write_set_format_zip, NULL, entries, 2);
        assert_unpacks();
        assert_content("a/c", "bytes");
        assert_mode("a/b", 0755);
        assert_ok(fs_remove_tree(target, &err), &err);
    }
}

static void names_that_are_not_ascii(void **state)
{
    (void)state;
    MAKE({"gr\xc3\xbc\xc3\x9f/e", .data = "x"});
    assert_unpacks();
    assert_content("gr\xc3\xbc\xc3\x9f/e", "x");
}

static void leading_components_are_left_out(void **state)
{
    (void)state;
    MAKE({"top", .type = AE_IFDIR}, {"top/bin/gcc", .data = "gcc"},
         {"top/bin/g", .hard = "top/bin/gcc"}, {"top/link", .type = AE_IFLNK, .link = "bin/gcc"},
         {"README", .data = "not in top"});
    struct unpack what = request();
    struct err *err = NULL;
    what.strip = 1;
    assert_ok(publish(&what, &err), &err);
    assert_content("bin/g", "gcc");
    assert_content("link", "gcc");
    _cleanup_free_ char *readme = path_join(target, "README");
    assert_false(fs_exists(readme));
}

static bool take_facts(void *data, const char *dir, const struct unpacked *unpacked,
                       struct err **err)
{
    struct unpacked *copy = data;
    _cleanup_free_ char *path = path_join(dir, "record");
    *copy = *unpacked;
    copy->digests = json_deep_copy(unpacked->digests);
    copy->top = unpacked->top ? xstrdup(unpacked->top) : NULL;
    return fs_write(path, "r", 1, 0644, err);
}

static void what_is_told_of_it(void **state)
{
    (void)state;
    _cleanup_(unpacked_release) struct unpacked facts = UNPACKED_INIT;
    const struct unpack what = request();
    struct err *err = NULL;
    char hex[HASH_HEX_SIZE];
    MAKE({"top-1.2/a", .data = "abc"}, {"top-1.2/b", .hard = "top-1.2/a"},
         {"./top-1.2/l", .type = AE_IFLNK, .link = "a"});
    assert_ok(unpack_publish(&what, target, take_facts, &facts, NULL, &err), &err);
    hash_bytes("abc", 3, hex);
    assert_string_equal(json_string_value(json_object_get(facts.digests, "top-1.2/a")), hex);
    assert_string_equal(json_string_value(json_object_get(facts.digests, "top-1.2/b")), hex);
    assert_int_equal(json_object_size(facts.digests), 2);
    assert_string_equal(facts.top, "top-1.2");
    assert_int_equal(facts.newest_mtime, 1700000000);
    assert_int_equal(facts.bytes, 3);
    assert_content("record", "r");
}

static void names_without_a_common_top(void **state)
{
    (void)state;
    _cleanup_(unpacked_release) struct unpacked facts = UNPACKED_INIT;
    const struct unpack what = request();
    struct err *err = NULL;
    MAKE({"a/x", .data = "x"}, {"b/x", .data = "x"}, {"a/y", .data = "x"});
    assert_ok(unpack_publish(&what, target, take_facts, &facts, NULL, &err), &err);
    assert_null(facts.top);
}

static void read_only_and_removable(void **state)
{
    (void)state;
    struct unpack what = request();
    struct err *err = NULL;
    MAKE({"d/run", .data = "#!", .mode = 0755}, {"d/text", .data = "x"},
         {"l", .type = AE_IFLNK, .link = "d"});
    what.read_only = true;
    assert_ok(publish(&what, &err), &err);
    assert_mode("", 0555);
    assert_mode("d", 0555);
    assert_mode("d/run", 0555);
    assert_mode("d/text", 0444);
    assert_ok(fs_remove_tree(target, &err), &err);
}

static void one_that_is_there_is_left_alone(void **state)
{
    (void)state;
    MAKE({"a", .data = "first"});
    assert_unpacks();
    MAKE({"a", .data = "second"});
    assert_unpacks();
    assert_content("a", "first");
}

/* ---- hostile ones ---- */

static void names_that_lead_out(void **state)
{
    (void)state;
    MAKE({"../outside", .data = "x"});
    assert_hostile("refusing '../outside' of the archive: its name leads out");
    MAKE({"a/../../outside", .data = "x"});
    assert_hostile("leads out of the directory");
    MAKE({"a/..", .type = AE_IFDIR});
    assert_hostile("leads out of the directory");
    MAKE({outside, .data = "x"});
    assert_hostile("its name is absolute");
}

/* Stripping must not turn a harmless name into another. */
static void stripping_does_not_hide_it(void **state)
{
    (void)state;
    struct unpack what = request();
    MAKE({"../a/outside", .data = "x"});
    what.strip = 1;
    assert_refused(&what, "leads out of the directory");
}

static void links_that_lead_out(void **state)
{
    (void)state;
    MAKE({"l", .type = AE_IFLNK, .link = "../outside"});
    assert_hostile("it is a symbolic link that may lead out");
    MAKE({"d/l", .type = AE_IFLNK, .link = "x/../../../outside"});
    assert_hostile("may lead out");
    MAKE({"l", .type = AE_IFLNK, .link = "/etc/passwd"});
    assert_hostile("may lead out");
    /* each of the two alone stays inside */
    MAKE({"d/e/up", .type = AE_IFLNK, .link = "../.."},
         {"d/e/l", .type = AE_IFLNK, .link = "up/../outside"});
    assert_hostile("may lead out");
}

/* The depth counts from the directory, not from the archive's names. */
static void stripped_links_that_lead_out(void **state)
{
    (void)state;
    struct unpack what = request();
    MAKE({"top/l", .type = AE_IFLNK, .link = "../outside"});
    what.strip = 1;
    assert_refused(&what, "may lead out");
}

static void files_through_links(void **state)
{
    (void)state;
    MAKE({"d", .type = AE_IFDIR}, {"l", .type = AE_IFLNK, .link = "d"}, {"l/file", .data = "x"});
    assert_hostile("refusing 'l/file' of the archive: its way leads through a link");
    MAKE({"d/f", .data = "x"}, {"l", .type = AE_IFLNK, .link = "d/f"}, {"l", .data = "y"});
    assert_hostile("its name occurs twice");
    MAKE({"f", .data = "x"}, {"f/g", .data = "y"});
    assert_hostile("its way leads through a link or a file");
    MAKE({"d", .type = AE_IFDIR}, {"l", .type = AE_IFLNK, .link = "d"}, {"l", .type = AE_IFDIR},
         {"l/f", .data = "x"});
    assert_hostile("through a link");
}

static void hard_links_that_lead_out(void **state)
{
    (void)state;
    struct err *err = NULL;
    MAKE({"h", .hard = "../outside"});
    assert_hostile("leads out of the directory");
    MAKE({"h", .hard = "/etc/passwd"});
    assert_hostile("its name is absolute");
    MAKE({"h", .hard = "nothing"});
    assert_hostile("it is a hard link to no file of this archive");
    /* through a link of the archive to a file that it did not bring */
    MAKE({"l", .type = AE_IFLNK, .link = "d"}, {"h", .hard = "l/file"});
    assert_hostile("it is a hard link to no file");
    _cleanup_free_ char *store = path_join(root, "store");
    assert_ok(fs_remove_tree(store, &err), &err);
}

static void what_is_no_file(void **state)
{
    (void)state;
    MAKE({"dev", .type = AE_IFBLK});
    assert_hostile("it is a device, a FIFO or a socket");
    MAKE({"dev", .type = AE_IFCHR});
    assert_hostile("it is a device, a FIFO or a socket");
    MAKE({"fifo", .type = AE_IFIFO});
    assert_hostile("it is a device, a FIFO or a socket");
}

static void twice(void **state)
{
    (void)state;
    MAKE({"a", .data = "x"}, {"./a", .data = "y"});
    assert_hostile("its name occurs twice");
}

static void a_bomb(void **state)
{
    (void)state;
    struct unpack what = request();
    MAKE({"zeros", .zeros = 64 * 1024 * 1024});
    what.max_bytes = 1024 * 1024;
    assert_refused(&what, "the archive unpacks to more than 1.0 MiB");
    MAKE({"a", .data = "12345"}, {"b", .data = "67890"});
    what.max_bytes = 9;
    assert_refused(&what, "the archive unpacks to more than 9");
    what.max_bytes = 10;
    struct err *err = NULL;
    assert_ok(publish(&what, &err), &err);
}

static void too_many_and_too_deep(void **state)
{
    (void)state;
    struct unpack what = request();
    MAKE({"a", .data = "x"}, {"b", .data = "x"}, {"c", .type = AE_IFDIR});
    what.max_files = 2;
    assert_refused(&what, "the archive holds more than 2 files");
    MAKE({"a/b/c/d", .data = "x"});
    what.max_depth = 2;
    assert_refused(&what, "it is nested too deep");
}

static void what_is_no_archive(void **state)
{
    (void)state;
    struct err *err = NULL;
    _cleanup_(buf_release) struct buf bytes = BUF_INIT;
    assert_ok(fs_write(archive_path, "<html>", 6, 0644, &err), &err);
    assert_hostile("the archive is damaged or of an unknown kind");
    MAKE({"a", .zeros = 1024 * 1024});
    assert_ok(fs_read(archive_path, 1024 * 1024, &bytes, &err), &err);
    assert_ok(fs_write(archive_path, bytes.data, bytes.len / 2, 0644, &err), &err);
    assert_hostile("the archive is damaged");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(files_links_and_modes),
        TEST(every_kind),
        TEST(names_that_are_not_ascii),
        TEST(leading_components_are_left_out),
        TEST(what_is_told_of_it),
        TEST(names_without_a_common_top),
        TEST(read_only_and_removable),
        TEST(one_that_is_there_is_left_alone),
        TEST(names_that_lead_out),
        TEST(stripping_does_not_hide_it),
        TEST(links_that_lead_out),
        TEST(stripped_links_that_lead_out),
        TEST(files_through_links),
        TEST(hard_links_that_lead_out),
        TEST(what_is_no_file),
        TEST(twice),
        TEST(a_bomb),
        TEST(too_many_and_too_deep),
        TEST(what_is_no_archive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
