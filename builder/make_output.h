/*
 * What make's output says about its failure.
 *
 * Lines are fed as they come (make_output_line); make_output_error() then says the one thing that a
 * person needs: a full disk, a memory region that overflowed and the largest frozen modules, else
 * the first compiler or linker error, else the error of a Python script, else make's own, else the
 * last lines. A compiler error in a file that was copied from the user's names the user's file.
 */
#ifndef FIRN_BUILDER_MAKE_OUTPUT_H
#define FIRN_BUILDER_MAKE_OUTPUT_H

#include "builder/frozen.h"

#define MAKE_OUTPUT_TAIL 8 /* last lines kept */
#define MAKE_OUTPUT_REGIONS 4

/* Where a copied directory comes from: "<from>/x.c" in a message is the user's "<to>/x.c". */
struct path_map {
    const char *from, *to; /* both absolute */
};

struct make_blame {
    const struct frozen *frozen; /* for the largest modules; may be NULL */
    const struct path_map *maps; /* ends with {NULL, NULL}; may be NULL */
};

struct make_output {
    char *overflows[MAKE_OUTPUT_REGIONS]; /* "region FLASH overflowed by 13084 bytes" */
    size_t overflow_count;
    int disk_errnum; /* ENOSPC or EIO: somebody said so */
    char *compiler;  /* "../../py/gc.c:12:3: error: ..." as the compiler printed it */
    char *linker;    /* "undefined reference to `x'" with the object's name */
    char *python;    /* "KeyError: 'x'" or what a tool of the source said */
    char *make;      /* "Invalid BOARD specified: boards/X" */
    bool in_traceback;
    char *tail[MAKE_OUTPUT_TAIL];
    size_t tail_count; /* lines seen */
};
#define MAKE_OUTPUT_INIT                                                                           \
    {                                                                                              \
        {NULL}, 0, 0, NULL, NULL, NULL, NULL, false, {NULL}, 0                                     \
    }

void make_output_line(struct make_output *output, const char *line, size_t len);
/* Set err (ERR_FAILED); always false. dir: where make ran, for relative names. blame may be NULL.
 */
bool make_output_error(const struct make_output *output, const char *dir,
                       const struct make_blame *blame, struct err **err);
void make_output_release(struct make_output *output);

#endif
