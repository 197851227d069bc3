#include "cli/server_options.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/text.h"

#define SYSTEM_SOCKET "/run/firn/firnd.sock"
#define TOKEN_MAX 4096
#define NAMES_MAX 40

/* ---- the command line ---- */

static bool take_common(int option, struct server_options *options)
{
    switch (option) {
    case OPT_SERVER:
        options->server = optarg;
        return true;
    case OPT_SOCKET:
        options->socket = optarg;
        return true;
    case OPT_TOKEN_FILE:
        options->token_file = optarg;
        return true;
    case OPT_CACERT:
        options->certificate = optarg;
        return true;
    default:
        return false;
    }
}

static int unknown(struct cli *cli, const struct command *command, const char *given,
                   const struct option *long_options)
{
    const char *names[NAMES_MAX + 1];
    size_t count = 0;
    _cleanup_free_ char *name = NULL;

    for (const struct option *o = long_options; o->name && count < NAMES_MAX; o++)
        names[count++] = o->name;
    names[count] = NULL;
    if (text_starts_with(given, "--"))
        name = xstrndup(given + 2, strcspn(given + 2, "="));
    const char *nearest = name ? text_nearest(name, names) : NULL;
    if (nearest)
        return cli_usage(cli, command, "unknown option '%s': did you mean '--%s'?", given, nearest);
    return cli_usage(cli, command, "unknown option '%s'", given);
}

int server_option_next(struct cli *cli, const struct command *command, int argc, char **argv,
                       const char *short_options, const struct option *long_options,
                       struct server_options *options, int *status)
{
    int option;

    opterr = 0;
    do
        option = getopt_long(argc, argv, short_options, long_options, NULL);
    while (take_common(option, options));
    if (option == ':')
        *status = cli_usage(cli, command, "%s needs a value", argv[optind - 1]);
    else if (option == '?')
        *status = unknown(cli, command, argv[optind - 1], long_options);
    return option == ':' ? '?' : option;
}

bool server_option_number(struct cli *cli, const struct command *command, const char *name,
                          const char *text, long min, long max, long *number, int *status)
{
    char *end;

    errno = 0;
    *number = strtol(text, &end, 10);
    if (!errno && end != text && !*end && *number >= min && *number <= max)
        return true;
    *status =
        cli_usage(cli, command, "%s: '%s' is not a number from %ld to %ld", name, text, min, max);
    return false;
}

/* ---- the token ---- */

static bool check_mode(const char *path, struct err **err)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot read the token in '%s'", path);
    if (!(st.st_mode & 077))
        return true;
    err_set(err, ERR_USAGE, "others than you may read the token in '%s' (mode %04o)", path,
            (unsigned)st.st_mode & 07777);
    return err_hint(err, "chmod 600 '%s'; if others have read it already, make a new one", path);
}

/* One word of printable ASCII: it becomes a part of a header. */
static bool trim_token(char *token, const char *from, struct err **err)
{
    size_t len = strlen(token);

    while (len && strchr("\r\n", token[len - 1]))
        token[--len] = '\0';
    for (size_t i = 0; i < len; i++)
        if (token[i] <= ' ' || token[i] > '~')
            len = 0;
    if (len)
        return true;
    err_set(err, ERR_USAGE, "there is no token in %s", from);
    return err_hint(err, "it is one line: firn_..., as `firn token add` prints it");
}

static bool read_token(const char *path, char **token, struct err **err)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_free_ char *from = xasprintf("'%s'", path);

    if (!check_mode(path, err) || !fs_read(path, TOKEN_MAX, &text, err) ||
        !trim_token(text.data, from, err))
        return cli_input_failed(err);
    *token = buf_detach(&text, NULL);
    return true;
}

static char *default_token_file(void)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

    if (config && *config)
        return xasprintf("%s/firn/token", config);
    return home && *home ? xasprintf("%s/.config/firn/token", home) : NULL;
}

/* *token stays NULL where there is none. */
static bool find_token(const struct server_options *options, bool has_server, char **token,
                       struct err **err)
{
    const char *given = getenv("FIRN_TOKEN");
    _cleanup_free_ char *file = default_token_file();

    if (options->token_file)
        return read_token(options->token_file, token, err);
    if (given && *given) {
        *token = xstrdup(given);
        return trim_token(*token, "$FIRN_TOKEN", err);
    }
    return !has_server || !file || !fs_exists(file) || read_token(file, token, err);
}

/* ---- the daemon ---- */

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

/* The one of the system, where there is one; else the user's own. */
static char *find_socket(void)
{
    const char *runtime = environment("XDG_RUNTIME_DIR");
    _cleanup_free_ char *own = runtime ? xasprintf("%s/firn/firnd.sock", runtime) : NULL;

    if (own && !fs_exists(SYSTEM_SOCKET) && fs_exists(own))
        return xstrdup(own);
    return xstrdup(SYSTEM_SOCKET);
}

struct client *server_options_client(const struct server_options *options, struct err **err)
{
    const char *server = options->server, *socket = options->socket;
    _cleanup_free_ char *token = NULL, *found = NULL;

    if (server && socket) {
        err_set(err, ERR_USAGE, "--server and --socket name two daemons");
        err_hint(err, "leave one of them out");
        return NULL;
    }
    if (!server && !socket) {
        server = environment("FIRN_SERVER");
        socket = server ? NULL : environment("FIRN_SOCKET");
    }
    if (!server && !socket)
        socket = found = find_socket();
    if (!find_token(options, server != NULL, &token, err))
        return NULL;
    const struct client_address address = {
        .socket = socket, .url = server, .token = token, .certificate = options->certificate};
    return client_new(&address, err);
}
