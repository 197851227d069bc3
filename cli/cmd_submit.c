/* firn submit: gives a product to a daemon, which builds and flashes it. */
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/text.h"
#include "builder/manifest_names.h"
#include "builder/qstr.h"
#include "cli/job_show.h"
#include "cli/server_options.h"
#include "cli/submit.h"
#include "cli/submit_files.h"

#define PRIORITY_MAX 10

static const char help[] =
    "Sends a manifest, and the files that it is made of, to a firnd, where it replaces the product of\n"
    "that name. Its errors are shown here first, and nothing is sent then. What lies outside of the\n"
    "manifest's directory cannot be sent.\n"
    "\n"
    "      --build            build it there\n"
    "      --wait             and wait for the end; the exit status is the build's then. Ctrl-C ends\n"
    "                         the waiting, not the build\n"
    "      --download=DIR     and put the image's files into DIR\n"
    "      --flash=PORT       build it, then flash the board on that USB port of the daemon's machine\n"
    "                         (`any`: the only one there is)\n"
    "      --priority=N       -10 to 10, the higher first (0)\n"
    "      --name=NAME        the product's name there, if not that in the manifest\n"
    "      --add=PATH         send this file or directory, too: what a manifest.py of your own names\n"
    "                         outside of its directory\n"
    "      --no-check         send it whatever this firn thinks of it\n"
    "\n" SERVER_OPTIONS_HELP "\n"
    "Examples:\n"
    "  firn submit greeter.yaml\n"
    "  firn submit greeter.yaml --wait --download out\n"
    "  firn submit greeter.yaml --flash 1-1.4 --wait --server=https://firn.example.org\n"
    "docs/client.md explains what is sent and how a daemon is found.\n";

enum {
    OPT_BUILD = OPT_SERVER_OWN,
    OPT_WAIT_END,
    OPT_DOWNLOAD,
    OPT_FLASH,
    OPT_PRIORITY,
    OPT_NAME,
    OPT_ADD,
    OPT_NO_CHECK,
};

static const struct option long_options[] = {
    SERVER_LONG_OPTIONS,
    {"build", no_argument, NULL, OPT_BUILD},
    {"wait", no_argument, NULL, OPT_WAIT_END},
    {"download", required_argument, NULL, OPT_DOWNLOAD},
    {"flash", required_argument, NULL, OPT_FLASH},
    {"priority", required_argument, NULL, OPT_PRIORITY},
    {"name", required_argument, NULL, OPT_NAME},
    {"add", required_argument, NULL, OPT_ADD},
    {"no-check", no_argument, NULL, OPT_NO_CHECK},
    {NULL, 0, NULL, 0},
};

struct arguments {
    struct server_options server;
    const char *manifest, *name, *flash, *download;
    struct strv add;
    long priority;
    bool build, wait, no_check;
};

static void arguments_release(struct arguments *args)
{
    strv_release(&args->add);
}

static int take_own(struct cli *cli, struct arguments *args, int option)
{
    int status = 0;

    switch (option) {
    case OPT_WAIT_END:
        args->wait = args->build = true;
        break;
    case OPT_DOWNLOAD:
        args->download = optarg;
        args->wait = args->build = true;
        break;
    case OPT_FLASH:
        args->flash = optarg;
        args->build = true;
        break;
    case OPT_BUILD:
        args->build = true;
        break;
    case OPT_NAME:
        args->name = optarg;
        break;
    case OPT_ADD:
        strv_add(&args->add, optarg);
        break;
    case OPT_NO_CHECK:
        args->no_check = true;
        break;
    default:
        (void)server_option_number(cli, &cmd_submit, "--priority", optarg, -PRIORITY_MAX,
                                   PRIORITY_MAX, &args->priority, &status);
    }
    return status;
}

static int parse(struct cli *cli, struct arguments *args, int argc, char **argv)
{
    int option, status = 0;

    while ((option = server_option_next(cli, &cmd_submit, argc, argv, ":", long_options,
                                        &args->server, &status)) != -1) {
        status = option == '?' ? status : take_own(cli, args, option);
        if (status)
            return status;
    }
    if (argc - optind != 1)
        return cli_usage(cli, &cmd_submit,
                         optind == argc ? "which manifest?" : "one manifest at a time");
    args->manifest = argv[optind];
    return 0;
}

/* ---- what is sent ---- */

static bool check(const struct manifest *m, struct diags *diags)
{
    _cleanup_(config_release) struct config config = CONFIG_INIT;
    _cleanup_(qstr_list_release) struct qstr_list qstrs = QSTR_LIST_INIT;

    if (!config_load(&config, diags))
        return false;
    bool ok = manifest_check_names(m, &config, diags);
    return qstr_list_load(&qstrs, m, diags) && ok;
}

/* "greeter" of "products/greeter.yaml" */
static char *name_of_file(const char *path)
{
    const char *name = path_basename(path);

    return xstrndup(name, strcspn(name, "."));
}

/* All of the directory, for want of anything better. */
static int gather_unread(struct cli *cli, const struct arguments *args, struct bundle *bundle,
                         char **name)
{
    struct err *err = NULL;

    if (!submit_files_all(bundle, args->manifest, &err))
        return cli_fail(cli, err);
    *name = args->name ? xstrdup(args->name) : name_of_file(args->manifest);
    return 0;
}

/* *name is the product's, yours. */
static int gather(struct cli *cli, const struct arguments *args, struct bundle *bundle, char **name)
{
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    _cleanup_(manifest_free_ptr) struct manifest *m = manifest_load(args->manifest, &diags);

    if (!m && args->no_check)
        return gather_unread(cli, args, bundle, name);
    if (!m || (!args->no_check && !check(m, &diags)) ||
        !submit_files_collect(bundle, m, &args->add, &diags))
        return cli_fail_diags(cli, &diags);
    cli_warnings(cli, &diags);
    *name = xstrdup(args->name ? args->name : m->product);
    return 0;
}

static int submit_all(struct submit *submit, const struct arguments *args,
                      const struct bundle *bundle)
{
    int status = submit_send(submit, bundle);

    if (status || !args->build)
        return status;
    status = submit_start(submit);
    return status || !args->wait ? status : submit_wait(submit);
}

static int run(struct cli *cli, int argc, char **argv)
{
    _cleanup_(arguments_release) struct arguments args = {.server = SERVER_OPTIONS_INIT,
                                                          .add = STRV_INIT};
    _cleanup_(bundle_release) struct bundle bundle = BUNDLE_INIT;
    _cleanup_free_ char *name = NULL;
    struct err *err = NULL;
    int status = parse(cli, &args, argc, argv);

    if (!status)
        status = gather(cli, &args, &bundle, &name);
    if (status)
        return status;
    _cleanup_(client_free_ptr) struct client *client = server_options_client(&args.server, &err);

    if (!client)
        return cli_fail(cli, err);
    struct submit submit = {.cli = cli,
                            .client = client,
                            .name = name,
                            .flash = args.flash,
                            .download = args.download,
                            .priority = args.priority,
                            .fields = json_object()};
    status = submit_all(&submit, &args, &bundle);
    event_result(cli->events, status == 0, status, submit.fields);
    return status;
}

const struct command cmd_submit = {
    .name = "submit",
    .arguments = "MANIFEST [--build] [--wait] [--flash PORT]",
    .summary = "give a product to a daemon, which builds and flashes it",
    .help = help,
    .run = run,
};
