#include "simulator/emulator.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"
#include "base/text.h"
#include "simulator/console.h"
#include "simulator/coprocess.h"
#include "simulator/native.h"

#define SAID_MAX 4096 /* of QEMU's own messages */

struct machine {
    const char *name;
    uint32_t flash_address;
    uint32_t flash_size; /* bytes */
};

/* The STM32 machines that QEMU models; the qemu port's console is their USART1. */
static const struct machine machines[] = {
    {"netduino2", 0x08000000, 1024 * 1024},     /* STM32F205 */
    {"netduinoplus2", 0x08000000, 1024 * 1024}, /* STM32F405 */
};
#define NATIVE "native"

struct emulator {
    bool native;
    char *machine;
    struct native_options how; /* native; its strings are ours */
    struct strv wrapper;
    char *path;
    char *file;               /* absolute */
    char *dir;                /* empty, ours: where it runs */
    struct coprocess process; /* QEMU */
    struct raw_repl repl;
};

/* *machine is NULL for the native one, and for one that the caller vouches for. */
static bool find_machine(const struct emulator_options *options, const struct machine **machine,
                         struct err **err)
{
    const char *names[ARRAY_SIZE(machines) + 2] = {NATIVE}, *name = options->machine;
    *machine = NULL;
    if (strcmp(name, NATIVE) == 0)
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
        names[i + 1] = machines[i].name;
        if (strcmp(name, machines[i].name) == 0)
            *machine = &machines[i];
    }
    if (*machine || options->program)
        return true;
    const char *nearest = text_nearest(name, names);
    err_set(err, ERR_USAGE, "there is no machine '%s'", name);
    return nearest ? err_hint(err, "did you mean '%s'?", nearest)
                   : err_hint(err, "there are netduino2, netduinoplus2 and native");
}

static bool is_elf(const char *file)
{
    char magic[4] = "";
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, magic, sizeof(magic));
    close(fd);
    return n == (ssize_t)sizeof(magic) && memcmp(magic, "\177ELF", sizeof(magic)) == 0;
}

static bool check_file(const struct machine *machine, const char *file, struct err **err)
{
    struct stat st;
    if (stat(file, &st) != 0)
        return err_set_errno(err, ERR_MANIFEST, errno, "cannot boot '%s'", file);
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_MANIFEST, "cannot boot '%s': not a regular file", file);
    if (machine && !is_elf(file) && (st.st_size == 0 || st.st_size > machine->flash_size)) {
        err_set(err, ERR_MANIFEST, "cannot boot '%s': it has %lld bytes", file,
                (long long)st.st_size);
        return err_hint(err, "the flash of %s has %u bytes", machine->name, machine->flash_size);
    }
    return true;
}

/* The raw file as a -device loader takes it: there a comma has to be doubled. */
static char *loader_argument(const struct machine *machine, const char *file)
{
    _cleanup_(buf_release) struct buf arg = BUF_INIT;
    buf_addf(&arg, "loader,addr=0x%08x,force-raw=on,file=", machine->flash_address);
    for (; *file; file++) {
        buf_addc(&arg, *file);
        if (*file == ',')
            buf_addc(&arg, ',');
    }
    return buf_detach(&arg, NULL);
}

static void add_machine(const struct emulator_options *options, const struct machine *machine,
                        const char *file, struct strv *argv)
{
    static const char *const fixed[] = {
        "-nodefaults", "-no-user-config", "-display", "none", "-monitor", "none",
        /* The firmware gets the serial port's bytes as they are, Ctrl-C too. */
        "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
        /* See the header: on, because without it the qemu port's first call is a fault. */
        "-semihosting-config", "enable=on,target=gdb", "-sandbox",
        "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny", NULL};
    if (options->wrapper)
        strv_add_all(argv, options->wrapper);
    strv_add(argv, options->program ? options->program : "qemu-system-arm");
    strv_add(argv, "-M");
    strv_add(argv, options->machine);
    strv_add_all(argv, fixed);
    if (options->args)
        strv_add_all(argv, options->args);
    if (options->ends_at_reset)
        strv_add(argv, "-no-reboot");
    if (options->ns_per_insn)
        strv_addf(argv, "-icount");
    if (options->ns_per_insn)
        strv_addf(argv, "shift=%d,sleep=off", __builtin_ctz(options->ns_per_insn));
    if (!machine || is_elf(file)) {
        strv_add(argv, "-kernel");
        strv_add(argv, file);
    } else {
        _cleanup_free_ char *loader = loader_argument(machine, file);
        strv_add(argv, "-device");
        strv_add(argv, loader);
    }
}

