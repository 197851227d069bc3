/*
 * A product's interpreter, in which things are tried out: QEMU, the unix port's program, or a
 * board.
 *
 *     struct guest guest = GUEST_INIT;
 *     if (guest_open(&guest, &result, err) &&
 *         guest_probe(&guest, GUEST_FROZEN, names, mark, false, 10000, &probe, err)) ...
 *     guest_close(&guest);
 *
 * Each probe gets a fresh interpreter: QEMU is asked for one, and started again after a module that
 * left none; the program is started each time, in the build's sandbox; a board is called back
 * (serial_board.h). In QEMU the measuring program and the modules as files lie at the end of the
 * machine's flash, behind the firmware, so that they take nothing of the heap that is measured; a
 * board asks for files over its serial port.
 */
#ifndef FIRN_ECONOMY_GUEST_H
#define FIRN_ECONOMY_GUEST_H

#include "builder/build.h"
#include "economy/probe.h"
#include "economy/serial_board.h"

struct emulator;

/* Where import statements find the product's modules. */
enum guest_modules {
    GUEST_FROZEN, /* in the firmware */
    GUEST_MPY,    /* compiled, as files */
    GUEST_SOURCE, /* as files */
};

struct guest {
    const struct build_result *product; /* borrowed */
    const struct strv *preloaded;       /* modules imported before anything is measured, or NULL */
    struct sandbox sandbox;
    struct emulator *emulator;  /* NULL: none runs */
    struct serial_board *board; /* instead of an emulator, or NULL */
    bool native;
    char *elf;
    char *dir; /* ours: files for the guest */
    /* QEMU: where in its memory the program and the tables of files are; 0 = there is no room. */
    uint64_t program_at, program_size;
    uint64_t tables_at[GUEST_SOURCE + 1], tables_size[GUEST_SOURCE + 1];
    char *blob; /* the file with all of it; NULL = there is no room */
    uint64_t blob_at;
};
#define GUEST_INIT                                                                                 \
    {                                                                                              \
        .sandbox = SANDBOX_INIT                                                                    \
    }

/* product lives longer. ERR_USAGE: there is no emulator for this board. */
bool guest_open(struct guest *guest, const struct build_result *product,
                struct err **err) MUST_CHECK;
/* The same on a board: `port` is its serial port, patience_ms how long it may be deaf. An error,
 * too, if it runs another image than the product's; *compared is false where that cannot be told.
 */
bool guest_open_board(struct guest *guest, const struct build_result *product, const char *port,
                      int patience_ms, bool *compared, struct err **err) MUST_CHECK;
/* Can modules be imported from files there? */
bool guest_has_files(const struct guest *guest);
/* Import modules, NULL-ended, one after the other in a fresh interpreter. Whatever they do is a
 * result; an error is one of the emulator. heap: with mem_info(1). */
bool guest_probe(struct guest *guest, enum guest_modules from, const char *const *modules,
                 bool heap, int timeout_ms, struct probe *probe, struct err **err) MUST_CHECK;
/* Bytes of heap that a fresh interpreter has in use by itself, without the measuring program. */
bool guest_idle(struct guest *guest, uint64_t *bytes, struct err **err) MUST_CHECK;
/* Seconds of the guest's clock for that many ticks; -1: it has none, or it went round. */
double guest_seconds(const struct guest *guest, uint64_t ticks);
void guest_close(struct guest *guest);

#endif
