/* firn clean: gives the disk back. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "builder/cache_clean.h"
#include "cli/command.h"
#include "cli/table.h"

#define NS INT64_C(1000000000)

static const char help[] =
    "Removes from $FIRN_HOME (~/.cache/firn) what killed or failed runs left, and what is over its\n"
    "quota; with options more of it. The least recently used goes first; what is pinned (firn cache\n"
    "pin) or in use stays. Everything that goes is made or fetched again when it is needed.\n"
    "\n"
    "      --keep=TIME  remove, too, what was not used for so long: 30d, 12h, 2w; 0 = everything\n"
    "      --max=SIZE   remove, too, until so much is left of all that is looked at: 10G, 500M\n"
    "  -n, --dry-run    say what would go; change nothing\n"
    "\n"
    "KIND...: look at these only (`firn cache` lists them).\n"
    "\n"
    "Examples:\n"
    "  firn clean\n"
    "  firn clean --keep 30d --dry-run\n"
    "  firn clean --keep 0 images bases\n"
    "docs/cache.md explains how it decides.\n";

enum { OPT_KEEP = 256, OPT_MAX };

static const struct option long_options[] = {
    {"keep", required_argument, NULL, OPT_KEEP},
    {"max", required_argument, NULL, OPT_MAX},
    {"dry-run", no_argument, NULL, 'n'},
    {NULL, 0, NULL, 0},
};

static const char *reason_name(enum cache_reason reason)
{
    static const char *const names[] = {"unused", "over quota", "over --max"};

    return names[reason];
}

/* ---- for people ---- */

static void add_row(struct table *table, const struct cache_entry *entry)
{
    _cleanup_(buf_release) struct buf size = BUF_INIT, age = BUF_INIT;

    text_add_size(&size, entry->bytes);
    text_add_age(&age, (cache_now_ns() - entry->used_ns) / NS);
    table_addf(table, "%s/%s", CACHE_KINDS[entry->kind].name, entry->name);
    table_add(table, size.data);
    table_addf(table, "used %s ago, %s", age.data, reason_name(entry->reason));
}

/* Small files of which there may be thousands are counted, not named. */
static void add_files(struct table *table, const struct cache_list *list, enum cache_id kind)
{
    _cleanup_(buf_release) struct buf size = BUF_INIT;
    size_t count = 0;
    uint64_t bytes = 0;

    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].kind == kind && list->items[i].fate == CACHE_REMOVED) {
            bytes += list->items[i].bytes;
            count++;
        }
    }
    if (!count)
        return;
    text_add_size(&size, bytes);
    table_add(table, CACHE_KINDS[kind].name);
    table_add(table, size.data);
    table_addf(table, "%zu file%s", count, count == 1 ? "" : "s");
}

/* Lock files are counted: there is nothing to say about one. */
static void add_leftovers(struct table *table, const struct strv *paths)
{
    size_t locks = 0;

    for (size_t i = 0; i < paths->count; i++) {
        if (text_ends_with(paths->items[i], ".lock")) {
            locks++;
            continue;
        }
        table_add(table, paths->items[i]);
        table_add(table, "");
        table_add(table, "leftover");
    }
    if (!locks)
        return;
    table_add(table, "lock files");
    table_add(table, "");
    table_addf(table, "%zu that nobody holds", locks);
}

static void add_rows(struct table *table, const struct cache_report *report)
{
    const struct cache_list *list = &report->entries;

    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].fate == CACHE_REMOVED && !CACHE_KINDS[list->items[i].kind].is_files)
            add_row(table, &list->items[i]);
    for (enum cache_id kind = 0; kind < CACHE_KIND_COUNT; kind++)
        if (CACHE_KINDS[kind].is_files)
            add_files(table, list, kind);
    add_leftovers(table, &report->leftovers);
}

static size_t count_in_use(const struct cache_report *report)
{
    size_t count = 0;

    for (size_t i = 0; i < report->entries.count; i++)
        count += report->entries.items[i].fate == CACHE_IN_USE;
    return count;
}

