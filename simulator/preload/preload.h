/*
 * firn-sim.so, loaded into the programs on a simulated bus, before umockdev's library: what that
 * does not do, or not as fast.
 */
#ifndef FIRN_SIMULATOR_PRELOAD_PRELOAD_H
#define FIRN_SIMULATOR_PRELOAD_PRELOAD_H

#include <stdbool.h>

/* A path of the program below the mock root (UMOCKDEV_DIR), which only system calls of ours see. */
#define PRELOAD_PATH_MAX 256

#define NOT_OURS (-2)

/* open() of a board's terminal or of a device node; NOT_OURS: it is neither. */
int terminal_open(const char *path, int flags);
int node_open(const char *path, int flags);

/* What a terminal's name stands for; false: it is not one of a simulated board. */
bool terminal_resolve(const char *path, char target[PRELOAD_PATH_MAX]);

#endif
