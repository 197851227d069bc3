/* The manifest's ref to a commit, its URL to an archive: those that the lock has, or else what they
 * are now. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "builder/archive_source.h"
#include "builder/build_job.h"
#include "builder/url.h"

#define SHA256_MARK "sha256 "

/* The line is shown with the error: not one that has a password in it. */
static void blame_source(const struct build_job *job, bool bad_ref, struct err **err)
{
    const struct manifest *m = job->manifest;
    const char *url = m->firmware.git ? m->firmware.git : m->firmware.archive;
    const struct ynode *url_node =
        m->firmware.git ? m->firmware.git_node : m->firmware.archive_node;
    const struct ynode *node = bad_ref ? m->firmware.ref_node : url_node;
    _cleanup_free_ char *shown = url_printable(url);
    if (url && node && (node != url_node || !strcmp(shown, url)))
        build_blame(job, node, err);
}

static bool ask(const struct build_job *job, const char *ref, const struct source_options *options,
                struct source *source, struct err **err)
{
    return source_resolve(job->config, job->manifest->firmware.git, ref, options, job->events,
                          source, err);
}

static bool fail(const struct build_job *job, bool bad_ref, struct err **err)
{
    if ((*err)->code == ERR_FETCH && !(*err)->file)
        blame_source(job, bad_ref, err);
    return false;
}

static bool resolve_ref(struct build_job *job, struct err **err)
{
    return ask(job, job->manifest->firmware.ref, &job->options->source, &job->source, err) ||
           fail(job, job->source.bad_ref, err);
}

/* The hash of a lock that is of this manifest's archive. Borrowed, or NULL. */
static const char *locked_archive(const struct build_job *job)
{
    const char *digest = key_is(&job->lock, "source url", job->manifest->firmware.archive)
                             ? key_get(&job->lock, "source archive")
                             : NULL;
    return digest && text_starts_with(digest, SHA256_MARK) ? digest + strlen(SHA256_MARK) : NULL;
}

static bool resolve_archive(struct build_job *job, struct err **err)
{
    const struct manifest *m = job->manifest;
    const char *locked = m->firmware.sha256 ? NULL : locked_archive(job);
    if (archive_source_open(job->config, m->firmware.archive, locked ? locked : m->firmware.sha256,
                            &job->options->source, job->events, &job->source, err))
        return true;
    if (locked)
        err_wrap(err, "the locked archive cannot be had");
    return fail(job, false, err);
}

/* The commit of a lock that is of this manifest's source. Anything else that differs is named when
 * all is compared. Borrowed, or NULL. */
static const char *locked_commit(const struct build_job *job)
{
    const struct manifest *m = job->manifest;
    bool same = key_is(&job->lock, "source url", m->firmware.git) &&
                key_is(&job->lock, "source ref", m->firmware.ref);
    return same ? key_get(&job->lock, "source commit") : NULL;
}

static bool is_tag(const struct source *s, const char *ref)
{
    return !strcmp(s->describe, ref);
}

/* A branch moves on; a tag does not, unless somebody replaced what a release is made of. */
static bool refuse_moved_tag(const struct build_job *job, const char *commit,
                             const struct source *now, struct err **err)
{
    err_set(err, ERR_FETCH, "the tag '%s' was moved: the lock has commit %s, now it is %s",
            job->manifest->firmware.ref, commit, now->commit);
    blame_source(job, true, err);
    return err_hint(err, "if that is meant to be: firn lock --update=source %s",
                    job->manifest->doc.file);
}

static void replace(char **string, const char *with)
{
    free(*string);
    *string = xstrdup(with);
}

/* What a build of the ref itself would say: tag, branch or commit, whichever the lock has. It is
 * compared, not copied, as it goes into the image. */
static void describe_as_locked(struct build_job *job)
{
    struct source *s = &job->source;
    const char *ref = job->manifest->firmware.ref;
    _cleanup_free_ char *branch = xasprintf("%s-%s", ref, s->describe);
    replace(&s->ref, ref);
    if (key_is(&job->lock, "source version", ref))
        replace(&s->describe, ref);
    else if (key_is(&job->lock, "source version", branch))
        replace(&s->describe, branch);
}

static void say_locked(const struct build_job *job, const struct source *now)
{
    const char *ref = job->manifest->firmware.ref;
    if (job->options->locked)
        return;
    if (!now->commit)
        event_info(job->events, "'%s' is commit %.10s, as it is locked; --refresh asks anew", ref,
                   job->source.commit);
    else if (is_tag(now, ref))
        event_warning(job->events,
                      "the tag '%s' was moved to %.10s; the locked commit %.10s is built", ref,
                      now->commit, job->source.commit);
    else
        event_info(job->events,
                   "'%s' is at %.10s now; commit %.10s is built, as it is locked (--refresh: the "
                   "newer one)",
                   ref, now->commit, job->source.commit);
}

static bool take_commit(struct build_job *job, const char *commit, const struct source *now,
                        struct err **err)
{
    if (!ask(job, commit, &job->options->source, &job->source, err)) {
        err_wrap(err, "the locked commit cannot be had");
        blame_source(job, job->source.bad_ref, err);
        return false;
    }
    describe_as_locked(job);
    say_locked(job, now);
    return true;
}

/* Where the ref is now matters for tags only, and is not worth a fetch: a commit that is here needs
 * none, and one that is not usually comes with its ref. */
static bool find_ref(const struct build_job *job, const char *commit, struct source *now,
                     struct err **err)
{
    const struct source_options here = {.offline = true};
    _cleanup_(source_release) struct source held = SOURCE_INIT;
    _cleanup_err_ struct err *missing = NULL;
    struct err *failed = NULL;
    bool is_held = !job->options->source.refresh && ask(job, commit, &here, &held, &missing);
    if (ask(job, job->manifest->firmware.ref, is_held ? &here : &job->options->source, now,
            &failed))
        return true;
    if (failed->code == ERR_INTERRUPTED) {
        *err = failed;
        return false;
    }
    err_free(failed); /* the commit may be had all the same */
    return true;
}

static bool resolve_locked(struct build_job *job, const char *commit, struct err **err)
{
    _cleanup_(source_release) struct source now = SOURCE_INIT;
    if (!find_ref(job, commit, &now, err))
        return false;
    if (now.commit && !strcmp(now.commit, commit)) {
        job->source = now;
        now = (struct source)SOURCE_INIT;
        return true;
    }
    if (job->options->locked && now.commit && is_tag(&now, job->manifest->firmware.ref))
        return refuse_moved_tag(job, commit, &now, err);
    return take_commit(job, commit, &now, err);
}

bool build_resolve(struct build_job *job, struct err **err)
{
    if (job->manifest->firmware.archive)
        return resolve_archive(job, err);
    const char *commit = locked_commit(job);
    return commit ? resolve_locked(job, commit, err) : resolve_ref(job, err);
}
