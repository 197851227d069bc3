/*
 * Running firmware without its board: a flash file or an ELF file in QEMU, or the unix port's
 * program ("native"), behind one interface: start, run Python, stop.
 *
 *     struct emulator *emulator = NULL;
 *     if (emulator_start(&emulator, &options, err) && emulator_boot(emulator, 10000, err) &&
 *         emulator_run(emulator, code, len, max, 10000, &output, err)) ...
 *     emulator_free(emulator);
 *
 * What the firmware may do to the host. QEMU is started without any device but the machine's own,
 * under its seccomp filter, in an empty directory, with an empty environment. The qemu port needs
 * semihosting to be on, which by itself would let the firmware open files and start programs; its
 * calls go to a debugger that is never there (target=gdb), and so do nothing. What remains is an
 * error in QEMU itself: it has our user's rights. The native program is ordinary code of this
 * machine: run only what you would run anyway. Both are killed with us and at each deadline.
 */
#ifndef FIRN_SIMULATOR_EMULATOR_H
#define FIRN_SIMULATOR_EMULATOR_H

#include "simulator/raw_repl.h"

struct emulator;

struct emulator_options {
    const char *machine; /* "netduino2", "netduinoplus2" (QEMU's names), or "native" */
    /* A board's flash from its first byte (put at the start of the machine's flash), an ELF file,
     * or for "native" the program. */
    const char *file;
    /* For ELF files and any machine of QEMU's: the program and its further arguments. NULL:
     * qemu-system-arm, and only the machines above. */
    const char *program;
    const char *const *args; /* NULL-ended, or NULL */
    /* What stands before the program: a sandbox's. NULL-ended, or NULL. */
    const char *const *wrapper;
    const char *path;     /* native: its module path; NULL = ".frozen" */
    uint64_t heap_bytes;  /* native: of its heap; 0 = its own choice */
    unsigned ns_per_insn; /* a power of 2: the firmware's clock counts instructions (-icount), so
                           * that it tells the same on each run; 0 = it counts real time */
    bool ends_at_reset;   /* a firmware that resets ends the emulator, instead of starting again */
};

/* Check the options and start. ERR_USAGE: no such machine; ERR_NOT_FOUND: no QEMU; ERR_MANIFEST:
 * a file that is not there or cannot be this machine's flash. */
bool emulator_start(struct emulator **emulator, const struct emulator_options *options,
                    struct err **err) MUST_CHECK;

/* Wait for the raw REPL. ERR_DEVICE: it did not come up; the message quotes what came instead. */
bool emulator_boot(struct emulator *emulator, int timeout_ms, struct err **err) MUST_CHECK;

/* Run a program and collect what it prints, as raw_repl_exec() (also for native, where each run is
 * a fresh interpreter). In QEMU programs of one emulator share their globals. */
bool emulator_run(struct emulator *emulator, const char *source, size_t len, size_t text_max,
                  int timeout_ms, struct raw_repl_output *output, struct err **err) MUST_CHECK;

/* A fresh interpreter on the same machine, in milliseconds. For native nothing is to be done. */
bool emulator_restart(struct emulator *emulator, int timeout_ms, struct err **err) MUST_CHECK;

/* QEMU's: the firmware's console, for whoever speaks with it himself. They do not block, and stay
 * its own. */
void emulator_descriptors(const struct emulator *emulator, int *from, int *to);

/* The interactive REPL between a terminal (descriptors) and the firmware, until Ctrl-] or its end.
 * ERR_USAGE for native: that program has a terminal REPL of its own. */
bool emulator_console(struct emulator *emulator, int tty_in, int tty_out,
                      struct err **err) MUST_CHECK;

void emulator_free(struct emulator *emulator);
static inline void emulator_free_ptr(struct emulator **e)
{
    emulator_free(*e);
}

#endif