static bool start_qemu(struct emulator *emulator, const struct emulator_options *options,
                       const struct machine *machine, struct err **err)
{
    const char *const env[] = {"LC_ALL=C", NULL};
    _cleanup_(strv_release) struct strv argv = STRV_INIT;
    add_machine(options, machine, emulator->file, &argv);
    if (!coprocess_start(&emulator->process, (const char *const *)argv.items, env, emulator->dir,
                         err)) {
        if ((*err)->code != ERR_NOT_FOUND)
            return false;
        return err_hint(err, "install the Debian package %s",
                        options->program && strcmp(options->program, "qemu-system-arm") != 0
                            ? "qemu-system-misc"
                            : "qemu-system-arm");
    }
    emulator->repl.in = emulator->process.out;
    emulator->repl.out = emulator->process.in;
    return true;
}

static void take_native(struct emulator *e, const struct emulator_options *options)
{
    e->path = xstrdup(options->path ? options->path : ".frozen");
    if (options->wrapper)
        strv_add_all(&e->wrapper, options->wrapper);
    e->how = (struct native_options){.program = e->file,
                                     .dir = e->dir,
                                     .wrapper = (const char *const *)e->wrapper.items,
                                     .path = e->path,
                                     .heap_bytes = options->heap_bytes};
}

bool emulator_start(struct emulator **emulator, const struct emulator_options *options,
                    struct err **err)
{
    const struct machine *machine;
    if (!find_machine(options, &machine, err) || !check_file(machine, options->file, err))
        return false;
    _cleanup_(emulator_free_ptr) struct emulator *e = xcalloc(1, sizeof(*e));
    e->native = !strcmp(options->machine, NATIVE);
    e->machine = xstrdup(options->machine);
    e->wrapper = (struct strv)STRV_INIT;
    e->file = path_absolute(options->file);
    e->process = (struct coprocess)COPROCESS_INIT;
    e->repl = (struct raw_repl)RAW_REPL_INIT(-1, -1);
    if (!fs_temp_dir_anywhere(&e->dir, err))
        return false;
    take_native(e, options);
    if (!e->native && !start_qemu(e, options, machine, err))
        return false;
    *emulator = e;
    e = NULL;
    return true;
}

/* If QEMU is what ended, its own words are the explanation. Returns false. */
static bool explain(struct emulator *emulator, struct err **err)
{
    char said[SAID_MAX];
    ssize_t n = read(emulator->process.err, said, sizeof(said));
    while (n > 0 && said[n - 1] == '\n')
        n--;
    /* After a processor fault a dump of the registers follows the line that matters. */
    char *line_end = n > 0 ? memchr(said, '\n', (size_t)n) : NULL;
    if (line_end)
        n = line_end - said;
    if (n <= 0)
        return err_hint(err, "does the image suit %s, and is it whole?", emulator->machine);
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    text_add_printable(&text, said, (size_t)n);
    return err_hint(err, "QEMU said: %s", text.data);
}

bool emulator_boot(struct emulator *emulator, int timeout_ms, struct err **err)
{
    if (emulator->native)
        return true;
    if (raw_repl_enter(&emulator->repl, clock_ms() + timeout_ms, err))
        return true;
    err_wrap(err, "'%s' does not boot on %s", emulator->file, emulator->machine);
    return (*err)->code == ERR_INTERRUPTED ? false : explain(emulator, err);
}

bool emulator_run(struct emulator *emulator, const char *source, size_t len, size_t text_max,
                  int timeout_ms, struct raw_repl_output *output, struct err **err)
{
    long long deadline_ms = clock_ms() + timeout_ms;
    if (emulator->native)
        return native_run(&emulator->how, source, len, text_max, deadline_ms, output, err);
    return raw_repl_exec(&emulator->repl, source, len, text_max, deadline_ms, output, err);
}

bool emulator_restart(struct emulator *emulator, int timeout_ms, struct err **err)
{
    return emulator->native || raw_repl_restart(&emulator->repl, clock_ms() + timeout_ms, err);
}

void emulator_descriptors(const struct emulator *emulator, int *from, int *to)
{
    *from = emulator->process.out;
    *to = emulator->process.in;
}

bool emulator_console(struct emulator *emulator, int tty_in, int tty_out, struct err **err)
{
    if (emulator->native)
        return err_set(err, ERR_USAGE, "'%s' is a program of this machine: run it itself",
                       emulator->file);
    return console_run(emulator->process.out, emulator->process.in, tty_in, tty_out, err);
}

static void remove_dir(const char *dir)
{
    _cleanup_err_ struct err *err = NULL;
    /* An empty directory that is left in /tmp is not worth a failure. */
    bool removed = fs_remove_tree(dir, &err);
    (void)removed;
}

void emulator_free(struct emulator *emulator)
{
    if (!emulator)
        return;
    coprocess_stop(&emulator->process);
    raw_repl_release(&emulator->repl);
    if (emulator->dir)
        remove_dir(emulator->dir);
    strv_release(&emulator->wrapper);
    free(emulator->path);
    free(emulator->machine);
    free(emulator->dir);
    free(emulator->file);
    free(emulator);
}
