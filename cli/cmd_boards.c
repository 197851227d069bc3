/* firn boards: the boards of a source, and what a manifest needs to know of them. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "builder/archive_source.h"
#include "builder/manifest.h"
#include "builder/source.h"
#include "cli/board_show.h"
#include "cli/command.h"

#define DEFAULT_INTERPRETER "micropython"

static const char help[] =
    "Lists the boards that the source has: those whose name, product, vendor, MCU or features have\n"
    "SEARCH in them, or all. One board alone, or its exact name (PORT/BOARD, too), gets a page with\n"
    "the lines for a manifest. DFU is the USB id of the boot loader that 'firn flash' writes to, '-'\n"
    "for boards that are flashed in another way.\n"
    "\n"
    "      --port=PORT        only this port's\n"
    "      --all              boards of ports that firn cannot build for, too: their port is in\n"
    "                         parentheses\n"
    "      --source=MANIFEST  of this manifest's source\n"
    "      --ref=REF          of this tag, branch or commit of MicroPython, instead of the\n"
    "                     release that firn init writes\n"
    "      --offline          fetch nothing: use the sources that are here\n"
    "      --refresh          fetch, even if the tag or branch is here already\n"
    "\n"
    "Examples:\n"
    "  firn boards\n"
    "  firn boards wifi --port stm32\n"
    "  firn boards PYBV11\n"
    "  firn boards --json | jq -r '.boards[]? | select(.dfu) | .name'\n";

enum { OPT_PORT = 256, OPT_ALL, OPT_SOURCE, OPT_REF, OPT_OFFLINE, OPT_REFRESH };

static const struct option long_options[] = {
    {"port", required_argument, NULL, OPT_PORT},
    {"all", no_argument, NULL, OPT_ALL},
    {"source", required_argument, NULL, OPT_SOURCE},
    {"ref", required_argument, NULL, OPT_REF},
    {"offline", no_argument, NULL, OPT_OFFLINE},
    {"refresh", no_argument, NULL, OPT_REFRESH},
    {NULL, 0, NULL, 0},
};

struct query {
    const char *port, *manifest, *ref, *search; /* each may be NULL */
    bool all;
    struct source_options source;
};

/* Where the boards are looked up. */
struct place {
    struct config config;
    struct manifest *manifest; /* or NULL */
    struct interpreter *interpreter;
    struct source source;
    char *dir; /* the checkout or working copy */
    struct board_origin origin;
};

static void place_release(struct place *place)
{
    free(place->dir);
    source_release(&place->source);
    interpreter_free(place->interpreter);
    manifest_free(place->manifest);
    config_release(&place->config);
}

/* ---- the source ---- */

static bool unpack(struct cli *cli, struct place *place, const struct query *query,
                   struct err **err)
{
    const struct board_origin *o = &place->origin;

    if (!archive_source_open(&place->config, o->archive, o->sha256, &query->source, cli->events,
                             &place->source, err))
        return false;
    place->dir = xstrdup(place->source.dir);
    return true;
}

/* Boards are in no submodule: any checkout of the commit will do. */
static bool check_out(struct cli *cli, struct place *place, const struct query *query,
                      struct err **err)
{
    static const char *const none[] = {NULL};
    const struct board_origin *o = &place->origin;

    if (!source_resolve(&place->config, o->git, o->ref, &query->source, cli->events, &place->source,
                        err))
        return false;
    place->dir = source_find_checkout(&place->config, &place->source);
    if (place->dir)
        return true;
    if (!source_checkout(&place->config, &place->source, none, &query->source, cli->events, err))
        return false;
    place->dir = xstrdup(place->source.dir);
    return true;
}

static bool get_source(struct cli *cli, struct place *place, const struct query *query,
                       struct err **err)
{
    event_phase_begin(cli->events, "source", "Getting the sources");
    bool ok =
        place->origin.archive ? unpack(cli, place, query, err) : check_out(cli, place, query, err);
    _cleanup_free_ char *detail =
        ok ? xasprintf("%s, %.10s", place->source.describe, place->source.commit) : NULL;
    event_phase_end(cli->events, "source", ok, detail);
    place->origin.version = place->source.describe;
    place->origin.commit = place->source.commit;
    return ok;
}

static void set_origin(struct place *place, const struct query *query)
{
    const struct manifest *m = place->manifest;
    const struct interpreter *in = place->interpreter;
    const char *ref = query->ref ? query->ref : in->default_ref;

    place->origin = (struct board_origin){.interpreter = in->name,
                                          .git = m ? m->firmware.git : in->upstream,
                                          .ref = m ? m->firmware.ref : ref,
                                          .archive = m ? m->firmware.archive : NULL,
                                          .sha256 = m ? m->firmware.sha256 : NULL,
                                          .path = m ? m->firmware.path : NULL};
}

static bool load_definitions(struct place *place, const struct query *query, struct diags *diags)
{
    if (!config_load(&place->config, diags))
        return false;
    if (query->manifest && !(place->manifest = manifest_load(query->manifest, diags)))
        return false;
    const struct manifest *m = place->manifest;
    place->interpreter = interpreter_load(place->config.data,
                                          m ? m->firmware.interpreter : DEFAULT_INTERPRETER, diags);
    if (!place->interpreter)
        return false;
    set_origin(place, query);
    if (!m || !m->firmware.path)
        return true;
    place->dir = manifest_path(m, ynode_get(m->firmware.node, "path"), m->firmware.path, diags);
    return place->dir != NULL;
}

