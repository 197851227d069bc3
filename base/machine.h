/*
 * What this machine has to offer just now.
 */
#ifndef FIRN_BASE_MACHINE_H
#define FIRN_BASE_MACHINE_H

#include <stdint.h>

/* Processors on line that this process may use; at least 1. */
unsigned machine_processors(void);
/* MiB that programs can have without swapping (MemAvailable); 0 = not known. */
uint64_t machine_memory_mib(void);

#endif
