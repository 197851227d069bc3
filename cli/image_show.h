/*
 * What is in an image file: for a person, and as the fields of `firn image --json` (docs/image.md).
 */
#ifndef FIRN_CLI_IMAGE_SHOW_H
#define FIRN_CLI_IMAGE_SHOW_H

#include "cli/image_input.h"

/* "dfuse", as --format takes it; "DfuSe file". */
const char *image_format_id(enum image_format format);
const char *image_format_title(enum image_format format);

/* Print it to standard output. */
void image_show(const struct image_input *in);
/* Yours. */
json_t *image_show_fields(const struct image_input *in);

#endif
