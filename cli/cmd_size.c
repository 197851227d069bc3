/* firn size: how large an image is, and because of what. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/text.h"
#include "builder/size_history.h"
#include "cli/build_one.h"
#include "cli/size_show.h"
#include "image/sidecar.h"

static const char help[] =
    "Says what an image takes of each memory and what for: by frozen module (bytecode, constants,\n"
    "qstrs), by C module and by object. MANIFEST (.yaml) is built first, if needed; IMAGE is any of\n"
    "the files that a build left, or its sidecar (.json). The parts add up to the whole, to the byte.\n"
    "\n"
    "      --all            every object, not only the largest\n"
    "      --diff=OTHER     what changed since OTHER: an image, a sidecar, or, with MANIFEST, a\n"
    "                       version that was built here, or \"last\" for the image before this one\n"
    "      --history        every image of MANIFEST that was built here; builds nothing\n"
    "      --html=FILE      write a page with a treemap\n"
    "      --offline        fetch nothing\n"
    "\n"
    "Examples:\n"
    "  firn size manifests/greeter.yaml\n"
    "  firn size manifests/greeter.yaml --diff 1.3.0\n"
    "  firn size out/greeter/greeter-1.4.0.dfu --html size.html\n";

enum { OPT_ALL = 256, OPT_DIFF, OPT_HISTORY, OPT_HTML, OPT_OFFLINE };

static const struct option long_options[] = {
    {"all", no_argument, NULL, OPT_ALL},         {"diff", required_argument, NULL, OPT_DIFF},
    {"history", no_argument, NULL, OPT_HISTORY}, {"html", required_argument, NULL, OPT_HTML},
    {"offline", no_argument, NULL, OPT_OFFLINE}, {NULL, 0, NULL, 0},
};

#define LAST "last"

struct arguments {
    const char *input, *other, *html;
    bool all, history, offline;
};

/* An image that can be measured. */
struct measured {
    char *name;   /* "greeter 1.4.0 for NETDUINO2" */
    char *key;    /* of the build */
    json_t *size; /* the report */
};

static void measured_release(struct measured *m)
{
    free(m->name);
    free(m->key);
    json_decref(m->size);
}

static bool is_manifest(const char *path)
{
    return text_ends_with(path, ".yaml") || text_ends_with(path, ".yml");
}

static bool take_sidecar(struct measured *m, const json_t *sidecar, const char *path,
                         struct err **err)
{
    json_t *size = json_object_get(sidecar, "size");
    if (!json_is_object(size)) {
        err_set(err, ERR_FAILED, "the sidecar of '%s' does not say what the image consists of",
                path);
        return err_hint(err, "it was made by an older firn: build it again");
    }
    m->size = json_incref(size);
    m->key = xstrdup(build_field(sidecar, "key"));
    m->name =
        xasprintf("%s %s for %s", build_field(sidecar, "product"), build_field(sidecar, "version"),
                  build_field(json_object_get(sidecar, "board"), "name"));
    return true;
}

static bool load_image(struct measured *m, const char *path, struct err **err)
{
    json_t *sidecar = NULL;
    if (!fs_is_file(path))
        return err_set(err, ERR_USAGE, "there is no file '%s'", path);
    if (!sidecar_load(path, &sidecar, err)) {
        if ((*err)->code == ERR_NOT_FOUND)
            err_hint(err, "only an image that firn built, with its sidecar beside it, can be "
                          "measured");
        return false;
    }
    bool ok = take_sidecar(m, sidecar, path, err);
    json_decref(sidecar);
    return ok;
}

/* 0 or an exit status; what was wrong is said. */
static int load(struct cli *cli, const struct arguments *args, const struct config *config,
                struct measured *m)
{
    const struct build_options options = {.source.offline = args->offline};
    _cleanup_(build_result_release) struct build_result result = BUILD_RESULT_INIT;
    struct err *err = NULL;
    if (is_manifest(args->input)) {
        int status = build_one(cli, args->input, config, &options, &result);
        if (status != 0)
            return status;
        if (take_sidecar(m, result.sidecar, args->input, &err))
            return 0;
    } else if (load_image(m, args->input, &err)) {
        return 0;
    }
    return cli_failure(cli, &(struct diags)DIAGS_INIT, err);
}

/* ---- the other one ---- */

static const char *text(const json_t *object, const char *key)
{
    return build_field(object, key);
}

/* The latest image of that version, or the latest that is another than this one. */
static const json_t *find_in_history(const json_t *history, const char *wanted, const char *key)
{
    for (size_t i = json_array_size(history); i-- > 0;) {
        const json_t *entry = json_array_get(history, i);
        bool other = strcmp(text(entry, "key"), key) != 0;
        if (!strcmp(wanted, LAST) ? other : !strcmp(text(entry, "version"), wanted))
            return entry;
    }
    return NULL;
}

