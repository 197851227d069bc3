/*
 * What each frozen module takes of the flash, to the byte.
 *
 * mpy-tool.py writes frozen_content.c: each module's functions, constants and table of qstrs as
 * variables, and one pool with every qstr that the interpreter does not have already. Which
 * variable is whose is read there; how large it became, in the ELF file. A qstr of several modules
 * counts for the first of them, in the order of their names.
 */
#ifndef FIRN_BUILDER_SIZE_FROZEN_H
#define FIRN_BUILDER_SIZE_FROZEN_H

#include "builder/frozen.h"
#include "image/elf_table.h"
#include "image/linker_map.h"

#define FROZEN_OBJECT "frozen_content.o"

/* In bytes of flash. */
struct frozen_size {
    const char *target; /* borrowed: "acme/drv.py"; FROZEN_QSTR_MODULE is one, too */
    uint64_t bytecode;  /* functions, with their descriptions; native code */
    uint64_t constants; /* strings, bytes, tuples, numbers too large for bytecode */
    uint64_t qstrs;     /* its table of them, and those that it is the first to bring */
    uint64_t source;    /* of a module frozen as source */
    uint64_t names;     /* its own name and its place in the lists of frozen modules */
};

struct frozen_sizes {
    struct frozen_size *items; /* in the order of frozen's files, then FROZEN_QSTR_MODULE */
    size_t count;
};
#define FROZEN_SIZES_INIT                                                                          \
    {                                                                                              \
        NULL, 0                                                                                    \
    }

static inline uint64_t frozen_size_total(const struct frozen_size *s)
{
    return s->bytecode + s->constants + s->qstrs + s->source + s->names;
}

/* content: frozen_content.c's text. What cannot be found (another version's names) counts for no
 * module. */
void frozen_sizes_read(struct frozen_sizes *sizes, const struct frozen *frozen, const char *content,
                       const struct elf_table *elf, const void *elf_data,
                       const struct linker_map *map);
void frozen_sizes_release(struct frozen_sizes *sizes);

#endif
