/* Commits to files: source_checkout(), submodules and what hostile repositories try. */
#include <sys/stat.h>

#include "tests/unit/git_fixture.h"

static const struct source_options normal = {false, false}, offline = {true, false};
static const char *const none[] = {NULL};

static int each_from_nothing(void **state)
{
    (void)state;
    forget_all();
    return 0;
}

static bool checkout(const char *url, const char *ref, const char *const *submodules,
                     const struct source_options *options, struct source *source, struct err **err)
{
    struct config config = fixture_config();

    source_release(source);
    return source_resolve(&config, url, ref, options, NULL, source, err) &&
           source_checkout(&config, source, submodules, options, NULL, err);
}

/* A failed checkout says why and leaves nothing in src/ but the lock. */
static void assert_refused(const char *url, const char *const *submodules, const char *expected)
{
    _cleanup_(source_release) struct source source = SOURCE_INIT;
    _cleanup_free_ char *src = path_join(fixture_home, "src");
    _cleanup_(strv_release) struct strv left = STRV_INIT;
    struct err *err = NULL;

    assert_false(checkout(url, "master", submodules, &normal, &source, &err));
    assert_null(source.dir);
    assert_error(&err, ERR_FETCH, expected);
    if (!fs_exists(src))
        return;
    assert_ok(fs_list(src, &left, &err), &err);
    assert_int_equal(left.count, 1);
    assert_string_equal(left.items[0], ".lock");
}

static mode_t mode_of(const char *dir, const char *name)
{
    _cleanup_free_ char *path = path_join(dir, name);
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode;
}

static void files_modes_and_links_as_committed(void **state)
{
    (void)state;
    _cleanup_free_ char *repo = make_repo("modes");
    _cleanup_free_ char *tool = path_join(repo, "bin/tool"), *link = path_join(repo, "bin/link");
    _cleanup_(source_release) struct source source = SOURCE_INIT;
    struct err *err = NULL;
    char target[64] = "";

    put_file(repo, ".gitattributes", "* text eol=crlf\n");
    put_file(repo, "deep/er/file", "a\nb\n");
    put_file(repo, "bin/tool", "#!/bin/sh\n");
    assert_int_equal(chmod(tool, 0755), 0);
    assert_int_equal(symlink("../deep/er/file", link), 0);
    free(commit_all(repo, "modes"));
    mode_t old = umask(077);
    bool ok = checkout(repo, "master", none, &normal, &source, &err);
    umask(old);
    assert_ok(ok, &err);
    assert_file(source.dir, "deep/er/file", "a\nb\n");
    assert_int_equal(mode_of(source.dir, "deep/er/file"), S_IFREG | 0644);
    assert_int_equal(mode_of(source.dir, "bin/tool"), S_IFREG | 0755);
    assert_int_equal(mode_of(source.dir, "deep"), S_IFDIR | 0755);
    _cleanup_free_ char *out = path_join(source.dir, "bin/link");
    assert_true(readlink(out, target, sizeof(target) - 1) > 0);
    assert_string_equal(target, "../deep/er/file");
    _cleanup_free_ char *dot_git = path_join(source.dir, ".git");
    assert_false(fs_exists(dot_git));
}

static void it_is_the_commit_and_not_the_work_tree(void **state)
{
    (void)state;
    _cleanup_free_ char *repo = make_repo("dirty");
    _cleanup_(source_release) struct source source = SOURCE_INIT;
    struct err *err = NULL;

    put_file(repo, "README", "changed and not committed");
    put_file(repo, "untracked", "x");
    assert_ok(checkout(repo, "master", none, &normal, &source, &err), &err);
    assert_file(source.dir, "README", "dirty");
    _cleanup_free_ char *untracked = path_join(source.dir, "untracked");
    assert_false(fs_exists(untracked));
}

static void a_checkout_that_is_there_is_left_alone(void **state)
{
    (void)state;
    _cleanup_free_ char *repo = make_repo("again");
    _cleanup_(source_release) struct source source = SOURCE_INIT;
    struct err *err = NULL;

    assert_ok(checkout(repo, "master", none, &normal, &source, &err), &err);
    put_file(source.dir, "mark", "still the same directory");
    _cleanup_free_ char *objects = path_join(source.mirror, "objects");
    assert_ok(fs_remove_tree(objects, &err), &err);
    assert_ok(checkout(repo, "master", none, &offline, &source, &err), &err);
    assert_file(source.dir, "mark", "still the same directory");
}

/* top -> lib/a -> sub/b -> c, each with a URL relative to the one above; top -> lib/unwanted too.
 */
