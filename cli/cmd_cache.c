/* firn cache: what lies in $FIRN_HOME, and pins. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "builder/cache_about.h"
#include "builder/cache_pin.h"
#include "cli/command.h"
#include "cli/table.h"

#define NS INT64_C(1000000000)

static const char help[] =
    "Shows what firn keeps in $FIRN_HOME (~/.cache/firn), how much of the disk it takes, and what it\n"
    "takes to get it back; or the entries of one kind. `firn clean` removes.\n"
    "\n"
    "  firn cache             the kinds\n"
    "  firn cache KIND        its entries, the last used first\n"
    "  firn cache pin KEY...  keep entries whatever the quotas; an image with what it was made of\n"
    "    -r, --reason=TEXT    why\n"
    "  firn cache unpin KEY...\n"
    "\n"
    "KEY is an entry's name or the first 6 characters of it or more.\n"
    "\n"
    "Examples:\n"
    "  firn cache images\n"
    "  firn cache pin 2a436e --reason 'release 1.4.0'\n"
    "docs/cache.md explains the kinds and quotas.\n";

static const struct option long_options[] = {
    {"reason", required_argument, NULL, 'r'},
    {NULL, 0, NULL, 0},
};

static void add_size(struct table *table, uint64_t bytes)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;

    text_add_size(&text, bytes);
    table_add(table, text.data);
}

static void add_age(struct table *table, int64_t used_ns)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;

    text_add_age(&text, (cache_now_ns() - used_ns) / NS);
    table_addf(table, "%s ago", text.data);
}

static void add_titles(struct table *table, const char *const *titles)
{
    for (size_t i = 0; i < table->columns; i++)
        table_add(table, titles[i]);
}

/* ---- the kinds ---- */

static void find_ages(const struct cache_list *list, int64_t *oldest, int64_t *newest)
{
    *oldest = INT64_MAX;
    *newest = 0;
    for (size_t i = 0; i < list->count; i++) {
        int64_t used = list->items[i].used_ns;

        *oldest = used < *oldest ? used : *oldest;
        *newest = used > *newest ? used : *newest;
    }
}

static void add_kind_row(struct table *table, const struct config *config, enum cache_id kind,
                         const struct cache_list *list)
{
    uint64_t quota = config_quota(config, kind);
    int64_t oldest, newest;

    find_ages(list, &oldest, &newest);
    table_add(table, CACHE_KINDS[kind].name);
    table_addf(table, "%zu", list->count);
    add_size(table, cache_list_bytes(list, kind));
    if (quota == CACHE_UNLIMITED)
        table_add(table, "none");
    else
        add_size(table, quota);
    if (list->count) {
        add_age(table, newest);
        add_age(table, oldest);
    } else {
        table_add(table, "-");
        table_add(table, "-");
    }
    table_add(table, CACHE_KINDS[kind].what);
    table_add(table, CACHE_KINDS[kind].again);
}

static json_t *kind_fields(const struct config *config, enum cache_id kind,
                           const struct cache_list *list)
{
    uint64_t quota = config_quota(config, kind);
    int64_t oldest, newest;
    json_t *fields = json_pack(
        "{s:s, s:s, s:I, s:I, s:b, s:s, s:s}", "kind", CACHE_KINDS[kind].name, "dir",
        CACHE_KINDS[kind].dir, "entries", (json_int_t)list->count, "size",
        (json_int_t)cache_list_bytes(list, kind), "needs_network", CACHE_KINDS[kind].needs_network,
        "what", CACHE_KINDS[kind].what, "again", CACHE_KINDS[kind].again);

    find_ages(list, &oldest, &newest);
    json_object_set_new(fields, "quota",
                        quota == CACHE_UNLIMITED ? json_null() : json_integer((json_int_t)quota));
    if (list->count) {
        json_object_set_new(fields, "newest_use", json_integer(newest / NS));
        json_object_set_new(fields, "oldest_use", json_integer(oldest / NS));
    }
    return fields;
}

static int show_kinds(struct cli *cli, const struct config *config)
{
    static const char *const titles[] = {"KIND",   "ENTRIES", "SIZE",       "QUOTA",
                                         "NEWEST", "OLDEST",  "WHAT IT IS", "TO GET IT BACK"};
    _cleanup_(table_release) struct table table = TABLE_INIT(ARRAY_SIZE(titles));
    _cleanup_(buf_release) struct buf out = BUF_INIT, total = BUF_INIT;
    json_t *kinds = json_array();
    uint64_t bytes = 0;

    add_titles(&table, titles);
    for (enum cache_id kind = 0; kind < CACHE_KIND_COUNT; kind++) {
        _cleanup_(cache_list_release) struct cache_list list = CACHE_LIST_INIT;
        struct err *err = NULL;

        if (!cache_list_add(&list, config, kind, CACHE_REMEMBER, &err)) {
            json_decref(kinds);
            return cli_fail(cli, err);
        }
        bytes += cache_list_bytes(&list, kind);
        add_kind_row(&table, config, kind, &list);
        json_array_append_new(kinds, kind_fields(config, kind, &list));
    }
    table_format(&table, &out);
    text_add_size(&total, bytes);
    if (!cli->json)
        printf("%s%s in %s\n", out.data, total.data, config->home);
    event_result(cli->events, true, 0,
                 json_pack("{s:s, s:I, s:o}", "home", config->home, "size", (json_int_t)bytes,
                           "kinds", kinds));
    return 0;
}

/* ---- the entries of a kind ---- */

static int last_used_first(const void *a, const void *b)
{
    const struct cache_entry *x = a, *y = b;

    if (x->used_ns != y->used_ns)
        return x->used_ns > y->used_ns ? -1 : 1;
    return strcmp(x->name, y->name);
}

