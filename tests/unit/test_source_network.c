/* Fetching over HTTP, from git's own server behind tests/git-http on a loopback port. */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/git_fixture.h"
#include "tests/unit/http_fixture.h"

static char *origin;               /* served as https://example.org/origin.git */
static char *first, *second;       /* commits of master; v1 is the first, no ref is the second */
static struct server good, broken; /* `broken` hangs up in the middle of a pack */
static const struct source_options normal = {false, false}, offline = {true, false},
                                   refresh = {false, true};
#define URL "https://example.org/origin.git"

static void start_server(struct server *server, const char *break_after)
{
    server_start(server,
                 (const char *const[]){"git-http", fixture_root,
                                       break_after ? "--break-after" : NULL, break_after, NULL});
}

static int setup(void **state)
{
    if (fixture_setup(state) != 0)
        return -1;
    _cleanup_free_ char *work = make_repo("work");
    first = git_out(work, "rev-parse", "HEAD");
    git(work, "tag", "-a", "-m", "one", "v1.0.0");
    put_file(work, "more", "2");
    second = commit_all(work, "second");
    put_file(work, "more", "3");
    free(commit_all(work, "third"));
    origin = at("origin.git");
    git(fixture_root, "clone", "-q", "--bare", work, origin);
    start_server(&good, NULL);
    start_server(&broken, "600");
    return 0;
}

static int teardown(void **state)
{
    server_stop(&good);
    server_stop(&broken);
    free(origin);
    free(first);
    free(second);
    return fixture_teardown(state);
}

static int each_from_nothing(void **state)
{
    (void)state;
    forget_all();
    return 0;
}

static bool resolve_from(const struct server *server, const char *ref,
                         const struct source_options *options, struct source *source,
                         struct err **err)
{
    struct mirror mirror = {"https://example.org/", server->url};
    struct config config = fixture_config();

    config.mirrors = &mirror;
    config.mirror_count = 1;
    source_release(source);
    return source_resolve(&config, URL, ref, options, NULL, source, err);
}

static void assert_resolves(const char *ref, const struct source_options *options,
                            const char *commit)
{
    _cleanup_(source_release) struct source source = SOURCE_INIT;
    struct err *err = NULL;

    assert_ok(resolve_from(&good, ref, options, &source, &err), &err);
    assert_string_equal(source.commit, commit);
    git(source.mirror, "fsck", "--strict");
}

static void a_tag_alone(void **state)
{
    (void)state;
    _cleanup_(source_release) struct source source = SOURCE_INIT;
    struct err *err = NULL;

    assert_ok(resolve_from(&good, "v1.0.0", &normal, &source, &err), &err);
    assert_string_equal(source.commit, first);
    assert_string_equal(source.url, URL);
    _cleanup_free_ char *refs = git_out(source.mirror, "for-each-ref", "--format=%(refname)");
    assert_string_equal(refs, "refs/tags/v1.0.0");
}

static void branches_and_ids(void **state)
{
    (void)state;
    _cleanup_free_ char *third = git_out(origin, "rev-parse", "master");
    _cleanup_free_ char *short_id = xstrndup(second, 9);

    assert_resolves("master", &normal, third);
    forget_all();
    assert_resolves(third, &normal, third);
    forget_all();
    assert_resolves(first, &normal, first);
    forget_all();
    assert_resolves(short_id, &normal, second);
}

static void a_commit_that_only_a_tag_leads_to(void **state)
{
    (void)state;
    _cleanup_free_ char *child =
        git_out(origin, "commit-tree", "-p", first, "-m", "aside", "v1.0.0^{tree}");
    _cleanup_free_ char *tip =
        git_out(origin, "commit-tree", "-p", child, "-m", "tip", "v1.0.0^{tree}");
    _cleanup_free_ char *short_id = xstrndup(child, 10);

    git(origin, "tag", "aside", tip);
    assert_resolves(short_id, &normal, child);
    git(origin, "tag", "-d", "aside");
}

