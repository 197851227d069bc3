/* firn doctor: what a build needs, what of it is there, and how to get the rest. */
#include <getopt.h>
#include <stdio.h>

#include "builder/doctor.h"
#include "builder/toolchain.h"
#include "cli/command.h"

static const char help[] =
    "Looks at everything that a build needs: programs, toolchains, the sandbox, the place for caches.\n"
    "What is missing is shown with the command that gets it. With a MANIFEST its toolchain is needed,\n"
    "too. Nothing is changed. Exit status 0: a build can run; 1: something that it needs is missing.\n"
    "\n"
    "      --fetch=NAME  download toolchain NAME first, if its definition says from where\n"
    "\n"
    "Examples:\n"
    "  firn doctor\n"
    "  firn doctor --fetch arm-gnu manifests/greeter.yaml\n";

static const struct option long_options[] = {
    {"fetch", required_argument, NULL, 'f'},
    {NULL, 0, NULL, 0},
};

static void print(const struct doctor *doctor)
{
    for (size_t i = 0; i < doctor->count; i++) {
        const struct doctor_check *c = &doctor->checks[i];
        printf("%-8s  %s: %s\n", doctor_state_name(c->state), c->name, c->detail);
        if (c->advice)
            printf("            %s\n", c->advice);
    }
}

static json_t *fields(const struct doctor *doctor)
{
    json_t *list = json_array();
    for (size_t i = 0; i < doctor->count; i++) {
        const struct doctor_check *c = &doctor->checks[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s?}", "name", c->name, "state",
                                              doctor_state_name(c->state), "detail", c->detail,
                                              "advice", c->advice));
    }
    return json_pack("{s:o}", "checks", list);
}

/* 0, or the exit status of what kept it from being downloaded. */
static int fetch(struct cli *cli, const struct config *config, const char *name)
{
    const struct manifest wish = {.toolchain = {.name = name, .from = "download"}};
    const struct toolchain_options options = {.events = cli->events};
    _cleanup_(toolchain_release) struct toolchain toolchain = TOOLCHAIN_INIT;
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    event_phase_begin(cli->events, "toolchain", "Getting the toolchain");
    bool ok = toolchain_find(config, name, &wish, &options, &toolchain, &diags);
    _cleanup_free_ char *detail = ok ? xasprintf("%s %s", toolchain.name, toolchain.version) : NULL;
    event_phase_end(cli->events, "toolchain", ok, detail);
    return ok ? 0 : cli_fail_diags(cli, &diags);
}

static int examine(struct cli *cli, const struct config *config, int count, char **paths)
{
    _cleanup_(doctor_release) struct doctor doctor = DOCTOR_INIT;
    doctor_look(&doctor, config);
    for (int i = 0; i < count; i++) {
        _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
        doctor_look_at_manifest(&doctor, config, paths[i], &diags);
        cli_warnings(cli, &diags);
        cli_errors(cli, &diags);
    }
    bool ok = doctor_is_well(&doctor);
    if (!cli->json && !(cli->quiet && ok))
        print(&doctor);
    event_result(cli->events, ok, !ok, fields(&doctor));
    return !ok;
}

static int run(struct cli *cli, int argc, char **argv)
{
    _cleanup_(config_release) struct config config = CONFIG_INIT;
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    const char *name = NULL;
    int option;

    opterr = 0;
    optind = 0;
    while ((option = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        if (option == ':')
            return cli_usage(cli, &cmd_doctor, "%s needs a value", argv[optind - 1]);
        if (option != 'f')
            return cli_usage(cli, &cmd_doctor, "unknown option '%s'", argv[optind - 1]);
        name = optarg;
    }
    if (!config_load(&config, &diags))
        return cli_fail_diags(cli, &diags);
    int status = name ? fetch(cli, &config, name) : 0;
    return status ? status : examine(cli, &config, argc - optind, argv + optind);
}

const struct command cmd_doctor = {
    .name = "doctor",
    .arguments = "[MANIFEST...] [--fetch NAME]",
    .summary = "what a build needs, what of it is missing and how to get it",
    .help = help,
    .run = run,
};
