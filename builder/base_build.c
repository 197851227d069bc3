#include "builder/base_build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"
#include "base/text.h"
#include "builder/base_record.h"
#include "builder/cache_clean.h"
#include "builder/farm.h"
#include "builder/once.h"
#include "builder/replay.h"

#define MAX_FILES 20000
#define OBJECT_MAX_BYTES (256u * 1024 * 1024)
#define BASE_AT "/base"

/* A base being made, in a directory beside its place. */
struct making {
    struct build_job *job;
    char *mpy_cross;    /* what stands for it */
    const char *temp;   /* once_get()'s */
    struct place place; /* <temp>/work: where make runs */
    struct base base;   /* dir is <temp>/base until it is published */
    struct buf elf;     /* what make made */
};

static void release_making(struct making *m)
{
    free(m->mpy_cross);
    place_release(&m->place);
    base_release(&m->base);
    buf_release(&m->elf);
}

/* ---- what depends on the product's name ---- */

static bool holds_name(const char *dir, const char *name, bool *holds, struct err **err)
{
    _cleanup_(buf_release) struct buf data = BUF_INIT;
    /* A link that make left may lead anywhere on this machine. */
    if (!fs_read_beneath(dir, name, OBJECT_MAX_BYTES, &data, err))
        return false;
    *holds = data.len && memmem(data.data, data.len, BASE_NAME, strlen(BASE_NAME)) != NULL;
    return true;
}

/* The objects with the placeholder in them: those that use the banner. */
static bool find_objects(struct making *m, struct err **err)
{
    _cleanup_(strv_release) struct strv files = STRV_INIT;
    if (!fs_walk(m->place.build, MAX_FILES, &files, err))
        return false;
    for (size_t i = 0; i < files.count; i++) {
        bool holds = false;
        if (!text_ends_with(files.items[i], ".o"))
            continue;
        if (!holds_name(m->place.build, files.items[i], &holds, err))
            return false;
        if (holds)
            strv_add(&m->base.objects, files.items[i]);
    }
    return true;
}

/* ---- from make's output to a base ---- */

static bool remove_built(struct making *m, const char *name, struct err **err)
{
    _cleanup_free_ char *path = path_join(m->place.build, name);
    return fs_remove_tree(path, err);
}

/* What each product makes anew is taken out, so that make says how. */
static bool remove_product(struct making *m, struct err **err)
{
    static const char *const made[] = {"frozen_mpy", "frozen_content.c", "frozen_content.o", NULL};
    for (size_t i = 0; made[i]; i++) {
        if (!remove_built(m, made[i], err))
            return false;
    }
    for (size_t i = 0; i < m->base.objects.count; i++) {
        if (!remove_built(m, m->base.objects.items[i], err))
            return false;
    }
    return remove_built(m, m->job->board.port->elf, err);
}

/* Files that only make and its scripts read are left behind. */
static bool is_needed(const char *name)
{
    return !text_ends_with(name, ".P") && !text_ends_with(name, ".d") &&
           !text_ends_with(name, ".map") && !text_ends_with(name, ".i.last") &&
           !text_ends_with(name, ".split") && !text_ends_with(name, ".collected") &&
           !text_starts_with(name, "genhdr/qstr/") && !text_starts_with(name, "genhdr/module/") &&
           !text_starts_with(name, "genhdr/root_pointer/") &&
           !text_starts_with(name, "genhdr/compress/");
}

