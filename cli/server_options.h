/*
 * The options that say which daemon is meant, the same for each of its clients: --server, --socket,
 * --token-file, --cacert.
 *
 * Without any of them it is the one of this machine: $FIRN_SERVER, else $FIRN_SOCKET, else
 * /run/firn/firnd.sock or, where that is not there, $XDG_RUNTIME_DIR/firn/firnd.sock. A token comes
 * from --token-file, else $FIRN_TOKEN, else (with a server only: a socket knows its user)
 * ~/.config/firn/token; a file that others may read is refused. There is no option for a token
 * itself: `ps` would show it to everybody.
 */
#ifndef FIRN_CLI_SERVER_OPTIONS_H
#define FIRN_CLI_SERVER_OPTIONS_H

#include <getopt.h>

#include "cli/client_http.h"
#include "cli/command.h"

struct server_options {
    const char *server, *socket, *token_file, *certificate; /* NULL = not given */
};
#define SERVER_OPTIONS_INIT                                                                        \
    {                                                                                              \
        NULL, NULL, NULL, NULL                                                                     \
    }

/* Values of the long options below; a command's own begin at OPT_SERVER_OWN. */
enum server_option {
    OPT_SERVER = 512,
    OPT_SOCKET,
    OPT_TOKEN_FILE,
    OPT_CACERT,
    OPT_SERVER_OWN,
};

/* For a command's table of long options. */
#define SERVER_LONG_OPTIONS                                                                        \
    {"server", required_argument, NULL, OPT_SERVER},                                               \
        {"socket", required_argument, NULL, OPT_SOCKET},                                           \
        {"token-file", required_argument, NULL, OPT_TOKEN_FILE},                                   \
    {                                                                                              \
        "cacert", required_argument, NULL, OPT_CACERT                                              \
    }

/* For a command's help. */
#define SERVER_OPTIONS_HELP                                                                         \
    "      --server=URL       the daemon at https://..., or $FIRN_SERVER\n"                         \
    "      --socket=PATH      the daemon behind this socket, or $FIRN_SOCKET; without either the\n" \
    "                         one of this machine\n"                                                \
    "      --token-file=FILE  a token for it; or in $FIRN_TOKEN, or in ~/.config/firn/token\n"      \
    "      --cacert=FILE      trust the authorities in this file, or in $SSL_CERT_FILE\n"

/* Next option of a command with these, its own, and nothing else: -1 at the end, '?' when one was
 * wrong (then *status is the exit status; said with the nearest one), else one of its own. */
int server_option_next(struct cli *cli, const struct command *command, int argc, char **argv,
                       const char *short_options, const struct option *long_options,
                       struct server_options *options, int *status);
/* A whole number from min to max, or *status and false. */
bool server_option_number(struct cli *cli, const struct command *command, const char *name,
                          const char *text, long min, long max, long *number, int *status);
/* The client of the daemon that is meant; NULL with *err. */
struct client *server_options_client(const struct server_options *options,
                                     struct err **err) MUST_CHECK;

#endif
