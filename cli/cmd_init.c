/* firn init: a first manifest, with comments, that builds as it is. */
#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/text.h"
#include "builder/config.h"
#include "builder/interpreter.h"
#include "cli/command.h"

#define DEFAULT_INTERPRETER "micropython"
#define DEFAULT_BOARD "qemu/NETDUINO2" /* QEMU runs it: no hardware is needed to try it */
#define DEFAULT_FILE "firn.yaml"

static const char help[] =
    "Writes a commented manifest for a board, and a main.py to freeze if there is none. Asks nothing\n"
    "and overwrites nothing. BOARD may be PORT/BOARD; without it: " DEFAULT_BOARD
    ", which QEMU can\n"
    "run without hardware.\n"
    "\n"
    "  -o, --output=FILE  the manifest to write (" DEFAULT_FILE ")\n"
    "\n"
    "Examples:\n"
    "  firn init\n"
    "  firn init PYBV11 -o products/sensor.yaml\n";

static const struct option long_options[] = {
    {"output", required_argument, NULL, 'o'},
    {NULL, 0, NULL, 0},
};

struct choice {
    struct interpreter *interpreter;
    const struct port *port;
    const char *board;
};

static bool unknown_board(const struct choice *choice, const char *wanted, struct err **err)
{
    const char *nearest =
        interpreter_nearest_board(choice->interpreter, choice->port, choice->board);

    err_set(err, ERR_USAGE, "firn init: unknown board '%s'", wanted);
    return nearest ? err_hint(err, "did you mean '%s'?", nearest)
                   : err_hint(err,
                              "name the port, too, for a board that firn does not list: "
                              "stm32/%s",
                              choice->board);
}

static bool unknown_port(const struct choice *choice, const char *port, struct err **err)
{
    _cleanup_(buf_release) struct buf names = BUF_INIT;

    for (size_t i = 0; i < choice->interpreter->port_count; i++)
        buf_addf(&names, "%s%s", i ? ", " : "", choice->interpreter->ports[i].name);
    err_set(err, ERR_USAGE, "firn init: unknown port '%s'", port);
    return err_hint(err, "there are: %s", names.data);
}

/* "PYBV11" or "stm32/PYBV11". */
static bool choose_board(struct choice *choice, const char *wanted, struct err **err)
{
    const char *slash = strchr(wanted, '/');
    size_t matches = 0;

    choice->board = slash ? slash + 1 : wanted;
    if (slash) {
        _cleanup_free_ char *port = xstrndup(wanted, (size_t)(slash - wanted));
        choice->port = interpreter_port(choice->interpreter, port);
        if (!choice->port)
            return unknown_port(choice, port, err);
        /* Only the source knows all boards. */
        return interpreter_is_name(choice->board) || unknown_board(choice, wanted, err);
    }
    choice->port = interpreter_find_board(choice->interpreter, NULL, wanted, &matches);
    if (choice->port)
        return true;
    if (matches < 2)
        return unknown_board(choice, wanted, err);
    err_set(err, ERR_USAGE, "firn init: %zu ports have a board '%s'", matches, wanted);
    return err_hint(err, "name the port, too: PORT/%s", wanted);
}

