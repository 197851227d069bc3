/*
 * What `firn flash` is given: an image file with its sidecar, or a manifest, which is built first.
 */
#ifndef FIRN_CLI_FLASH_INPUT_H
#define FIRN_CLI_FLASH_INPUT_H

#include "cli/command.h"
#include "image/image.h"

struct flash_input {
    struct image image; /* with the usb ids of the sidecar, if it has some */
    uint8_t alt;        /* the setting of all segments; meaningless if one_alt is false */
    bool one_alt;
};
#define FLASH_INPUT_INIT                                                                           \
    {                                                                                              \
        .image = IMAGE_INIT                                                                        \
    }

/* Read PATH. bin_address (NULL = none) is for raw binaries and an error for other files. Fails with
 * ERR_AUTHENTIC when the image is not the one that its sidecar describes. A manifest's errors are
 * in diags, and *err is untouched. */
bool flash_input_load(struct cli *cli, const char *path, const uint32_t *bin_address,
                      struct flash_input *input, struct diags *diags, struct err **err) MUST_CHECK;
void flash_input_release(struct flash_input *input);

/* "0483:df11"; false if it is not that. */
bool flash_parse_ids(const char *text, uint16_t *vendor, uint16_t *product);

#endif
