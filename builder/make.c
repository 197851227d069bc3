#include "builder/make.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/proc.h"
#include "base/text.h"

#define ASK_PREFIX "firn:"
#define ASK_TIMEOUT_MS 60000

static const char *const VERBS[] = {"CC ",  "CXX ",  "AS ",   "GEN ", "MPY ",
                                    "STR ", "MISC ", "LINK ", NULL};

bool make_is_step(const char *line, const char **detail)
{
    for (size_t i = 0; VERBS[i]; i++) {
        if (!text_starts_with(line, VERBS[i]))
            continue;
        if (detail)
            *detail = line + strlen(VERBS[i]);
        return true;
    }
    return false;
}

void make_environment(struct strv *env, const struct sandbox *sandbox, long long source_date_epoch,
                      const char *git_tag, const char *git_hash)
{
    strv_addf(env, "PATH=%s", sandbox_path_variable(sandbox));
    strv_add(env, "HOME=/nonexistent");
    strv_add(env, "LC_ALL=C");
    strv_add(env, "TZ=UTC");
    strv_addf(env, "SOURCE_DATE_EPOCH=%lld", source_date_epoch);
    strv_add(env, "PYTHONHASHSEED=0");
    strv_add(env, "PYTHONDONTWRITEBYTECODE=1");
    strv_addf(env, "MICROPY_GIT_TAG=%s", git_tag);
    strv_addf(env, "MICROPY_GIT_HASH=%s", git_hash);
}

bool make_can_name(const char *path)
{
    for (const char *c = path; *c; c++) {
        if (!isalnum((unsigned char)*c) && !((unsigned char)*c & 0x80) && !strchr("/._+-@,", *c))
            return false;
    }
    return true;
}

/* [bwrap ... --] make -C DIR NAME=value ... */
static void add_command(struct strv *argv, const struct make_job *job)
{
    if (job->sandbox)
        sandbox_command(job->sandbox, argv);
    strv_add(argv, "make");
    strv_add(argv, "--no-print-directory");
    strv_add(argv, "-C");
    strv_add(argv, job->dir);
    strv_add_all(argv, job->vars);
    if (job->rules)
        strv_addf(argv, "--eval=%s", job->rules);
}

static void count_step(void *data, const char *line, size_t len)
{
    size_t *count = data;
    /* `make -n` prints the recipe: echo "CC main.c" */
    (void)len;
    if (text_starts_with(line, "echo \"") && make_is_step(line + strlen("echo \""), NULL))
        ++*count;
}

/* How many steps a cold build has; 0 when make cannot tell, which the real run will explain. */
static bool count_steps(const struct make_job *job, size_t *count, struct err **err)
{
    _cleanup_(strv_release) struct strv argv = STRV_INIT;
    struct proc_result result;
    *count = 0;
    if (job->script)
        return true;
    add_command(&argv, job);
    strv_add(&argv, "-n");
    if (job->target)
        strv_add(&argv, job->target);
    const struct proc proc = {.argv = (const char *const *)argv.items,
                              .name = "make",
                              .env = job->env,
                              .on_line = count_step,
                              .data = count};
    if (!proc_run(&proc, &result, err))
        return false;
    if (result.exit_status != 0)
        *count = 0;
    return true;
}

struct running {
    const struct make_job *job;
    struct events *events;
    FILE *log;
    int log_errnum; /* why not all of it was written */
    struct make_output output;
    struct make_sizes sizes;
    size_t total;
    bool size_header; /* the line before was `size`'s first */
};

static void release_running(struct running *r)
{
    make_output_release(&r->output);
    if (r->log)
        fclose(r->log);
}

/* `size` prints a line of names, then one of numbers for each file; the program is the last. */
static void take_sizes(struct running *r, const char *line)
{
    struct make_sizes *s = &r->sizes;
    if (r->size_header && sscanf(line, "%lu %lu %lu", &s->text, &s->data, &s->bss) == 3)
        s->known = true;
    else
        r->size_header = text_starts_with(line, "   text");
}

static void on_line(void *data, const char *line, size_t len)
{
    struct running *r = data;
    const char *detail;
    if ((fwrite(line, 1, len, r->log) != len || fputc('\n', r->log) == EOF) && !r->log_errnum)
        r->log_errnum = errno;
    make_output_line(&r->output, line, len);
    take_sizes(r, line);
    if (!make_is_step(line, &detail))
        return;
    size_t done = ++r->sizes.steps;
    /* The estimate may be short by steps that only the real run knows. */
    if (r->total && done >= r->total)
        r->total = done + 1;
    event_progress(r->events, r->job->phase, done, r->total, "steps", detail);
}

