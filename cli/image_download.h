/*
 * The files of an image that a daemon keeps, into a directory here.
 *
 * Each file is there whole or not at all, has the size that the daemon tells and, where the image's
 * sidecar tells it, the SHA-256 (ERR_AUTHENTIC otherwise).
 */
#ifndef FIRN_CLI_IMAGE_DOWNLOAD_H
#define FIRN_CLI_IMAGE_DOWNLOAD_H

#include "base/event.h"
#include "cli/client_http.h"

/* dir is made where it is not there. The paths of the files are appended to *paths (an array). */
bool image_download(struct client *client, const char *digest, const char *dir,
                    struct events *events, json_t *paths, struct err **err) MUST_CHECK;

#endif
