/* firn explain: what would be built, why, and what that costs. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "builder/explain.h"
#include "cli/command.h"

static const char help[] =
    "Says what changed since the last build of each MANIFEST, whether that means the base (the\n"
    "interpreter compiled for the board, which products share) or the product alone, and what a\n"
    "build would cost. Nothing is built.\n"
    "\n"
    "      --offline      fetch nothing\n"
    "      --unsandboxed  of a build with that option\n"
    "\n"
    "Example:\n"
    "  firn explain manifests/greeter.yaml\n";

enum { OPT_OFFLINE = 256, OPT_UNSANDBOXED };

static const struct option long_options[] = {
    {"offline", no_argument, NULL, OPT_OFFLINE},
    {"unsandboxed", no_argument, NULL, OPT_UNSANDBOXED},
    {NULL, 0, NULL, 0},
};

static const char *const COST_NAMES[] = {"nothing", "product", "base", "alone"};

/* A hash says nothing to a person but that it is another one. */
static bool is_hash(const char *value)
{
    return value && (text_starts_with(value, "sha256 ") || strlen(value) >= 40);
}

static void add_change(struct buf *out, const struct key_change *change)
{
    const char *scope = change->scope == KEY_BASE ? "base" : "product";
    buf_addf(out, "  %-8s %s", scope, change->name);
    if (!change->before)
        buf_adds(out, is_hash(change->now) ? " is new" : " is new: ");
    else if (!change->now)
        buf_adds(out, " is gone");
    else
        buf_adds(out, is_hash(change->now) ? " changed" : " changed: ");
    if (change->now && !is_hash(change->now)) {
        if (change->before)
            buf_addf(out, "%s -> ", change->before);
        buf_adds(out, change->now);
    }
    buf_addc(out, '\n');
}

static void add_last(struct buf *out, const char *what, double seconds)
{
    if (seconds <= 0)
        return;
    buf_addf(out, "; the last %s took ", what);
    text_add_duration(out, (int64_t)(seconds * 1000));
}

static void add_cost(struct buf *out, const struct explanation *x)
{
    static const char *const texts[] = {
        "nothing is to be done: the image is there",
        "the modules are frozen and linked on a base that is there",
        "the base is compiled, then the modules are frozen and linked on it",
        "everything is compiled for this product alone",
    };
    buf_adds(out, texts[x->cost]);
    if (x->cost == BUILD_COST_BASE)
        add_last(out, "base", x->base_seconds);
    if (x->bootloader) {
        buf_addf(out, "; the boot loader, %s, is compiled, too", x->bootloader);
        add_last(out, "one", x->bootloader_seconds);
    }
}

static void print(const struct explanation *x)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    buf_addf(&out, "%s: ", x->product);
    add_cost(&out, x);
    buf_addc(&out, '\n');
    if (!x->built_before)
        buf_adds(&out, "  it was not built here before\n");
    else if (!x->change_count)
        buf_adds(&out, "  nothing changed since the last build\n");
    for (size_t i = 0; i < x->change_count; i++)
        add_change(&out, &x->changes[i]);
    fputs(out.data, stdout);
}

static json_t *to_json(const char *path, const struct explanation *x)
{
    json_t *changes = json_array();
    for (size_t i = 0; i < x->change_count; i++) {
        const struct key_change *c = &x->changes[i];
        json_array_append_new(changes, json_pack("{s:s, s:s, s:s*, s:s*}", "scope",
                                                 c->scope == KEY_BASE ? "base" : "product", "name",
                                                 c->name, "before", c->before, "now", c->now));
    }
    return json_pack("{s:s, s:s, s:s, s:s*, s:f, s:b, s:f, s:o}", "manifest", path, "product",
                     x->product, "cost", COST_NAMES[x->cost], "bootloader", x->bootloader,
                     "bootloader_seconds", x->bootloader_seconds, "built_before", x->built_before,
                     "base_seconds", x->base_seconds, "changes", changes);
}

struct asked {
    struct config config;
    struct build_options options;
};

static int explain(struct cli *cli, const char *path, json_t *results, void *data)
{
    const struct asked *a = data;
    _cleanup_(explanation_release) struct explanation x = EXPLANATION_INIT;
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    struct err *err = NULL;
    /* Its phases are a build's; here only what they find counts. */
    if (!explain_build(path, &a->config, &a->options, NULL, &x, &diags, &err)) {
        cli_warnings(cli, &diags);
        return cli_failure(cli, &diags, err);
    }
    if (!cli->json)
        print(&x);
    json_array_append_new(results, to_json(path, &x));
    return 0;
}

static int parse(struct cli *cli, int argc, char **argv, struct build_options *options)
{
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option == OPT_OFFLINE)
            options->source.offline = true;
        else if (option == OPT_UNSANDBOXED)
            options->unsandboxed = true;
        else
            return cli_usage(cli, &cmd_explain, "unknown option '%s'", argv[optind - 1]);
    }
    return optind < argc ? 0 : cli_usage(cli, &cmd_explain, "which manifest?");
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct asked asked = {CONFIG_INIT, {.source = {false, false}}};
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    int status = parse(cli, argc, argv, &asked.options);
    if (status == 0)
        status = config_load(&asked.config, &diags)
                     ? cli_each_manifest(cli, argv + optind, "products", explain, &asked)
                     : cli_fail_diags(cli, &diags);
    config_release(&asked.config);
    return status;
}

const struct command cmd_explain = {
    .name = "explain",
    .arguments = "MANIFEST... [--offline]",
    .summary = "what would be built, why, and what that costs",
    .help = help,
    .run = run,
};
