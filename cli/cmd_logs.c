/* firn logs: the log of a daemon's job. */
#include <stdio.h>

#include "base/lines.h"
#include "cli/job_action.h"
#include "cli/job_follow.h"
#include "cli/job_show.h"
#include "cli/printable.h"
#include "cli/server_options.h"

static const char help[] =
    "Prints the log of a job of a firnd: all that the firn which did it has said. Bytes that would\n"
    "drive a terminal are shown as \\xNN.\n"
    "\n"
    "  -f, --follow           go on until the job ends; the exit status is the job's then\n"
    "\n" SERVER_OPTIONS_HELP "\n"
    "Examples:\n"
    "  firn logs 42\n"
    "  firn logs -f 42\n"
    "docs/client.md explains how a daemon is found.\n";

static const struct option long_options[] = {
    SERVER_LONG_OPTIONS,
    {"follow", no_argument, NULL, 'f'},
    {NULL, 0, NULL, 0},
};

static void print_line(void *data, const char *line, size_t len)
{
    const struct cli *cli = data;
    _cleanup_(buf_release) struct buf text = BUF_INIT;

    printable_add_lines(&text, line, len);
    if (cli->json)
        event_info(cli->events, "%s", text.data);
    else
        printf("%s\n", text.data);
}

static bool take(void *data, const char *bytes, size_t len, struct err **err)
{
    (void)err;
    lines_add(data, bytes, len);
    fflush(stdout);
    return true;
}

static int follow_log(struct cli *cli, struct client *client, long long id, struct lines *lines)
{
    struct job_follow follow = {client, cli->events, (json_int_t)id, take, lines, false};
    struct err *err = NULL;
    json_t *job = NULL;

    if (!job_follow(&follow, &job, &err))
        return cli_fail(cli, err);
    lines_end(lines);
    fflush(stdout);
    int status = job_exit_status(job);
    if (!job_went_well(job, &err))
        event_diag(cli->events, "error", err);
    err_free(err);
    event_result(cli->events, status == 0, status, json_pack("{s:o}", "job", job));
    return status;
}

static int print_log(struct cli *cli, struct client *client, long long id, struct lines *lines)
{
    _cleanup_free_ char *path = xasprintf("/v1/jobs/%lld/log", id);
    _cleanup_(client_answer_release) struct client_answer answer = CLIENT_ANSWER_INIT;
    const struct client_request request = {
        .method = "GET", .path = path, .take = take, .data = lines};
    struct err *err = NULL;

    if (!client_send(client, &request, &answer, &err))
        return cli_fail(cli, err);
    lines_end(lines);
    event_result(cli->events, true, 0, NULL);
    return 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct server_options options = SERVER_OPTIONS_INIT;
    struct err *err = NULL;
    bool follow = false;
    int option, status = 0;
    long long id;

    while ((option = server_option_next(cli, &cmd_logs, argc, argv, ":f", long_options, &options,
                                        &status)) == 'f')
        follow = true;
    if (option != -1)
        return status;
    if (argc - optind != 1)
        return cli_usage(cli, &cmd_logs, optind == argc ? "which job?" : "one job at a time");
    if (!job_parse_id(argv[optind], &id))
        return cli_usage(cli, &cmd_logs, "'%s' is no job's number", argv[optind]);
    _cleanup_(client_free_ptr) struct client *client = server_options_client(&options, &err);

    if (!client)
        return cli_fail(cli, err);
    _cleanup_(lines_release) struct lines lines = LINES_INIT(print_line, cli);
    return (follow ? follow_log : print_log)(cli, client, id, &lines);
}

const struct command cmd_logs = {
    .name = "logs",
    .arguments = "[-f] ID",
    .summary = "the log of a daemon's job",
    .help = help,
    .run = run,
};
