/* firn token: who may do what at a daemon, without its socket. */
#include <stdio.h>
#include <string.h>

#include "base/json_get.h"
#include "base/text.h"
#include "cli/printable.h"
#include "cli/server_options.h"
#include "cli/table.h"
#include "cli/time_text.h"

#define DAYS_MAX 36500

static const char help[] =
    "Makes, lists and removes the tokens of a firnd; that takes the role `engineer`. A token is told\n"
    "once, on standard output: nothing keeps it that could tell it again.\n"
    "\n"
    "  firn token add NAME          a new one\n"
    "    --role=ROLE                view reads; operate also starts and ends jobs; engineer also\n"
    "                               changes products, releases and tokens\n"
    "    --days=N                   it ends after N days; without it never\n"
    "  firn token list              what there is, and when it was used\n"
    "  firn token remove ID         it is worth nothing from now on\n"
    "\n" SERVER_OPTIONS_HELP "\n"
    "Examples:\n"
    "  (umask 077; firn token add ci --role operate --days 90 > ~/.config/firn/token)\n"
    "  firn token list\n"
    "docs/client.md explains how a daemon is found.\n";

enum {
    OPT_ROLE = OPT_SERVER_OWN,
    OPT_DAYS,
};

static const struct option long_options[] = {
    SERVER_LONG_OPTIONS,
    {"role", required_argument, NULL, OPT_ROLE},
    {"days", required_argument, NULL, OPT_DAYS},
    {NULL, 0, NULL, 0},
};

static const char *const roles[] = {"view", "operate", "engineer", NULL};
static const char *const actions[] = {"add", "list", "remove", NULL};

struct arguments {
    struct server_options server;
    const char *role;
    long days; /* 0 = for ever */
};

static bool is_one_of(const char *word, const char *const *words)
{
    while (*words && strcmp(*words, word) != 0)
        words++;
    return *words != NULL;
}

static int not_one_of(struct cli *cli, const char *word, const char *const *words, const char *what)
{
    const char *nearest = text_nearest(word, words);

    if (nearest)
        return cli_usage(cli, &cmd_token, "%s '%s': did you mean '%s'?", what, word, nearest);
    return cli_usage(cli, &cmd_token, "%s '%s': there are %s, %s and %s", what, word, words[0],
                     words[1], words[2]);
}

static int take_own(struct cli *cli, struct arguments *args, int option)
{
    int status = 0;

    if (option == OPT_DAYS) {
        (void)server_option_number(cli, &cmd_token, "--days", optarg, 1, DAYS_MAX, &args->days,
                                   &status);
        return status;
    }
    args->role = optarg;
    return is_one_of(optarg, roles) ? 0 : not_one_of(cli, optarg, roles, "no such role:");
}

/* The token alone on standard output, what belongs to it beside. */
static int add(struct cli *cli, struct client *client, const struct arguments *args,
               const char *name)
{
    struct err *err = NULL;
    json_t *token = NULL;

    if (!args->role)
        return cli_usage(cli, &cmd_token, "which role? --role=view, operate or engineer");
    json_t *body = json_pack("{s:s, s:s}", "name", name, "role", args->role);
    if (!body)
        return cli_usage(cli, &cmd_token, "a token's name is UTF-8");
    json_object_set_new(body, "days", args->days ? json_integer(args->days) : json_null());
    bool ok = client_put(client, "POST", "/v1/tokens", body, &token, &err);
    json_decref(body);
    if (!ok)
        return cli_fail(cli, err);
    _cleanup_free_ char *text = printable_field(token, "token");
    if (!cli->json)
        printf("%s\n", text);
    event_result(cli->events, true, 0, json_pack("{s:o}", "token", token));
    return 0;
}

static void add_row(struct table *table, const json_t *token)
{
    static const char *const fields[] = {"id", "name", "role"};
    static const char *const times[] = {"created_at", "used_at"};
    const char *expires = json_get_text(token, "expires_at");

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        _cleanup_free_ char *text = printable_field(token, fields[i]);
        table_add(table, text);
    }
    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        _cleanup_(buf_release) struct buf age = BUF_INIT;
        time_add_age(&age, json_get_text(token, times[i]));
        table_add(table, age.data);
    }
    table_addf(table, "%.10s", *expires ? expires : "never");
}

static int list(struct cli *cli, struct client *client)
{
    static const char *const titles[] = {"ID", "NAME", "ROLE", "MADE", "USED", "ENDS"};
    _cleanup_(table_release) struct table table = TABLE_INIT(ARRAY_SIZE(titles));
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    struct err *err = NULL;
    json_t *answer = NULL, *token;
    size_t i;

    if (!client_get(client, "/v1/tokens", &answer, &err))
        return cli_fail(cli, err);
    json_t *items = json_object_get(answer, "items");
    for (i = 0; i < ARRAY_SIZE(titles); i++)
        table_add(&table, titles[i]);
    json_array_foreach(items, i, token) add_row(&table, token);
    table_format(&table, &text);
    if (!cli->json)
        fputs(json_array_size(items) ? text.data : "no tokens\n", stdout);
    event_result(cli->events, true, 0, json_pack("{s:O}", "tokens", items));
    json_decref(answer);
    return 0;
}

static int remove_one(struct cli *cli, struct client *client, const char *id)
{
    _cleanup_(buf_release) struct buf path = BUF_INIT;
    struct err *err = NULL;

    buf_adds(&path, "/v1/tokens/");
    client_add_escaped(&path, id);
    if (!client_put(client, "DELETE", path.data, NULL, NULL, &err))
        return cli_fail(cli, err);
    if (!cli->json && !cli->quiet)
        printf("%s: removed\n", id);
    event_result(cli->events, true, 0, json_pack("{s:s}", "removed", id));
    return 0;
}

static int run_action(struct cli *cli, const struct arguments *args, int count, char **words)
{
    struct err *err = NULL;

    if (!count)
        return cli_usage(cli, &cmd_token, "add, list or remove?");
    if (!is_one_of(words[0], actions))
        return not_one_of(cli, words[0], actions, "there is no");
    bool lists = strcmp(words[0], "list") == 0;
    if (count > 2 - lists)
        return cli_usage(cli, &cmd_token, "what is '%s'?", words[2 - lists]);
    if (count < 2 - lists)
        return cli_usage(cli, &cmd_token,
                         strcmp(words[0], "add") == 0 ? "add: whose? name it, as 'ci'"
                                                      : "remove: which? `firn token list` has ids");
    _cleanup_(client_free_ptr) struct client *client = server_options_client(&args->server, &err);

    if (!client)
        return cli_fail(cli, err);
    return lists                          ? list(cli, client)
           : strcmp(words[0], "add") == 0 ? add(cli, client, args, words[1])
                                          : remove_one(cli, client, words[1]);
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct arguments args = {.server = SERVER_OPTIONS_INIT};
    int option, status = 0;

    while ((option = server_option_next(cli, &cmd_token, argc, argv, ":", long_options,
                                        &args.server, &status)) != -1) {
        status = option == '?' ? status : take_own(cli, &args, option);
        if (status)
            return status;
    }
    return run_action(cli, &args, argc - optind, argv + optind);
}

const struct command cmd_token = {
    .name = "token",
    .arguments = "add NAME --role ROLE | list | remove ID",
    .summary = "who may do what at a daemon, without its socket",
    .help = help,
    .run = run,
};
