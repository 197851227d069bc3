/* A directory in memory, for targets that need files. libFuzzer does not always let a program end
 * in good order: tests/fuzz/run and minimise give a FUZZ_DIR that they remove. */
#ifndef FIRN_TESTS_FUZZ_FUZZ_DIR_H
#define FIRN_TESTS_FUZZ_FUZZ_DIR_H

#include "tests/fuzz/fuzz.h"

#include "base/fs.h"

static char *fuzz_dir_path;

static inline void fuzz_dir_remove(void)
{
    _cleanup_err_ struct err *err = NULL;
    (void)!fs_remove_tree(fuzz_dir_path, &err);
    free(fuzz_dir_path);
}

/* The same one for the whole program, removed at its end. Borrowed. */
static inline const char *fuzz_dir(void)
{
    const char *parent = getenv("FUZZ_DIR");
    if (fuzz_dir_path)
        return fuzz_dir_path;
    fuzz_dir_path = xasprintf("%s/firn-fuzz-XXXXXX", parent ? parent : "/dev/shm");
    CHECK(mkdtemp(fuzz_dir_path) && atexit(fuzz_dir_remove) == 0);
    return fuzz_dir_path;
}

#endif
