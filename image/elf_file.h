/*
 * ELF32 little-endian executables: what the loader would put into flash.
 *
 * Each PT_LOAD segment with file bytes counts at its physical (load) address p_paddr, mapped by the
 * board's link map to a flash address (the qemu port links NETDUINO2 at 0, the boot alias of
 * 0x08000000). Every offset and size is checked against the file.
 */
#ifndef FIRN_IMAGE_ELF_FILE_H
#define FIRN_IMAGE_ELF_FILE_H

#include "image/image.h"

/* Addresses link..link+size-1 become flash..flash+size-1. */
struct link_map {
    uint32_t link;
    uint32_t flash;
    uint64_t size; /* up to 2^32 */
};

/* maps: count entries, the first that holds a whole segment wins; with count 0 addresses stay as
 * they are. A segment outside every map is an error. */
bool elf_read(const void *data, size_t size, const struct link_map *maps, size_t count,
              struct image *image, struct err **err) MUST_CHECK;

/* The bytes of a section, borrowed from data. False: there is none of that name, it has no bytes in
 * the file, or its header is not right. */
bool elf_section(const void *data, size_t size, const char *name, const uint8_t **bytes,
                 size_t *len);

/* The value of a symbol. False as above. */
bool elf_symbol(const void *data, size_t size, const char *name, uint32_t *value);

bool elf_is(const void *data, size_t size);

#endif
