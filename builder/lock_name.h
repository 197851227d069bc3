/*
 * What the parts of a lock are called on the command line: `firn lock --update=NAME`.
 *
 *     NAME                      covers
 *     source                    "source commit", "source url" ..., and every submodule
 *     toolchain                 "toolchain version", "toolchain file gcc" ...
 *     main.py                   "frozen main.py" and how it is frozen
 *     c_modules/filter          "c_modules/filter/filter.c" ...
 *     qstrs                     all of them
 *     version                   "version", not "source version"
 */
#ifndef FIRN_BUILDER_LOCK_NAME_H
#define FIRN_BUILDER_LOCK_NAME_H

#include <stdbool.h>

/* Is this part, as key_parts.h has it, meant by the name? */
bool lock_name_covers(const char *name, const char *part);
/* The name that covers the part and what does not change without it. Borrowed from the part, or
 * static. */
const char *lock_name_for(const char *part);

#endif
