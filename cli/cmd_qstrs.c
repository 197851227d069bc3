/* firn qstrs: which names end up in RAM, and a list that keeps them in flash. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/text.h"
#include "builder/qstr.h"
#include "cli/build_one.h"
#include "cli/table.h"
#include "economy/check.h"
#include "economy/qstr_file.h"

static const char help[] =
    "Does what MicroPython's documentation describes (\"Storing strings in flash\"): builds the product\n"
    "without its qstrs:, imports its modules in the emulator, takes the names that are in RAM then,\n"
    "leaves out those that cannot be kept in flash, writes the others to the file that qstrs: names\n"
    "(a new qstrs.txt, which is added to MANIFEST), builds again and looks whether they are gone.\n"
    "What a person wrote in that file stays.\n"
    "\n"
    "      --check              write nothing: exit status 1 if a name is in RAM that could be in flash\n"
    "  -n, --dry-run            print the list, write nothing\n"
    "      --timeout=SECONDS    for the imports (10)\n"
    "      --offline            fetch nothing\n"
    "\n"
    "Example:\n"
    "  firn qstrs manifests/greeter.yaml\n";

enum { OPT_CHECK = 256, OPT_TIMEOUT, OPT_OFFLINE };

static const struct option long_options[] = {
    {"check", no_argument, NULL, OPT_CHECK},
    {"dry-run", no_argument, NULL, 'n'},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"offline", no_argument, NULL, OPT_OFFLINE},
    {NULL, 0, NULL, 0},
};

#define TIMEOUT_MAX_S 3600
#define NEW_FILE "qstrs.txt"
#define NEW_FILE_MODE 0644

struct asked {
    struct cli *cli;
    const char *path;
    struct config config;
    struct build_options build;
    int timeout_ms;
    bool check, dry_run;
};

/* One build and what its imports leave in RAM. */
struct look {
    struct build_result result;
    struct qstrs_found found;
};
#define LOOK_INIT                                                                                  \
    {                                                                                              \
        BUILD_RESULT_INIT, QSTRS_FOUND_INIT                                                        \
    }

static void look_release(struct look *look)
{
    qstrs_found_release(&look->found);
    build_result_release(&look->result);
}

static int fail(const struct asked *a, struct err *err)
{
    _cleanup_(diags_release) struct diags none = DIAGS_INIT;
    return cli_failure(a->cli, &none, err);
}

static int look_at(const struct asked *a, bool without_list, struct look *look)
{
    struct build_options options = a->build;
    struct err *err = NULL;
    options.no_qstrs = without_list;
    int status = build_one(a->cli, a->path, &a->config, &options, &look->result);
    if (status != 0)
        return status;
    if (!qstrs_find(&look->found, &look->result, a->timeout_ms, a->cli->events, &err))
        return fail(a, err);
    return 0;
}

/* Names that could be in flash. */
static size_t count_fit(const struct qstrs_found *found)
{
    size_t count = 0;
    for (size_t i = 0; i < found->count; i++)
        count += !found->items[i].reason;
    return count;
}

static json_int_t flash_of(const struct look *look)
{
    const json_t *size = json_object_get(look->result.sidecar, "size");
    return json_integer_value(json_object_get(size, "flash"));
}

/* ---- for a person ---- */

static void show_names(const struct qstrs_found *found, struct buf *out)
{
    _cleanup_(table_release) struct table table = TABLE_INIT(3);
    if (!found->count)
        return;
    table_add(&table, "QSTR IN RAM");
    table_add(&table, "FROM");
    table_add(&table, "");
    for (size_t i = 0; i < found->count; i++) {
        const struct qstr_found *item = &found->items[i];
        table_add(&table, item->name);
        table_add(&table, item->module);
        table_addf(&table, "%s%s", item->reason ? "stays: " : "", item->reason ? item->reason : "");
    }
    table_format(&table, out);
}

