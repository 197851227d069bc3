/* firn advise: where modules take more RAM than they have to. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/json_get.h"
#include "base/text.h"
#include "cli/build_one.h"
#include "economy/advise.h"

static const char help[] =
    "Says where the modules of MANIFEST (those beside it, not MicroPython's own) or FILEs (.py) take\n"
    "more RAM than they have to, with the documentation's reason (\"MicroPython on microcontrollers\")\n"
    "and an estimate of what it would save on a 32-bit board. Nothing of them is run.\n"
    "\n"
    "A comment in a line, # firn: ignore[RULE] or # firn: ignore, silences what is said of it;\n"
    "# firn: ignore-file[RULE] anywhere does so for the file.\n"
    "\n"
    "      --check      exit status 1 if there is anything to say\n"
    "      --fix        rewrite what means the same: constant lists and joined literals\n"
    "      --offline    fetch nothing\n"
    "\n"
    "Examples:\n"
    "  firn advise manifests/greeter.yaml\n"
    "  firn advise src/*.py --check\n";

enum { OPT_CHECK = 256, OPT_FIX, OPT_OFFLINE };

static const struct option long_options[] = {
    {"check", no_argument, NULL, OPT_CHECK},
    {"fix", no_argument, NULL, OPT_FIX},
    {"offline", no_argument, NULL, OPT_OFFLINE},
    {NULL, 0, NULL, 0},
};

#define SOURCE_MAX ((size_t)4 * 1024 * 1024)

struct asked {
    struct config config;
    struct build_options build;
    bool check, fix;
};

/* ---- what is looked at ---- */

static bool is_manifest(const char *path)
{
    return text_ends_with(path, ".yaml") || text_ends_with(path, ".yml");
}

/* Their own sources, not what a board, a package or an archive brought from elsewhere. */
static void add_product(struct advice_request *request, const struct build_result *product)
{
    for (size_t i = 0; i < product->frozen.count; i++) {
        const struct frozen_file *file = &product->frozen.files[i];
        if (file->form == FROZEN_MPY || !manifest_path_allowed(product->manifest, file->path))
            continue;
        _cleanup_free_ char *name = frozen_module_name(file->target);
        _cleanup_free_ char *shown = path_shown(file->path);
        (void)advice_request_add(request, name, shown, file->data, file->size,
                                 frozen_form_name(file->form), file->opt);
    }
}

static bool add_file(struct advice_request *request, const char *path, struct err **err)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_free_ char *name = frozen_module_name(path_basename(path));
    if (!fs_read(path, SOURCE_MAX, &text, err))
        return cli_input_failed(err);
    return advice_request_add(request, name, path, text.data, text.len, "bytecode", -1) ||
           err_set(err, ERR_FAILED, "'%s' is not UTF-8", path);
}

/* ---- what is said ---- */

static unsigned number_of(const json_t *object, const char *key)
{
    return (unsigned)json_integer_value(json_object_get(object, key));
}

static void add_saving(const json_t *saving, struct buf *out)
{
    static const char *const when[][2] = {
        {"import", " from the import on"}, {"pass", " each time"}, {"image", ""}};
    if (!json_is_object(saving))
        return;
    buf_addf(out, "; about %u bytes of %s", number_of(saving, "bytes"),
             strcmp(json_get_text(saving, "of"), "ram") ? json_get_text(saving, "of") : "RAM");
    for (size_t i = 0; i < ARRAY_SIZE(when); i++)
        if (!strcmp(json_get_text(saving, "each"), when[i][0]))
            buf_adds(out, when[i][1]);
}

static void say(struct cli *cli, const json_t *finding)
{
    _cleanup_(buf_release) struct buf hint = BUF_INIT;
    _cleanup_err_ struct err *err = NULL;
    const struct loc loc = {json_get_text(finding, "path"), number_of(finding, "line"),
                            number_of(finding, "column"), number_of(finding, "length")};
    buf_adds(&hint, json_get_text(finding, "reason"));
    add_saving(json_object_get(finding, "saving"), &hint);
    err_set(&err, ERR_FAILED, "%s [%s]", json_get_text(finding, "message"),
            json_get_text(finding, "rule"));
    err_hint(&err, "%s", hint.data);
    err_at(&err, loc, json_get_text(finding, "source"));
    event_diag(cli->events, "warning", err);
}

/* A file that Python cannot read, but perhaps MicroPython: that is said and no failure. */
static void say_all(struct cli *cli, const json_t *advice)
{
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(advice, "errors"), i, item)
        event_warning(cli->events, "%s: not looked at: %s", json_get_text(item, "path"),
                      json_get_text(item, "message"));
    json_array_foreach(json_object_get(advice, "findings"), i, item) say(cli, item);
}

/* ---- fixing ---- */

