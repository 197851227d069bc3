/*
 * The table of commands; one file each (cli/cmd_build.c ...).
 *
 * A command parses its own arguments with getopt_long after the common ones (--json, --events=FD,
 * --quiet, --verbose, --no-color, --help) were taken out by main. It reports through cli->events
 * and returns an exit status; a struct err goes through cli_fail().
 */
#ifndef FIRN_CLI_COMMAND_H
#define FIRN_CLI_COMMAND_H

#include "base/event.h"

struct cli {
    struct events *events;
    bool json; /* standard output carries events: print nothing else there */
    bool quiet;
    bool verbose;
    bool color; /* standard error is a terminal that wants it */
};

struct command {
    const char *name;
    const char *arguments; /* "MANIFEST [-o DIR]" */
    const char *summary;   /* one line for `firn help` */
    const char *help;      /* options and examples for `firn help NAME` */
    int (*run)(struct cli *cli, int argc, char **argv);
};

extern const struct command cmd_advise, cmd_boards, cmd_build, cmd_cache, cmd_check, cmd_clean,
    cmd_cancel, cmd_devices, cmd_doctor, cmd_erase, cmd_explain, cmd_flash, cmd_image, cmd_init,
    cmd_jobs, cmd_lock, cmd_logs, cmd_qstrs, cmd_read, cmd_records, cmd_retry, cmd_submit,
    cmd_token, cmd_sim, cmd_size, cmd_unprotect, cmd_validate;

/* Print the error (or emit it), emit the result event, free it; returns its exit status. */
int cli_fail(struct cli *cli, struct err *err);
/* The same for collected diagnostics: warnings, then errors; exit status 2. */
int cli_fail_diags(struct cli *cli, const struct diags *diags);
/* *err says why a file that the command line names could not be read: one that is not there is a
 * usage error. Returns false. */
bool cli_input_failed(struct err **err);
/* Only the warnings, or only the errors, without a result. cli_errors() returns the first error's
 * exit status, 0 if there is none. */
void cli_warnings(struct cli *cli, const struct diags *diags);
int cli_errors(struct cli *cli, const struct diags *diags);
/* Do `one` for each manifest, whether or not others fail, then the result event with what they
 * added to `results` under this name. The last failure's exit status, or 0. */
int cli_each_manifest(struct cli *cli, char **paths, const char *name,
                      int (*one)(struct cli *cli, const char *path, json_t *results, void *data),
                      void *data);
/* Both kinds of what went wrong: the errors in diags, then err (may be NULL; taken). The exit
 * status; no result event. */
int cli_failure(struct cli *cli, const struct diags *diags, struct err *err);
/* "firn build: unknown option '--foo'" with the nearest one; returns 2. */
int cli_usage(struct cli *cli, const struct command *command, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* The same for the name of a kind of cache, with the nearest one. */
int cli_unknown_kind(struct cli *cli, const struct command *command, const char *name);

#endif
