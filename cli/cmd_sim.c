/* firn sim: programs against simulated boards. */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/text.h"
#include "cli/cmd_sim_boot.h"
#include "cli/command.h"
#include "simulator/bench.h"
#include "simulator/control.h"
#include "simulator/sim.h"

static const char help[] =
    "Runs COMMAND on a machine whose USB bus is simulated and holds boards in their DFU bootloader.\n"
    "Any program that uses libusb can be COMMAND, dfu-util too. The exit status is COMMAND's.\n"
    "Without COMMAND, on a terminal: a shell.\n"
    "\n"
    "  -n, --boards=N       how many boards (1)\n"
    "  -b, --board=MODEL    stm32f405 (the default) or another, see below; again for the next board\n"
    "      --hubs=PORTS     boards behind hubs of that many ports: 1-1.1, 1-1.2 ...; PORTS,PORTS: behind\n"
    "                       two, one below the other\n"
    "      --runtime=KIND   what a board is when it runs: cdc (a serial port with a REPL; the default),\n"
    "                       dfu (the default of plain DFU devices), both, or none: not on the bus\n"
    "      --will-detach    ... with dfu: leaves after DETACH without a bus reset\n"
    "      --running        boards begin running, not in their bootloader\n"
    "      --boot-ms=N      from leaving the bus until a board is back (20; with a timing 300)\n"
    "      --setup=LINE     obey a line of 'firn sim control' before COMMAND starts\n"
    "  -t, --timing=MODEL   how long the flash takes: zero (the default), x8 or x32 as in the data\n"
    "                       sheet, quick (x32 at five times its speed)\n"
    "      --bus=MODEL      how long a transfer takes: reads (the default: only what reading the flash\n"
    "                       takes), none, 1ms (each), rom (each byte as on ST's ROM)\n"
    "  -d, --dir=DIR        keep the flash of board N in DIR/board-N.flash; what is there is used\n"
    "  -k, --kernel         plug the boards into this machine's own USB bus instead (Linux's vhci-hcd;\n"
    "                       needs root): every program sees them, and sees what the kernel does\n"
    "  -f, --fault=FAULT    \"0 on=dnload,after=5,do=unplug\": what goes wrong on board 0\n"
    "  -s, --set=SETTING    \"0 protected\": how board 0 differs from its model\n"
    "\n"
    "Models: stm32f205 stm32f405 stm32f427 stm32f767 stm32h743 stm32h743v stm32l476 stm32f107\n"
    "  stm32l152 gd32vf103 (ST's protocol), mboot mboot-packed (MicroPython's bootloader),\n"
    "  dfu-tolerant dfu-reset dfu-detach dfu-no-upload (plain DFU).\n"
    "\n"
    "COMMAND may tell the simulator, through the socket that FIRN_SIM_CONTROL names:\n"
    "  firn sim control \"fault 0 on=upload,do=corrupt\"\n"
    "  firn sim control \"unplug 0\"    (pull the cable)\n"
    "  firn sim control \"replug 0\"    (and back into the bootloader)\n"
    "  firn sim control \"reset 0\"     (power off and on: it runs what was flashed)\n"
    "  firn sim control \"move 0 1-5\"  (into another port)\n"
    "  firn sim control \"program 0 flashed\"  (when it runs: what was flashed, in QEMU)\n"
    "  firn sim control status        (JSON)\n"
    "  firn sim control \"reset-counters 0\"\n"
    "docs/simulator.md lists faults and settings, and says what is modelled and what is not.\n"
    "\n"
    "What was flashed can be run, in QEMU:\n" SIM_BOOT_HELP "\n"
    "Examples:\n"
    "  firn sim -- dfu-util -l\n"
    "  firn sim -n 3 -d /tmp/boards -- dfu-util -a 0 -p 1-2 -s 0x08000000:leave -D image.bin\n"
    "  firn sim boot /tmp/boards/board-0.flash -c 'print(1 + 2)'\n";

enum {
    OPTION_HUBS = 256,
    OPTION_BUS,
    OPTION_RUNTIME,
    OPTION_RUNNING,
    OPTION_WILL_DETACH,
    OPTION_BOOT_MS,
    OPTION_SETUP,
};

#define BOOT_MS_MAX 600000

static const struct option long_options[] = {
    {"boards", required_argument, NULL, 'n'},
    {"board", required_argument, NULL, 'b'},
    {"timing", required_argument, NULL, 't'},
    {"dir", required_argument, NULL, 'd'},
    {"fault", required_argument, NULL, 'f'},
    {"kernel", no_argument, NULL, 'k'},
    {"hubs", required_argument, NULL, OPTION_HUBS},
    {"bus", required_argument, NULL, OPTION_BUS},
    {"set", required_argument, NULL, 's'},
    {"runtime", required_argument, NULL, OPTION_RUNTIME},
    {"running", no_argument, NULL, OPTION_RUNNING},
    {"will-detach", no_argument, NULL, OPTION_WILL_DETACH},
    {"boot-ms", required_argument, NULL, OPTION_BOOT_MS},
    {"setup", required_argument, NULL, OPTION_SETUP},
    {NULL, 0, NULL, 0},
};

