/* firn lock: pin everything that a manifest is built of. */
#include <getopt.h>
#include <stdio.h>

#include "base/proc.h"
#include "base/text.h"
#include "builder/lock_make.h"
#include "cli/command.h"

static const char help[] =
    "Writes <MANIFEST>.lock: the commit, every submodule, the compiler, and the SHA-256 of every\n"
    "file that goes into the build. `firn build --locked` then builds that and nothing else, or\n"
    "names the first thing that differs.\n"
    "\n"
    "      --update         replace what is locked; refs are fetched anew\n"
    "      --update=NAME    replace only what is called so: source (with its submodules),\n"
    "                       toolchain, definition, frozen, main.py, 'frozen main.py' ...;\n"
    "                       anything else must be as it is locked\n"
    "      --offline        fetch nothing\n"
    "\n"
    "Examples:\n"
    "  firn lock manifests/greeter.yaml\n"
    "  firn lock --update=source manifests/*.yaml\n"
    "  firn build --locked --offline manifests/greeter.yaml    # for CI\n";

enum { OPT_UPDATE = 256, OPT_OFFLINE };

static const struct option long_options[] = {
    {"update", optional_argument, NULL, OPT_UPDATE},
    {"offline", no_argument, NULL, OPT_OFFLINE},
    {NULL, 0, NULL, 0},
};

static void print(const struct lock_result *result)
{
    if (result->unchanged)
        printf("%s: as it was, %zu inputs\n", result->path, result->inputs);
    else
        printf("%s: source %.10s, %zu inputs\n", result->path, result->commit, result->inputs);
    for (size_t i = 0; i < result->changes.count; i++)
        printf("  %s\n", result->changes.items[i]);
}

static json_t *to_json(const char *manifest, const struct lock_result *result)
{
    json_t *changes = json_array();
    for (size_t i = 0; i < result->changes.count; i++)
        json_array_append_new(changes, json_string(result->changes.items[i]));
    return json_pack("{s:s, s:s, s:s, s:b, s:I, s:o}", "manifest", manifest, "lock", result->path,
                     "commit", result->commit, "unchanged", result->unchanged, "inputs",
                     (json_int_t)result->inputs, "changes", changes);
}

struct asked {
    struct config config;
    struct build_options options;
    struct lock_update update;
};

static int lock(struct cli *cli, const char *path, json_t *results, void *data)
{
    const struct asked *a = data;
    _cleanup_(lock_result_release) struct lock_result result = LOCK_RESULT_INIT;
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    struct err *err = NULL;
    bool ok =
        lock_make(path, &a->config, &a->options, &a->update, cli->events, &result, &diags, &err);
    cli_warnings(cli, &diags);
    if (!ok)
        return cli_failure(cli, &diags, err);
    if (!cli->json && !cli->quiet)
        print(&result);
    json_array_append_new(results, to_json(path, &result));
    return 0;
}

static bool is_manifest(const char *word)
{
    return text_ends_with(word, ".yaml") || text_ends_with(word, ".yml");
}

/* `--update NAME` is what people write; getopt takes an optional value only behind '='. Many a NAME
 * is a file's, so that its being there says nothing. */
static void take_detached_name(char **argv, struct lock_update *update)
{
    if (update->update && !update->name && argv[optind] && argv[optind + 1] &&
        !is_manifest(argv[optind]))
        update->name = argv[optind++];
}

static int parse(struct cli *cli, int argc, char **argv, struct build_options *options,
                 struct lock_update *update)
{
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option == OPT_UPDATE) {
            update->update = true;
            update->name = optarg;
        } else if (option == OPT_OFFLINE) {
            options->source.offline = true;
        } else {
            return cli_usage(cli, &cmd_lock, "unknown option '%s'", argv[optind - 1]);
        }
    }
    take_detached_name(argv, update);
    return optind < argc ? 0 : cli_usage(cli, &cmd_lock, "which manifest?");
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct asked asked = {CONFIG_INIT, {.source = {false, false}}, {false, NULL}};
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    int status = parse(cli, argc, argv, &asked.options, &asked.update);
    if (status == 0)
        status = config_load(&asked.config, &diags)
                     ? cli_each_manifest(cli, argv + optind, "locks", lock, &asked)
                     : cli_fail_diags(cli, &diags);
    config_release(&asked.config);
    return status;
}

const struct command cmd_lock = {
    .name = "lock",
    .arguments = "MANIFEST... [--update[=NAME]] [--offline]",
    .summary = "pin everything that a manifest is built of",
    .help = help,
    .run = run,
};
