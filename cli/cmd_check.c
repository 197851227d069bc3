/* firn check: does what is frozen work, and what does it take of the RAM? */
#include <getopt.h>
#include <stdio.h>

#include "base/fs.h"
#include "base/text.h"
#include "cli/build_one.h"
#include "cli/check_show.h"
#include "economy/budget.h"
#include "economy/check.h"
#include "economy/twin.h"

static const char help[] =
    "Builds MANIFEST if needed and boots it in its emulator. Each frozen module is imported in a fresh\n"
    "interpreter: does it work, what does the import take of the heap, how many qstrs does it leave\n"
    "in RAM, how long does it take? The same with all modules as .mpy files and as source files on a\n"
    "file system, which is what freezing saves. Then check.imports (or all modules) together: the heap\n"
    "that is left, its largest free block, and check.expect.\n"
    "\n"
    "      --on-device=PORT     on the board at that serial port, which runs the product already\n"
    "      --no-compare         only the frozen modules\n"
    "      --timeout=SECONDS    for one import, and for a board to come back after it (10)\n"
    "      --offline            fetch nothing\n"
    "\n"
    "Examples:\n"
    "  firn check manifests/greeter.yaml\n"
    "  firn check manifests/greeter.yaml --on-device /dev/ttyACM0\n"
    "\n"
    "Exit status 1: a module fails, hangs, resets, runs out of memory or prints garbage, or\n"
    "check.expect was not printed.\n";

enum { OPT_NO_COMPARE = 256, OPT_TIMEOUT, OPT_OFFLINE, OPT_ON_DEVICE };

static const struct option long_options[] = {
    {"no-compare", no_argument, NULL, OPT_NO_COMPARE},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"offline", no_argument, NULL, OPT_OFFLINE},
    {"on-device", required_argument, NULL, OPT_ON_DEVICE},
    {NULL, 0, NULL, 0},
};

#define TIMEOUT_MAX_S 3600

struct asked {
    struct config config;
    struct build_options build;
    struct check_options check;
};

/* Where it is run: on the product itself, or on a twin that is built first. 0 or an exit status. */
static int build_twin(struct cli *cli, const struct asked *a, const struct build_result *product,
                      struct twin *twin, struct build_result *result)
{
    _cleanup_(diags_release) struct diags none = DIAGS_INIT;
    struct build_options options = a->build;
    struct err *err = NULL;
    if (!twin_write(twin, product, &a->config, &err))
        return cli_failure(cli, &none, err);
    _cleanup_free_ char *manifest = path_join(twin->dir, "twin.yaml");
    _cleanup_free_ char *output = path_join(twin->dir, "out");
    options.output_dir = output;
    return build_one(cli, manifest, &a->config, &options, result);
}

static int check(struct cli *cli, const char *path, json_t *results, void *data)
{
    const struct asked *a = data;
    _cleanup_(build_result_release) struct build_result result = BUILD_RESULT_INIT;
    _cleanup_(build_result_release) struct build_result twin_result = BUILD_RESULT_INIT;
    _cleanup_(twin_release) struct twin twin = TWIN_INIT;
    _cleanup_(diags_release) struct diags none = DIAGS_INIT;
    _cleanup_(diags_release) struct diags over = DIAGS_INIT;
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    struct err *err = NULL;
    json_t *report = NULL;
    int status = build_one(cli, path, &a->config, &a->build, &result);
    if (status != 0)
        return status;
    struct check_options options = a->check;
    if (!options.port && twin_is_needed(&result)) {
        status = build_twin(cli, a, &result, &twin, &twin_result);
        if (status != 0)
            return status;
        options.runs_on = &twin_result;
        options.twin = &twin;
    }
    if (!check_product(&result, &options, cli->events, &report, &err))
        return cli_failure(cli, &none, err);
    if (!cli->json && !cli->quiet) {
        check_show(report, &out);
        fputs(out.data, stdout);
        fflush(stdout);
    }
    json_t *budget = json_array();
    status = build_budget(cli, &result, &a->config, path, budget);
    budget_check_imports(&result, report, budget, &over);
    int exceeded = cli_errors(cli, &over);
    status = status ? status : exceeded;
    json_object_set_new(report, "budget", budget);
    if (!json_is_true(json_object_get(report, "ok"))) {
        err_set(&err, ERR_FAILED, "%s does not pass its check", path);
        status = cli_failure(cli, &none, err);
    }
    json_object_set_new(report, "manifest", json_string(path));
    json_array_append_new(results, report);
    return status;
}

static int parse(struct cli *cli, int argc, char **argv, struct asked *asked)
{
    int option;
    uint32_t seconds;
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        switch (option) {
        case OPT_NO_COMPARE:
            asked->check.compare = false;
            break;
        case OPT_TIMEOUT:
            if (!text_parse_u32(optarg, &seconds) || !seconds || seconds > TIMEOUT_MAX_S)
                return cli_usage(cli, &cmd_check, "--timeout: '%s' is not a number from 1 to %d",
                                 optarg, TIMEOUT_MAX_S);
            asked->check.timeout_ms = (int)seconds * 1000;
            break;
        case OPT_ON_DEVICE:
            asked->check.port = optarg;
            break;
        case OPT_OFFLINE:
            asked->build.source.offline = true;
            break;
        case ':':
            return cli_usage(cli, &cmd_check, "%s needs a value", argv[optind - 1]);
        default:
            return cli_usage(cli, &cmd_check, "unknown option '%s'", argv[optind - 1]);
        }
    }
    if (optind == argc)
        return cli_usage(cli, &cmd_check, "which manifest?");
    if (asked->check.port && optind + 1 < argc)
        return cli_usage(cli, &cmd_check, "--on-device: one board runs one product at a time");
    return 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct asked asked = {.config = CONFIG_INIT, .check = {.compare = true}};
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    int status = parse(cli, argc, argv, &asked);
    if (status == 0)
        status = config_load(&asked.config, &diags)
                     ? cli_each_manifest(cli, argv + optind, "checks", check, &asked)
                     : cli_fail_diags(cli, &diags);
    config_release(&asked.config);
    return status;
}

const struct command cmd_check = {
    .name = "check",
    .arguments = "MANIFEST... [--on-device PORT] [--no-compare] [--timeout SECONDS]",
    .summary = "does what is frozen work, and what does it take of the RAM?",
    .help = help,
    .run = run,
};