static char *make_nested(char *commits[3])
{
    struct err *err = NULL;
    _cleanup_free_ char *before = at("n");
    assert_ok(fs_remove_tree(before, &err), &err);
    _cleanup_free_ char *c = make_repo("n/c"), *b = make_repo("n/b"), *a = make_repo("n/a");
    char *top = make_repo("n/top");

    commits[2] = git_out(c, "rev-parse", "HEAD");
    put_file(b, ".gitmodules", "[submodule \"c\"]\npath = c\nurl = ../c\n");
    add_gitlink(b, "c", commits[2]);
    git(b, "add", ".gitmodules");
    git(b, "commit", "-q", "-m", "c");
    commits[1] = git_out(b, "rev-parse", "HEAD");
    put_file(a, ".gitmodules",
             "[submodule \"sub/b\"]\npath = sub/b\nurl = ../b\n"
             "[submodule \"gone\"]\npath = gone\nurl = ../gone\n");
    add_gitlink(a, "sub/b", commits[1]);
    git(a, "add", ".gitmodules");
    git(a, "commit", "-q", "-m", "b");
    commits[0] = git_out(a, "rev-parse", "HEAD");
    put_file(top, ".gitmodules",
             "[submodule \"x\"]\npath = lib/a\nurl = ../a\n"
             "[submodule \"y\"]\npath = lib/unwanted\nurl = ../nowhere\n");
    add_gitlink(top, "lib/a", commits[0]);
    add_gitlink(top, "lib/unwanted", commits[0]);
    git(top, "add", ".gitmodules");
    git(top, "commit", "-q", "-m", "a");
    return top;
}

static void assert_nested(const struct source *source, char *commits[3])
{
    static const char *const paths[] = {"lib/a", "lib/a/sub/b", "lib/a/sub/b/c"};
    static const char *const names[] = {"n/a", "n/b", "n/c"};

    assert_int_equal(source->submodule_count, 3);
    for (size_t i = 0; i < 3; i++) {
        _cleanup_free_ char *url = at(names[i]), *readme = xasprintf("%s/README", paths[i]);
        assert_string_equal(source->submodules[i].path, paths[i]);
        assert_string_equal(source->submodules[i].url, url);
        assert_string_equal(source->submodules[i].commit, commits[i]);
        assert_file(source->dir, readme, names[i]);
    }
}

static void submodules_two_deep_with_relative_urls(void **state)
{
    (void)state;
    char *commits[3];
    _cleanup_free_ char *top = make_nested(commits);
    static const char *const wanted[] = {"lib/a", "lib/a", NULL};
    _cleanup_(source_release) struct source source = SOURCE_INIT, bare = SOURCE_INIT;
    struct err *err = NULL;

    assert_ok(checkout(top, "master", wanted, &normal, &source, &err), &err);
    assert_nested(&source, commits);
    assert_int_equal(mode_of(source.dir, "lib/unwanted"), S_IFDIR | 0755);
    assert_ok(checkout(top, "master", wanted, &offline, &source, &err), &err);
    assert_nested(&source, commits);
    assert_ok(checkout(top, "master", none, &normal, &bare, &err), &err);
    assert_int_equal(bare.submodule_count, 0);
    assert_string_not_equal(bare.dir, source.dir);
    for (size_t i = 0; i < 3; i++)
        free(commits[i]);
}

static void a_source_is_checked_out_again_with_other_submodules(void **state)
{
    (void)state;
    char *commits[3];
    _cleanup_free_ char *top = make_nested(commits);
    static const char *const wanted[] = {"lib/a", NULL};
    struct config config = fixture_config();
    _cleanup_(source_release) struct source source = SOURCE_INIT;
    struct err *err = NULL;

    assert_ok(checkout(top, "master", none, &normal, &source, &err), &err);
    assert_int_equal(source.submodule_count, 0);
    assert_ok(source_checkout(&config, &source, wanted, &normal, NULL, &err), &err);
    assert_nested(&source, commits);
    assert_ok(source_checkout(&config, &source, wanted, &normal, NULL, &err), &err);
    assert_nested(&source, commits);
    for (size_t i = 0; i < 3; i++)
        free(commits[i]);
}

