/* What has to hold for every image that a reader of files returns. */
#ifndef FIRN_TESTS_FUZZ_FUZZ_IMAGE_H
#define FIRN_TESTS_FUZZ_FUZZ_IMAGE_H

#include "tests/fuzz/fuzz.h"

#include "image/image.h"

static inline void fuzz_check_image(const struct image *image)
{
    uint64_t end = 0;
    CHECK(image->count <= IMAGE_MAX_SEGMENTS && image_size(image) <= IMAGE_MAX_BYTES);
    CHECK(!image->addressless || (image->count == 1 && image->segments[0].address == 0));
    for (size_t i = 0; i < image->count; i++) {
        const struct segment *s = &image->segments[i];
        CHECK(s->size > 0 && s->address + (uint64_t)s->size <= UINT64_C(1) << 32);
        /* Sorted, and neighbours that touch were joined; a packed one has the file's order. */
        CHECK(image->packed || !i || s->alt >= s[-1].alt);
        CHECK(image->packed || !i || s->alt != s[-1].alt || s->address > end);
        end = s->address + (uint64_t)s->size;
    }
}

/* What all formats keep. */
static inline void fuzz_check_same(const struct image *a, const struct image *b)
{
    CHECK(image_equal(a, b) && a->packed == b->packed && a->addressless == b->addressless);
}

#endif
