/* firn validate: everything about a manifest that can be known without building it. */
#include <getopt.h>
#include <stdio.h>

#include "base/fs.h"
#include "base/text.h"
#include "builder/manifest_names.h"
#include "builder/qstr.h"
#include "cli/command.h"
#include "cli/submit_files.h"

static const char help[] =
    "Checks manifests and the files that they name: types, names, paths, frozen modules, qstrs.\n"
    "Up to 20 errors of each are shown, each at its line with what to do about it.\n"
    "\n"
    "      --files   with --json, also tell which files each is made of: `files`, as paths from its\n"
    "                directory; one that lies outside of it is an error (firnd asks for this)\n"
    "      --schema  print the JSON schema of the format (for an editor) and stop\n"
    "\n"
    "Examples:\n"
    "  firn validate manifests/*.yaml\n"
    "  firn validate --schema > manifest.schema.json\n"
    "docs/manifest.md explains every key.\n";

static const struct option long_options[] = {
    {"files", no_argument, NULL, 'f'},
    {"schema", no_argument, NULL, 's'},
    {NULL, 0, NULL, 0},
};

static void report_ok(const struct cli *cli, const struct manifest *m, size_t qstr_count)
{
    if (!cli->json && !cli->quiet)
        printf("%s: ok (%s %s, %zu frozen %s, %zu %s)\n", m->path, m->product, m->version,
               m->frozen_count, m->frozen_count == 1 ? "entry" : "entries", qstr_count,
               qstr_count == 1 ? "qstr" : "qstrs");
}

/* Sets a string, or null. */
static void set_text(json_t *object, const char *name, const char *value)
{
    json_object_set_new(object, name, value ? json_string(value) : json_null());
}

/* Sets a number, or null for 0. */
static void set_number(json_t *object, const char *name, uint64_t value)
{
    json_object_set_new(object, name, value ? json_integer((json_int_t)value) : json_null());
}

/* What firnd wants to know of a product (docs/events.md). */
static void describe(json_t *result, const struct manifest *m, size_t qstr_count)
{
    set_text(result, "product", m->product);
    set_text(result, "version", m->version);
    set_text(result, "board", m->board.name ? m->board.name : path_basename(m->board.dir));
    json_object_set_new(result, "frozen_entries", json_integer((json_int_t)m->frozen_count));
    json_object_set_new(result, "qstrs", json_integer((json_int_t)qstr_count));
    json_object_set_new(result, "auto_build",
                        m->firnd.auto_build_given ? json_boolean(m->firnd.auto_build)
                                                  : json_null());
    set_text(result, "follow", m->firnd.follow);
    set_number(result, "memory", m->firnd.memory);
    set_number(result, "cores", (uint64_t)m->firnd.cores);
}

/* What a bundle of it would hold, but for the manifest itself and its lock. */
static bool add_files(json_t *result, const struct manifest *m, struct diags *diags)
{
    _cleanup_(bundle_release) struct bundle bundle = BUNDLE_INIT;
    json_t *files = json_array();
    if (!submit_files_collect(&bundle, m, NULL, diags)) {
        json_decref(files);
        return false;
    }
    for (size_t i = 0; i < bundle.count; i++)
        if (!text_starts_with(bundle.items[i].path, BUNDLE_MANIFEST))
            json_array_append_new(files, json_string(bundle.items[i].path));
    json_object_set_new(result, "files", files);
    return true;
}

/* Takes one manifest through all checks; adds what it found to `results`. */
static bool validate(const struct cli *cli, const struct config *config, const char *path,
                     bool with_files, json_t *results, struct diags *diags)
{
    _cleanup_(manifest_free_ptr) struct manifest *m = manifest_load(path, diags);
    _cleanup_(qstr_list_release) struct qstr_list qstrs = QSTR_LIST_INIT;
    bool ok = m && manifest_check_names(m, config, diags);

    ok = m && qstr_list_load(&qstrs, m, diags) && ok;
    json_t *result = json_pack("{s:s, s:b}", "manifest", path, "ok", ok);
    if (ok && with_files && !add_files(result, m, diags)) {
        ok = false;
        json_object_set_new(result, "ok", json_false());
    }
    if (ok) {
        report_ok(cli, m, qstrs.names.count);
        describe(result, m, qstrs.names.count);
    }
    json_array_append_new(results, result);
    return ok;
}

static int validate_all(struct cli *cli, const struct config *config, bool with_files, int count,
                        char **paths)
{
    json_t *results = json_array();
    bool ok = true;

    for (int i = 0; i < count; i++) {
        _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
        ok &= validate(cli, config, paths[i], with_files, results, &diags);
        cli_warnings(cli, &diags);
        cli_errors(cli, &diags);
    }
    event_result(cli->events, ok, ok ? 0 : 2, json_pack("{s:o}", "manifests", results));
    return ok ? 0 : 2;
}

static int print_schema(struct cli *cli)
{
    _cleanup_(buf_release) struct buf schema = BUF_INIT;

    manifest_schema(&schema);
    if (!cli->json)
        fputs(schema.data, stdout);
    event_result(cli->events, true, 0,
                 json_pack("{s:o}", "schema", json_loads(schema.data, 0, NULL)));
    return 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
    _cleanup_(config_release) struct config config = CONFIG_INIT;
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    bool schema = false, with_files = false;
    int option;

    opterr = 0;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option != 's' && option != 'f')
            return cli_usage(cli, &cmd_validate, "unknown option '%s'", argv[optind - 1]);
        schema |= option == 's';
        with_files |= option == 'f';
    }
    if (schema)
        return print_schema(cli);
    if (optind == argc)
        return cli_usage(cli, &cmd_validate, "which manifest?");
    if (!config_load(&config, &diags))
        return cli_fail_diags(cli, &diags);
    return validate_all(cli, &config, with_files, argc - optind, argv + optind);
}

const struct command cmd_validate = {
    .name = "validate",
    .arguments = "MANIFEST... | --schema",
    .summary = "check manifests and the files that they name",
    .help = help,
    .run = run,
};
