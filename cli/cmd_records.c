/* firn records: what a daemon has done, for good. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json_get.h"
#include "base/temp_file.h"
#include "base/text.h"
#include "cli/client_pages.h"
#include "cli/record_show.h"
#include "cli/records_verify.h"
#include "cli/server_options.h"

#define SHOWN_DEFAULT 20
#define SHOWN_MAX 100000

static const char help[] =
    "Shows the records of a firnd, the newest first: what was built, flashed, released, by whom. They\n"
    "are only ever added to, and each holds the hash of the one before it.\n"
    "\n"
    "  firn records                 the latest\n"
    "    --kind=KIND                only product, build, image, device, flash, release or token\n"
    "    --search=TEXT              only those with this text in them\n"
    "    -n, --count=N              so many of them (20)\n"
    "  firn records export          all of them on standard output, the oldest first\n"
    "    --jsonl, --csv             as JSON Lines (the default), or as a table\n"
    "    -o, --output=FILE          into this file, whole or not at all\n"
    "  firn records verify [FILE]   follow the chain, at the daemon or in what was exported; exit\n"
    "                               status 5 and the first wrong record where it is broken\n"
    "    --head=HASH                the last record must have this hash: noted elsewhere, it shows\n"
    "                               that none was cut off\n"
    "\n" SERVER_OPTIONS_HELP "\n"
    "Examples:\n"
    "  firn records --kind flash --search 1-1.4\n"
    "  firn records export -o records.jsonl && firn records verify records.jsonl\n"
    "docs/client.md explains how a daemon is found.\n";

enum {
    OPT_KIND = OPT_SERVER_OWN,
    OPT_SEARCH,
    OPT_JSONL,
    OPT_CSV,
    OPT_HEAD,
};

static const struct option long_options[] = {
    SERVER_LONG_OPTIONS,
    {"kind", required_argument, NULL, OPT_KIND},
    {"search", required_argument, NULL, OPT_SEARCH},
    {"count", required_argument, NULL, 'n'},
    {"jsonl", no_argument, NULL, OPT_JSONL},
    {"csv", no_argument, NULL, OPT_CSV},
    {"output", required_argument, NULL, 'o'},
    {"head", required_argument, NULL, OPT_HEAD},
    {NULL, 0, NULL, 0},
};

struct arguments {
    struct server_options server;
    const char *kind, *search, *output, *head;
    long count;
    bool csv;
};

static int take_own(struct cli *cli, struct arguments *args, int option)
{
    int status = 0;

    switch (option) {
    case OPT_KIND:
        args->kind = optarg;
        return 0;
    case OPT_SEARCH:
        args->search = optarg;
        return 0;
    case OPT_JSONL:
    case OPT_CSV:
        args->csv = option == OPT_CSV;
        return 0;
    case 'o':
        args->output = optarg;
        return 0;
    case OPT_HEAD:
        args->head = optarg;
        if (!hash_is_hex(optarg))
            return cli_usage(cli, &cmd_records, "--head: '%s' is no hash of 64 digits", optarg);
        return 0;
    default:
        (void)server_option_number(cli, &cmd_records, "--count", optarg, 1, SHOWN_MAX, &args->count,
                                   &status);
        return status;
    }
}

static int list(struct cli *cli, struct client *client, const struct arguments *args)
{
    _cleanup_(buf_release) struct buf path = BUF_INIT, table = BUF_INIT;
    struct err *err = NULL;
    json_t *records = json_array();
    bool more = false;

    buf_adds(&path, "/v1/records");
    client_add_query(&path, "kind", args->kind);
    client_add_query(&path, "q", args->search);
    if (!client_get_pages(client, path.data, args->count, records, &more, &err)) {
        json_decref(records);
        return cli_fail(cli, err);
    }
    record_show_table(records, &table);
    if (!cli->json)
        fputs(json_array_size(records) ? table.data : "no records\n", stdout);
    event_result(cli->events, true, 0, json_pack("{s:o, s:b}", "records", records, "more", more));
    return 0;
}

/* ---- export ---- */

