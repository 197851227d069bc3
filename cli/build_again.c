#include "cli/build_again.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"
#include "base/text.h"

#define FILE_MAX_BYTES (256u * 1024 * 1024)
#define SAID_MAX_BYTES (64 * 1024)
#define SAID_LINES 40

/* Where the second build happens, and what it is compared with. */
struct again {
    const struct build_result *first;
    struct events *events;
    char *dir; /* a new one, with a long name */
    char *home, *out;
};

static void release_again(struct again *a)
{
    free(a->dir);
    free(a->home);
    free(a->out);
}

static bool make_home(struct again *a, const struct config *config, struct err **err)
{
    _cleanup_free_ char *mirrors = path_join(config->home, "git");
    if (!fs_temp_dir(config->home, &a->dir, err))
        return false;
    a->home = path_join(a->dir, "another-home-with-a-longer-name");
    a->out = path_join(a->dir, "out");
    _cleanup_free_ char *link = path_join(a->home, "git");
    if (!fs_mkdirs(a->home, err))
        return false;
    return !fs_is_dir(mirrors) || symlink(mirrors, link) == 0 ||
           err_set_errno(err, ERR_FAILED, errno, "cannot make the link '%s'", link);
}

static void add_environment(const struct again *a, struct strv *env)
{
    static const char *const kept[] = {"PATH",        "FIRN_CONFIG", "FIRN_DATA",
                                       "https_proxy", "no_proxy",    "SSH_AUTH_SOCK"};
    static const char *const varied[] = {"LC_ALL=tr_TR.UTF-8",
                                         "LANG=ja_JP.UTF-8",
                                         "TZ=Pacific/Chatham",
                                         "USER=somebody",
                                         "HOSTNAME=elsewhere",
                                         "CFLAGS=-O0",
                                         "MAKEFLAGS=--warn-undefined-variables",
                                         NULL};
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
        const char *value = getenv(kept[i]);
        if (value)
            strv_addf(env, "%s=%s", kept[i], value);
    }
    strv_addf(env, "FIRN_HOME=%s", a->home);
    strv_addf(env, "HOME=%s", a->dir);
    strv_add_all(env, varied);
}

/* firn itself, in a process of its own. */
static bool run(struct again *a, const char *manifest, const struct build_options *options,
                struct err **err)
{
    _cleanup_(strv_release) struct strv argv = STRV_INIT;
    _cleanup_(strv_release) struct strv env = STRV_INIT;
    _cleanup_(buf_release) struct buf said = BUF_INIT;
    struct proc_result result;
    strv_add_all(&argv, (const char *const[]){"/proc/self/exe", "--quiet", "build", "--offline",
                                              "--no-base", "--no-ccache", "-o", a->out, NULL});
    strv_addf(&argv, "-j%d", options->jobs == 3 ? 2 : 3);
    if (options->unsandboxed)
        strv_add(&argv, "--unsandboxed");
    strv_add(&argv, manifest);
    add_environment(a, &env);
    const struct proc proc = {.argv = (const char *const *)argv.items,
                              .env = (const char *const *)env.items,
                              .name = "the second build",
                              .out = &said,
                              .out_max = SAID_MAX_BYTES};
    mode_t mask = umask(077);
    bool ran = proc_run(&proc, &result, err);
    umask(mask);
    if (!ran)
        return false;
    return result.exit_status == 0 ||
           err_set(err, ERR_FAILED, "the second build failed: %s", said.data);
}

/* ---- comparing ---- */

/* What diffoscope has to say, as far as a person reads on; all of it in a file. */
static void ask_diffoscope(const struct again *a, const char *one, const char *two)
{
    _cleanup_free_ char *program = proc_find("diffoscope");
    _cleanup_free_ char *report = path_join(a->dir, "diffoscope.txt");
    _cleanup_(buf_release) struct buf said = BUF_INIT;
    _cleanup_err_ struct err *ignored = NULL;
    struct proc_result result;
    if (!program)
        return;
    const struct proc proc = {
        .argv = (const char *const[]){program, "--text", report, one, two, NULL}, .out = &said};
    buf_clear(&said);
    if (!proc_run(&proc, &result, &ignored) ||
        !fs_read(report, SAID_MAX_BYTES * 16, &said, &ignored))
        return;
    const char *at = said.data;
    for (int i = 0; i < SAID_LINES && *at; i++, at += *at == '\n') {
        event_info(a->events, "%.*s", (int)strcspn(at, "\n"), at);
        at += strcspn(at, "\n");
    }
    event_info(a->events, "all that diffoscope says: %s", report);
}

static bool differ(const struct again *a, const char *one, const char *two, size_t offset,
                   struct err **err)
{
    ask_diffoscope(a, one, two);
    err_set(err, ERR_AUTHENTIC, "not reproducible: %s differs from byte %zu on in a second build",
            path_basename(one), offset);
    return err_hint(err, "both are kept: %s and %s", one, two);
}

static bool compare_file(const struct again *a, const char *one, const char *two, bool *found,
                         struct err **err)
{
    _cleanup_(buf_release) struct buf x = BUF_INIT, y = BUF_INIT;
    size_t at = 0;
    *found = fs_is_file(one);
    if (!*found && !fs_is_file(two))
        return true;
    if (!fs_read(one, FILE_MAX_BYTES, &x, err) || !fs_read(two, FILE_MAX_BYTES, &y, err))
        return err_wrap(err, "cannot compare the two builds");
    while (at < x.len && at < y.len && x.data[at] == y.data[at])
        at++;
    return (at == x.len && at == y.len) || differ(a, one, two, at, err);
}

/* The smallest first: the difference is easiest to see there. */
static bool compare(const struct again *a, size_t *count, struct err **err)
{
    static const char *const suffixes[] = {"json",    "bin",      "hex", "dfu",
                                           "app.dfu", "pack.dfu", "elf", "map"};
    const char *image = a->first->image_path;
    size_t stem = (size_t)(strrchr(image, '.') - image);
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        bool found;
        _cleanup_free_ char *one = xasprintf("%.*s.%s", (int)stem, image, suffixes[i]);
        _cleanup_free_ char *two = path_join(a->out, path_basename(one));
        if (!compare_file(a, one, two, &found, err))
            return false;
        *count += found;
    }
    return true;
}

bool build_again(const char *manifest, const struct config *config,
                 const struct build_options *options, const struct build_result *first,
                 struct events *events, struct err **err)
{
    _cleanup_(release_again) struct again a = {.first = first, .events = events};
    _cleanup_err_ struct err *ignored = NULL;
    size_t count = 0;
    event_phase_begin(events, "again", "Building again");
    bool ok =
        make_home(&a, config, err) && run(&a, manifest, options, err) && compare(&a, &count, err);
    _cleanup_free_ char *detail = xasprintf("%zu files, byte for byte the same", count);
    event_phase_end(events, "again", ok, ok ? detail : NULL);
    if (a.dir && (ok || (*err)->code != ERR_AUTHENTIC))
        (void)!fs_remove_tree(a.dir, &ignored);
    return ok;
}
