/* What has to hold for every image that a reader of files returns. */
#ifndef FIRN_TESTS_FUZZ_FUZZ_IMAGE_H
#define FIRN_TESTS_FUZZ_FUZZ_IMAGE_H

#include "tests/fuzz/fuzz.h"

#include "image/image.h"

static inline void fuzz_check_image(const struct image *image)
{
    uint64_t end = 0;
    CHECK(image->count <= IMAGE_MAX_SEGMENTS && image_size(image) <= IMAGE_MAX_BYTES);
    for (size_t i = 0; i < image->count; i++) {
        const struct segment *s = &image->segments[i];
        CHECK(s->size > 0 && s->address + (uint64_t)s->size <= UINT64_C(1) << 32);
        CHECK(!i || s->alt >= s[-1].alt);
        /* Neighbours that touch were joined. */
        CHECK(!i || s->alt != s[-1].alt || s->address > end);
        end = s->address + (uint64_t)s->size;
    }
}

#endif
