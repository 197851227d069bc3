/* firn build: manifests to images. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/proc.h"
#include "base/text.h"
#include "builder/build.h"
#include "cli/build_again.h"
#include "cli/command.h"

static const char help[] =
    "Builds the firmware that each MANIFEST describes and writes its image (.dfu, .hex, .bin), the\n"
    "program (.elf), the linker's .map and the sidecar (.json) to DIR. What has not changed is not\n"
    "built again.\n"
    "\n"
    "  -o, --output=DIR   where to (out/PRODUCT)\n"
    "  -j, --jobs=N       compile N files at a time (one a core)\n"
    "      --offline      fetch nothing: use the sources that are here\n"
    "      --refresh      fetch, even if the tag or branch is here already\n"
    "      --keep         leave the build directory for inspection, and say where it is\n"
    "      --no-base      compile everything for this product alone; the image is the same\n"
    "      --locked       build only what MANIFEST.lock has; name the first thing that differs\n"
    "      --no-ccache    compile even what was compiled before; the image is the same\n"
    "      --twice        build a second time with everything varied that must not matter, and\n"
    "                     compare: exit status 5 if a byte differs\n"
    "      --unsandboxed  run the source's makefiles and scripts as they are: only for what you\n"
    "                     trust; such an image cannot be released\n"
    "\n"
    "Example:\n"
    "  firn build manifests/greeter.yaml\n";

enum {
    OPT_OFFLINE = 256,
    OPT_REFRESH,
    OPT_KEEP,
    OPT_NO_BASE,
    OPT_LOCKED,
    OPT_NO_CCACHE,
    OPT_TWICE,
    OPT_UNSANDBOXED
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
    {NULL, 0, NULL, 0},
};

#define PHASES_MAX 16

/* Seconds of each phase, as the events tell them. */
struct phases {
    struct {
        char *id;
        double seconds;
    } items[PHASES_MAX];
    size_t count;
};

static void phases_clear(struct phases *phases)
{
    for (size_t i = 0; i < phases->count; i++)
        free(phases->items[i].id);
    phases->count = 0;
}

static void take_phase(void *data, const json_t *event)
{
    struct phases *phases = data;
    const char *kind = json_string_value(json_object_get(event, "event"));
    const char *state = json_string_value(json_object_get(event, "state"));
    const char *id = json_string_value(json_object_get(event, "phase"));
    if (!kind || strcmp(kind, "phase") != 0 || !state || strcmp(state, "end") != 0 || !id ||
        phases->count == PHASES_MAX)
        return;
    phases->items[phases->count].id = xstrdup(id);
    phases->items[phases->count++].seconds = json_number_value(json_object_get(event, "seconds"));
}

static int parse(struct cli *cli, int argc, char **argv, struct build_options *options)
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
    return 0;
}

static const char *field(const json_t *sidecar, const char *name)
{
    const char *value = json_string_value(json_object_get(sidecar, name));
    return value ? value : "";
}

static json_int_t flash_bytes(const json_t *sidecar)
{
    json_int_t sum = 0;
    size_t i;
    json_t *segment;
    json_array_foreach(json_object_get(sidecar, "segments"), i, segment) sum +=
        json_integer_value(json_object_get(segment, "size"));
    return sum;
}

/* "34.2 s: mpy-cross 8.91 s, compile 24.9 s", without what took less than a hundredth. */
static void add_times(struct buf *out, const struct phases *phases, long long total_ms)
{
    const char *before = ": ";
    text_add_duration(out, total_ms);
    for (size_t i = 0; i < phases->count; i++) {
        double ms = phases->items[i].seconds * 1000;
        if (ms * 100 < (double)total_ms)
            continue;
        buf_addf(out, "%s%s ", before, phases->items[i].id);
        text_add_duration(out, (int64_t)(ms + 0.5));
        before = ", ";
    }
}

