/*
 * A product at a daemon: sent, checked there, built, flashed, its image fetched.
 *
 * The steps of `firn submit`, in the order in which they are taken. Each returns an exit status,
 * has said what went wrong, and adds to `fields` what the result event tells.
 */
#ifndef FIRN_CLI_SUBMIT_H
#define FIRN_CLI_SUBMIT_H

#include "base/bundle.h"
#include "cli/client_http.h"
#include "cli/command.h"

struct submit {
    struct cli *cli;
    struct client *client;
    const char *name;     /* of the product there */
    const char *flash;    /* port, SUBMIT_ANY_BOARD, or NULL = no flash */
    const char *download; /* directory, or NULL */
    json_int_t priority;
    json_t *fields;
    json_int_t build_id, flash_id; /* 0 = there is none */
};
#define SUBMIT_ANY_BOARD "any"

/* PUT it and wait until the daemon has checked it; 2 with its errors where it is not valid. */
int submit_send(struct submit *submit, const struct bundle *bundle);
/* Queue the build, and the flash that waits for it. */
int submit_start(struct submit *submit);
/* Follow them to their ends and fetch the image. */
int submit_wait(struct submit *submit);

#endif