static void add_run(struct strv *argv, const struct make_job *job)
{
    int jobs = job->jobs > 0 ? job->jobs : (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (job->script) {
        if (job->sandbox)
            sandbox_command(job->sandbox, argv);
        strv_add(argv, "sh");
        strv_add(argv, job->script);
        return;
    }
    add_command(argv, job);
    strv_addf(argv, "-j%d", jobs);
    /* A target's lines stay together, so that a message is not cut by another compiler's. */
    strv_add(argv, "-Otarget");
    if (job->target)
        strv_add(argv, job->target);
}

static int time_limit_ms(const struct make_job *job)
{
    return job->sandbox && job->sandbox->on ? job->sandbox->limits.seconds * 1000 : 0;
}

static bool run_logged(struct running *r, struct err **err)
{
    const struct make_job *job = r->job;
    _cleanup_(strv_release) struct strv argv = STRV_INIT;
    struct proc_result result;
    add_run(&argv, job);
    const struct proc proc = {.argv = (const char *const *)argv.items,
                              .name = "make",
                              .env = job->env,
                              .timeout_ms = time_limit_ms(job),
                              .on_line = on_line,
                              .data = r};
    if (!proc_run(&proc, &result, err))
        return false;
    if (result.exit_status == 0)
        return true;
    make_output_error(&r->output, job->dir, job->blame, err);
    sandbox_blame(job->sandbox, err);
    const char *hint = (*err)->hint;
    return err_hint(err, "%s%severything that make printed: %s", hint ? hint : "", hint ? "\n" : "",
                    job->log_path);
}

static bool close_log(struct running *r, struct err **err)
{
    FILE *log = r->log;
    r->log = NULL;
    if (fclose(log) != 0 && !r->log_errnum)
        r->log_errnum = errno;
    return !r->log_errnum || err_set_errno(err, ERR_FAILED, r->log_errnum,
                                           "cannot write the log %s", r->job->log_path);
}

bool make_run(const struct make_job *job, struct events *events, struct make_sizes *sizes,
              struct err **err)
{
    _cleanup_(release_running) struct running r = {
        .job = job, .events = events, .output = MAKE_OUTPUT_INIT};
    if (events_shows_progress(events) && !count_steps(job, &r.total, err))
        return false;
    if (r.total || job->script)
        r.total += job->extra_steps;
    r.log = fopen(job->log_path, "we");
    if (!r.log)
        return err_set_errno(err, ERR_FAILED, errno, "cannot write the log %s", job->log_path);
    if (!run_logged(&r, err) || !close_log(&r, err))
        return false;
    event_progress(events, job->phase, r.sizes.steps, r.sizes.steps, "steps", NULL);
    if (sizes)
        *sizes = r.sizes;
    return true;
}

/* A rule that prints "firn:NAME=value" for each name, in the makefile's own final values. */
static char *ask_rule(const char *const *names)
{
    _cleanup_(buf_release) struct buf rule = BUF_INIT;
    buf_adds(&rule, "firn-ask: ; ");
    for (size_t i = 0; names[i]; i++)
        buf_addf(&rule, "$(info " ASK_PREFIX "%s=$(%s))", names[i], names[i]);
    buf_adds(&rule, "@:");
    return buf_detach(&rule, NULL);
}

static const char *find_answer(const char *out, const char *name, size_t *len)
{
    _cleanup_free_ char *prefix = xasprintf(ASK_PREFIX "%s=", name);
    for (const char *at = out; at; at = strchr(at, '\n'), at = at ? at + 1 : NULL) {
        if (!text_starts_with(at, prefix))
            continue;
        at += strlen(prefix);
        *len = strcspn(at, "\n");
        return at;
    }
    return NULL;
}

static bool take_answers(const char *out, const char *const *names, struct strv *values)
{
    for (size_t i = 0; names[i]; i++) {
        size_t len;
        const char *value = find_answer(out, names[i], &len);
        if (!value)
            return false;
        strv_addf(values, "%.*s", (int)len, value);
    }
    return true;
}

/* Run make with these options for what it prints; ERR_FAILED when it failed. */
static bool run_for_output(const struct make_job *job, const char *const *options, struct buf *out,
                           struct err **err)
{
    _cleanup_(strv_release) struct strv argv = STRV_INIT;
    _cleanup_(make_output_release) struct make_output output = MAKE_OUTPUT_INIT;
    struct proc_result result;
    add_command(&argv, job);
    strv_add_all(&argv, options);
    if (job->target)
        strv_add(&argv, job->target);
    const struct proc proc = {.argv = (const char *const *)argv.items,
                              .name = "make",
                              .env = job->env,
                              .timeout_ms = ASK_TIMEOUT_MS,
                              .out = out};
    if (!proc_run(&proc, &result, err))
        return false;
    if (result.exit_status == 0)
        return true;
    for (const char *at = out->data; *at; at += strcspn(at, "\n"), at += *at == '\n')
        make_output_line(&output, at, strcspn(at, "\n"));
    make_output_error(&output, job->dir, NULL, err);
    sandbox_blame(job->sandbox, err);
    return err_wrap(err, "cannot ask the makefile in %s", job->dir);
}

bool make_ask(const struct make_job *job, const char *const *names, struct strv *values,
              struct err **err)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    _cleanup_free_ char *rule = ask_rule(names);
    _cleanup_free_ char *eval = xasprintf("--eval=%s", rule);
    const char *const options[] = {"-s", eval, "firn-ask", NULL};
    if (!run_for_output(job, options, &out, err))
        return false;
    return take_answers(out.data, names, values) ||
           err_set(err, ERR_FAILED, "the makefile in %s did not answer", job->dir);
}

/* What the makefile says while it is read ("Including User C Module from ..."). */
static bool ask_chatter(const struct make_job *job, struct buf *chatter, struct err **err)
{
    static const char *const options[] = {"-s", "--eval=firn-nothing: ; @:", "firn-nothing", NULL};
    struct make_job nothing = *job;
    nothing.target = NULL;
    return run_for_output(&nothing, options, chatter, err);
}

bool make_dry_run(const struct make_job *job, const char *const *options, struct strv *lines,
                  struct err **err)
{
    _cleanup_(strv_release) struct strv all = STRV_INIT;
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    _cleanup_(buf_release) struct buf chatter = BUF_INIT;
    strv_add(&all, "-n");
    strv_add_all(&all, options);
    if (!ask_chatter(job, &chatter, err) ||
        !run_for_output(job, (const char *const *)all.items, &out, err))
        return false;
    const char *at = out.data + (text_starts_with(out.data, chatter.data) ? chatter.len : 0);
    for (; *at; at += strcspn(at, "\n"), at += *at == '\n')
        strv_addf(lines, "%.*s", (int)strcspn(at, "\n"), at);
    return true;
}