static void print_summary(const struct build_result *result, const struct phases *phases,
                          long long total_ms)
{
    const json_t *sidecar = result->sidecar;
    const char *digest = field(sidecar, "digest");
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    const char *board = field(json_object_get(sidecar, "board"), "name");
    buf_addf(&text, "%s %s for %s%s\n", field(sidecar, "product"), field(sidecar, "version"), board,
             result->unchanged ? ": unchanged" : "");
    buf_addf(&text, "  image   %s", result->image_path);
    if (digest[0]) {
        buf_adds(&text, ", ");
        text_add_size(&text, (uint64_t)flash_bytes(sidecar));
        buf_addf(&text, " of flash\n  digest  sha256 %s", digest);
    }
    buf_adds(&text, "\n  time    ");
    add_times(&text, phases, total_ms);
    printf("%s\n", text.data);
}

static json_t *result_fields(const struct build_result *result)
{
    return json_pack("{s:s, s:b, s:s, s:s, s:s, s:I}", "image", result->image_path, "unchanged",
                     result->unchanged, "product", field(result->sidecar, "product"), "version",
                     field(result->sidecar, "version"), "digest", field(result->sidecar, "digest"),
                     "size", flash_bytes(result->sidecar));
}

/* One manifest; *fields (on success) is what to say in the result. */
static int build_one(struct cli *cli, const char *path, const struct config *config,
                     const struct build_options *options, struct phases *phases, json_t **fields)
{
    _cleanup_(build_result_release) struct build_result result = BUILD_RESULT_INIT;
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    struct err *err = NULL;
    long long start = clock_ms();
    phases_clear(phases);
    bool ok = build_run(path, config, options, cli->events, &result, &diags, &err);
    cli_warnings(cli, &diags);
    if (!ok)
        return cli_failure(cli, &diags, err);
    if (options->twice && !build_again(path, config, options, &result, cli->events, &err))
        return cli_failure(cli, &diags, err);
    *fields = result_fields(&result);
    if (!cli->json && !cli->quiet)
        print_summary(&result, phases, clock_ms() - start);
    return 0;
}

/* "greeter" of "manifests/greeter.yaml". The caller frees. */
static char *manifest_label(const char *path)
{
    const char *name = path_basename(path);
    const char *dot = strrchr(name, '.');
    return dot && dot != name ? xstrndup(name, (size_t)(dot - name)) : xstrdup(name);
}

/* A failed manifest does not keep the others from being built, an interrupt does. */
static int build_all(struct cli *cli, char **paths, int count, const struct config *config,
                     const struct build_options *options)
{
    struct phases phases = {.count = 0};
    json_t *images = json_array(), *fields = NULL;
    int status = 0;
    events_add_sink(cli->events, take_phase, &phases);
    for (int i = 0; i < count && !interrupt_requested(); i++) {
        fields = NULL;
        _cleanup_free_ char *label = manifest_label(paths[i]);
        if (count > 1)
            events_set_job(cli->events, label);
        int one = build_one(cli, paths[i], config, options, &phases, &fields);
        if (fields)
            json_array_append_new(images, fields);
        if (one)
            status = count > 1 && one != 130 ? 1 : one;
    }
    events_set_job(cli->events, NULL);
    phases_clear(&phases);
    event_result(cli->events, status == 0, status, json_pack("{s:o}", "images", images));
    return status;
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct build_options options = {.source = {false, false}};
    _cleanup_(config_release) struct config config = CONFIG_INIT;
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    int status = parse(cli, argc, argv, &options);
    if (status)
        return status;
    if (options.output_dir && argc - optind > 1)
        event_info(cli->events, "all images go to %s", options.output_dir);
    if (!config_load(&config, &diags))
        return cli_fail_diags(cli, &diags);
    return build_all(cli, argv + optind, argc - optind, &config, &options);
}

const struct command cmd_build = {
    .name = "build",
    .arguments = "MANIFEST... [-o DIR] [-j N] [--locked] [--offline] [--twice] ...",
    .summary = "build a manifest's firmware and write its image",
    .help = help,
    .run = run,
};
