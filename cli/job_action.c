#include "cli/job_action.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json_get.h"
#include "base/text.h"
#include "cli/job_show.h"
#include "cli/printable.h"
#include "cli/server_options.h"

static const struct option long_options[] = {
    SERVER_LONG_OPTIONS,
    {NULL, 0, NULL, 0},
};

bool job_parse_id(const char *text, long long *id)
{
    char *end;

    errno = 0;
    *id = strtoll(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && !errno && *id > 0;
}

/* "build 42 of greeter: cancelled"; a running one takes its time to end. */
static void print(const struct cli *cli, const char *action, long long id, const json_t *job)
{
    _cleanup_(buf_release) struct buf name = BUF_INIT;
    _cleanup_free_ char *state = printable_field(job, "state");

    if (cli->json || cli->quiet)
        return;
    job_add_name(&name, job);
    if (strcmp(action, "retry") == 0)
        printf("%s: %s, a new try of job %lld\n", name.data, state, id);
    else
        printf("%s: %s\n", name.data, job_state_is(job, "running") ? "is being ended" : state);
}

static int act(struct cli *cli, struct client *client, const char *action, const char *text,
               json_t *jobs)
{
    _cleanup_free_ char *path = NULL;
    struct err *err = NULL;
    json_t *job = NULL;
    long long id = 0;

    if (!job_parse_id(text, &id)) {
        err_set(&err, ERR_USAGE, "'%s' is no job's number", text);
        err_hint(&err, "`firn jobs` lists them");
        return cli_failure(cli, &(struct diags)DIAGS_INIT, err);
    }
    path = xasprintf("/v1/jobs/%lld/%s", id, action);
    if (!client_put(client, "POST", path, NULL, &job, &err))
        return cli_failure(cli, &(struct diags)DIAGS_INIT, err);
    print(cli, action, id, job);
    json_array_append_new(jobs, job);
    return 0;
}

int job_action_run(struct cli *cli, const struct command *command, int argc, char **argv)
{
    struct server_options options = SERVER_OPTIONS_INIT;
    struct err *err = NULL;
    int status = 0;

    if (server_option_next(cli, command, argc, argv, ":", long_options, &options, &status) != -1)
        return status;
    if (optind == argc)
        return cli_usage(cli, command, "which job?");
    _cleanup_(client_free_ptr) struct client *client = server_options_client(&options, &err);

    if (!client)
        return cli_fail(cli, err);
    json_t *jobs = json_array();
    for (int i = optind; i < argc; i++) {
        int failed = act(cli, client, command->name, argv[i], jobs);
        status = failed ? failed : status;
    }
    event_result(cli->events, status == 0, status, json_pack("{s:o}", "jobs", jobs));
    return status;
}
