#include "image/image.h"

#include <string.h>

#include "base/hash.h"

static uint64_t segment_end(const struct segment *s)
{
    return (uint64_t)s->address + s->size;
}

/* Where (alt, address) belongs in the sorted array. Searched from the end: readers add upwards. */
static size_t find_place(const struct image *image, uint8_t alt, uint32_t address)
{
    size_t i = image->count;
    while (i > 0 &&
           (image->segments[i - 1].alt > alt ||
            (image->segments[i - 1].alt == alt && image->segments[i - 1].address > address)))
        i--;
    return i;
}

static bool overlaps(const struct segment *s, uint8_t alt, uint32_t address, size_t size)
{
    return s->alt == alt && address < segment_end(s) && s->address < (uint64_t)address + size;
}

/* Will it be joined with a neighbour rather than be a segment of its own? */
static bool touches(const struct image *image, size_t place, uint8_t alt, uint32_t address,
                    size_t size)
{
    const struct segment *before = place ? &image->segments[place - 1] : NULL;
    const struct segment *after = place < image->count ? &image->segments[place] : NULL;
    return (before && before->alt == alt && segment_end(before) == address) ||
           (after && after->alt == alt && (uint64_t)address + size == after->address);
}

static bool check_size(const struct image *image, uint32_t address, size_t size, struct err **err)
{
    if (size == 0)
        return err_set(err, ERR_FAILED, "a segment at 0x%08x has no bytes", address);
    if (address + (uint64_t)size > (uint64_t)UINT32_MAX + 1)
        return err_set(err, ERR_FAILED, "%zu bytes at 0x%08x run past the end of the address space",
                       size, address);
    if (size > IMAGE_MAX_BYTES || image_size(image) + size > IMAGE_MAX_BYTES)
        return err_set(err, ERR_FAILED, "the image is larger than %u MiB",
                       IMAGE_MAX_BYTES / (1024 * 1024));
    return true;
}

static bool check_place(const struct image *image, size_t place, uint8_t alt, uint32_t address,
                        size_t size, struct err **err)
{
    for (size_t i = place ? place - 1 : 0; i < image->count && i <= place; i++) {
        const struct segment *s = &image->segments[i];
        if (overlaps(s, alt, address, size))
            return err_set(err, ERR_FAILED,
                           "0x%08x-0x%08llx overlaps 0x%08x-0x%08llx, which is there already",
                           address, (unsigned long long)address + size - 1, s->address,
                           (unsigned long long)segment_end(s) - 1);
    }
    if (image->count >= IMAGE_MAX_SEGMENTS && !touches(image, place, alt, address, size))
        return err_set(err, ERR_FAILED, "the image has more than %d separate segments",
                       IMAGE_MAX_SEGMENTS);
    return true;
}

static void insert_segment(struct image *image, size_t place, uint8_t alt, uint32_t address,
                           const void *data, size_t size)
{
    struct segment segment = {.alt = alt, .address = address, .data = xmalloc(size), .size = size};
    memcpy(segment.data, data, size);
    image->segments = xreallocarray(image->segments, image->count + 1, sizeof(*image->segments));
    memmove(&image->segments[place + 1], &image->segments[place],
            (image->count - place) * sizeof(*image->segments));
    image->segments[place] = segment;
    image->count++;
}

/* Join segment i with the next one if they touch. */
static void join_next(struct image *image, size_t i)
{
    if (i + 1 >= image->count)
        return;
    struct segment *a = &image->segments[i], *b = &image->segments[i + 1];
    if (a->alt != b->alt || segment_end(a) != b->address)
        return;
    a->data = xrealloc(a->data, a->size + b->size);
    memcpy(a->data + a->size, b->data, b->size);
    a->size += b->size;
    free(b->data);
    memmove(b, b + 1, (image->count - i - 2) * sizeof(*b));
    image->count--;
}

bool image_add(struct image *image, uint8_t alt, uint32_t address, const void *data, size_t size,
               struct err **err)
{
    size_t place = find_place(image, alt, address);
    if (!check_size(image, address, size, err) ||
        !check_place(image, place, alt, address, size, err))
        return false;
    insert_segment(image, place, alt, address, data, size);
    join_next(image, place);
    if (place > 0)
        join_next(image, place - 1);
    return true;
}

bool image_add_all(struct image *image, const struct image *other, struct err **err)
{
    for (size_t i = 0; i < other->count; i++) {
        const struct segment *s = &other->segments[i];
        if (!image_add(image, s->alt, s->address, s->data, s->size, err))
            return false;
    }
    return true;
}

bool image_add_chunk(struct image *image, uint8_t alt, uint32_t address, const void *data,
                     size_t size, struct err **err)
{
    if (!check_size(image, address, size, err))
        return false;
    if (image->count >= IMAGE_MAX_SEGMENTS)
        return err_set(err, ERR_FAILED, "the image has more than %d chunks", IMAGE_MAX_SEGMENTS);
    insert_segment(image, image->count, alt, address, data, size);
    image->packed = true;
    return true;
}