static bool take_bytes(void *data, const char *bytes, size_t len, struct err **err)
{
    const int *fd = data;

    for (size_t done = 0; done < len;) {
        ssize_t n = write(*fd, bytes + done, len - done);

        if (n < 0 && errno != EINTR)
            return err_set_errno(err, ERR_FAILED, errno, "cannot write the records");
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

static bool get_all(struct client *client, bool csv, int fd, struct err **err)
{
    const struct client_request request = {.method = "GET",
                                           .path = csv ? "/v1/records.csv" : "/v1/records.jsonl",
                                           .take = take_bytes,
                                           .data = &fd};
    _cleanup_(client_answer_release) struct client_answer answer = CLIENT_ANSWER_INIT;

    return client_send(client, &request, &answer, err);
}

static bool export_file(struct client *client, const struct arguments *args, struct err **err)
{
    _cleanup_(temp_file_release) struct temp_file temp = TEMP_FILE_INIT;

    return temp_file_open(&temp, args->output, 0644, err) &&
           get_all(client, args->csv, temp.fd, err) && temp_file_commit(&temp, args->output, err);
}

static int export(struct cli *cli, struct client *client, const struct arguments *args)
{
    struct err *err = NULL;

    if (!args->output && cli->json)
        return cli_usage(cli, &cmd_records, "standard output carries events: -o FILE");
    if (!args->output && isatty(STDOUT_FILENO))
        return cli_usage(cli, &cmd_records,
                         "the records are not for a terminal: -o FILE, or a pipe");
    fflush(stdout);
    if (args->output ? !export_file(client, args, &err)
                     : !get_all(client, args->csv, STDOUT_FILENO, &err))
        return cli_fail(cli, err);
    if (args->output && !cli->json && !cli->quiet)
        printf("%s\n", args->output);
    event_result(cli->events, true, 0,
                 args->output ? json_pack("{s:s}", "file", args->output) : NULL);
    return 0;
}

/* ---- verify ---- */

static bool check_head(const struct chain *chain, const char *head, struct err **err)
{
    if (!head || strcmp(chain->hash, head) == 0)
        return true;
    err_set(err, ERR_AUTHENTIC, "the last record, %lld, has the hash %s, not %s",
            (long long)chain->seq, chain->hash, head);
    return err_hint(err, "records were cut off or added since that hash was noted: look whether a "
                         "record further up has it");
}

static int verify(struct cli *cli, struct client *client, const char *path, const char *head)
{
    struct err *err = NULL;
    struct chain chain;

    if (!records_verify(client, path, &chain, &err) || !check_head(&chain, head, &err)) {
        if (path)
            (void)!cli_input_failed(&err);
        return cli_fail(cli, err);
    }
    if (!cli->json && !cli->quiet)
        printf("%lld %s, the chain is whole\nlast hash %s\n", (long long)chain.seq,
               chain.seq == 1 ? "record" : "records", chain.hash);
    event_result(cli->events, true, 0,
                 json_pack("{s:I, s:s}", "records", (json_int_t)chain.seq, "hash", chain.hash));
    return 0;
}

/* ---- the command line ---- */

/* The second word, if it is there, must be one of these. */
static int run_words(struct cli *cli, const struct arguments *args, int count, char **words)
{
    bool verifies = count && strcmp(words[0], "verify") == 0;
    bool exports = count && strcmp(words[0], "export") == 0;
    const char *file = verifies && count == 2 ? words[1] : NULL;
    struct err *err = NULL;

    if (count && !verifies && !exports)
        return cli_usage(cli, &cmd_records, "what is '%s'? export, or verify", words[0]);
    if (count > 1 && !file)
        return cli_usage(cli, &cmd_records, "what is '%s'?", words[verifies ? 2 : 1]);
    if (file)
        return verify(cli, NULL, file, args->head);
    _cleanup_(client_free_ptr) struct client *client = server_options_client(&args->server, &err);

    if (!client)
        return cli_fail(cli, err);
    return verifies  ? verify(cli, client, NULL, args->head)
           : exports ? export(cli, client, args)
                     : list(cli, client, args);
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct arguments args = {.server = SERVER_OPTIONS_INIT, .count = SHOWN_DEFAULT};
    int option, status = 0;

    while ((option = server_option_next(cli, &cmd_records, argc, argv, ":n:o:", long_options,
                                        &args.server, &status)) != -1) {
        status = option == '?' ? status : take_own(cli, &args, option);
        if (status)
            return status;
    }
    return run_words(cli, &args, argc - optind, argv + optind);
}

const struct command cmd_records = {
    .name = "records",
    .arguments = "[export | verify [FILE]]",
    .summary = "what a daemon has done, for good, and whether that is whole",
    .help = help,
    .run = run,
};
