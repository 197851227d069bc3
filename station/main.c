/* firnd: reads its configuration, opens everything, serves until it is told to end. */
#include <getopt.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/version.h"
#include "station/station.h"

static const char help[] =
    "usage: firnd [--config FILE] [--check]\n"
    "\n"
    "The daemon of firn: builds products and flashes boards as a service, with an API and a page.\n"
    "\n"
    "  -c, --config=FILE  instead of /etc/firn/firnd.yaml or ~/.config/firn/firnd.yaml\n"
    "      --check        say whether the configuration is right, and start nothing\n"
    "  -h, --help         this help\n"
    "      --version      firnd's version\n"
    "\n"
    "SIGTERM ends it: builds are queued again, a flash that runs is left to finish; a second one\n"
    "ends it at once. docs/firnd.md has the keys of the configuration, docs/api.md the API.\n";

enum { OPT_CHECK = 256, OPT_VERSION };

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"check", no_argument, NULL, OPT_CHECK},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static int fail(struct err *err)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    int status = err_exit_status(err);
    err_format(err, &text);
    fprintf(stderr, "firnd: %s", text.data);
    err_free(err);
    return status;
}

static int run(const struct settings *settings)
{
    struct err *err = NULL;
    _cleanup_(station_free_ptr) struct station *station = station_new(settings, &err);
    if (!station)
        return fail(err);
    return station_run(station);
}

static int load_and_run(const char *config, bool check)
{
    struct settings settings;
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    int status = 0;
    if (!settings_load(&settings, config, &diags)) {
        _cleanup_(buf_release) struct buf text = BUF_INIT;
        diags_format_errors(&diags, &text);
        fprintf(stderr, "%s", text.data);
        status = 2;
    } else if (check) {
        printf("%s: ok\n", settings.file ? settings.file : "no configuration file: all defaults");
    } else {
        status = run(&settings);
    }
    settings_release(&settings);
    return status;
}

int main(int argc, char **argv)
{
    const char *config = NULL;
    bool check = false;
    int option;
    umask(027);
    while ((option = getopt_long(argc, argv, "c:h", long_options, NULL)) != -1) {
        switch (option) {
        case 'c':
            config = optarg;
            break;
        case OPT_CHECK:
            check = true;
            break;
        case 'h':
            fputs(help, stdout);
            return 0;
        case OPT_VERSION:
            printf("firnd %s\n", FIRN_VERSION);
            return 0;
        default:
            fputs("`firnd --help` has its options\n", stderr);
            return 2;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "firnd takes no arguments: what is '%s'?\n", argv[optind]);
        return 2;
    }
    return load_and_run(config, check);
}
