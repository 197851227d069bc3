/*
 * The files that a manifest is made of, as the bundle that a daemon builds it from.
 *
 * The manifest becomes manifest.yaml, its lock manifest.yaml.lock, everything else keeps its path
 * from the manifest's directory. Of `frozen:` go the very files that the directives name; of C
 * modules, a board of one's own, a library and an included manifest.py the whole directory, but for
 * what bundle.h leaves out. What lies outside of the manifest's directory cannot go.
 */
#ifndef FIRN_CLI_SUBMIT_FILES_H
#define FIRN_CLI_SUBMIT_FILES_H

#include "base/bundle.h"
#include "builder/manifest.h"

/* Into an empty bundle. further: paths from the manifest's directory that go in any case, NULL =
 * none. Warnings (links that are left out, keys that go out of hand) and errors are in diags;
 * false: there are errors. */
bool submit_files_collect(struct bundle *bundle, const struct manifest *manifest,
                          const struct strv *further, struct diags *diags) MUST_CHECK;
/* Of a manifest that this firn cannot read: it and all that is in its directory. */
bool submit_files_all(struct bundle *bundle, const char *manifest_path,
                      struct err **err) MUST_CHECK;

#endif
