/*
 * NOR memory: erased bytes are 0xFF, programming can only clear bits, and only an erase sets them.
 * Some families have it the other way round: erased bytes are 0x00, and programming sets bits.
 *
 * The bytes are a mapped file, so that what a board holds can be looked at, kept and booted by
 * others; without a file they are anonymous memory that dies with the value.
 */
#ifndef FIRN_SIMULATOR_NOR_H
#define FIRN_SIMULATOR_NOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct nor {
    uint8_t *bytes;
    size_t size;
    uint8_t erased; /* 0xFF or 0x00 */
    /* Bytes programmed that were not erased at the time: each one is a missing erase. */
    uint64_t overwritten;
    int fd; /* holds the file's lock; -1 = no file */
};
#define NOR_INIT                                                                                   \
    {                                                                                              \
        NULL, 0, 0xFF, 0, -1                                                                       \
    }

/* Map `path`, which is made (erased) if it does not exist and must have exactly `size` bytes if it
 * does; path NULL: anonymous, erased. A file is locked (flock): ERR_USAGE if another board has it.
 */
bool nor_open(struct nor *nor, const char *path, size_t size, uint8_t erased,
              struct err **err) MUST_CHECK;
void nor_close(struct nor *nor);

/* offset + len <= nor->size. */
void nor_erase(struct nor *nor, size_t offset, size_t len);
void nor_program(struct nor *nor, size_t offset, const uint8_t *data, size_t len);

#endif
