/* Which commit a manifest's ref is, with a lock and without one. */
#include "builder/build_job.h"

#include "tests/unit/git_fixture.h"

/* A repository with a tag v1 and a branch line at its first commit, and a second commit. */
struct origin {
    char *dir, *first, *second;
};

static struct origin make_origin(const char *name)
{
    struct origin o = {.dir = make_repo(name)};

    git(o.dir, "tag", "v1");
    git(o.dir, "branch", "line");
    o.first = git_out(o.dir, "rev-parse", "HEAD");
    o.second = commit_all(o.dir, "second");
    return o;
}

static void origin_release(struct origin *o)
{
    forget_all();
    free(o->dir);
    free(o->first);
    free(o->second);
}

static void move(const struct origin *o, const char *command, const char *ref)
{
    git(o->dir, command, "-f", ref, o->second);
}

static void count_logs(void *data, const json_t *event)
{
    if (!strcmp(json_string_value(json_object_get(event, "event")), "log"))
        strv_add(data, json_string_value(json_object_get(event, "text")));
}

/* One resolution: what is asked and locked, and what came of it. */
struct asked {
    const char *ref, *locked_ref, *locked_commit, *locked_version; /* commit NULL: no lock */
    struct build_options options;
};
struct answer {
    bool ok;
    char *commit, *describe;
    struct strv said;
    struct err *err;
};

static void answer_release(struct answer *a)
{
    free(a->commit);
    free(a->describe);
    strv_release(&a->said);
    err_free(a->err);
}

static struct manifest *load(const struct origin *o, const char *ref)
{
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    _cleanup_free_ char *path = at("m.yaml");
    _cleanup_free_ char *text = xasprintf("firn: 1\nproduct: p\nversion: 1.0\nfirmware:\n"
                                          "  git: file://%s\n  ref: %s\nboard: NETDUINO2\n",
                                          o->dir, ref);

    put_file(fixture_root, "m.yaml", text);
    struct manifest *manifest = manifest_load(path, &diags);
    assert_non_null(manifest);
    return manifest;
}

static void lock_as(const struct asked *asked, struct build_job *job)
{
    if (!asked->locked_commit)
        return;
    key_add(&job->lock, KEY_BASE, "source url", job->manifest->firmware.git);
    key_add(&job->lock, KEY_BASE, "source ref", asked->locked_ref ? asked->locked_ref : asked->ref);
    key_add(&job->lock, KEY_BASE, "source commit", asked->locked_commit);
    key_add(&job->lock, KEY_BASE, "source version", asked->locked_version);
}

static struct answer resolve(const struct origin *o, const struct asked *asked)
{
    struct answer answer = {.said = STRV_INIT};
    const struct config config = fixture_config();
    struct events *events = events_new();
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    struct build_job job = build_job_init(&config, &asked->options, events, &diags);

    events_add_sink(events, count_logs, &answer.said);
    job.manifest = load(o, asked->ref);
    lock_as(asked, &job);
    answer.ok = build_resolve(&job, &answer.err);
    if (answer.ok) {
        assert_string_equal(job.source.ref, asked->ref);
        assert_string_equal(job.source.url, job.manifest->firmware.git);
        answer.commit = xstrdup(job.source.commit);
        answer.describe = xstrdup(job.source.describe);
    }
    build_job_release(&job);
    events_free(events);
    return answer;
}

static void assert_resolves(const struct origin *o, const struct asked *asked, const char *commit,
                            const char *describe, const char *said)
{
    _cleanup_(answer_release) struct answer a = resolve(o, asked);

    assert_ok(a.ok, &a.err);
    assert_string_equal(a.commit, commit);
    assert_string_equal(a.describe, describe);
    assert_int_equal(a.said.count, said ? 1 : 0);
    if (said)
        assert_contains(a.said.items[0], said);
}

static void assert_fails(const struct origin *o, const struct asked *asked, const char *message)
{
    _cleanup_(answer_release) struct answer a = resolve(o, asked);

    assert_false(a.ok);
    assert_error(&a.err, ERR_FETCH, message);
}

static char *describe_branch(const char *commit)
{
    return xasprintf("line-g%.10s", commit);
}

static void without_a_lock(void **state)
{
    (void)state;
    _cleanup_(origin_release) struct origin o = make_origin("without");

    assert_resolves(&o, &(struct asked){.ref = "v1"}, o.first, "v1", NULL);
    assert_fails(&o, &(struct asked){.ref = "v2"}, "m.yaml:6:8: ");
}

static void a_branch_stays_where_it_is_locked(void **state)
{
    (void)state;
    _cleanup_(origin_release) struct origin o = make_origin("branch");
    _cleanup_free_ char *before = describe_branch(o.first), *after = describe_branch(o.second);
    struct asked asked = {"line", NULL, o.first, before, {.locked = true}};

    assert_resolves(&o, &asked, o.first, before, NULL);
    move(&o, "branch", "line");
    assert_resolves(&o, &asked, o.first, before, NULL);
    forget_all();
    assert_resolves(&o, &asked, o.first, before, NULL);
    asked.options.locked = false;
    assert_resolves(&o, &asked, o.first, before, "'line' is at");
    asked.locked_commit = NULL;
    asked.options.source.refresh = true;
    assert_resolves(&o, &asked, o.second, after, NULL);
}

