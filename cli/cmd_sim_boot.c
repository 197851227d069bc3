#include "cli/cmd_sim_boot.h"

#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"
#include "base/text.h"
#include "simulator/emulator.h"

#define SOURCE_MAX ((size_t)1024 * 1024)
#define OUTPUT_MAX ((size_t)4 * 1024 * 1024)
#define TIMEOUT_DEFAULT_S 30
#define TIMEOUT_MAX_S 86400

/* For cli_usage(); the table of commands knows only `firn sim`. */
static const struct command self = {
    .name = "sim boot",
    .arguments = "FLASH [--exec FILE | -c CODE] [--machine NAME] [--timeout SECONDS]",
};

struct boot {
    struct emulator_options emulator;
    bool has_program;
    struct buf program;
    int timeout_ms;
};

static void boot_release(struct boot *boot)
{
    buf_release(&boot->program);
}

static bool take_program(struct boot *boot, const char *file, const char *code, struct err **err)
{
    if (boot->has_program)
        return err_set(err, ERR_USAGE, "firn sim boot: one program at a time: --exec or -c, once");
    boot->has_program = true;
    if (code)
        buf_adds(&boot->program, code);
    return code || fs_read(file, SOURCE_MAX, &boot->program, err) || cli_input_failed(err);
}

static bool take_timeout(struct boot *boot, const char *text, struct err **err)
{
    uint32_t seconds;
    if (!text_parse_u32(text, &seconds) || seconds == 0 || seconds > TIMEOUT_MAX_S)
        return err_set(err, ERR_USAGE, "firn sim boot: --timeout=%s: not a number from 1 to %d",
                       text, TIMEOUT_MAX_S);
    boot->timeout_ms = (int)seconds * 1000;
    return true;
}

/* Returns -1, or the exit status of a failure that was reported. */
static int parse(struct boot *boot, struct cli *cli, int argc, char **argv)
{
    static const struct option options[] = {{"exec", required_argument, NULL, 'e'},
                                            {"code", required_argument, NULL, 'c'},
                                            {"machine", required_argument, NULL, 'm'},
                                            {"timeout", required_argument, NULL, 't'},
                                            {0}};
    struct err *err = NULL;
    bool ok = true;
    int c;
    opterr = 0;
    optind = 0; /* firn sim has parsed before */
    while (ok && (c = getopt_long(argc, argv, "e:c:m:t:", options, NULL)) != -1) {
        if (c == 'e')
            ok = take_program(boot, optarg, NULL, &err);
        else if (c == 'c')
            ok = take_program(boot, NULL, optarg, &err);
        else if (c == 't')
            ok = take_timeout(boot, optarg, &err);
        else if (c == 'm')
            boot->emulator.machine = optarg;
        else
            return cli_usage(cli, &self, "'%s' is unknown or lacks its value", argv[optind - 1]);
    }
    if (!ok)
        return cli_fail(cli, err);
    if (optind + 1 != argc)
        return cli_usage(cli, &self, "one flash file is needed");
    boot->emulator.file = argv[optind];
    if (!boot->has_program && !isatty(STDIN_FILENO))
        return cli_usage(cli, &self, "standard input is no terminal: give a program");
    return -1;
}

/* Text that may not be UTF-8 as a JSON string. */
static json_t *json_text(const struct buf *text)
{
    json_t *value = json_stringn(text->data, text->len);
    if (value)
        return value;
    _cleanup_(buf_release) struct buf printable = BUF_INIT;
    text_add_printable(&printable, text->data, text->len);
    return json_stringn(printable.data, printable.len);
}

static void print(const struct cli *cli, const struct raw_repl_output *output)
{
    if (cli->json)
        return;
    fwrite(output->text.data, 1, output->text.len, stdout);
    fflush(stdout);
    fwrite(output->traceback.data, 1, output->traceback.len, stderr);
}

static bool boot_up(struct emulator *emulator, const struct boot *boot, struct cli *cli,
                    struct err **err)
{
    event_phase_begin(cli->events, "boot", "Booting the flash");
    bool ok = emulator_boot(emulator, boot->timeout_ms, err);
    event_phase_end(cli->events, "boot", ok, boot->emulator.machine);
    return ok;
}

static int run_program(struct emulator *emulator, const struct boot *boot, struct cli *cli)
{
    _cleanup_(raw_repl_output_release) struct raw_repl_output output = RAW_REPL_OUTPUT_INIT;
    struct err *err = NULL;
    long long end_ms = clock_ms() + boot->timeout_ms;
    if (!boot_up(emulator, boot, cli, &err))
        return cli_fail(cli, err);
    bool ok = emulator_run(emulator, boot->program.data, boot->program.len, OUTPUT_MAX,
                           (int)(end_ms - clock_ms()), &output, &err);
    print(cli, &output);
    if (!ok)
        return cli_fail(cli, err);
    int status = output.traceback.len ? 1 : 0;
    event_result(cli->events, !status, status,
                 json_pack("{s:o, s:o}", "output", json_text(&output.text), "traceback",
                           json_text(&output.traceback)));
    return status;
}

static int run_console(struct emulator *emulator, struct cli *cli)
{
    struct err *err = NULL;
    if (!cli->quiet)
        fprintf(stderr, "The board's REPL; Ctrl-] leaves it.\n");
    if (!emulator_console(emulator, STDIN_FILENO, STDOUT_FILENO, &err))
        return cli_fail(cli, err);
    fprintf(stderr, "\n");
    event_result(cli->events, true, 0, NULL);
    return 0;
}

/* QEMU would take the file's own headers for a program, and half a minute would pass in silence. */
static bool check_format(const char *file, struct err **err)
{
    if (!text_ends_with(file, ".dfu") && !text_ends_with(file, ".hex"))
        return true;
    err_set(err, ERR_USAGE, "firn sim boot: '%s' is an image to flash, not a flash's bytes", file);
    return err_hint(err, "take the .bin beside it, or make one: firn image %s -o flash.bin", file);
}

int cmd_sim_boot(struct cli *cli, int argc, char **argv)
{
    _cleanup_(boot_release) struct boot boot = {.emulator.machine = "netduino2",
                                                .program = BUF_INIT,
                                                .timeout_ms = TIMEOUT_DEFAULT_S * 1000};
    int status = parse(&boot, cli, argc, argv);
    if (status >= 0)
        return status;
    _cleanup_(emulator_free_ptr) struct emulator *emulator = NULL;
    struct err *err = NULL;
    if (!check_format(boot.emulator.file, &err) || !emulator_start(&emulator, &boot.emulator, &err))
        return cli_fail(cli, err);
    return boot.has_program ? run_program(emulator, &boot, cli) : run_console(emulator, cli);
}
