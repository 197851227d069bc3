/*
 * What `firn image` is given: an image file and the sidecar that describes it.
 */
#ifndef FIRN_CLI_IMAGE_INPUT_H
#define FIRN_CLI_IMAGE_INPUT_H

#include <jansson.h>

#include "base/hash.h"
#include "cli/command.h"
#include "image/image.h"

struct image_input {
    const char *path;   /* borrowed */
    struct image image; /* with the USB ids of the sidecar if the file has none */
    enum image_format format;
    char file_hash[HASH_HEX_SIZE]; /* SHA-256 of the file */
    char digest[HASH_HEX_SIZE];    /* image_digest() */
    json_t *sidecar;               /* NULL when there is none that describes this image */
};
#define IMAGE_INPUT_INIT                                                                           \
    {                                                                                              \
        .image = IMAGE_INIT                                                                        \
    }

/* Read PATH and its sidecar. address (NULL = none given) is for raw binaries and an error for other
 * files; one that was built here has it in its sidecar. A sidecar that cannot be read or describes
 * another image is a warning: the image is all there without it. */
bool image_input_load(struct cli *cli, const char *path, const uint32_t *address,
                      struct image_input *input, struct err **err) MUST_CHECK;
/* Does the image belong where its addresses say? Some boards map their flash to where the program
 * is linked, and an ELF file knows only the latter: written in another format it would be flashed
 * to the wrong place. */
bool image_input_check_link(const struct image_input *input, struct err **err) MUST_CHECK;
void image_input_release(struct image_input *input);

#endif
