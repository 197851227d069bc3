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
    const struct machine *machine; /* NULL = native */
    char *file;                    /* absolute */
    char *dir;                     /* empty, ours: where it runs */
    struct coprocess process;      /* QEMU */
    struct raw_repl repl;
};

static bool find_machine(const char *name, const struct machine **machine, struct err **err)
{
    const char *names[ARRAY_SIZE(machines) + 2] = {NATIVE};
    *machine = NULL;
    if (strcmp(name, NATIVE) == 0)
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
        names[i + 1] = machines[i].name;
        if (strcmp(name, machines[i].name) == 0)
            *machine = &machines[i];
    }
    if (*machine)
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

static bool start_qemu(struct emulator *emulator, struct err **err)
{
    bool elf = is_elf(emulator->file);
    _cleanup_free_ char *loader = loader_argument(emulator->machine, emulator->file);
    const char *const argv[] = {
        "qemu-system-arm", "-M", emulator->machine->name, "-nodefaults", "-no-user-config",
        "-display", "none", "-monitor", "none",
        /* The firmware gets the serial port's bytes as they are, Ctrl-C too. */
        "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
        /* See the header: on, because without it the qemu port's first call is a fault. */
        "-semihosting-config", "enable=on,target=gdb", "-sandbox",
        "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
        elf ? "-kernel" : "-device", elf ? emulator->file : loader, NULL};
    const char *const env[] = {"LC_ALL=C", NULL};
    if (!coprocess_start(&emulator->process, argv, env, emulator->dir, err)) {
        return (*err)->code == ERR_NOT_FOUND
                   ? err_hint(err, "install the Debian package qemu-system-arm")
                   : false;
    }
    emulator->repl.in = emulator->process.out;
    emulator->repl.out = emulator->process.in;
    return true;
}

static char *temporary_parent(void)
{
    const char *dir = getenv("TMPDIR");
    return path_absolute(dir && *dir ? dir : "/tmp");
}

bool emulator_start(struct emulator **emulator, const struct emulator_options *options,
                    struct err **err)
{
    const struct machine *machine;
    if (!find_machine(options->machine, &machine, err) || !check_file(machine, options->file, err))
        return false;
    _cleanup_(emulator_free_ptr) struct emulator *e = xcalloc(1, sizeof(*e));
    e->machine = machine;
    e->file = path_absolute(options->file);
    e->process = (struct coprocess)COPROCESS_INIT;
    e->repl = (struct raw_repl)RAW_REPL_INIT(-1, -1);
    _cleanup_free_ char *parent = temporary_parent();
    if (!fs_temp_dir(parent, &e->dir, err) || (machine && !start_qemu(e, err)))
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
        return err_hint(err, "does the image suit %s, and is it whole?", emulator->machine->name);
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    text_add_printable(&text, said, (size_t)n);
    return err_hint(err, "QEMU said: %s", text.data);
}

bool emulator_boot(struct emulator *emulator, int timeout_ms, struct err **err)
{
    if (!emulator->machine)
        return true;
    if (raw_repl_enter(&emulator->repl, clock_ms() + timeout_ms, err))
        return true;
    err_wrap(err, "'%s' does not boot on %s", emulator->file, emulator->machine->name);
    return (*err)->code == ERR_INTERRUPTED ? false : explain(emulator, err);
}

bool emulator_run(struct emulator *emulator, const char *source, size_t len, size_t text_max,
                  int timeout_ms, struct raw_repl_output *output, struct err **err)
{
    long long deadline_ms = clock_ms() + timeout_ms;
    if (!emulator->machine)
        return native_run(emulator->file, emulator->dir, source, len, text_max, deadline_ms, output,
                          err);
    return raw_repl_exec(&emulator->repl, source, len, text_max, deadline_ms, output, err);
}

bool emulator_console(struct emulator *emulator, int tty_in, int tty_out, struct err **err)
{
    if (!emulator->machine)
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
    free(emulator->dir);
    free(emulator->file);
    free(emulator);
}
