/*
 * A file on its way to its name: written under a temporary name in the same directory, then synced
 * and renamed. fs_write() and fs_copy() are made of it.
 *
 *     _cleanup_(temp_file_release) struct temp_file temp = TEMP_FILE_INIT;
 *     if (!temp_file_open(&temp, path, 0644, err) || !write to temp.fd ...)
 *         return false;
 *     return temp_file_commit(&temp, path, err);
 *
 * The temporary name is made from the final one, ".tmp-<16 digits>", and who writes holds a lock on
 * the file (flock): so the next one who writes the same file finds what a killed process left,
 * knows that nobody writes it, and removes it. Who finds it locked waits.
 */
#ifndef FIRN_BASE_TEMP_FILE_H
#define FIRN_BASE_TEMP_FILE_H

#include <sys/types.h>

#include "base/err.h"

struct temp_file {
    char *path;
    int fd;
};
#define TEMP_FILE_INIT                                                                             \
    {                                                                                              \
        NULL, -1                                                                                   \
    }

/* A new file, never one that was there; its messages speak of `final`. */
bool temp_file_open(struct temp_file *temp, const char *final, mode_t mode,
                    struct err **err) MUST_CHECK;
bool temp_file_commit(struct temp_file *temp, const char *final, struct err **err) MUST_CHECK;
/* For who finds the final file there and has no reason to write it again: remove what a killed
 * process left on its way to it. What somebody is writing stays. */
void temp_file_remove_left(const char *final);
/* Removes the file unless it was committed. */
void temp_file_release(struct temp_file *temp);

#endif