struct arguments {
    uint32_t count;
    const struct board_model *models[BENCH_BOARDS];
    unsigned model_count; /* as given; the last one stands for the rest */
    struct topology topology;
    enum board_timing_kind timing;
    const char *dir;
    bool kernel;
    const char *bus;
    struct bench_runtime runtime;
    bool boot_ms_given;
    struct strv orders; /* from --fault, --set and --setup */
};

static bool usage(struct err **err, const char *fmt, ...) PRINTF_LIKE(2, 3);
static bool usage(struct err **err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    _cleanup_free_ char *text = xvasprintf(fmt, ap);
    va_end(ap);
    err_set(err, ERR_USAGE, "firn sim: %s", text);
    return err_hint(err, "see 'firn help sim'");
}

static bool hint_models(struct err **err)
{
    _cleanup_(buf_release) struct buf known = BUF_INIT;
    for (size_t i = 0; board_model_names[i]; i++)
        buf_addf(&known, " %s", board_model_names[i]);
    return err_hint(err, "known:%s", known.data);
}

static bool add_model(struct arguments *args, const char *name, struct err **err)
{
    const struct board_model *model = board_model_find(name);
    if (!model) {
        usage(err, "there is no simulated board '%s'", name);
        const char *nearest = text_nearest(name, board_model_names);
        return nearest ? err_hint(err, "did you mean '%s'?", nearest) : hint_models(err);
    }
    if (args->model_count == BENCH_BOARDS)
        return usage(err, "at most %d boards", BENCH_BOARDS);
    args->models[args->model_count++] = model;
    return true;
}

static bool set_bus(struct arguments *args, const char *name, struct err **err)
{
    enum bus_timing_kind kind;
    args->bus = name;
    return bus_timing_parse(name, &kind) ||
           usage(err, "--bus=%s is not reads, none, 1ms or rom", name);
}

static bool parse_runtime(struct arguments *args, int option, struct err **err)
{
    struct bench_runtime *runtime = &args->runtime;
    switch (option) {
    case OPTION_RUNTIME:
        runtime->by_model = false;
        return runtime_kind_parse(optarg, &runtime->options.kind) ||
               usage(err, "--runtime=%s is not cdc, dfu, both or none", optarg);
    case OPTION_RUNNING:
        runtime->running = true;
        return true;
    case OPTION_WILL_DETACH:
        runtime->options.will_detach = true;
        return true;
    default:
        args->boot_ms_given = true;
        return (text_parse_u32(optarg, &runtime->boot_ms) && runtime->boot_ms <= BOOT_MS_MAX) ||
               usage(err, "--boot-ms=%s is not a number from 0 to %d", optarg, BOOT_MS_MAX);
    }
}

static bool parse_option(struct arguments *args, int option, const char *given, struct err **err)
{
    switch (option) {
    case 'n':
        if (!text_parse_u32(optarg, &args->count) || args->count < 1 || args->count > BENCH_BOARDS)
            return usage(err, "--boards=%s is not a number from 1 to %d", optarg, BENCH_BOARDS);
        return true;
    case 'b':
        return add_model(args, optarg, err);
    case 't':
        return board_timing_parse(optarg, &args->timing) ||
               usage(err, "--timing=%s is not zero, x8, x32 or quick", optarg);
    case OPTION_HUBS:
        return topology_parse(optarg, &args->topology, err) || err_wrap(err, "firn sim");
    case 'd':
        args->dir = optarg;
        return true;
    case 'k':
        args->kernel = true;
        return true;
    case 'f':
        strv_addf(&args->orders, "fault %s", optarg);
        return true;
    case 's':
        strv_addf(&args->orders, "set %s", optarg);
        return true;
    case OPTION_BUS:
        return set_bus(args, optarg, err);
    case OPTION_SETUP:
        strv_add(&args->orders, optarg);
        return true;
    case OPTION_RUNTIME:
    case OPTION_RUNNING:
    case OPTION_WILL_DETACH:
    case OPTION_BOOT_MS:
        return parse_runtime(args, option, err);
    case ':':
        return usage(err, "%s needs a value", given);
    default:
        return usage(err, "unknown option '%s'", given);
    }
}

