/*
 * The sidecar: "<image>.json" beside the image, what it is and everything that went into it.
 *
 * It is a JSON object with sorted keys; docs/image.md lists every field. The builder fills it, the
 * flasher reads `board`, `usb` and `digest` from it; unknown fields are kept by nobody and harm
 * nobody. No field depends on the time, the user or a path of the machine that built it.
 */
#ifndef FIRN_IMAGE_SIDECAR_H
#define FIRN_IMAGE_SIDECAR_H

#include <jansson.h>

#include "image/image.h"

#define SIDECAR_MAX_BYTES (4u * 1024 * 1024)

/* "<dir>/greeter-1.4.0.dfu" -> "<dir>/greeter-1.4.0.json", which is also that of the parts
 * "greeter-1.4.0.app.dfu" and ".pack.dfu", unless they have one of their own. The caller frees. */
char *sidecar_path(const char *image_path);
/* *out is yours (json_decref). ERR_NOT_FOUND when there is none. */
bool sidecar_load(const char *image_path, json_t **out, struct err **err) MUST_CHECK;
/* Sorted keys, two-space indent, newline at the end; atomic. */
bool sidecar_save(const char *image_path, const json_t *sidecar, struct err **err) MUST_CHECK;
/* [{"alt":0,"address":"0x08000000","size":186468,"sha256":"..."}], yours. */
json_t *sidecar_segments(const struct image *image);

#endif
