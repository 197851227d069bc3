/*
 * A linker's map file, as GNU ld writes it with -Map: the memories, and which object brought what.
 *
 *     struct linker_map map = LINKER_MAP_INIT;
 *     linker_map_read(text, len, &map);
 *     linker_map_release(&map);
 *
 * The format is for people and nowhere specified: a line that says nothing is passed over, and what
 * is read has to be held against the ELF file. Sections that were discarded are not read.
 */
#ifndef FIRN_IMAGE_LINKER_MAP_H
#define FIRN_IMAGE_LINKER_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* MEMORY of the linker script. They may lie within each other. */
struct map_region {
    const char *name;
    uint64_t origin, length;
};

/* An input section where it was put; empty ones are left out. */
struct map_piece {
    const char *output; /* ".text" */
    const char *input;  /* ".rodata.greeting", "COMMON" */
    const char *object; /* "/build/py/gc.o", ".../libgcc.a(_divsi3.o)" */
    uint64_t address, size;
};

struct linker_map {
    char *text; /* its own copy; the names are in it */
    struct map_region *regions;
    struct map_piece *pieces; /* in the file's order */
    size_t region_count, piece_count;
};
#define LINKER_MAP_INIT                                                                            \
    {                                                                                              \
        NULL, NULL, NULL, 0, 0                                                                     \
    }

void linker_map_read(const char *text, size_t len, struct linker_map *map);
void linker_map_release(struct linker_map *map);

#endif