static json_t *names_json(const struct qstrs_found *found)
{
    json_t *list = json_array();
    for (size_t i = 0; i < found->count; i++) {
        const struct qstr_found *item = &found->items[i];
        _cleanup_(buf_release) struct buf printable = BUF_INIT;
        json_t *name = json_string(item->name);
        if (!name) { /* not UTF-8 */
            text_add_printable(&printable, item->name, strlen(item->name));
            name = json_string(printable.data);
        }
        json_array_append_new(list, json_pack("{s:o, s:s, s:s*}", "name", name, "module",
                                              item->module, "reason", item->reason));
    }
    return list;
}

static void print(const struct asked *a, const struct buf *out)
{
    if (a->cli->json || a->cli->quiet)
        return;
    fwrite(out->data, 1, out->len, stdout);
    fflush(stdout);
}

/* ---- the list ---- */

static bool write_manifest(const struct asked *a, const struct manifest *m, struct err **err)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    struct stat st;
    mode_t mode = stat(a->path, &st) == 0 ? st.st_mode & 0777 : NEW_FILE_MODE;
    if (qstr_file_add_to_manifest(m, NEW_FILE, &text))
        return fs_write(a->path, text.data, text.len, mode, err);
    err_set(err, ERR_FAILED, "%s: its qstrs: cannot be added to", a->path);
    return err_hint(err, "add '- file: %s' there and run the command again", NEW_FILE);
}

/* What is in the file so far; "" where there is none. */
static bool read_list(const char *path, struct buf *text, struct err **err)
{
    return !fs_exists(path) || fs_read(path, QSTR_MAX_FILE_BYTES, text, err);
}

/* The list first: a manifest that names a file that is not there could not be built. */
static bool write_list(const struct asked *a, const struct look *look, size_t *listed,
                       char **written, struct err **err)
{
    const struct manifest *m = look->result.manifest;
    const char *file = qstr_file_of(m);
    _cleanup_free_ char *path =
        file && *file == '/' ? xstrdup(file) : path_join(m->dir, file ? file : NEW_FILE);
    _cleanup_(buf_release) struct buf before = BUF_INIT;
    _cleanup_(buf_release) struct buf after = BUF_INIT;
    if (!read_list(path, &before, err))
        return false;
    qstr_file_update(before.data, m, &look->found, &after, listed);
    *written = xstrdup(file ? file : NEW_FILE);
    if (a->dry_run) {
        print(a, &after);
        return true;
    }
    if (strcmp(before.data, after.data) != 0 &&
        !fs_write(path, after.data, after.len, NEW_FILE_MODE, err))
        return false;
    return file || !*listed || write_manifest(a, m, err);
}

/* ---- the procedure ---- */

static void add_proof(const struct look *before, const struct look *after, const char *file,
                      size_t listed, struct buf *out)
{
    buf_addf(out, "%s%s: %zu name%s; in RAM %zu before, %zu after\n",
             before->found.count ? "\n" : "", file, listed, listed == 1 ? "" : "s",
             before->found.count, after->found.count);
    buf_addf(out, "  RAM of the imports %llu -> %llu bytes (%+lld), flash %lld -> %lld (%+lld)\n",
             (unsigned long long)before->found.ram, (unsigned long long)after->found.ram,
             (long long)(after->found.ram - before->found.ram), (long long)flash_of(before),
             (long long)flash_of(after), (long long)(flash_of(after) - flash_of(before)));
}

static void add_result(json_t *results, const struct asked *a, const struct look *before,
                       const struct look *after, const char *file, size_t listed)
{
    json_t *result = json_pack("{s:s, s:o, s:I}", "manifest", a->path, "names",
                               names_json(&before->found), "ram", (json_int_t)before->found.ram);
    json_object_set_new(result, "flash", json_integer(flash_of(before)));
    if (file) {
        json_object_set_new(result, "file", json_string(file));
        json_object_set_new(result, "listed", json_integer((json_int_t)listed));
    }
    if (after) {
        json_object_set_new(result, "names_after", names_json(&after->found));
        json_object_set_new(result, "ram_after", json_integer((json_int_t)after->found.ram));
        json_object_set_new(result, "flash_after", json_integer(flash_of(after)));
    }
    json_array_append_new(results, result);
}

