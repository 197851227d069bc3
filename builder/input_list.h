/*
 * The user's own files that a build read, or would have read had they been there: for
 * `firn build --watch`, which waits until one of them changes.
 *
 * What firn fetched and keeps itself (checkouts, toolchains) is not among them. When not all could
 * be read (an error in the manifest, a manifest.py that names a file that is not there), everything
 * below the manifest's directory counts, but for hidden directories and those that builds write.
 */
#ifndef FIRN_BUILDER_INPUT_LIST_H
#define FIRN_BUILDER_INPUT_LIST_H

#include "base/buf.h"
#include "base/hash.h"

struct input_list {
    struct strv files;       /* absolute, sorted; each counts alone, and need not exist */
    struct strv dirs;        /* absolute, sorted; all that is in one counts, not what is below */
    char key[HASH_HEX_SIZE]; /* of the build; "" = not all could be read */
};
#define INPUT_LIST_INIT                                                                            \
    {                                                                                              \
        STRV_INIT, STRV_INIT, ""                                                                   \
    }

struct build_job;
/* Replace the list by what a job whose inputs were found, or could not be, depends on. */
void input_list_collect(struct input_list *list, const struct build_job *job,
                        const char *manifest_path);
void input_list_release(struct input_list *list);

#endif