/* A product is named after the directory that holds its manifest, as far as its letters go. */
static char *product_name(const char *dir)
{
    _cleanup_(buf_release) struct buf name = BUF_INIT;

    for (const char *c = path_basename(dir); *c && name.len < 64; c++) {
        char lower = (char)tolower((unsigned char)*c);
        if ((lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') ||
            (name.len && (lower == '-' || lower == '_')))
            buf_addc(&name, lower);
    }
    return name.len ? buf_detach(&name, NULL) : xstrdup("product");
}

static void write_head(struct buf *out, const char *product, const char *file)
{
    buf_addf(out,
             "# One product: what firn builds, freezes in and flashes. All keys: docs/manifest.md\n"
             "# Check it: firn validate %s\n"
             "firn: 1\n"
             "product: \"%s\"\n"
             "version: 0.1.0 # in the banner, the image and the release\n"
             "\n",
             file, product);
}

static void write_firmware(struct buf *out, const struct choice *choice)
{
    buf_addf(out,
             "firmware:\n"
             "  git: %s\n"
             "  ref: %s # tag, branch or commit\n"
             "\n"
             "board: {port: %s, name: %s}\n",
             choice->interpreter->upstream, choice->interpreter->default_ref, choice->port->name,
             choice->board);
    buf_addf(out, "# toolchain: {name: %s, version: \">=12\"} # default: any good version\n\n",
             interpreter_target(choice->port, choice->board)->toolchain);
}

static void write_frozen(struct buf *out, const struct choice *choice)
{
    buf_adds(out, "# What is frozen into flash, in the words of MicroPython's manifest.py.\n"
                  "frozen:\n"
                  "  - module: main.py\n");
    if (choice->port->boards_dir)
        buf_adds(out, "  # - board             # what the board freezes by itself\n");
    buf_adds(out, "  # - package: acme     # a directory of modules\n"
                  "  #   base_path: src\n"
                  "  #   opt: 3\n"
                  "  # - freeze_as_str: texts             # frozen as source\n"
                  "  # - freeze_mpy: vendor/filter.mpy    # compiled elsewhere\n"
                  "  # - require: aioble                  # from micropython-lib\n"
                  "\n");
}

static void write_rest(struct buf *out)
{
    buf_adds(out,
             "# Names to keep in flash instead of RAM: import everything on the board, save what\n"
             "# micropython.qstr_info(1) prints, and name the file here.\n"
             "# qstrs:\n"
             "#   - file: qstrs.txt\n"
             "#   - temperature\n"
             "\n"
             "# config:\n"
             "#   defines: {MICROPY_PY_THREAD: 1}    # C macros\n"
             "#   make: {MICROPY_VFS_LFS2: 1}        # variables of the port's Makefile\n"
             "# c_modules: [cmods/filter]\n"
             "# budget: {flash: 384K}              # read; not held to it yet\n"
             "\n"
             "# What is to be tried in an emulator. Read and validated; not done by itself yet.\n"
             "check: {imports: [main]}\n");
}

static bool write_new(const char *path, const char *text, struct err **err)
{
    if (!fs_exists(path))
        return fs_write(path, text, strlen(text), 0644, err);
    err_set(err, ERR_USAGE, "firn init: '%s' is there already and is left as it is", path);
    return err_hint(err, "name another file with -o");
}

static bool write_main(const char *path, const char *product, struct err **err)
{
    _cleanup_free_ char *text = xasprintf("# Frozen into the firmware: `import main` runs it.\n"
                                          "print(\"%s: ready\")\n",
                                          product);

    return fs_exists(path) || fs_write(path, text, strlen(text), 0644, err);
}

/* The manifest comes last: when it is there, everything that it names is there. */
static bool write_files(const struct choice *choice, const char *file, struct err **err)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_free_ char *absolute = path_absolute(file);
    _cleanup_free_ char *dir = path_dirname(absolute);
    _cleanup_free_ char *product = product_name(dir);
    _cleanup_free_ char *main_py = path_join(dir, "main.py");

    if (fs_exists(file))
        return write_new(file, "", err);
    write_head(&text, product, file);
    write_firmware(&text, choice);
    write_frozen(&text, choice);
    write_rest(&text);
    return fs_mkdirs(dir, err) && write_main(main_py, product, err) &&
           write_new(file, text.data, err);
}

static int init(struct cli *cli, const char *board, const char *file)
{
    _cleanup_(config_release) struct config config = CONFIG_INIT;
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    struct err *err = NULL;

    if (!config_load(&config, &diags))
        return cli_fail_diags(cli, &diags);
    _cleanup_(interpreter_free_ptr) struct interpreter *interpreter =
        interpreter_load(config.data, DEFAULT_INTERPRETER, &diags);
    if (!interpreter)
        return cli_fail_diags(cli, &diags);
    struct choice choice = {interpreter, NULL, NULL};
    if (!choose_board(&choice, board, &err) || !write_files(&choice, file, &err))
        return cli_fail(cli, err);
    if (!cli->json && !cli->quiet)
        printf("wrote %s for the board %s (port %s)\nnext: firn build %s\n", file, choice.board,
               choice.port->name, file);
    event_result(cli->events, true, 0, json_pack("{s:s}", "manifest", file));
    return 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
    const char *file = DEFAULT_FILE;
    int option;

    opterr = 0;
    while ((option = getopt_long(argc, argv, ":o:", long_options, NULL)) != -1) {
        if (option == ':')
            return cli_usage(cli, &cmd_init, "%s needs a value", argv[optind - 1]);
        if (option != 'o')
            return cli_usage(cli, &cmd_init, "unknown option '%s'", argv[optind - 1]);
        file = optarg;
    }
    if (argc - optind > 1)
        return cli_usage(cli, &cmd_init, "one board, not %d", argc - optind);
    return init(cli, optind < argc ? argv[optind] : DEFAULT_BOARD, file);
}

const struct command cmd_init = {
    .name = "init",
    .arguments = "[BOARD] [-o FILE]",
    .summary = "write a commented manifest for a board",
    .help = help,
    .run = run,
};