static bool fail_version(const json_t *history, const char *wanted, struct err **err)
{
    _cleanup_(strv_release) struct strv versions = STRV_INIT;
    const json_t *entry;
    size_t i;
    json_array_foreach(history, i, entry) strv_add(&versions, text(entry, "version"));
    strv_sort_unique(&versions);
    if (!strcmp(wanted, LAST))
        return err_set(err, ERR_USAGE, "--diff: no other image of this manifest was built here");
    err_set(err, ERR_USAGE,
            "--diff: '%s' is neither a file nor a version of this manifest that was built here",
            wanted);
    const char *nearest = text_nearest(wanted, (const char *const *)versions.items);
    if (nearest)
        return err_hint(err, "did you mean '%s'?", nearest);
    return err_hint(err, "'firn size MANIFEST --history' lists them");
}

static bool load_version(const struct config *config, const struct arguments *args, const char *key,
                         struct measured *m, struct err **err)
{
    json_t *history = size_history_load(config, args->input);
    const json_t *entry = find_in_history(history, args->other, key);
    bool ok = entry || fail_version(history, args->other, err);
    if (entry) {
        m->size = json_incref(json_object_get(entry, "size"));
        m->key = xstrdup(text(entry, "key"));
        m->name = xasprintf("%s for %s", text(entry, "version"), text(entry, "board"));
    }
    json_decref(history);
    return ok;
}

static bool load_other(const struct config *config, const struct arguments *args, const char *key,
                       struct measured *m, struct err **err)
{
    if (is_manifest(args->input) && !fs_is_file(args->other))
        return load_version(config, args, key, m, err);
    return load_image(m, args->other, err);
}

/* ---- the command ---- */

static int show(struct cli *cli, const struct arguments *args, const struct config *config,
                const struct measured *m)
{
    _cleanup_(measured_release) struct measured other = {NULL, NULL, NULL};
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    struct err *err = NULL;
    json_t *diff = NULL;
    if (args->other && !load_other(config, args, m->key, &other, &err))
        return cli_fail(cli, err);
    if (args->html && !size_page_write(m->size, m->name, args->html, &err))
        return cli_fail(cli, err);
    if (args->other) {
        diff = size_diff(other.size, m->size);
        size_diff_show(diff, other.name, m->name, args->all, &out);
    } else if (args->html) {
        buf_addf(&out, "%s: %s\n", args->html, m->name);
    } else {
        size_show(m->size, m->name, args->all, &out);
    }
    if (!cli->json && !cli->quiet)
        fputs(out.data, stdout);
    event_result(cli->events, true, 0,
                 json_pack("{s:s, s:O, s:o*, s:s*}", "name", m->name, "size", m->size, "diff", diff,
                           "html", args->html));
    return 0;
}

static int show_history(struct cli *cli, const struct arguments *args, const struct config *config)
{
    json_t *history = size_history_load(config, args->input);
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    if (json_array_size(history))
        size_history_show(history, &out);
    else
        buf_addf(&out, "no image of %s was built here\n", args->input);
    if (!cli->json && !cli->quiet)
        fputs(out.data, stdout);
    event_result(cli->events, true, 0, json_pack("{s:o}", "history", history));
    return 0;
}

static int parse(struct cli *cli, struct arguments *args, int argc, char **argv)
{
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        switch (option) {
        case OPT_ALL:
            args->all = true;
            break;
        case OPT_DIFF:
            args->other = optarg;
            break;
        case OPT_HISTORY:
            args->history = true;
            break;
        case OPT_HTML:
            args->html = optarg;
            break;
        case OPT_OFFLINE:
            args->offline = true;
            break;
        case ':':
            return cli_usage(cli, &cmd_size, "%s needs a value", argv[optind - 1]);
        default:
            return cli_usage(cli, &cmd_size, "unknown option '%s'", argv[optind - 1]);
        }
    }
    if (optind == argc)
        return cli_usage(cli, &cmd_size, "which manifest or image?");
    if (optind + 1 < argc)
        return cli_usage(cli, &cmd_size, "one at a time: what is '%s'?", argv[optind + 1]);
    args->input = argv[optind];
    if (args->history && !is_manifest(args->input))
        return cli_usage(cli, &cmd_size, "--history is of a manifest");
    return 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct arguments args = {NULL};
    _cleanup_(config_release) struct config config = CONFIG_INIT;
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    _cleanup_(measured_release) struct measured m = {NULL, NULL, NULL};
    int status = parse(cli, &args, argc, argv);
    if (status != 0)
        return status;
    if (!config_load(&config, &diags))
        return cli_fail_diags(cli, &diags);
    if (args.history)
        return show_history(cli, &args, &config);
    status = load(cli, &args, &config, &m);
    if (status != 0) {
        event_result(cli->events, false, status, NULL);
        return status;
    }
    return show(cli, &args, &config, &m);
}

const struct command cmd_size = {
    .name = "size",
    .arguments = "MANIFEST|IMAGE [--diff OTHER] [--html FILE] [--history] [--all]",
    .summary = "what an image takes of flash and RAM, and what for",
    .help = help,
    .run = run,
};