static bool fix_file(struct cli *cli, const char *path, const struct buf *before,
                     const json_t *findings, struct err **err)
{
    _cleanup_(buf_release) struct buf after = BUF_INIT;
    struct stat st;
    size_t count;
    advice_fix(before->data, findings, path, &after, &count);
    if (!count)
        return true;
    mode_t mode = stat(path, &st) == 0 ? st.st_mode & 0777 : 0644;
    if (!fs_write(path, after.data, after.len, mode, err))
        return false;
    event_info(cli->events, "%s: %zu place%s rewritten", path, count, count == 1 ? "" : "s");
    return true;
}

/* Only what the findings are about is rewritten: somebody may have saved the file meanwhile. */
static bool fix_all(struct cli *cli, const struct advice_request *request, const json_t *advice,
                    struct err **err)
{
    const json_t *module;
    size_t i;
    json_array_foreach(request->modules, i, module)
    {
        const char *path = json_get_text(module, "path");
        _cleanup_(buf_release) struct buf now = BUF_INIT;
        if (!fs_read(path, SOURCE_MAX, &now, err))
            return false;
        /* What a package's metadata() appends is not in the file. */
        if (!text_starts_with(json_get_text(module, "source"), now.data)) {
            event_warning(cli->events, "%s changed meanwhile: nothing in it is rewritten", path);
            continue;
        }
        if (!fix_file(cli, path, &now, json_object_get(advice, "findings"), err))
            return false;
    }
    return true;
}

/* ---- the command ---- */

static int finish(struct cli *cli, const struct asked *a, const struct advice_request *request,
                  const char *what, json_t *results)
{
    _cleanup_(diags_release) struct diags none = DIAGS_INIT;
    struct err *err = NULL;
    json_t *advice = NULL;
    if (!advise(request, &advice, &err))
        return cli_failure(cli, &none, err);
    size_t count = json_array_size(json_object_get(advice, "findings"));
    size_t modules = json_array_size(request->modules);
    say_all(cli, advice);
    if (!cli->json && !cli->quiet)
        printf("%s: %zu finding%s in %zu module%s\n", what, count, count == 1 ? "" : "s", modules,
               modules == 1 ? "" : "s");
    bool ok = !a->fix || fix_all(cli, request, advice, &err);
    json_object_set_new(advice, "of", json_string(what));
    json_array_append_new(results, advice);
    if (!ok)
        return cli_failure(cli, &none, err);
    return a->check && count ? 1 : 0;
}

static int advise_product(struct cli *cli, const struct asked *a, const char *path, json_t *results)
{
    _cleanup_(build_result_release) struct build_result result = BUILD_RESULT_INIT;
    _cleanup_(advice_request_release) struct advice_request request = advice_request_new();
    int status = build_one(cli, path, &a->config, &a->build, &result);
    if (status != 0)
        return status;
    add_product(&request, &result);
    return finish(cli, a, &request, path, results);
}

/* All files together, as modules of one product. */
static int advise_files(struct cli *cli, const struct asked *a, char **paths, json_t *results)
{
    _cleanup_(advice_request_release) struct advice_request request = advice_request_new();
    _cleanup_(diags_release) struct diags none = DIAGS_INIT;
    struct err *err = NULL;
    const char *first = NULL;
    for (; *paths; paths++) {
        if (is_manifest(*paths))
            continue;
        first = first ? "files" : *paths;
        if (!add_file(&request, *paths, &err))
            return cli_failure(cli, &none, err);
    }
    return first ? finish(cli, a, &request, first, results) : 0;
}

static int parse(struct cli *cli, int argc, char **argv, struct asked *asked)
{
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option == OPT_CHECK)
            asked->check = true;
        else if (option == OPT_FIX)
            asked->fix = true;
        else if (option == OPT_OFFLINE)
            asked->build.source.offline = true;
        else
            return cli_usage(cli, &cmd_advise, "unknown option '%s'", argv[optind - 1]);
    }
    return optind < argc ? 0 : cli_usage(cli, &cmd_advise, "which manifest or files?");
}

static int run_all(struct cli *cli, const struct asked *a, char **paths)
{
    json_t *results = json_array();
    int status = advise_files(cli, a, paths, results);
    for (; *paths; paths++) {
        int failed = is_manifest(*paths) ? advise_product(cli, a, *paths, results) : 0;
        status = failed ? failed : status;
    }
    event_result(cli->events, status == 0, status, json_pack("{s:o}", "advice", results));
    return status;
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct asked asked = {.config = CONFIG_INIT};
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    int status = parse(cli, argc, argv, &asked);
    if (status == 0)
        status = config_load(&asked.config, &diags) ? run_all(cli, &asked, argv + optind)
                                                    : cli_fail_diags(cli, &diags);
    config_release(&asked.config);
    return status;
}

const struct command cmd_advise = {
    .name = "advise",
    .arguments = "MANIFEST|FILE.py... [--check] [--fix]",
    .summary = "where modules take more RAM than they have to",
    .help = help,
    .run = run,
};