static int fail_left(const struct asked *a, const struct look *look, const char *hint)
{
    struct err *err = NULL;
    size_t left = count_fit(&look->found);
    err_set(&err, ERR_FAILED, "%s: %zu name%s in RAM could be in flash", a->path, left,
            left == 1 ? "" : "s");
    err_hint(&err, "%s", hint);
    return fail(a, err);
}

static int only_check(const struct asked *a, json_t *results)
{
    _cleanup_(look_release) struct look look = LOOK_INIT;
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    int status = look_at(a, false, &look);
    if (status != 0)
        return status;
    show_names(&look.found, &out);
    print(a, &out);
    add_result(results, a, &look, NULL, NULL, 0);
    return count_fit(&look.found) ? fail_left(a, &look, "'firn qstrs' without --check lists them")
                                  : 0;
}

static int do_all(const struct asked *a, json_t *results)
{
    _cleanup_(look_release) struct look before = LOOK_INIT, after = LOOK_INIT;
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    _cleanup_free_ char *file = NULL;
    struct err *err = NULL;
    size_t listed = 0;
    int status = look_at(a, true, &before);
    if (status != 0)
        return status;
    if (!write_list(a, &before, &listed, &file, &err))
        return fail(a, err);
    if (a->dry_run) {
        add_result(results, a, &before, NULL, file, listed);
        return 0;
    }
    status = look_at(a, false, &after);
    if (status != 0)
        return status;
    show_names(&before.found, &out);
    add_proof(&before, &after, file, listed, &out);
    print(a, &out);
    add_result(results, a, &before, &after, file, listed);
    return count_fit(&after.found)
               ? fail_left(a, &after, "they were listed and are there still: please report this")
               : 0;
}

static int one(struct cli *cli, const char *path, json_t *results, void *data)
{
    struct asked *a = data;
    a->cli = cli;
    a->path = path;
    return a->check ? only_check(a, results) : do_all(a, results);
}

static int parse(struct cli *cli, int argc, char **argv, struct asked *asked)
{
    int option;
    uint32_t seconds;
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":n", long_options, NULL)) != -1) {
        switch (option) {
        case OPT_CHECK:
            asked->check = true;
            break;
        case 'n':
            asked->dry_run = true;
            break;
        case OPT_TIMEOUT:
            if (!text_parse_u32(optarg, &seconds) || !seconds || seconds > TIMEOUT_MAX_S)
                return cli_usage(cli, &cmd_qstrs, "--timeout: '%s' is not a number from 1 to %d",
                                 optarg, TIMEOUT_MAX_S);
            asked->timeout_ms = (int)seconds * 1000;
            break;
        case OPT_OFFLINE:
            asked->build.source.offline = true;
            break;
        case ':':
            return cli_usage(cli, &cmd_qstrs, "%s needs a value", argv[optind - 1]);
        default:
            return cli_usage(cli, &cmd_qstrs, "unknown option '%s'", argv[optind - 1]);
        }
    }
    return optind < argc ? 0 : cli_usage(cli, &cmd_qstrs, "which manifest?");
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct asked asked = {.config = CONFIG_INIT, .timeout_ms = CHECK_TIMEOUT_MS};
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    int status = parse(cli, argc, argv, &asked);
    if (status == 0)
        status = config_load(&asked.config, &diags)
                     ? cli_each_manifest(cli, argv + optind, "qstrs", one, &asked)
                     : cli_fail_diags(cli, &diags);
    config_release(&asked.config);
    return status;
}

const struct command cmd_qstrs = {
    .name = "qstrs",
    .arguments = "MANIFEST... [--check] [--dry-run]",
    .summary = "which names end up in RAM, and a list that keeps them in flash",
    .help = help,
    .run = run,
};
