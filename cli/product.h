/*
 * One product among many that are built at the same time: its manifest, its label, the firn that
 * builds it, how it ended.
 *
 * Its events carry its label as "job". The first error among them is kept: it is the reason that
 * the end of the command repeats.
 */
#ifndef FIRN_CLI_PRODUCT_H
#define FIRN_CLI_PRODUCT_H

#include "builder/build.h"
#include "cli/command.h"

struct product {
    const char *path;      /* the manifest, borrowed */
    char *label;           /* "greeter"; the path where that would not be the only one */
    struct events *events; /* its own, noted here and handed on */
    struct events *relay;  /* those of the child that builds it, within */
    struct build_plan plan;
    long long started_ms;
    double seconds;    /* what it took */
    bool ended;        /* built, or failed */
    int exit_status;   /* then: 0 = there is an image */
    json_t *image;     /* build_fields() of it */
    char *first_error; /* "main.py:3:1: SyntaxError: invalid syntax", or NULL */
    char *said;        /* the last line of the child that was no event; or NULL */
    bool base_failed;  /* the base could not be compiled */
};

struct products {
    struct product *items; /* in the user's order */
    size_t count;
};
#define PRODUCTS_INIT                                                                              \
    {                                                                                              \
        NULL, 0                                                                                    \
    }

/* Labels and events for these manifests. Fails (ERR_USAGE, ERR_MANIFEST) when one is given twice or
 * two would write the same file; output_dir as in build_options. */
bool products_init(struct products *products, char **paths, int count, const char *output_dir,
                   struct events *events, struct err **err) MUST_CHECK;
void products_release(struct products *products);

/* firn itself, to build this one with so many compilers. */
void product_command(const struct product *product, const struct build_options *options,
                     unsigned jobs, struct strv *argv);
/* A line_fn, data is the product: what that command prints. */
void product_take_line(void *data, const char *line, size_t len);
/* It ended: takes time and events in order. image may be NULL; taken. */
void product_end(struct product *product, int exit_status, json_t *image);
/* The child ended with this status, as proc_set_wait() has it. */
void product_child_ended(struct product *product, int exit_status);
/* Its base could not be compiled for another one. */
void product_give_up(struct product *product, const struct product *other);

#endif
