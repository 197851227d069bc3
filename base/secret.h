/*
 * Secrets (libsodium): random ones, and comparing without telling by the time it takes where two
 * differ.
 */
#ifndef FIRN_BASE_SECRET_H
#define FIRN_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* `bytes` random bytes as lower-case hexadecimal: 2 * bytes digits and the terminating NUL. */
void secret_random_hex(char *out, size_t bytes);
/* Are len bytes the same? The time depends on len only. */
bool secret_equal(const void *a, const void *b, size_t len);

#endif
