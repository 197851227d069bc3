/*
 * Waiting for files to change, with inotify.
 *
 * A file counts when it was written and closed, or came, went or was renamed; so does all that is
 * in a directory that counts. A file need not exist: the nearest directory above it is watched. A
 * save may be several changes within a moment (a new file renamed over the old one, several files
 * of an editor): they come as one.
 *
 *     struct watch *w = watch_new(&err);
 *     watch_set(w, &files, &dirs, &grew, &err);   // again whenever the lists change
 *     while (watch_wait(w, 250, &changed, &when_ms)) ...
 *     watch_free(w);
 *
 * What happens between two calls of watch_wait() is not lost. Single-threaded.
 */
#ifndef FIRN_BASE_WATCH_H
#define FIRN_BASE_WATCH_H

#include "base/buf.h"
#include "base/err.h"

#define WATCH_QUIET_MS 20 /* without a change: that was all of them */

struct watch;

struct watch *watch_new(struct err **err) MUST_CHECK;
void watch_free(struct watch *watch);
static inline void watch_free_ptr(struct watch **watch)
{
    watch_free(*watch);
}
/* Watch these (absolute paths, sorted; copied) and nothing else. *grew: a directory is watched that
 * was not before, so what changed in it until now was missed. Fails when the kernel allows no more
 * watches. */
bool watch_set(struct watch *watch, const struct strv *files, const struct strv *dirs, bool *grew,
               struct err **err) MUST_CHECK;
/* Wait for a change. True: `changed` has the paths, sorted ("/": everything may have changed), and
 * *when_ms the time of the first (clock_ms()). False: timeout_ms have passed or a signal came. */
bool watch_wait(struct watch *watch, int timeout_ms, struct strv *changed, long long *when_ms);
/* Does a change of `path` concern these? It is one of the files, leads to one, or is in one of the
 * directories. */
bool watch_concerns(const char *path, const struct strv *files, const struct strv *dirs);

#endif