/* With and without the server's leave to ask for any commit. */
static void a_commit_that_no_ref_names(void **state)
{
    (void)state;
    assert_resolves(second, &normal, second);
    forget_all();
    git(origin, "config", "uploadpack.allowAnySHA1InWant", "true");
    assert_resolves(second, &normal, second);
    git(origin, "config", "--unset", "uploadpack.allowAnySHA1InWant");
}

static void assert_fails(const struct server *server, const char *ref, const char *expected)
{
    _cleanup_(source_release) struct source source = SOURCE_INIT;
    struct err *err = NULL;

    assert_false(resolve_from(server, ref, &normal, &source, &err));
    assert_error(&err, ERR_FETCH, expected);
}

/* Where a mirror leads, below the server. */
static struct server below(const char *dir)
{
    struct server server = {0};

    snprintf(server.url, sizeof(server.url), "%.40s%s", good.url, dir);
    return server;
}

static void a_redirect_on_the_same_host_is_followed(void **state)
{
    (void)state;
    struct server moved = below("moved/");
    _cleanup_(source_release) struct source source = SOURCE_INIT;
    struct err *err = NULL;

    assert_ok(resolve_from(&moved, "v1.0.0", &normal, &source, &err), &err);
    assert_string_equal(source.commit, first);
}

static void a_redirect_to_another_host_is_not(void **state)
{
    (void)state;
    struct server away = below("away/");

    assert_fails(&away, "v1.0.0", "redirect");
    assert_fails(&away, "v1.0.0", "firn follows no server to another host");
}

static void hosts_that_are_not_allowed_are_not_asked(void **state)
{
    (void)state;
    static const char *const allow[] = {"github.com", NULL};
    struct config config = fixture_config();
    _cleanup_(source_release) struct source source = SOURCE_INIT;
    struct err *err = NULL;

    config.allow = allow;
    assert_false(source_resolve(&config, URL, "v1.0.0", &normal, NULL, &source, &err));
    assert_error(&err, ERR_FETCH, "add \"example.org\" to allow:");
    assert_false(
        source_resolve(&config, "git@example.org:a", "v1.0.0", &normal, NULL, &source, &err));
    assert_error(&err, ERR_FETCH, "add \"ssh://example.org\" to allow:");
}

static void what_is_not_there(void **state)
{
    (void)state;
    struct server elsewhere = below("nowhere/");

    assert_fails(&good, "v1.0.1", "did you mean 'v1.0.0'?");
    assert_fails(&good, "0123456789012345678901234567890123456789", "does not hold commit 0123");
    assert_fails(&elsewhere, "v1.0.0", "cannot reach ");
}

static void a_connection_that_breaks_off(void **state)
{
    (void)state;
    assert_fails(&broken, "master", "cannot fetch 'master' from ");
    _cleanup_free_ char *third = git_out(origin, "rev-parse", "master");
    assert_resolves("master", &normal, third);
}

/* Fetching one ref may bring others along: what was remembered about them is forgotten. */
static void a_fetch_moves_what_it_brings(void **state)
{
    (void)state;
    _cleanup_free_ char *short_id = xstrndup(second, 9);

    git(origin, "update-ref", "refs/heads/side", first);
    assert_resolves("side", &normal, first);
    git(origin, "update-ref", "refs/heads/side", second);
    assert_resolves("side", &normal, first);
    assert_resolves(short_id, &normal, second);
    assert_resolves("side", &offline, second);
}

static void refresh_follows_tags_and_branches(void **state)
{
    (void)state;
    git(origin, "tag", "-f", "moving", first);
    assert_resolves("moving", &normal, first);
    git(origin, "tag", "-f", "moving", second);
    assert_resolves("moving", &normal, first);
    assert_resolves("moving", &refresh, second);
}

