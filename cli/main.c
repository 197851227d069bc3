/* firn: takes the common options out, finds the command, connects its events to the terminal. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/proc.h"
#include "base/text.h"
#include "base/version.h"
#include "cli/command.h"
#include "cli/progress.h"

/* In the order in which a product meets them; `firn help` prints this order. */
/* clang-format off */
static const struct command *const commands[] = {
    &cmd_init, &cmd_validate, &cmd_boards, &cmd_lock, &cmd_build, &cmd_explain, &cmd_size, &cmd_check, &cmd_qstrs, &cmd_advise,
    &cmd_image, &cmd_devices, &cmd_flash, &cmd_read, &cmd_erase, &cmd_unprotect,
    &cmd_submit, &cmd_jobs, &cmd_logs, &cmd_cancel, &cmd_retry, &cmd_records, &cmd_token,
    &cmd_cache, &cmd_clean, &cmd_doctor, &cmd_sim, NULL,
};
/* clang-format on */

static const char common_help[] =
    "Common options:\n"
    "      --json         events as JSON Lines on standard output, nothing else\n"
    "      --events=FD    the same on an open file descriptor, beside the usual output\n"
    "  -q, --quiet        warnings and errors only\n"
    "  -v, --verbose      more about what is done\n"
    "      --no-color     no colours (also: NO_COLOR in the environment)\n"
    "  -h, --help         this help\n"
    "      --version      firn's version\n"
    "\n"
    "Exit status: 0 ok, 1 failed, 2 manifest or usage, 3 fetch or lock, 4 device,\n"
    "5 not reproducible or not authentic, 6 over budget, 130 interrupted.\n";

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; commands[i]; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int print_overview(void)
{
    printf("firn %s: MicroPython firmware from one manifest to the board\n\n"
           "usage: firn COMMAND [ARGUMENTS]\n\n",
           FIRN_VERSION);
    for (size_t i = 0; commands[i]; i++)
        printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
    printf("\n`firn help COMMAND` tells more about one.\n\n%s", common_help);
    return 0;
}

static int print_command_help(const struct command *command)
{
    printf("usage: firn %s%s%s\n\n%s\n\n%s\n%s", command->name, *command->arguments ? " " : "",
           command->arguments, command->summary, command->help, common_help);
    return 0;
}

static int unknown_command(const char *name)
{
    const char *names[ARRAY_SIZE(commands)];
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
        names[i] = commands[i] ? commands[i]->name : NULL;
    const char *nearest = text_nearest(name, names);
    fprintf(stderr, "error: there is no command '%s'\n  ", name);
    if (nearest)
        fprintf(stderr, "did you mean '%s'? ", nearest);
    fprintf(stderr, "'firn help' lists them\n");
    return 2;
}

/* Events were asked for: the overview would not be what the reader expects. */
static int missing_command(void)
{
    fprintf(stderr, "error: which command?\n  'firn help' lists them\n");
    return 2;
}

struct common {
    struct cli cli;
    int events_fd; /* -1 = none */
    bool no_color, help, version;
};

static bool take_flag(struct common *c, const char *arg)
{
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {
        {"--json", &c->cli.json},       {"--quiet", &c->cli.quiet}, {"-q", &c->cli.quiet},
        {"--verbose", &c->cli.verbose}, {"-v", &c->cli.verbose},    {"--no-color", &c->no_color},
        {"--help", &c->help},           {"-h", &c->help},           {"--version", &c->version},
    };
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        if (strcmp(arg, flags[i].name) == 0) {
            *flags[i].flag = true;
            return true;
        }
    }
    uint32_t fd;
    if (text_starts_with(arg, "--events=") && text_parse_u32(arg + strlen("--events="), &fd) &&
        fd < 65536) {
        c->events_fd = (int)fd;
        return true;
    }
    return false;
}

/* Remove the common options from argv, wherever they stand before a "--". Returns the new argc. */
static int take_common(struct common *c, int argc, char **argv)
{
    int kept = 1;
    bool taking = true;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0)
            taking = false;
        if (!taking || !take_flag(c, argv[i]))
            argv[kept++] = argv[i];
    }
    argv[kept] = NULL;
    return kept;
}

/* A descriptor that is not open would soon be some file of ours, with events written into it. */
static int refuse_events_fd(int fd)
{
    fprintf(stderr,
            "error: --events=%d: descriptor %d is not open for writing\n"
            "  open it in the shell, for instance: firn ... --events=%d %d>events.jsonl\n",
            fd, fd, fd, fd);
    return 2;
}

static bool is_writeable(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
}

static int run_command(struct common *c, const struct command *command, int argc, char **argv)
{
    enum progress_style style = progress_style_for(stderr, c->no_color);
    struct progress *progress = NULL;
    struct events *events = events_new();
    c->cli.events = events;
    c->cli.color = style == PROGRESS_COLOR;
    if (c->cli.json) {
        events_add_fd(events, STDOUT_FILENO);
    } else {
        progress = progress_new(stderr, style, c->cli.quiet);
        events_add_sink(events, progress_sink, progress);
        if (!c->cli.quiet)
            events_show_progress(events);
    }
    if (c->events_fd >= 0)
        events_add_fd(events, c->events_fd);
    interrupt_install();
    int status = command->run(&c->cli, argc, argv);
    progress_free(progress);
    events_free(events);
    return status;
}

/* A standard descriptor that the caller closed would soon be some file of ours, with text printed
 * into it. */
static void open_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)!open("/dev/null", O_RDWR); /* the lowest free descriptor: fd */
}

/* A pipe whose reader went away, which is none of our business: it wanted no more. */
static bool reader_is_gone(void)
{
    struct pollfd output = {.fd = STDOUT_FILENO};
    return poll(&output, 1, 0) == 1 && (output.revents & POLLERR);
}

/* What was printed has to arrive, or somebody's script goes on with half of it. */
static int finish_output(int status)
{
    errno = 0;
    bool lost = fflush(stdout) != 0 || ferror(stdout);
    if (!lost || reader_is_gone())
        return status;
    fprintf(stderr,
            "error: cannot write to standard output: %s\n"
            "  what is there is incomplete: give it room, or write it elsewhere\n",
            errno ? strerror(errno) : "part of it was lost");
    return status ? status : 1;
}

static int firn(int argc, char **argv)
{
    struct common common = {.events_fd = -1};
    argc = take_common(&common, argc, argv);
    if (common.version) {
        printf("firn %s\n", FIRN_VERSION);
        return 0;
    }
    bool help_command = argc > 1 && strcmp(argv[1], "help") == 0;
    const char *name = argc > 1 + help_command ? argv[1 + help_command] : NULL;
    if (!name && !help_command && (common.cli.json || common.events_fd >= 0))
        return missing_command();
    if (!name || (help_command && strcmp(name, "help") == 0))
        return print_overview();
    const struct command *command = find_command(name);
    if (!command)
        return unknown_command(name);
    if (help_command || common.help)
        return print_command_help(command);
    if (common.events_fd >= 0 && !is_writeable(common.events_fd))
        return refuse_events_fd(common.events_fd);
    return run_command(&common, command, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    open_standard_descriptors();
    return finish_output(firn(argc, argv));
}