static void what_is_no_submodule(void **state)
{
    (void)state;
    _cleanup_free_ char *repo = make_repo("plain"), *imported = make_repo("imported");
    _cleanup_free_ char *head = git_out(repo, "rev-parse", "HEAD");
    static const char *const missing[] = {"lib/stm32lib", NULL}, *const file[] = {"README", NULL};
    static const char *const unlisted[] = {"lib/x", NULL};

    assert_refused(repo, missing, "has no submodule 'lib/stm32lib'");
    assert_refused(repo, file, "has no submodule 'README'");
    add_gitlink(repo, "lib/x", head);
    git(repo, "commit", "-q", "-m", "a gitlink without .gitmodules");
    forget_all();
    assert_refused(repo, unlisted, ".gitmodules does not say where submodule 'lib/x' comes from");
    free(commit_all(imported, "import\n\nFirn-Origin: a tarball"));
    assert_refused(imported, missing, "imported from elsewhere (a tarball), without submodules");
}

/* A repository with one submodule at path, described by the text. */
static char *make_hostile(const char *name, const char *path, const char *gitmodules)
{
    char *repo = make_repo(name);
    _cleanup_free_ char *head = git_out(repo, "rev-parse", "HEAD");

    put_file(repo, ".gitmodules", gitmodules);
    add_gitlink(repo, path, head);
    git(repo, "add", ".gitmodules");
    git(repo, "commit", "-q", "-m", "hostile");
    return repo;
}

static void hostile_submodules(void **state)
{
    (void)state;
    static const char *const lib[] = {"lib", NULL}, *const cr[] = {"lib\r", NULL};
    static const struct {
        const char *path, *text, *expected;
        const char *const *wanted;
    } cases[] = {
        {"lib", "[submodule \"../../x\"]\npath = lib\nurl = ../h0\n", "refusing the submodule name",
         lib},
        {"lib\r", "[submodule \"x\"]\npath = \"lib\r\"\nurl = ../h1\n", "refusing the path", cr},
        {"lib", "[submodule \"x\"]\npath = lib\nurl = -uevil\n", "is not the URL of a repository",
         lib},
        {"lib", "[submodule \"x\"]\npath = lib\nurl = ext::sh -c id\n",
         "nothing is fetched by ext::", lib},
        {"lib", "[submodule \"x\"]\npath = lib\nurl = http://example.org/x\n", "does not protect",
         lib},
        {"lib", "[submodule \"x\"]\npath = lib\n", "has no url", lib},
        {"lib", "[submodule \"x\"\n", ".gitmodules:1: ", lib},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char name[8];
        snprintf(name, sizeof(name), "h%zu", i);
        _cleanup_free_ char *repo = make_hostile(name, cases[i].path, cases[i].text);
        assert_refused(repo, cases[i].wanted, cases[i].expected);
    }
}

/* A repository that says it is https://example.org/r.git, with one submodule of that URL. */
static void assert_submodule_refused(const char *name, const char *submodule_url,
                                     const char *const *allow, const char *expected)
{
    _cleanup_free_ char *text =
        xasprintf("[submodule \"x\"]\npath = lib\nurl = %s\n", submodule_url);
    _cleanup_free_ char *repo = make_hostile(name, "lib", text);
    struct mirror mirror = {"https://example.org/r", repo};
    struct config config = fixture_config();
    static const char *const wanted[] = {"lib", NULL};
    _cleanup_(source_release) struct source source = SOURCE_INIT;
    struct err *err = NULL;

    config.mirrors = &mirror;
    config.mirror_count = 1;
    config.allow = allow;
    assert_ok(
        source_resolve(&config, "https://example.org/r", "master", &normal, NULL, &source, &err),
        &err);
    assert_false(source_checkout(&config, &source, wanted, &normal, NULL, &err));
    assert_error(&err, ERR_FETCH, expected);
}

static void a_remote_repository_may_not_name_what_is_local(void **state)
{
    (void)state;
    assert_submodule_refused("remote", "/etc", NULL, "points to a local path, '/etc'");
    assert_submodule_refused("remote1", "http://127.0.0.1:1/x", NULL, "points to a local server");
    assert_submodule_refused("remote2", "https://me:secret@localhost/x", NULL,
                             "points to a local server, 'https://localhost/x'");
}

/* Nothing answers under these names: they are refused without being looked up. */
static void submodules_come_from_allowed_hosts(void **state)
{
    (void)state;
    static const char *const list[] = {"github.com", NULL};

    assert_submodule_refused("s1", "https://evil.org/x", list,
                             "submodule 'lib': https://evil.org/x is not allowed");
    assert_submodule_refused("s2", "git@evil.org:x", list, "add \"ssh://evil.org\" to allow:");
    assert_submodule_refused("s3", "../x", list, "https://example.org/x is not allowed");
    assert_submodule_refused("s4", "git://github.com/x", list, "nothing is fetched by git://");
}

