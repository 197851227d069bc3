#include "cli/command.h"

#include <string.h>

#include "base/text.h"
#include "builder/cache_kind.h"

int cli_fail(struct cli *cli, struct err *err)
{
    int status = err_exit_status(err);
    event_diag(cli->events, "error", err);
    event_result(cli->events, false, status, NULL);
    err_free(err);
    return status;
}

bool cli_input_failed(struct err **err)
{
    if ((*err)->code == ERR_NOT_FOUND)
        (*err)->code = ERR_USAGE;
    return false;
}

void cli_warnings(struct cli *cli, const struct diags *diags)
{
    for (size_t i = 0; i < diags->warning_count; i++)
        event_diag(cli->events, "warning", diags->warnings[i]);
    if (diags->warning_dropped)
        event_info(cli->events, "%zu more warnings are not shown", diags->warning_dropped);
}

int cli_errors(struct cli *cli, const struct diags *diags)
{
    for (size_t i = 0; i < diags->error_count; i++)
        event_diag(cli->events, "error", diags->errors[i]);
    if (diags->error_dropped)
        event_info(cli->events, "%zu more errors are not shown", diags->error_dropped);
    return diags->error_count ? err_exit_status(diags->errors[0]) : 0;
}

int cli_fail_diags(struct cli *cli, const struct diags *diags)
{
    cli_warnings(cli, diags);
    int status = cli_errors(cli, diags);
    event_result(cli->events, false, status, NULL);
    return status;
}

int cli_each_manifest(struct cli *cli, char **paths, const char *name,
                      int (*one)(struct cli *cli, const char *path, json_t *results, void *data),
                      void *data)
{
    json_t *results = json_array();
    int status = 0;
    for (; *paths; paths++) {
        int failed = one(cli, *paths, results, data);
        if (failed)
            status = failed;
    }
    event_result(cli->events, status == 0, status, json_pack("{s:o}", name, results));
    return status;
}

int cli_failure(struct cli *cli, const struct diags *diags, struct err *err)
{
    int status = cli_errors(cli, diags);
    if (err) {
        event_diag(cli->events, "error", err);
        status = err_exit_status(err);
    }
    err_free(err);
    return status;
}

int cli_usage(struct cli *cli, const struct command *command, const char *fmt, ...)
{
    struct err *err = NULL;
    va_list ap;
    va_start(ap, fmt);
    _cleanup_free_ char *text = xvasprintf(fmt, ap);
    va_end(ap);
    err_set(&err, ERR_USAGE, "firn %s: %s", command->name, text);
    err_hint(&err, "usage: firn %s%s%s; see 'firn help %s'", command->name,
             *command->arguments ? " " : "", command->arguments, command->name);
    return cli_fail(cli, err);
}

int cli_unknown_kind(struct cli *cli, const struct command *command, const char *name)
{
    const char *nearest = cache_kind_nearest(name);
    struct err *err = NULL;
    err_set(&err, ERR_USAGE, "firn %s: there is no kind of cache '%s'", command->name, name);
    if (nearest)
        err_hint(&err, "did you mean '%s'?", nearest);
    else
        err_hint(&err, "`firn cache` lists them");
    return cli_fail(cli, err);
}