static struct target_name *find_name(const struct image *image, uint8_t alt)
{
    for (size_t i = 0; i < image->name_count; i++)
        if (image->names[i].alt == alt)
            return &image->names[i];
    return NULL;
}

void image_set_name(struct image *image, uint8_t alt, const char *name)
{
    struct target_name *n = find_name(image, alt);
    if (!name || !*name) {
        if (n)
            *n = image->names[--image->name_count];
        return;
    }
    if (!n) {
        image->names = xreallocarray(image->names, image->name_count + 1, sizeof(*image->names));
        n = &image->names[image->name_count++];
    }
    *n = (struct target_name){.alt = alt};
    memcpy(n->text, name, strnlen(name, IMAGE_NAME_SIZE - 1));
}

const char *image_name(const struct image *image, uint8_t alt)
{
    const struct target_name *n = find_name(image, alt);
    return n ? n->text : NULL;
}

size_t image_size(const struct image *image)
{
    size_t size = 0;
    for (size_t i = 0; i < image->count; i++)
        size += image->segments[i].size;
    return size;
}

void image_digest(const struct image *image, char hex[65])
{
    struct hash hash;
    hash_init(&hash);
    for (size_t i = 0; i < image->count; i++) {
        const struct segment *s = &image->segments[i];
        uint8_t place[5] = {s->alt, (uint8_t)s->address, (uint8_t)(s->address >> 8),
                            (uint8_t)(s->address >> 16), (uint8_t)(s->address >> 24)};
        hash_field(&hash, "place", place, sizeof(place));
        hash_field(&hash, "data", s->data, s->size);
    }
    hash_final(&hash, hex);
}

bool image_equal(const struct image *a, const struct image *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct segment *s = &a->segments[i], *t = &b->segments[i];
        if (s->alt != t->alt || s->address != t->address || s->size != t->size ||
            memcmp(s->data, t->data, s->size) != 0)
            return false;
    }
    return true;
}

void image_release(struct image *image)
{
    for (size_t i = 0; i < image->count; i++)
        free(image->segments[i].data);
    free(image->segments);
    free(image->names);
    *image = (struct image)IMAGE_INIT;
}

const struct segment *image_payload(const struct image *image, struct err **err)
{
    if (!image_check_plain(image, err))
        return NULL;
    if (image->count == 1)
        return &image->segments[0];
    if (image->count == 0) {
        err_set(err, ERR_FAILED, "the image is empty: there is nothing to write");
        return NULL;
    }
    err_set(err, ERR_FAILED,
            "the image has %zu segments, which plain DFU has no addresses to tell apart by",
            image->count);
    err_hint(err, "make a .bin of it, with its gaps filled, if that is what the device expects");
    return NULL;
}

bool image_check_address(const struct image *image, struct err **err)
{
    if (!image->addressless)
        return true;
    err_set(err, ERR_USAGE, "the file does not say where its bytes belong");
    return err_hint(err, "give the first byte's address: --address 0x08000000");
}

bool image_check_plain(const struct image *image, struct err **err)
{
    if (!image->packed)
        return true;
    err_set(err, ERR_FAILED,
            "the image is packed for mboot: encrypted, so that only a board with its "
            "key knows the bytes");
    return err_hint(err, "use the file that it was packed from");
}

bool image_to_bin(const struct image *image, struct buf *out, uint32_t *address, struct err **err)
{
    if (!image_check_plain(image, err))
        return false;
    if (image->count == 0)
        return err_set(err, ERR_FAILED, "the image is empty: there is nothing to write");
    const struct segment *first = &image->segments[0];
    const struct segment *last = &image->segments[image->count - 1];
    if (last->alt != 0) {
        err_set(err, ERR_FAILED,
                "the image has data for alternate setting %u, which a raw binary cannot hold",
                last->alt);
        return err_hint(err, "write a .dfu, which can");
    }
    uint64_t span = segment_end(last) - first->address;
    if (span > IMAGE_MAX_BYTES) {
        err_set(err, ERR_FAILED,
                "the image spans %llu bytes from 0x%08x; a raw binary of it would be larger "
                "than %u MiB",
                (unsigned long long)span, first->address, IMAGE_MAX_BYTES / (1024 * 1024));
        return err_hint(err, "write a .dfu or .hex, which have no gaps to fill");
    }
    *address = first->address;
    for (size_t i = 0; i < image->count; i++) {
        const struct segment *s = &image->segments[i];
        if (i > 0)
            buf_fill(out, (char)0xff, s->address - segment_end(&image->segments[i - 1]));
        buf_add(out, s->data, s->size);
    }
    return true;
}