static bool parse(struct arguments *args, int argc, char **argv, struct err **err)
{
    int option;
    optind = 0;
    while ((option = getopt_long(argc, argv, "+:n:b:t:d:kf:s:", long_options, NULL)) != -1)
        if (!parse_option(args, option, argv[optind - 1], err))
            return false;
    if (optind < argc && strcmp(argv[optind - 1], "--") != 0)
        return usage(err, "'%s': put -- before the command", argv[optind]);
    if (args->model_count == 0 && !add_model(args, "stm32f405", err))
        return false;
    if (args->count < args->model_count)
        args->count = args->model_count;
    while (args->model_count < args->count) {
        args->models[args->model_count] = args->models[args->model_count - 1];
        args->model_count++;
    }
    return true;
}

/* A board with a slow flash is not back at once either. */
static void choose_runtime(struct arguments *args)
{
    static const uint32_t boot_ms[] = {
        [BOARD_TIMING_ZERO] = 20,
        [BOARD_TIMING_X8] = 300,
        [BOARD_TIMING_X32] = 300,
        [BOARD_TIMING_QUICK] = 60,
    };
    if (args->runtime.by_model)
        args->runtime.options.kind = RUNTIME_CDC;
    if (!args->boot_ms_given)
        args->runtime.boot_ms = boot_ms[args->timing];
}

/* A shell for a person to look around in. */
static const char *find_shell(const struct arguments *args, struct err **err)
{
    if (!isatty(STDIN_FILENO)) {
        usage(err, "no command is given and there is no terminal for a shell");
        return NULL;
    }
    const char *shell = getenv("SHELL");
    fprintf(stderr,
            "%u simulated board%s on this shell's USB bus: try 'dfu-util -l'. "
            "'firn help sim' tells how to pull the cable; 'exit' ends it.\n",
            args->model_count, args->model_count == 1 ? "" : "s");
    return shell && *shell ? shell : "/bin/sh";
}

/* Beside the program where it was built, in lib/firn where it is installed. NULL: not there, or at
 * a path that LD_PRELOAD cannot hold. The caller frees. */
static char *find_preload(void)
{
    char exe[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    if (len < 0)
        return NULL;
    exe[len] = '\0';
    _cleanup_free_ char *dir = path_dirname(exe);
    static const char *const names[] = {"firn-sim.so", "../lib/firn/firn-sim.so"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char *path = path_join(dir, names[i]);
        if (fs_is_file(path) && !strpbrk(path, " :"))
            return path;
        free(path);
    }
    return NULL;
}

static bool run_boards(struct arguments *args, char **command, int *status, struct err **err)
{
    const char *shell[] = {NULL, NULL};
    choose_runtime(args);
    if (!*command && !(shell[0] = find_shell(args, err)))
        return false;
    _cleanup_free_ char *preload = find_preload();
    const struct sim_options options = {
        .models = args->models,
        .board_count = args->model_count,
        .runtime = args->runtime,
        .topology = args->topology,
        .timing = args->timing,
        .kernel = args->kernel,
        .flash_dir = args->dir,
        .bus = args->bus,
        .orders = (const char *const *)args->orders.items,
        .preload = preload,
        .command = *command ? (const char *const *)command : shell,
    };
    return sim_run(&options, status, err);
}

static int run_control(struct cli *cli, int argc, char **argv)
{
    struct err *err = NULL;
    const char *path = getenv(CONTROL_VARIABLE);
    _cleanup_(buf_release) struct buf answer = BUF_INIT;
    if (argc != 2) {
        usage(&err, "control takes one argument, the line to send");
        return cli_fail(cli, err);
    }
    if (!path) {
        err_set(&err, ERR_USAGE, "%s is not set: no simulated bus here", CONTROL_VARIABLE);
        err_hint(&err, "run this inside 'firn sim -- COMMAND'");
        return cli_fail(cli, err);
    }
    if (!control_send(path, argv[1], &answer, &err))
        return cli_fail(cli, err);
    if (!cli->json)
        printf("%s\n", answer.data);
    event_result(cli->events, true, 0, json_pack("{s:s}", "answer", answer.data));
    return 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "control") == 0)
        return run_control(cli, argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "boot") == 0)
        return cmd_sim_boot(cli, argc - 1, argv + 1);
    struct err *err = NULL;
    struct arguments args = {.count = 1, .runtime.by_model = true, .orders = STRV_INIT};
    int status = 0;
    bool ok = parse(&args, argc, argv, &err) && run_boards(&args, argv + optind, &status, &err);
    strv_release(&args.orders);
    if (!ok)
        return cli_fail(cli, err);
    event_result(cli->events, status == 0, status, NULL);
    return status;
}

const struct command cmd_sim = {
    .name = "sim",
    .arguments = "[-n N] [-b MODEL] [-t TIMING] [-d DIR] [-k] [-f FAULT] [-- COMMAND [ARG...]]",
    .summary = "run a program against simulated boards on a simulated USB bus",
    .help = help,
    .run = run,
};
