#include "cli/device_options.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/image_input.h"

#define WAIT_MAX_S 86400
#define JOBS_MAX 1024

static bool parse_number(const char *text, uint32_t max, uint32_t *number)
{
    return text_parse_u32(text, number) && *number <= max;
}

static int take_ids(struct cli *cli, const struct command *command, struct choose_match *match)
{
    uint16_t vendor, product;
    if (!image_parse_ids(optarg, &vendor, &product))
        return cli_usage(cli, command, "--usb: '%s' is not like 0483:df11", optarg);
    match->vendor = vendor;
    match->product = product;
    return 0;
}

static int take_wait(struct cli *cli, const struct command *command, int *wait_s)
{
    uint32_t seconds;
    *wait_s = FLEET_WAIT_FOREVER;
    if (!optarg)
        return 0;
    if (!parse_number(optarg, WAIT_MAX_S, &seconds))
        return cli_usage(cli, command, "--wait: '%s' is not a number of seconds up to %d", optarg,
                         WAIT_MAX_S);
    *wait_s = (int)seconds;
    return 0;
}

static int take_enter(struct cli *cli, const struct command *command, enum enter_method *enter)
{
    if (enter_method_parse(optarg, enter))
        return 0;
    return cli_usage(cli, command, "--enter: '%s' is none of auto, detach, repl, touch1200, none",
                     optarg);
}

static int take_jobs(struct cli *cli, const struct command *command, const char *name,
                     unsigned *jobs)
{
    uint32_t number;
    if (!parse_number(optarg, JOBS_MAX, &number) || number == 0)
        return cli_usage(cli, command, "%s: '%s' is not a number from 1 to %d", name, optarg,
                         JOBS_MAX);
    *jobs = number;
    return 0;
}

bool device_option_take(struct cli *cli, const struct command *command, int option,
                        struct device_options *options, int *status)
{
    struct fleet_options *fleet = &options->fleet;
    *status = 0;
    switch (option) {
    case OPT_USB:
        *status = take_ids(cli, command, &fleet->match);
        return true;
    case OPT_PATH:
        fleet->match.path = optarg;
        return true;
    case OPT_SERIAL:
        fleet->match.serial = optarg;
        return true;
    case OPT_ALT:
        options->alt = optarg;
        return true;
    case OPT_WAIT:
        *status = take_wait(cli, command, &fleet->wait_s);
        return true;
    case OPT_ALL:
        fleet->all = true;
        return true;
    case OPT_ENTER:
        *status = take_enter(cli, command, &fleet->enter);
        return true;
    case OPT_JOBS:
        *status = take_jobs(cli, command, "--jobs", &fleet->jobs);
        return true;
    case OPT_JOBS_PER_HUB:
        *status = take_jobs(cli, command, "--jobs-per-hub", &fleet->jobs_per_hub);
        return true;
    default:
        return false;
    }
}

bool device_parse_size(const char *text, uint32_t *size)
{
    size_t len = strlen(text);
    char unit = len ? text[len - 1] : 0;
    unsigned shift = unit == 'K' ? 10 : unit == 'M' ? 20 : 0;
    _cleanup_free_ char *digits = xstrndup(text, shift ? len - 1 : len);
    if (!text_parse_u32(digits, size) || *size == 0 || *size > UINT32_MAX >> shift)
        return false;
    *size <<= shift;
    return true;
}

int device_fail(struct cli *cli, const struct fleet_result *result, struct err *err, json_t *fields)
{
    int status = err_exit_status(err);
    for (size_t i = 0; i < result->count; i++)
        if (result->boards[i].err)
            event_diag(cli->events, "error", result->boards[i].err);
    event_diag(cli->events, "error", err);
    event_result(cli->events, false, status, fields);
    err_free(err);
    return status;
}

static json_t *board_fields(const struct flash_result *board)
{
    json_t *fields =
        json_pack("{s:s, s:s?, s:b, s:s?, s:I, s:b}", "path", board->path, "serial", board->serial,
                  "ok", board->failure == NULL, "summary", board->summary, "sectors_erased",
                  (json_int_t)board->sectors_erased, "verified", board->verified);
    if (board->failure)
        json_object_set_new(fields, "message", json_string(board->failure));
    return fields;
}

int device_run(struct cli *cli, const struct device_options *options, fleet_fn fn, void *data)
{
    struct err *err = NULL;
    _cleanup_(fleet_result_release) struct fleet_result result = FLEET_RESULT_INIT;
    json_t *boards = json_array();
    bool ok = fleet_run(&options->fleet, fn, data, cli->events, &result, &err);
    for (size_t i = 0; i < result.count; i++) {
        const struct flash_result *board = &result.boards[i];
        json_array_append_new(boards, board_fields(board));
        if (board->summary && !cli->json && !cli->quiet)
            printf("%s: %s\n", board->path, board->summary);
    }
    json_t *fields = json_pack("{s:o, s:f}", "boards", boards, "seconds", result.seconds);
    if (!ok)
        return device_fail(cli, &result, err, fields);
    event_result(cli->events, true, 0, fields);
    return 0;
}