/* With a commit that is here, nobody goes out to look where the branch is. */
static void a_commit_that_is_here_needs_no_repository(void **state)
{
    (void)state;
    struct err *err = NULL;
    _cleanup_(origin_release) struct origin o = make_origin("here");
    _cleanup_free_ char *describe = describe_branch(o.first);
    struct asked asked = {"line", NULL, o.first, describe, {.locked = true}};

    asked.ref = o.first; /* the commit alone is fetched */
    assert_resolves(&o, &(struct asked){.ref = o.first}, o.first, describe + strlen("line-"), NULL);
    asked.ref = "line";
    assert_ok(fs_remove_tree(o.dir, &err), &err);
    assert_resolves(&o, &asked, o.first, describe, NULL);
    asked.options.locked = false;
    assert_resolves(&o, &asked, o.first, describe, "as it is locked; --refresh asks anew");
    asked.options.source.offline = true;
    assert_resolves(&o, &asked, o.first, describe, "as it is locked; --refresh asks anew");
}

static void a_moved_tag_is_refused(void **state)
{
    (void)state;
    _cleanup_(origin_release) struct origin o = make_origin("tag");
    struct asked asked = {"v1", NULL, o.first, "v1", {.locked = true}};

    move(&o, "tag", "v1");
    assert_fails(&o, &asked, "the tag 'v1' was moved: the lock has commit ");
    asked.options.source.offline = true;
    assert_fails(&o, &asked, "firn lock --update=source ");
    asked.options = (struct build_options){.locked = false};
    assert_resolves(&o, &asked, o.first, "v1", "the tag 'v1' was moved to ");
}

/* Known only once it is asked for: what is here says that all is well. */
static void a_moved_tag_is_seen_with_refresh(void **state)
{
    (void)state;
    _cleanup_(origin_release) struct origin o = make_origin("refresh");
    struct asked asked = {"v1", NULL, o.first, "v1", {.locked = true}};

    assert_resolves(&o, &asked, o.first, "v1", NULL);
    move(&o, "tag", "v1");
    assert_resolves(&o, &asked, o.first, "v1", NULL);
    asked.options.source.refresh = true;
    assert_fails(&o, &asked, "the tag 'v1' was moved");
}

static void a_tag_that_is_gone(void **state)
{
    (void)state;
    _cleanup_(origin_release) struct origin o = make_origin("gone");
    struct asked asked = {"v1", NULL, o.first, "v1", {.locked = true}};

    git(o.dir, "tag", "-d", "v1");
    assert_resolves(&o, &asked, o.first, "v1", NULL);
}

static void a_commit_that_is_gone(void **state)
{
    (void)state;
    _cleanup_(origin_release) struct origin o = make_origin("lost");
    struct asked asked = {"line",
                          NULL,
                          "0123456789012345678901234567890123456789",
                          "line-g0123456789",
                          {.locked = true}};

    assert_fails(&o, &asked, "the locked commit cannot be had: ");
    assert_fails(&o, &asked, "m.yaml:6:8: ");
}

/* A lock that somebody edited does not say what goes into the image. */
static void a_version_that_the_ref_cannot_have(void **state)
{
    (void)state;
    _cleanup_(origin_release) struct origin o = make_origin("edited");
    _cleanup_free_ char *branch = describe_branch(o.first);
    struct asked asked = {"line", NULL, o.first, "v9.9.9", {.locked = true}};

    assert_resolves(&o, &asked, o.first, branch, NULL);
    move(&o, "branch", "line");
    forget_all();
    assert_resolves(&o, &asked, o.first, branch + strlen("line-"), NULL);
}

/* The manifest says another ref than its lock: what differs is named later, and it is resolved. */
static void a_lock_of_another_ref(void **state)
{
    (void)state;
    _cleanup_(origin_release) struct origin o = make_origin("other");
    struct asked asked = {"master", "v1", o.first, "v1", {.locked = true}};
    _cleanup_free_ char *describe = xasprintf("master-g%.10s", o.second);

    assert_resolves(&o, &asked, o.second, describe, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_lock),
        cmocka_unit_test(a_branch_stays_where_it_is_locked),
        cmocka_unit_test(a_commit_that_is_here_needs_no_repository),
        cmocka_unit_test(a_moved_tag_is_refused),
        cmocka_unit_test(a_moved_tag_is_seen_with_refresh),
        cmocka_unit_test(a_tag_that_is_gone),
        cmocka_unit_test(a_commit_that_is_gone),
        cmocka_unit_test(a_version_that_the_ref_cannot_have),
        cmocka_unit_test(a_lock_of_another_ref),
    };

    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
