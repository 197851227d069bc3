/* firn build: manifests to images. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/build_many.h"
#include "cli/build_one.h"
#include "cli/build_watch.h"

static const char help[] =
    "Builds the firmware that each MANIFEST describes and writes its image (.dfu, .hex, .bin), the\n"
    "program (.elf), the linker's .map and the sidecar (.json) to DIR. What has not changed is not\n"
    "built again. Several are built at the same time, each in a process of its own; one that fails\n"
    "keeps no other from being built.\n"
    "\n"
    "  -o, --output=DIR   where to (out/PRODUCT)\n"
    "  -j, --jobs=N       compile N files at a time (one a core); of several products, N files and\n"
    "                     products in all (one a core, fewer where memory is short)\n"
    "      --offline      fetch nothing: use the sources that are here\n"
    "      --refresh      fetch, even if the tag or branch is here already\n"
    "      --keep         leave the build directory for inspection, and say where it is\n"
    "      --no-base      compile everything for this product alone; the image is the same\n"
    "      --locked       build only what MANIFEST.lock has; name the first thing that differs\n"
    "      --no-ccache    compile even what was compiled before; the image is the same\n"
    "      --twice        build a second time with everything varied that must not matter, and\n"
    "                     compare: exit status 5 if a byte differs\n"
    "      --watch        build, then again whenever a file that was read is saved; Ctrl-C ends it\n"
    "      --unsandboxed  run the source's makefiles and scripts as they are: only for what you\n"
    "                     trust; such an image cannot be released\n"
    "\n"
    "Example:\n"
    "  firn build manifests/greeter.yaml\n"
    "  firn build --watch manifests/greeter.yaml\n"
    "  firn build -j8 products/*.yaml\n";

enum {
    OPT_OFFLINE = 256,
    OPT_REFRESH,
    OPT_KEEP,
    OPT_NO_BASE,
    OPT_LOCKED,
    OPT_NO_CCACHE,
    OPT_TWICE,
    OPT_UNSANDBOXED,
    OPT_WATCH
};

static const struct option long_options[] = {
    {"output", required_argument, NULL, 'o'},
    {"jobs", required_argument, NULL, 'j'},
    {"offline", no_argument, NULL, OPT_OFFLINE},
    {"refresh", no_argument, NULL, OPT_REFRESH},
    {"keep", no_argument, NULL, OPT_KEEP},
    {"no-base", no_argument, NULL, OPT_NO_BASE},
    {"locked", no_argument, NULL, OPT_LOCKED},
    {"no-ccache", no_argument, NULL, OPT_NO_CCACHE},
    {"twice", no_argument, NULL, OPT_TWICE},
    {"unsandboxed", no_argument, NULL, OPT_UNSANDBOXED},
    {"watch", no_argument, NULL, OPT_WATCH},
    {NULL, 0, NULL, 0},
};

static int parse(struct cli *cli, int argc, char **argv, struct build_options *options, bool *watch)
{
    int option;
    uint32_t jobs;
    optind = 0;
    while ((option = getopt_long(argc, argv, ":o:j:", long_options, NULL)) != -1) {
        switch (option) {
        case 'o':
            options->output_dir = optarg;
            break;
        case 'j':
            if (!text_parse_u32(optarg, &jobs) || jobs < 1 || jobs > 1024)
                return cli_usage(cli, &cmd_build, "'%s' is no number of jobs", optarg);
            options->jobs = (int)jobs;
            break;
        case OPT_OFFLINE:
            options->source.offline = true;
            break;
        case OPT_REFRESH:
            options->source.refresh = true;
            break;
        case OPT_KEEP:
            options->keep = true;
            break;
        case OPT_NO_BASE:
            options->no_base = true;
            break;
        case OPT_LOCKED:
            options->locked = true;
            break;
        case OPT_NO_CCACHE:
            options->no_ccache = true;
            break;
        case OPT_TWICE:
            options->twice = true;
            break;
        case OPT_UNSANDBOXED:
            options->unsandboxed = true;
            break;
        case OPT_WATCH:
            *watch = true;
            break;
        case ':':
            return cli_usage(cli, &cmd_build, "%s needs a value", argv[optind - 1]);
        default:
            return cli_usage(cli, &cmd_build, "unknown option '%s'", argv[optind - 1]);
        }
    }
    if (optind == argc)
        return cli_usage(cli, &cmd_build, "which manifest?");
    if (options->source.offline && options->source.refresh)
        return cli_usage(cli, &cmd_build, "--offline and --refresh contradict each other");
    if (*watch && options->twice)
        return cli_usage(cli, &cmd_build, "--watch and --twice contradict each other");
    return 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct build_options options = {.source = {false, false}};
    _cleanup_(config_release) struct config config = CONFIG_INIT;
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    bool watch = false;
    int status = parse(cli, argc, argv, &options, &watch);
    if (status)
        return status;
    if (!config_load(&config, &diags))
        return cli_fail_diags(cli, &diags);
    char **paths = argv + optind;
    int count = argc - optind;
    if (watch)
        return build_watch(cli, paths, count, &config, &options);
    if (count == 1)
        return build_single(cli, paths[0], &config, &options);
    return build_many(cli, paths, count, &config, &options);
}

const struct command cmd_build = {
    .name = "build",
    .arguments = "MANIFEST... [-o DIR] [-j N] [--locked] [--offline] [--twice] [--watch] ...",
    .summary = "build a manifest's firmware and write its image",
    .help = help,
    .run = run,
};
