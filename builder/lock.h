/*
 * The lock: what a manifest's build is made of, in a file beside it that a person can read and a
 * diff can show.
 *
 *     # Written by `firn lock`: what greeter.yaml is built of. Not to be edited.
 *     lock: 1
 *     inputs:
 *     - source commit: f498a16c7db6d4b2de200b3e0856528dfe0613c3
 *     - frozen greet.py: sha256 9c1f...
 *
 * Its lines are the parts of the build's key (key_parts.h), so that it covers whatever can change a
 * byte, but for this machine's own programs (KEY_HOST). One thing a line, in an order that does not
 * depend on anything else.
 */
#ifndef FIRN_BUILDER_LOCK_H
#define FIRN_BUILDER_LOCK_H

#include "base/err.h"
#include "builder/key_parts.h"

/* "<manifest>.lock". The caller frees. */
char *lock_path(const char *manifest_path);
/* False: diags has errors, each at its line. The parts' scopes are not known afterwards. */
bool lock_read(const char *path, struct key_parts *parts, struct diags *diags) MUST_CHECK;
/* Append the file's text. name: the manifest's, for its first line. */
void lock_format(const struct key_parts *parts, const char *name, struct buf *out);
/* Replaced as a whole. ERR_FAILED: lock_read() would refuse it, as it is too large (base/yaml.h) or
 * has too long a name. */
bool lock_write(const char *manifest_path, const struct key_parts *parts,
                struct err **err) MUST_CHECK;
/* Is everything as locked? Otherwise ERR_FETCH names the first thing that is not. */
bool lock_check(const struct key_parts *lock, const struct key_parts *now,
                const char *manifest_path, struct err **err) MUST_CHECK;
/* Hint at how this part is locked anew. Returns false. */
bool lock_hint(const char *part, const char *manifest_path, struct err **err);

#endif
