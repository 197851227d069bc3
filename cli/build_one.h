/*
 * One manifest to its image, and what is said of it: `firn build MANIFEST`, and the part of it that
 * building many of them, or again and again, shares.
 */
#ifndef FIRN_CLI_BUILD_ONE_H
#define FIRN_CLI_BUILD_ONE_H

#include "builder/build.h"
#include "cli/command.h"

/* The whole command: with the result event and, for people, a summary. Its exit status. */
int build_single(struct cli *cli, const char *path, const struct config *config,
                 const struct build_options *options);

/* Build it and say what was wrong; 0 or an exit status. result is the caller's in any case. */
int build_one(struct cli *cli, const char *path, const struct config *config,
              const struct build_options *options, struct build_result *result);

/* Hold the image to its manifest's budget: entries to list (economy/budget.h), errors are said. 0
 * or an exit status. */
int build_budget(struct cli *cli, const struct build_result *result, const struct config *config,
                 const char *path, json_t *list);

/* What events tell of an image (docs/events.md, "images"). Yours. */
json_t *build_fields(const struct build_result *result);
/* A string of such an object, "" where there is none. Borrowed. */
const char *build_field(const json_t *object, const char *name);
/* "greeter 1.4.0 for NETDUINO2, 183.7 KiB of flash", from build_fields(). */
void build_add_name(const json_t *fields, struct buf *out);

#endif