/* ---- the boards ---- */

static bool unknown_port(const struct place *place, const struct query *query, struct err **err)
{
    const struct interpreter *in = place->interpreter;
    _cleanup_free_ const char **names = xcalloc(in->port_count + 1, sizeof(*names));

    for (size_t i = 0; i < in->port_count; i++)
        names[i] = in->ports[i].name;
    const char *nearest = text_nearest(query->port, names);
    err_set(err, ERR_USAGE, "firn boards: no boards of a port '%s'", query->port);
    return nearest      ? err_hint(err, "did you mean '%s'?", nearest)
           : query->all ? err_hint(err, "'firn boards --all' lists all ports' boards")
                        : err_hint(err, "'--all' lists boards of ports that firn cannot build for, "
                                        "too");
}

static bool find_boards(const struct place *place, const struct query *query,
                        struct board_list *list, struct diags *diags, struct err **err)
{
    board_list_read(list, place->interpreter, place->dir, query->port, query->all, diags);
    if (!list->count && query->port)
        return unknown_port(place, query, err);
    if (!list->count)
        return err_set(err, ERR_USAGE, "firn boards: %s holds no boards", place->dir);
    if (!query->search)
        return true;
    const char *nearest = board_list_nearest(list, query->search);
    _cleanup_free_ char *hint = nearest ? xasprintf("did you mean '%s'?", nearest) : NULL;
    board_list_search(list, query->search);
    if (list->count)
        return true;
    err_set(err, ERR_USAGE,
            "firn boards: no board has '%s' in its name, product, vendor, MCU or "
            "features",
            query->search);
    return hint ? err_hint(err, "%s", hint)
                : err_hint(err, "'firn boards' lists all of them%s",
                           query->all ? "" : "; with --all also those that firn cannot build for");
}

static void print(const struct place *place, const struct query *query,
                  const struct board_list *list)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;

    if (list->count == 1 && query->search)
        board_show_page(&list->items[0], &place->origin, &out);
    else
        board_show_table(list, &place->origin, &out);
    fputs(out.data, stdout);
}

static int report(struct cli *cli, const struct place *place, const struct query *query,
                  const struct board_list *list)
{
    const struct board_origin *o = &place->origin;

    if (!cli->json)
        print(place, query, list);
    event_result(cli->events, true, 0,
                 json_pack("{s:o, s:{s:s?, s:s?, s:s?, s:s?, s:s?}}", "boards",
                           board_show_fields(list), "source", "git", o->git, "ref", o->ref,
                           "archive", o->archive, "commit", o->commit, "path", o->path));
    return 0;
}

static int list_boards(struct cli *cli, const struct query *query)
{
    _cleanup_(place_release) struct place place = {.config = CONFIG_INIT, .source = SOURCE_INIT};
    _cleanup_(board_list_release) struct board_list list = BOARD_LIST_INIT;
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    struct err *err = NULL;

    if (!load_definitions(&place, query, &diags))
        return cli_fail_diags(cli, &diags);
    if ((!place.dir && !get_source(cli, &place, query, &err)) ||
        !find_boards(&place, query, &list, &diags, &err)) {
        cli_warnings(cli, &diags);
        return cli_fail(cli, err);
    }
    cli_warnings(cli, &diags);
    return report(cli, &place, query, &list);
}

/* ---- the command line ---- */

static int take_option(struct cli *cli, int option, char **argv, struct query *query)
{
    switch (option) {
    case OPT_PORT:
        query->port = optarg;
        return 0;
    case OPT_ALL:
        query->all = true;
        return 0;
    case OPT_SOURCE:
        query->manifest = optarg;
        return 0;
    case OPT_REF:
        query->ref = optarg;
        return 0;
    case OPT_OFFLINE:
        query->source.offline = true;
        return 0;
    case OPT_REFRESH:
        query->source.refresh = true;
        return 0;
    case ':':
        return cli_usage(cli, &cmd_boards, "%s needs a value", argv[optind - 1]);
    default:
        return cli_usage(cli, &cmd_boards, "unknown option '%s'", argv[optind - 1]);
    }
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct query query = {0};
    int option;

    opterr = 0;
    while ((option = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        int status = take_option(cli, option, argv, &query);
        if (status)
            return status;
    }
    if (argc - optind > 1)
        return cli_usage(cli, &cmd_boards, "one text to search for, not %d", argc - optind);
    if (query.manifest && query.ref)
        return cli_usage(cli, &cmd_boards, "--source and --ref contradict each other");
    if (query.source.offline && query.source.refresh)
        return cli_usage(cli, &cmd_boards, "--offline and --refresh contradict each other");
    query.search = optind < argc ? argv[optind] : NULL;
    return list_boards(cli, &query);
}

const struct command cmd_boards = {
    .name = "boards",
    .arguments = "[SEARCH] [--port PORT] [--source MANIFEST | --ref REF]",
    .summary = "list the boards that can be built for",
    .help = help,
    .run = run,
};
