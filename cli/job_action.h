/*
 * Commands that do one thing to each of several jobs: `firn cancel`, `firn retry`.
 */
#ifndef FIRN_CLI_JOB_ACTION_H
#define FIRN_CLI_JOB_ACTION_H

#include "cli/command.h"

/* A job's number; false: it is none. */
bool job_parse_id(const char *text, long long *id);
/* POST /v1/jobs/ID/<name of the command> for each; says what became of it. Others are done even if
 * one fails. The exit status. */
int job_action_run(struct cli *cli, const struct command *command, int argc, char **argv);

#endif