static char *printable(const char *text)
{
    struct buf out = BUF_INIT;

    text_add_printable(&out, text, strlen(text));
    return buf_detach(&out, NULL);
}

static void add_entry(struct table *table, json_t *entries, const struct cache_entry *entry,
                      const struct cache_pin *pin, const char *about)
{
    _cleanup_free_ char *name = printable(entry->name), *what = printable(about);
    const char *reason = pin ? pin->reason : "";

    table_add(table, entry->name);
    add_size(table, entry->bytes);
    add_age(table, entry->used_ns);
    table_addf(table, "%s%s%s", pin ? "pinned" : "-", *reason ? ": " : "", reason);
    table_add(table, about);
    json_t *fields =
        json_pack("{s:s, s:I, s:I, s:b, s:s}", "name", name, "size", (json_int_t)entry->bytes,
                  "used", (json_int_t)(entry->used_ns / NS), "pinned", pin != NULL, "about", what);
    if (pin)
        json_object_set_new(fields, "reason", json_string(reason));
    json_array_append_new(entries, fields);
}

static int show_list(struct cli *cli, const struct config *config, enum cache_id kind,
                     const struct cache_list *list, const struct cache_pins *pins)
{
    static const char *const titles[] = {"NAME", "SIZE", "LAST USE", "PINNED", "WHAT IT IS"};
    _cleanup_(table_release) struct table table = TABLE_INIT(ARRAY_SIZE(titles));
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    json_t *entries = json_array();

    add_titles(&table, titles);
    for (size_t i = 0; i < list->count; i++) {
        const struct cache_entry *entry = &list->items[i];
        _cleanup_free_ char *about = cache_about(config, kind, entry->name);

        add_entry(&table, entries, entry, cache_pins_find(pins, kind, entry->name), about);
    }
    table_format(&table, &out);
    if (!cli->json && list->count)
        fputs(out.data, stdout);
    else if (!cli->json)
        printf("no %s in %s\n", CACHE_KINDS[kind].name, config->home);
    event_result(cli->events, true, 0,
                 json_pack("{s:s, s:o}", "kind", CACHE_KINDS[kind].name, "entries", entries));
    return 0;
}

static int show_entries(struct cli *cli, const struct config *config, const char *name)
{
    _cleanup_(cache_list_release) struct cache_list list = CACHE_LIST_INIT;
    _cleanup_(cache_pins_release) struct cache_pins pins = CACHE_PINS_INIT;
    const struct cache_kind *found = cache_kind_find(name);
    enum cache_id kind = (enum cache_id)(found - CACHE_KINDS);
    struct err *err = NULL;

    if (!cache_list_add(&list, config, kind, CACHE_REMEMBER, &err) ||
        !cache_pins_load(&pins, config, &err))
        return cli_fail(cli, err);
    if (list.count)
        qsort(list.items, list.count, sizeof(*list.items), last_used_first);
    return show_list(cli, config, kind, &list, &pins);
}

/* ---- pins ---- */

static int change_pins(struct cli *cli, const struct config *config, bool pin, char **keys,
                       const char *reason)
{
    json_t *done = json_array();

    for (; *keys; keys++) {
        struct err *err = NULL;
        bool ok =
            pin ? cache_pin(config, *keys, reason, NULL, &err) : cache_unpin(config, *keys, &err);

        if (!ok) {
            json_decref(done);
            return cli_fail(cli, err);
        }
        json_array_append_new(done, json_string(*keys));
        if (!cli->json && !cli->quiet)
            printf("%s %s\n", pin ? "pinned" : "unpinned", *keys);
    }
    event_result(cli->events, true, 0, json_pack("{s:o}", pin ? "pinned" : "unpinned", done));
    return 0;
}

static int act(struct cli *cli, int argc, char **argv, const char *reason)
{
    _cleanup_(config_release) struct config config = CONFIG_INIT;
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    bool pin = argc && strcmp(argv[0], "pin") == 0, unpin = argc && strcmp(argv[0], "unpin") == 0;

    if (reason && !pin)
        return cli_usage(cli, &cmd_cache, "--reason belongs to 'pin'");
    if ((pin || unpin) && argc == 1)
        return cli_usage(cli, &cmd_cache, "%s what?", argv[0]);
    if (!pin && !unpin && argc > 1)
        return cli_usage(cli, &cmd_cache, "one kind, not %d", argc);
    if (argc && !pin && !unpin && !cache_kind_find(argv[0]))
        return cli_unknown_kind(cli, &cmd_cache, argv[0]);
    if (!config_load(&config, &diags))
        return cli_fail_diags(cli, &diags);
    if (pin || unpin)
        return change_pins(cli, &config, pin, argv + 1, reason);
    return argc ? show_entries(cli, &config, argv[0]) : show_kinds(cli, &config);
}

static int run(struct cli *cli, int argc, char **argv)
{
    const char *reason = NULL;
    int option;

    opterr = 0;
    while ((option = getopt_long(argc, argv, ":r:", long_options, NULL)) != -1) {
        if (option == ':')
            return cli_usage(cli, &cmd_cache, "%s needs a value", argv[optind - 1]);
        if (option != 'r')
            return cli_usage(cli, &cmd_cache, "unknown option '%s'", argv[optind - 1]);
        reason = optarg;
    }
    return act(cli, argc - optind, argv + optind, reason);
}

const struct command cmd_cache = {
    .name = "cache",
    .arguments = "[KIND] | pin KEY... | unpin KEY...",
    .summary = "what firn keeps on the disk, and pins",
    .help = help,
    .run = run,
};
