/*
 * How large a program is, and because of what: the report that `firn size` draws.
 *
 * Flash is what is loaded (the bytes of all PT_LOAD segments), RAM what lies in it while the
 * program runs. Each byte of both is attributed to one object, by the linker's map; what lies
 * between them is padding. So the parts add up to the whole.
 */
#ifndef FIRN_BUILDER_SIZE_H
#define FIRN_BUILDER_SIZE_H

#include <jansson.h>

#include "builder/frozen.h"
#include "builder/interpreter.h"

struct size_input {
    const void *elf;
    size_t elf_size;
    const char *map; /* the linker's; "" = there is none */
    size_t map_size;
    const char *frozen_content; /* frozen_content.c; "" = there is none */
    const struct frozen *frozen;
    const struct memory_def *memory;
    const char *build_at;         /* "/build": left out in front of an object's name */
    const char *const *c_modules; /* directories of C modules by their name in BUILD; NULL-ended */
};

/* The report (docs/image.md "size"), yours. Fails when the ELF file is damaged. */
json_t *size_report(const struct size_input *input, struct err **err) MUST_CHECK;

#endif
