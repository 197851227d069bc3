/*
 * What `firn image` and `firn flash` are given: an image file and the sidecar that describes it.
 */
#ifndef FIRN_CLI_IMAGE_INPUT_H
#define FIRN_CLI_IMAGE_INPUT_H

#include <jansson.h>

#include "base/hash.h"
#include "cli/command.h"
#include "image/image_file.h"

struct image_input {
    const char *path;   /* borrowed */
    struct image image; /* with the USB ids of the sidecar if the file has none */
    struct image_file file;
    char file_hash[HASH_HEX_SIZE]; /* SHA-256 of the file */
    char digest[HASH_HEX_SIZE];    /* image_digest() */
    json_t *sidecar;               /* NULL when there is none that describes this image */
    bool other_sidecar;            /* there is one, and it describes another image */
};
#define IMAGE_INPUT_INIT                                                                           \
    {                                                                                              \
        .image = IMAGE_INIT, .file = IMAGE_FILE_INIT                                               \
    }

/* Read PATH and its sidecar. address (NULL = none given) is for raw binaries and plain DFU files,
 * and an error for those that hold their own; a raw binary that was built here has it in its
 * sidecar. A sidecar that cannot be read is a warning: the image is all there without it. A .dfu
 * file without a suffix is said to be one, and is good. ERR_USAGE when there is no such file. */
bool image_input_load(struct cli *cli, const char *path, const uint32_t *address,
                      struct image_input *input, struct err **err) MUST_CHECK;
/* False (ERR_AUTHENTIC) if there is a sidecar and it describes another image: one of the two is not
 * what it was. */
bool image_input_check_sidecar(const struct image_input *input, struct err **err) MUST_CHECK;
/* Does the image belong where its addresses say? Some boards map their flash to where the program
 * is linked, and an ELF file knows only the latter: written in another format it would be flashed
 * to the wrong place. */
bool image_input_check_link(const struct image_input *input, struct err **err) MUST_CHECK;
/* How a board that runs the image's product gets into its bootloader, as its manifest says: a word
 * of the manifest's flash.enter, borrowed; NULL = not known. */
const char *image_input_enter(const struct image_input *input);
void image_input_release(struct image_input *input);

/* One number of four hexadecimal digits at most, "0200" or "0x0200"; false if it is not that. */
bool image_parse_id(const char *text, uint16_t *id);
/* "0483:df11"; false if it is not that. */
bool image_parse_ids(const char *text, uint16_t *vendor, uint16_t *product);

#endif