static void a_submodule_within_itself_ends(void **state)
{
    (void)state;
    static const char text[] = "[submodule \"x\"]\npath = lib\nurl = ../loop\n";
    _cleanup_free_ char *repo = make_hostile("loop", "lib", text);
    static const char *const wanted[] = {"lib", NULL};
    _cleanup_(source_release) struct source source = SOURCE_INIT;
    struct err *err = NULL;

    /* A commit cannot contain its own id: each level is one commit older. */
    for (int i = 0; i < 10; i++) {
        _cleanup_free_ char *head = git_out(repo, "rev-parse", "HEAD");
        add_gitlink(repo, "lib", head);
        git(repo, "commit", "-q", "-m", "deeper");
    }
    assert_false(checkout(repo, "master", wanted, &normal, &source, &err));
    assert_error(&err, ERR_FETCH, "too many submodules in each other");
}

static void links_that_lead_out(void **state)
{
    (void)state;
    static const char *const bad[] = {"/etc/passwd", "../../x", "sub/../../..", "../sub/../../x"};
    static const char *const good[] = {"../README", "./x", "nowhere", "../a/.hidden", "..."};

    for (size_t i = 0; i < ARRAY_SIZE(bad) + ARRAY_SIZE(good); i++) {
        bool is_bad = i < ARRAY_SIZE(bad);
        char name[8];
        snprintf(name, sizeof(name), "l%zu", i);
        _cleanup_free_ char *repo = make_repo(name), *link = path_join(repo, "sub/link");
        _cleanup_(source_release) struct source source = SOURCE_INIT;
        struct err *err = NULL;
        put_file(repo, "sub/file", "");
        assert_int_equal(symlink(is_bad ? bad[i] : good[i - ARRAY_SIZE(bad)], link), 0);
        free(commit_all(repo, "link"));
        if (is_bad)
            assert_refused(repo, none, "refusing the symbolic link sub/link -> ");
        else
            assert_ok(checkout(repo, "master", none, &normal, &source, &err), &err);
        forget_all();
    }
}

/* Commit a tree object as it is, which git itself would not make. `format` is printf(1)'s: names
 * and the ids in octal escapes. */
static void commit_raw_tree(const char *repo, const char *entries, size_t len)
{
    struct err *err = NULL;
    _cleanup_free_ char *file = path_join(repo, "raw");

    assert_ok(fs_write(file, entries, len, 0644, &err), &err);
    _cleanup_free_ char *tree =
        git_out(repo, "hash-object", "-t", "tree", "-w", "--literally", "raw");
    _cleanup_free_ char *commit = git_out(repo, "commit-tree", "-m", "raw", tree);
    git(repo, "update-ref", "refs/heads/master", commit);
}

static void add_entry(struct buf *tree, const char *repo, const char *mode, const char *name,
                      const char *object)
{
    _cleanup_free_ char *hex = git_out(repo, "rev-parse", object);

    buf_addf(tree, "%s %s", mode, name);
    buf_addc(tree, '\0');
    for (int i = 0; i < 20; i++) {
        unsigned byte;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        buf_addc(tree, (char)byte);
    }
}

static void names_that_lead_out(void **state)
{
    (void)state;
    static const char *const names[] = {"..", ".", ".git", ".GIT", "a/b", "../x", "/x"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char name[8];
        snprintf(name, sizeof(name), "t%zu", i);
        _cleanup_free_ char *repo = make_repo(name);
        _cleanup_(buf_release) struct buf tree = BUF_INIT;
        add_entry(&tree, repo, "100644", names[i], "HEAD:README");
        commit_raw_tree(repo, tree.data, tree.len);
        assert_refused(repo, none, "refusing the file name ");
        forget_all();
    }
}

/* "x" as a link to a directory and again as a directory: the second must not be written through the
 * first. */
static void a_name_that_is_link_and_directory(void **state)
{
    (void)state;
    _cleanup_free_ char *repo = make_repo("twice"), *elsewhere = at("elsewhere");
    _cleanup_(buf_release) struct buf tree = BUF_INIT;
    _cleanup_(source_release) struct source source = SOURCE_INIT;
    struct err *err = NULL;

    assert_ok(fs_mkdirs(elsewhere, &err), &err);
    put_file(repo, "target", "d");
    put_file(repo, "d/payload", "evil");
    free(commit_all(repo, "parts"));
    add_entry(&tree, repo, "40000", "d", "HEAD:d");
    add_entry(&tree, repo, "120000", "x", "HEAD:target");
    add_entry(&tree, repo, "40000", "x", "HEAD:d");
    commit_raw_tree(repo, tree.data, tree.len);
    assert_false(checkout(repo, "master", none, &normal, &source, &err));
    assert_error(&err, ERR_FAILED, "cannot make the directory x: File exists");
}

