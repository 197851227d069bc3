#include "image/linker_map.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define MEMORY_TITLE "Memory Configuration"
#define PIECES_TITLE "Linker script and memory map"
#define WHOLE_MEMORY "*default*"

struct reader {
    struct linker_map *map;
    size_t regions_size, pieces_size;
    const char *output; /* the output section that the lines belong to; "" = none yet */
    char *input;        /* a name too long for its line: the rest is on the next one; or NULL */
};

/* The next word of a line, NUL-terminated in place; NULL at its end. */
static char *next_word(char **line)
{
    *line += strspn(*line, " \t");
    char *word = *line;
    size_t len = strcspn(word, " \t");
    if (!len)
        return NULL;
    *line += len;
    if (**line)
        *(*line)++ = '\0';
    return word;
}

static bool is_number(const char *word, uint64_t *value)
{
    char *end;
    if (!word || strncmp(word, "0x", 2) != 0)
        return false;
    *value = strtoull(word + 2, &end, 16);
    return end != word + 2 && !*end;
}

static void *grow(void *items, size_t count, size_t *size, size_t item)
{
    if (count < *size)
        return items;
    *size = *size ? *size * 2 : 64;
    return xrealloc(items, *size * item);
}

/* "RAM              0x20000000         0x00020000         xrw" */
static void read_region(struct reader *r, char *line)
{
    struct map_region region = {.name = next_word(&line)};
    if (!region.name || !is_number(next_word(&line), &region.origin) ||
        !is_number(next_word(&line), &region.length) || !strcmp(region.name, WHOLE_MEMORY))
        return;
    struct linker_map *map = r->map;
    map->regions = grow(map->regions, map->region_count, &r->regions_size, sizeof(*map->regions));
    map->regions[map->region_count++] = region;
}

/* What follows the name: "0x0800018c       0x10 /build/lib/oofatfs/ff.o". */
static void read_piece(struct reader *r, const char *input, char *rest)
{
    struct map_piece piece = {.output = r->output, .input = input};
    if (!is_number(next_word(&rest), &piece.address) || !is_number(next_word(&rest), &piece.size))
        return;
    rest += strspn(rest, " \t");
    if (!*rest || !piece.size || !*r->output)
        return;
    piece.object = rest;
    struct linker_map *map = r->map;
    map->pieces = grow(map->pieces, map->piece_count, &r->pieces_size, sizeof(*map->pieces));
    map->pieces[map->piece_count++] = piece;
}

/* One blank: an input section, a pattern or a filling; more: what continues it, or a symbol. */
static void read_piece_line(struct reader *r, char *line)
{
    char *pending = r->input;
    r->input = NULL;
    if (*line && *line != ' ') {
        r->output = next_word(&line);
        return;
    }
    if (pending && line[0] == ' ' && line[1] == ' ') {
        read_piece(r, pending, line);
        return;
    }
    if (line[0] != ' ' || line[1] == ' ' || line[1] == '*')
        return;
    char *input = next_word(&line);
    if (input && line[strspn(line, " \t")])
        read_piece(r, input, line);
    else
        r->input = input;
}

void linker_map_read(const char *text, size_t len, struct linker_map *map)
{
    struct reader r = {.map = map, .output = ""};
    enum { BEFORE, MEMORY, PIECES } part = BEFORE;
    char *next = map->text = xstrndup(text, len);
    while (next) {
        char *line = next;
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (!strcmp(line, MEMORY_TITLE))
            part = MEMORY;
        else if (!strcmp(line, PIECES_TITLE))
            part = PIECES;
        else if (part == MEMORY)
            read_region(&r, line);
        else if (part == PIECES)
            read_piece_line(&r, line);
    }
}

void linker_map_release(struct linker_map *map)
{
    free(map->text);
    free(map->regions);
    free(map->pieces);
    *map = (struct linker_map)LINKER_MAP_INIT;
}