static bool keep_needed(struct making *m, struct err **err)
{
    _cleanup_(strv_release) struct strv files = STRV_INIT;
    _cleanup_free_ char *obj = path_join(m->base.dir, "obj");
    if (!fs_walk(m->place.build, MAX_FILES, &files, err))
        return false;
    for (size_t i = 0; i < files.count; i++) {
        if (!is_needed(files.items[i]) && !remove_built(m, files.items[i], err))
            return false;
    }
    if (rename(m->place.build, obj) != 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot keep %s", obj);
    return true;
}

static bool write_replay(struct making *m, struct err **err)
{
    _cleanup_(recipe_release) struct recipe recipe = RECIPE_INIT;
    _cleanup_(strv_release) struct strv lines = STRV_INIT;
    _cleanup_(buf_release) struct buf script = BUF_INIT;
    if (!recipe_make(&recipe, m->job, &m->place, false, err))
        return false;
    /* It is made again by each make, and would drag along what includes it. */
    _cleanup_free_ char *version = path_join(m->place.build_at, "genhdr/mpversion.h");
    const char *const options[] = {"-o", version, NULL};
    const struct make_job make = {.sandbox = &m->place.sandbox,
                                  .dir = recipe.dir,
                                  .vars = (const char *const *)recipe.vars.items,
                                  .env = (const char *const *)recipe.env.items,
                                  .rules = recipe.rules,
                                  .target = recipe.target};
    const struct replay replay = {.dir = recipe.dir,
                                  .build = m->place.build_at,
                                  .elf = m->job->board.port->elf,
                                  .objects = (const char *const *)m->base.objects.items,
                                  .exported_vars = (const char *const *)recipe.vars.items};
    _cleanup_free_ char *path = path_join(m->base.dir, "replay.sh");
    return make_dry_run(&make, options, &lines, err) &&
           replay_write(&replay, &lines, &script, err) &&
           fs_write_scratch(path, script.data, script.len, err);
}

/* An empty product on the base has to give make's own program. */
static bool try_base(struct making *m, struct err **err)
{
    _cleanup_(place_release) struct place trial = PLACE_INIT;
    _cleanup_(buf_release) struct buf elf = BUF_INIT;
    _cleanup_free_ char *dir = path_join(m->temp, "trial");
    if (!place_open(&trial, m->job, dir, m->mpy_cross, err) ||
        !build_stage(m->job, &trial, STAGE_BASE, err) ||
        !base_finish(m->job, &m->base, &trial, err))
        return false;
    if (!fs_read_beneath(trial.build, m->job->board.port->elf, OBJECT_MAX_BYTES, &elf, err))
        return false;
    return (elf.len == m->elf.len && !memcmp(elf.data, m->elf.data, elf.len)) ||
           err_set(err, ERR_FAILED, "an empty product on it is not what make made");
}

static bool make_reusable(struct making *m, struct err **err)
{
    return find_objects(m, err) && remove_product(m, err) && write_replay(m, err) &&
           keep_needed(m, err) && try_base(m, err);
}

static bool compile(struct making *m, struct err **err)
{
    return build_stage(m->job, &m->place, STAGE_BASE, err) &&
           build_compile(m->job, &m->place, "base", err) &&
           fs_read_beneath(m->place.build, m->job->board.port->elf, OBJECT_MAX_BYTES, &m->elf, err);
}

/* One that cannot be used is kept, too: the next product need not find that out again. A wish to
 * stop and a disk that is full or fails are no faults of the base. */
static bool judge(struct making *m, struct err **err)
{
    struct err *why = NULL;
    m->base.usable = make_reusable(m, &why);
    if (m->base.usable)
        return true;
    _cleanup_free_ char *obj = path_join(m->base.dir, "obj");
    if (why->code == ERR_INTERRUPTED || err_is_of_machine(why)) {
        *err = why;
        return false;
    }
    m->base.why = xstrdup(why->message);
    err_free(why);
    return fs_remove_tree(obj, err);
}

/* Nothing is frozen into a base, so it does not wait for the cross compiler. Makefiles want to see
 * that there is one. */
static bool write_stand_in(const struct making *m, struct err **err)
{
    static const char script[] = "#!/bin/sh\necho 'nothing is frozen into a base' >&2\nexit 1\n";
    _cleanup_free_ char *dir = path_dirname(m->mpy_cross);
    return fs_mkdirs(dir, err) && fs_write(m->mpy_cross, script, strlen(script), 0755, err);
}

static bool fill(struct making *m, struct err **err)
{
    _cleanup_free_ char *work = path_join(m->temp, "work");
    long long start = clock_ms();
    m->base.dir = path_join(m->temp, "base");
    m->mpy_cross = path_join(m->temp, "stand-in/mpy-cross");
    if (!fs_mkdirs(m->base.dir, err) || !write_stand_in(m, err) ||
        !place_open(&m->place, m->job, work, m->mpy_cross, err) || !compile(m, err) ||
        !judge(m, err))
        return false;
    m->base.seconds = (double)(clock_ms() - start) / 1000;
    return base_record_write(&m->base, m->job, err);
}

/* ---- getting one ---- */

/* A base that is looked for. */
struct wanted {
    struct build_job *job;
    const char *dir; /* <bases>/<key> */
    struct base *base;
};

static bool publish(struct making *m, const char *final, struct err **err)
{
    _cleanup_free_ char *from = xstrdup(m->base.dir);
    free(m->base.dir);
    m->base.dir = xstrdup(final);
    return fs_publish_dir(from, final, err);
}

static bool make_in(const struct wanted *wanted, const char *temp, struct err **err)
{
    struct build_job *job = wanted->job;
    _cleanup_(release_making) struct making m = {
        .job = job, .temp = temp, .place = PLACE_INIT, .base = BASE_INIT, .elf = BUF_INIT};
    event_phase_begin(job->events, "base", "Compiling the base");
    bool ok = fill(&m, err) && publish(&m, wanted->dir, err);
    event_phase_end(job->events, "base", ok, ok ? "the base is compiled" : NULL);
    if (!ok)
        return false;
    *wanted->base = m.base;
    m.base = (struct base)BASE_INIT;
    return true;
}

/* One that is there, to be used. */
static bool take(void *data)
{
    const struct wanted *wanted = data;
    return build_hold(wanted->job, wanted->dir) && base_load(wanted->dir, wanted->base);
}

static bool make_and_hold(void *data, const char *temp, struct err **err)
{
    const struct wanted *wanted = data;
    struct build_job *job = wanted->job;
    if (!make_in(wanted, temp, err))
        return false;
    if (!build_hold(job, wanted->dir))
        return build_removed(wanted->dir, err);
    cache_enforce(job->config, CACHE_BASES, job->base_key, job->events);
    return true;
}

static char *base_dir(const struct build_job *job)
{
    return xasprintf("%s/bases/%s", job->config->home, job->base_key);
}

bool base_is_there(const struct build_job *job)
{
    _cleanup_free_ char *dir = base_dir(job);
    return fs_is_dir(dir);
}

bool base_get(struct build_job *job, struct base *base, struct err **err)
{
    _cleanup_free_ char *dir = base_dir(job);
    struct wanted wanted = {job, dir, base};
    const struct once once = {.dir = dir,
                              .waiting = "another firn is compiling the same base; waiting for it",
                              .events = job->events,
                              .data = &wanted,
                              .take = take,
                              .make = make_and_hold};
    return once_get(&once, err);
}

/* ---- using one ---- */

static size_t frozen_steps(const struct base *base)
{
    return base->objects.count + 3; /* GEN frozen_content.c, CC, LINK */
}

/* The checked modules move to a new build directory: the programs that ran in the old one may have
 * left links in it, and we are about to write there. */
static bool renew_build(const struct place *place, struct err **err)
{
    _cleanup_free_ char *old = path_join(place->dir, "checked");
    _cleanup_free_ char *from = path_join(old, "frozen_mpy");
    _cleanup_free_ char *to = path_join(place->build, "frozen_mpy");
    if (rename(place->build, old) != 0 || mkdir(place->build, 0777) != 0 ||
        (rename(from, to) != 0 && errno != ENOENT))
        return err_set_errno(err, ERR_FAILED, errno, "cannot renew %s", place->build);
    return true;
}

static bool lay_out(const struct base *base, struct place *place, struct err **err)
{
    _cleanup_free_ char *obj = path_join(base->dir, "obj");
    const char *at = sandbox_bind(&place->sandbox, base->dir, BASE_AT, SANDBOX_READ);
    _cleanup_free_ char *obj_at = path_join(at, "obj");
    return renew_build(place, err) && farm_make(obj, obj_at, place->build, &base->objects, err);
}

bool base_finish(struct build_job *job, const struct base *base, struct place *place,
                 struct err **err)
{
    _cleanup_(recipe_release) struct recipe recipe = RECIPE_INIT;
    if (!lay_out(base, place, err) || !recipe_make(&recipe, job, place, false, err))
        return false;
    const struct make_blame blame = {&job->frozen, recipe.maps};
    const struct make_job make = {.phase = "compile",
                                  .sandbox = &place->sandbox,
                                  .script = BASE_AT "/replay.sh",
                                  .dir = recipe.dir,
                                  .log_path = job->log_path,
                                  .env = (const char *const *)recipe.env.items,
                                  .extra_steps = frozen_steps(base),
                                  .blame = &blame};
    return make_run(&make, job->events, &job->sizes, err);
}

void base_release(struct base *base)
{
    free(base->dir);
    free(base->why);
    strv_release(&base->objects);
    *base = (struct base)BASE_INIT;
}
