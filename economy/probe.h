/*
 * What a measuring program (economy/probe.py) says of an import, read back.
 *
 * The output is that of somebody else's code, too: every number may be missing, every line may be
 * the module's own. Nothing is believed but lines behind our mark, and those only in their order.
 */
#ifndef FIRN_ECONOMY_PROBE_H
#define FIRN_ECONOMY_PROBE_H

#include <jansson.h>

#include "base/buf.h"

enum probe_outcome {
    PROBE_WORKS,
    PROBE_RAISED,  /* an exception; see the traceback */
    PROBE_MEMORY,  /* that exception is a MemoryError */
    PROBE_HUNG,    /* it did not end before the deadline */
    PROBE_RESET,   /* the interpreter is gone: a reset, an exit, a crash */
    PROBE_GARBAGE, /* it printed what is no text, or the end marks of the REPL's protocol */
    PROBE_FLOOD,   /* it printed more than PROBE_OUTPUT_MAX bytes */
};

#define PROBE_OUTPUT_MAX ((size_t)64 * 1024)

/* "works", "raised", "memory", ...: for JSON. */
const char *probe_outcome_id(enum probe_outcome outcome);

struct probe {
    enum probe_outcome outcome;
    struct buf output;                                           /* what the modules printed */
    struct buf traceback;                                        /* or why there is none */
    bool measured;                                               /* the numbers are there */
    uint64_t alloc_before, alloc_after, free_before, free_after; /* bytes of heap */
    uint64_t ticks;                                              /* of the clock, as it read */
    uint64_t qstrs_before, qstrs_after;                          /* in RAM */
    struct strv qstrs;   /* those in RAM afterwards, as qstr_info(1) prints them: names */
    struct strv modules; /* what is imported by it, in no order */
    struct strv touched; /* what was taken of stubs: "pyb.LED" (economy/twin.h) */
    struct buf heap;     /* mem_info(1)'s lines, if they were asked for */
};
#define PROBE_INIT                                                                                 \
    {                                                                                              \
        .output = BUF_INIT, .traceback = BUF_INIT, .qstrs = STRV_INIT, .modules = STRV_INIT,       \
        .touched = STRV_INIT, .heap = BUF_INIT                                                     \
    }
void probe_release(struct probe *probe);

/* Where files for import statements come from. */
enum probe_files {
    PROBE_FILES_NONE,
    PROBE_FILES_MEMORY, /* the machine's memory: "_15({path: (address, size)})" mounts them */
    PROBE_FILES_HOST,   /* questions to the host (economy/file_server.h): "_15('MARK')" */
};
/* The program's text, without comments. */
void probe_program(enum probe_files files, struct buf *out);
/* The call: "_1((b'acme',b'main',),'MARK',lambda:CLOCK,0)". clock NULL: none. */
void probe_call(const char *const *modules, const char *mark, const char *clock, bool heap,
                struct buf *out);

/* Read what the call printed. What cannot be read is PROBE_GARBAGE. */
void probe_read(struct probe *probe, const char *mark, const char *text, size_t len);

#endif
