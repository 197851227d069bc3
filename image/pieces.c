#include "image/pieces.h"

#include <string.h>

/* Does it go on where this one ends, in the file and in flash? */
static bool continues(const struct piece *last, uint8_t alt, uint32_t address, const uint8_t *data)
{
    return last->alt == alt && (uint64_t)last->address + last->size == address &&
           last->data + last->size == data;
}

bool pieces_add(struct pieces *pieces, uint8_t alt, uint32_t address, const uint8_t *data,
                size_t size, struct err **err)
{
    if (size > IMAGE_MAX_BYTES - pieces->bytes)
        return err_set(err, ERR_FAILED, "the image is larger than %u MiB",
                       IMAGE_MAX_BYTES / (1024 * 1024));
    pieces->bytes += size;
    if (pieces->count && continues(&pieces->items[pieces->count - 1], alt, address, data)) {
        pieces->items[pieces->count - 1].size += size;
        return true;
    }
    if (pieces->count == PIECES_MAX)
        return err_set(err, ERR_FAILED, "the file has more than %d separate pieces", PIECES_MAX);
    if (pieces->count == pieces->size) {
        pieces->size = pieces->size ? pieces->size * 2 : 16;
        pieces->items = xreallocarray(pieces->items, pieces->size, sizeof(*pieces->items));
    }
    pieces->items[pieces->count++] = (struct piece){alt, address, data, size};
    return true;
}

static int by_place(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    if (x->alt != y->alt)
        return x->alt < y->alt ? -1 : 1;
    return (x->address > y->address) - (x->address < y->address);
}

/* The pieces from `first` on that follow each other without a gap: how many, and their bytes. */
static size_t find_run(const struct pieces *pieces, size_t first, size_t *size)
{
    const struct piece *p = &pieces->items[first];
    size_t n = 1;
    *size = p->size;
    while (first + n < pieces->count && p[n].alt == p->alt &&
           p[n].address == (uint64_t)p->address + *size) {
        *size += p[n].size;
        n++;
    }
    return n;
}

static bool move_run(const struct piece *first, size_t count, size_t size, struct image *image,
                     struct err **err)
{
    _cleanup_free_ uint8_t *bytes = xmalloc(size);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        memcpy(bytes + at, first[i].data, first[i].size);
        at += first[i].size;
    }
    return image_add(image, first->alt, first->address, bytes, size, err);
}

bool pieces_move(struct pieces *pieces, struct image *image, struct err **err)
{
    bool ok = true;
    if (pieces->count > 1)
        qsort(pieces->items, pieces->count, sizeof(*pieces->items), by_place);
    for (size_t i = 0, n, size; ok && i < pieces->count; i += n) {
        n = find_run(pieces, i, &size);
        ok = move_run(&pieces->items[i], n, size, image, err);
    }
    pieces_release(pieces);
    return ok;
}

void pieces_release(struct pieces *pieces)
{
    free(pieces->items);
    *pieces = (struct pieces)PIECES_INIT;
}
