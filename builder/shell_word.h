/*
 * Words of a shell script that firn writes for a sandbox.
 */
#ifndef FIRN_BUILDER_SHELL_WORD_H
#define FIRN_BUILDER_SHELL_WORD_H

#include "base/buf.h"

/* One word, whatever is in it: in single quotes (POSIX shell, 2.2.2). */
void shell_add_word(struct buf *script, const char *word);

#endif