/* A submodule at "x", which is a link, too: nothing must be written where the link leads. */
static void a_submodule_behind_a_link(void **state)
{
    (void)state;
    static const char *const wanted[] = {"x", NULL};

    for (int link_first = 0; link_first < 2; link_first++) {
        _cleanup_free_ char *repo = make_repo(link_first ? "behind1" : "behind0");
        _cleanup_free_ char *outside = path_join(repo, "outside");
        _cleanup_(buf_release) struct buf tree = BUF_INIT;
        _cleanup_(source_release) struct source source = SOURCE_INIT;
        struct err *err = NULL;
        put_file(repo, "outside/kept", "kept");
        put_file(repo, "target", outside);
        put_file(repo, ".gitmodules", "[submodule \"x\"]\npath = x\nurl = ../behind0\n");
        free(commit_all(repo, "parts"));
        add_entry(&tree, repo, "100644", ".gitmodules", "HEAD:.gitmodules");
        if (link_first)
            add_entry(&tree, repo, "120000", "x", "HEAD:target");
        add_entry(&tree, repo, "160000", "x", "HEAD");
        if (!link_first)
            add_entry(&tree, repo, "120000", "x", "HEAD:target");
        commit_raw_tree(repo, tree.data, tree.len);
        assert_false(checkout(repo, "master", wanted, &normal, &source, &err));
        assert_true(err->code == ERR_FETCH || err->code == ERR_FAILED);
        err_free(err);
        assert_file(outside, "kept", "kept");
        _cleanup_free_ char *readme = path_join(outside, "README");
        assert_false(fs_exists(readme));
    }
}

static void a_repository_without_all_of_the_commit(void **state)
{
    (void)state;
    _cleanup_free_ char *repo = make_repo("holes");
    _cleanup_free_ char *blob = git_out(repo, "rev-parse", "HEAD:README");
    _cleanup_free_ char *object = xasprintf("%s/.git/objects/%.2s/%s", repo, blob, blob + 2);

    assert_int_equal(unlink(object), 0);
    assert_refused(repo, none, "does not hold all of the commit: cannot read file ");
    assert_refused(repo, none, "partial clone");
}

static void a_damaged_record_says_what_to_remove(void **state)
{
    (void)state;
    _cleanup_free_ char *repo = make_repo("record");
    _cleanup_(source_release) struct source source = SOURCE_INIT, again = SOURCE_INIT;
    struct err *err = NULL;

    assert_ok(checkout(repo, "master", none, &normal, &source, &err), &err);
    put_file(source.dir, "../source.json", "{");
    assert_false(checkout(repo, "master", none, &normal, &again, &err));
    assert_error(&err, ERR_FETCH, "remove the directory ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(files_modes_and_links_as_committed, each_from_nothing),
        cmocka_unit_test_setup(it_is_the_commit_and_not_the_work_tree, each_from_nothing),
        cmocka_unit_test_setup(a_checkout_that_is_there_is_left_alone, each_from_nothing),
        cmocka_unit_test_setup(submodules_two_deep_with_relative_urls, each_from_nothing),
        cmocka_unit_test_setup(a_source_is_checked_out_again_with_other_submodules,
                               each_from_nothing),
        cmocka_unit_test_setup(what_is_no_submodule, each_from_nothing),
        cmocka_unit_test_setup(hostile_submodules, each_from_nothing),
        cmocka_unit_test_setup(a_remote_repository_may_not_name_what_is_local, each_from_nothing),
        cmocka_unit_test_setup(submodules_come_from_allowed_hosts, each_from_nothing),
        cmocka_unit_test_setup(a_submodule_within_itself_ends, each_from_nothing),
        cmocka_unit_test_setup(links_that_lead_out, each_from_nothing),
        cmocka_unit_test_setup(names_that_lead_out, each_from_nothing),
        cmocka_unit_test_setup(a_name_that_is_link_and_directory, each_from_nothing),
        cmocka_unit_test_setup(a_submodule_behind_a_link, each_from_nothing),
        cmocka_unit_test_setup(a_repository_without_all_of_the_commit, each_from_nothing),
        cmocka_unit_test_setup(a_damaged_record_says_what_to_remove, each_from_nothing),
    };

    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