static void nobodys_git_configuration_matters(void **state)
{
    (void)state;
    _cleanup_free_ char *rewrite =
        xasprintf("[url \"http://127.0.0.1:1/\"]\n\tinsteadOf = %s\n", good.url);

    put_file(fixture_root, ".gitconfig", rewrite);
    assert_resolves("v1.0.0", &normal, first);
    put_file(fixture_root, ".gitconfig", "");
}

static void disturb(void *signal, const json_t *event)
{
    const char *unit = json_string_value(json_object_get(event, "unit"));
    bool arriving = json_integer_value(json_object_get(event, "done")) > 0;

    if (unit && !strcmp(unit, "objects") && arriving && !interrupt_requested())
        raise(*(int *)signal);
}

/* Fetch in a child that gets a signal when the first objects are there; its wait status. */
static int fetch_disturbed(int signal)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        struct mirror mirror = {"https://example.org/", good.url};
        struct config config = fixture_config();
        struct source source = SOURCE_INIT;
        struct err *err = NULL;
        struct events *events = events_new();
        config.mirrors = &mirror;
        config.mirror_count = 1;
        interrupt_install();
        events_add_sink(events, disturb, &signal);
        bool ok = source_resolve(&config, URL, "v1.0.0", &normal, events, &source, &err);
        _exit(ok ? 1 : err->code == ERR_INTERRUPTED ? 0 : 2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* What is in the one mirror's objects/pack that is no finished pack. */
static size_t count_unfinished_packs(void)
{
    _cleanup_free_ char *git_dir = path_join(fixture_home, "git"), *pack = NULL;
    _cleanup_(strv_release) struct strv mirrors = STRV_INIT, names = STRV_INIT;
    struct err *err = NULL;
    size_t count = 0;

    assert_ok(fs_list(git_dir, &mirrors, &err), &err);
    pack = xasprintf("%s/%s/objects/pack", git_dir, mirrors.items[0]);
    assert_ok(fs_list(pack, &names, &err), &err);
    for (size_t i = 0; i < names.count; i++)
        count += strncmp(names.items[i], "pack-", 5) != 0;
    return count;
}

static void interrupted_while_fetching(void **state)
{
    (void)state;
    assert_int_equal(fetch_disturbed(SIGINT), 0);
    assert_int_equal(count_unfinished_packs(), 0);
    assert_resolves("v1.0.0", &normal, first);
}

static void killed_while_fetching(void **state)
{
    (void)state;
    assert_true(WIFSIGNALED(fetch_disturbed(SIGKILL)));
    assert_int_equal(count_unfinished_packs(), 1);
    assert_resolves("v1.0.0", &normal, first);
    assert_int_equal(count_unfinished_packs(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_tag_alone, each_from_nothing),
        cmocka_unit_test_setup(branches_and_ids, each_from_nothing),
        cmocka_unit_test_setup(a_commit_that_no_ref_names, each_from_nothing),
        cmocka_unit_test_setup(a_commit_that_only_a_tag_leads_to, each_from_nothing),
        cmocka_unit_test_setup(what_is_not_there, each_from_nothing),
        cmocka_unit_test_setup(a_redirect_on_the_same_host_is_followed, each_from_nothing),
        cmocka_unit_test_setup(a_redirect_to_another_host_is_not, each_from_nothing),
        cmocka_unit_test_setup(hosts_that_are_not_allowed_are_not_asked, each_from_nothing),
        cmocka_unit_test_setup(a_connection_that_breaks_off, each_from_nothing),
        cmocka_unit_test_setup(a_fetch_moves_what_it_brings, each_from_nothing),
        cmocka_unit_test_setup(refresh_follows_tags_and_branches, each_from_nothing),
        cmocka_unit_test_setup(nobodys_git_configuration_matters, each_from_nothing),
        cmocka_unit_test_setup(interrupted_while_fetching, each_from_nothing),
        cmocka_unit_test_setup(killed_while_fetching, each_from_nothing),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