static void print_report(const struct cache_report *report, bool dry_run)
{
    _cleanup_(table_release) struct table table = TABLE_INIT(3);
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    size_t in_use = count_in_use(report);

    add_rows(&table, report);
    table_format(&table, &out);
    buf_adds(&out, dry_run ? "would remove " : "removed ");
    text_add_size(&out, report->removed_bytes + report->leftover_bytes);
    buf_addf(&out, ": %zu entr%s, %zu leftover%s", report->removed,
             report->removed == 1 ? "y" : "ies", report->leftovers.count,
             report->leftovers.count == 1 ? "" : "s");
    if (in_use)
        buf_addf(&out, "; %zu in use stay%s", in_use, in_use == 1 ? "s" : "");
    printf("%s\n", out.data);
}

/* ---- for programs ---- */

static json_t *entry_fields(const struct cache_entry *entry)
{
    _cleanup_(buf_release) struct buf name = BUF_INIT;

    text_add_printable(&name, entry->name, strlen(entry->name));
    return json_pack("{s:s, s:s, s:I, s:I, s:s}", "kind", CACHE_KINDS[entry->kind].name, "name",
                     name.data, "size", (json_int_t)entry->bytes, "used",
                     (json_int_t)(entry->used_ns / NS), "reason", reason_name(entry->reason));
}

static json_t *result_fields(const struct cache_report *report, bool dry_run)
{
    json_t *removed = json_array(), *leftovers = json_array();
    const json_int_t size = (json_int_t)report->removed_bytes + (json_int_t)report->leftover_bytes;

    for (size_t i = 0; i < report->entries.count; i++)
        if (report->entries.items[i].fate == CACHE_REMOVED)
            json_array_append_new(removed, entry_fields(&report->entries.items[i]));
    for (size_t i = 0; i < report->leftovers.count; i++) {
        _cleanup_(buf_release) struct buf path = BUF_INIT;

        text_add_printable(&path, report->leftovers.items[i], strlen(report->leftovers.items[i]));
        json_array_append_new(leftovers, json_string(path.data));
    }
    return json_pack("{s:b, s:o, s:o, s:I, s:I}", "dry_run", dry_run, "removed", removed,
                     "leftovers", leftovers, "size", size, "in_use",
                     (json_int_t)count_in_use(report));
}

static int clean(struct cli *cli, const struct cache_clean_options *options)
{
    _cleanup_(config_release) struct config config = CONFIG_INIT;
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    _cleanup_(cache_report_release) struct cache_report report = CACHE_REPORT_INIT;
    struct err *err = NULL;

    if (!config_load(&config, &diags))
        return cli_fail_diags(cli, &diags);
    bool ok = cache_clean(&config, options, cli->events, &report, &err);

    if (!cli->json && !cli->quiet)
        print_report(&report, options->dry_run);
    if (!ok)
        return cli_fail(cli, err);
    event_result(cli->events, !report.failed, report.failed,
                 result_fields(&report, options->dry_run));
    return report.failed;
}

/* ---- the command line ---- */

static int take_option(struct cli *cli, struct cache_clean_options *options, int option,
                       const char *given)
{
    switch (option) {
    case OPT_KEEP:
        if (!text_parse_age(optarg, &options->keep_seconds))
            return cli_usage(cli, &cmd_clean, "--keep: '%s' is not a time like 30d, 12h or 2w",
                             optarg);
        return 0;
    case OPT_MAX:
        if (!text_parse_amount(optarg, &options->max_bytes))
            return cli_usage(cli, &cmd_clean, "--max: '%s' is not a size like 10G or 500M", optarg);
        return 0;
    case 'n':
        options->dry_run = true;
        return 0;
    case ':':
        return cli_usage(cli, &cmd_clean, "%s needs a value", given);
    default:
        return cli_usage(cli, &cmd_clean, "unknown option '%s'", given);
    }
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct cache_clean_options options = CACHE_CLEAN_OPTIONS_INIT;
    int option;

    opterr = 0;
    while ((option = getopt_long(argc, argv, ":n", long_options, NULL)) != -1) {
        int status = take_option(cli, &options, option, argv[optind - 1]);

        if (status != 0)
            return status;
    }
    for (int i = optind; i < argc; i++) {
        const struct cache_kind *kind = cache_kind_find(argv[i]);

        if (!kind)
            return cli_unknown_kind(cli, &cmd_clean, argv[i]);
        options.only_some = options.kinds[kind - CACHE_KINDS] = true;
    }
    return clean(cli, &options);
}

const struct command cmd_clean = {
    .name = "clean",
    .arguments = "[--keep TIME] [--max SIZE] [--dry-run] [KIND...]",
    .summary = "remove what is left over, unused or over its quota",
    .help = help,
    .run = run,
};
