/* firn jobs: what a daemon does, waits to do and has done. */
#include <stdio.h>
#include <string.h>

#include "base/json_get.h"
#include "base/text.h"
#include "cli/client_pages.h"
#include "cli/job_action.h"
#include "cli/job_show.h"
#include "cli/server_options.h"

#define SHOWN_DEFAULT 20
#define SHOWN_MAX 100000

static const char help[] =
    "Lists the jobs of a firnd, the newest first, or shows one with its phases.\n"
    "\n"
    "      --state=STATE      only those that are queued, running, done, failed, cancelled or\n"
    "                         interrupted\n"
    "      --kind=KIND        only build, flash or follow\n"
    "      --product=NAME     only those of this product\n"
    "  -n, --count=N          so many of them (20)\n"
    "      --all              all of them\n"
    "\n" SERVER_OPTIONS_HELP "\n"
    "Examples:\n"
    "  firn jobs\n"
    "  firn jobs --state failed --product greeter\n"
    "  firn jobs 42\n"
    "docs/client.md explains how a daemon is found.\n";

enum {
    OPT_STATE = OPT_SERVER_OWN,
    OPT_KIND,
    OPT_PRODUCT,
    OPT_EVERY,
};

static const struct option long_options[] = {
    SERVER_LONG_OPTIONS,
    {"state", required_argument, NULL, OPT_STATE},
    {"kind", required_argument, NULL, OPT_KIND},
    {"product", required_argument, NULL, OPT_PRODUCT},
    {"count", required_argument, NULL, 'n'},
    {"all", no_argument, NULL, OPT_EVERY},
    {NULL, 0, NULL, 0},
};

static const char *const states[] = {"queued",    "running",     "done", "failed",
                                     "cancelled", "interrupted", NULL};
static const char *const kinds[] = {"build", "flash", "follow", NULL};

struct arguments {
    struct server_options server;
    const char *state, *kind, *product;
    long count;
};

/* 0, or the exit status of a word that is none of these. */
static int take_word(struct cli *cli, const char *option, const char *const *words,
                     const char **value)
{
    const char *nearest = text_nearest(optarg, words);

    *value = optarg;
    for (; *words; words++)
        if (strcmp(*words, optarg) == 0)
            return 0;
    if (nearest)
        return cli_usage(cli, &cmd_jobs, "%s: there is no '%s': did you mean '%s'?", option, optarg,
                         nearest);
    return cli_usage(cli, &cmd_jobs, "%s: there is no '%s'", option, optarg);
}

static int take_own(struct cli *cli, struct arguments *args, int option)
{
    int status = 0;

    switch (option) {
    case OPT_STATE:
        return take_word(cli, "--state", states, &args->state);
    case OPT_KIND:
        return take_word(cli, "--kind", kinds, &args->kind);
    case OPT_PRODUCT:
        args->product = optarg;
        return 0;
    case OPT_EVERY:
        args->count = -1;
        return 0;
    default:
        (void)server_option_number(cli, &cmd_jobs, "--count", optarg, 1, SHOWN_MAX, &args->count,
                                   &status);
        return status;
    }
}

static int show_one(struct cli *cli, struct client *client, const char *text)
{
    _cleanup_(buf_release) struct buf page = BUF_INIT;
    struct err *err = NULL;
    json_t *job = NULL;
    long long id;

    if (!job_parse_id(text, &id))
        return cli_usage(cli, &cmd_jobs, "'%s' is no job's number", text);
    _cleanup_free_ char *path = xasprintf("/v1/jobs/%lld", id);
    if (!client_get(client, path, &job, &err))
        return cli_fail(cli, err);
    job_show_page(job, &page);
    if (!cli->json)
        fputs(page.data, stdout);
    event_result(cli->events, true, 0, json_pack("{s:o}", "job", job));
    return 0;
}

static int list(struct cli *cli, struct client *client, const struct arguments *args)
{
    _cleanup_(buf_release) struct buf path = BUF_INIT, table = BUF_INIT;
    struct err *err = NULL;
    json_t *jobs = json_array();
    bool more = false;

    buf_adds(&path, "/v1/jobs");
    client_add_query(&path, "state", args->state);
    client_add_query(&path, "kind", args->kind);
    client_add_query(&path, "product", args->product);
    if (!client_get_pages(client, path.data, args->count, jobs, &more, &err)) {
        json_decref(jobs);
        return cli_fail(cli, err);
    }
    job_show_table(jobs, &table);
    if (!cli->json)
        fputs(json_array_size(jobs) ? table.data : "no jobs\n", stdout);
    if (!cli->json && !cli->quiet && more)
        printf("there are more: -n N or --all shows them\n");
    event_result(cli->events, true, 0, json_pack("{s:o, s:b}", "jobs", jobs, "more", more));
    return 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct arguments args = {.server = SERVER_OPTIONS_INIT, .count = SHOWN_DEFAULT};
    struct err *err = NULL;
    int option, status = 0;

    while ((option = server_option_next(cli, &cmd_jobs, argc, argv, ":n:", long_options,
                                        &args.server, &status)) != -1) {
        status = option == '?' ? status : take_own(cli, &args, option);
        if (status)
            return status;
    }
    if (argc - optind > 1)
        return cli_usage(cli, &cmd_jobs, "one job at a time");
    _cleanup_(client_free_ptr) struct client *client = server_options_client(&args.server, &err);

    if (!client)
        return cli_fail(cli, err);
    return optind < argc ? show_one(cli, client, argv[optind]) : list(cli, client, &args);
}

const struct command cmd_jobs = {
    .name = "jobs",
    .arguments = "[ID] [--state STATE] [--product NAME]",
    .summary = "what a daemon does, waits to do and has done",
    .help = help,
    .run = run,
};
