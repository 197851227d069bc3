/*
 * The head of a .mpy file: which format it has and what the module is called.
 *
 * MicroPython's py/persistentcode.c and tools/mpy-tool.py (read_mpy) define it: 'M', version,
 * feature byte (sub-version in bits 0-1, native architecture in bits 2-5, bit 6: architecture flags
 * follow), the number of bits of a small integer, then the number of qstrs and objects, then the
 * qstrs; the first one is the name under which the module is frozen, whatever its file is called.
 */
#ifndef FIRN_BUILDER_MPY_FILE_H
#define FIRN_BUILDER_MPY_FILE_H

#include "base/err.h"

#define MPY_VERSION_NAMED 6 /* the first version whose head this reads beyond the version byte */

struct mpy_head {
    unsigned version;
    unsigned sub_version;    /* counts for native code only */
    unsigned arch;           /* 0 = bytecode only; see mpy_arch_name() */
    unsigned small_int_bits; /* 31 on 32-bit boards */
    char *name;              /* "acme/filter.py"; NULL in a file of another version */
};
#define MPY_HEAD_INIT                                                                              \
    {                                                                                              \
        0, 0, 0, 0, NULL                                                                           \
    }

/* Read the head. Fails when it is no .mpy file or ends too early; a version other than 6 is success
 * with `name` NULL. */
bool mpy_head_read(const void *data, size_t size, struct mpy_head *head,
                   struct err **err) MUST_CHECK;
void mpy_head_release(struct mpy_head *head);

/* "armv7m" for 5 ..., as mpy-cross -march= takes it; "?" for an unknown one. */
const char *mpy_arch_name(unsigned arch);
/* The number of a -march= name, 0 when it is none. */
unsigned mpy_arch_number(const char *name);
/* Does a processor for which code is compiled with `target` run code of `arch`? Thumb code runs on
 * every later Thumb architecture (MPY_FEATURE_ARCH_TEST). */
bool mpy_arch_runs(unsigned arch, unsigned target);

#endif
