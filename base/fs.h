/*
 * Files: bounded reading, atomic writing, trees, locks.
 *
 * Nothing is ever half written: fs_write() goes to a temporary name in the same directory, is
 * fsynced and renamed. Whole directories are made the same way: build aside (fs_temp_dir), then
 * fs_publish_dir(). Paths are plain strings; relative ones are relative to the working directory.
 */
#ifndef FIRN_BASE_FS_H
#define FIRN_BASE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/* a/b; an absolute b stands alone. The caller frees. */
char *path_join(const char *a, const char *b);
char *path_dirname(const char *path);
/* Borrowed: the part after the last '/'. */
const char *path_basename(const char *path);
/* Absolute, with "." and ".." resolved as text (no file system access). The caller frees. */
char *path_absolute(const char *path);
/* How a path is shown to a person: without the working directory in front. The caller frees. */
char *path_shown(const char *path);
/* Does `path` lie in `dir` or is it `dir`? Both absolute and normalised (path_absolute). */
bool path_is_beneath(const char *path, const char *dir);
/* Does a symbolic link with this target stay in its tree, `depth` directories below its top? It may
 * go up only at its beginning and not above the top. As long as that holds for every link and the
 * directories that links lie in are real ones, no chain of links leads out. */
bool path_link_stays(const char *target, unsigned depth);

bool fs_exists(const char *path);
bool fs_is_dir(const char *path);
bool fs_is_file(const char *path);

/* Read a whole regular file; longer than max bytes is an error, not a truncation. */
bool fs_read(const char *path, size_t max, struct buf *out, struct err **err) MUST_CHECK;
/* The same for a file that several processes write with fs_write(), all of them the same: what one
 * that was killed left on its way to it is removed, since nobody may write it again. */
bool fs_read_shared(const char *path, size_t max, struct buf *out, struct err **err) MUST_CHECK;
/* Read a file that must lie beneath dir, following no symbolic link and no ".." out of it
 * (openat2 RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS). */
bool fs_read_beneath(const char *dir, const char *path, size_t max, struct buf *out,
                     struct err **err) MUST_CHECK;
/* Replace path atomically; parent directories must exist. */
bool fs_write(const char *path, const void *data, size_t len, mode_t mode,
              struct err **err) MUST_CHECK;
/* The same for a file that dies with its directory (a build's scratch): neither synced nor renamed.
 */
bool fs_write_scratch(const char *path, const void *data, size_t len, struct err **err) MUST_CHECK;
/* The same below a directory, in directories of its own, which are made. */
bool fs_write_scratch_below(const char *dir, const char *path, const void *data, size_t len,
                            struct err **err) MUST_CHECK;
bool fs_copy_scratch(const char *from, const char *to, struct err **err) MUST_CHECK;
bool fs_copy(const char *from, const char *to, struct err **err) MUST_CHECK;
/* Sync a finished file and rename it to its name, in the same file system. */
bool fs_publish_file(const char *temp, const char *final, struct err **err) MUST_CHECK;
bool fs_mkdirs(const char *path, struct err **err) MUST_CHECK;
/* Close a descriptor that was written to, and set it to -1; false, with errno: some file systems
 * say only now that there was no room. */
bool fs_close(int *fd) MUST_CHECK;
/* What names a directory holds is on the disk. */
bool fs_sync_dir(const char *dir, struct err **err) MUST_CHECK;

/* Names in a directory, sorted, without "." and "..". */
bool fs_list(const char *dir, struct strv *names, struct err **err) MUST_CHECK;
/* Regular files and symbolic links below dir as paths relative to it, sorted; links are not
 * followed, whatever they lead to. More than max_files is an error. */
bool fs_walk(const char *dir, size_t max_files, struct strv *files, struct err **err) MUST_CHECK;
/* Remove a file or a whole tree; nothing there is success. Does not follow links. */
bool fs_remove_tree(const char *path, struct err **err) MUST_CHECK;

/* Take the permission to write from everything in a tree, itself included; links are left alone. */
bool fs_make_read_only(const char *path, struct err **err) MUST_CHECK;

/* Remove what killed runs left of their fs_temp_dir()s. The caller holds whatever lock keeps others
 * from having one in this parent now. */
bool fs_remove_leftovers(const char *parent, struct err **err) MUST_CHECK;
/* A new empty directory "<parent>/.tmp-XXXXXX"; the caller frees the name. */
bool fs_temp_dir(const char *parent, char **path, struct err **err) MUST_CHECK;
/* The same in $TMPDIR or /tmp: for what dies with this process. The path is absolute. */
bool fs_temp_dir_anywhere(char **path, struct err **err) MUST_CHECK;
/* Rename a finished temporary directory to its name. If somebody else published the same name
 * first, theirs stands and ours is removed: both hold the same content by construction. */
bool fs_publish_dir(const char *temp, const char *final, struct err **err) MUST_CHECK;

/* What a file or a tree takes on the disk (st_blocks), links not followed. A file with several
 * names counts in equal parts at each; what cannot be looked at, or vanishes meanwhile, does not
 * count. */
uint64_t fs_disk_usage(const char *path);

/* An exclusive lock on a lock file (created if needed), released by fs_unlock() or by the death of
 * the process. Waits; on_wait (may be NULL) is called once when it has to. The lock is on the file
 * that has the name when it is got: one that fs_remove_lock() took away meanwhile is no lock. */
bool fs_lock(const char *path, void (*on_wait)(void *data), void *data, int *fd,
             struct err **err) MUST_CHECK;
/* The same without waiting: *fd is -1 when somebody else has it. */
bool fs_try_lock(const char *path, int *fd, struct err **err) MUST_CHECK;
void fs_unlock(int *fd);
/* Is the open file still the one that has the name? */
bool fs_has_name(int fd, const char *path);
/* Remove the lock file and release the lock, which is held. Who waits for it makes a new file. */
void fs_remove_lock(const char *path, int *fd);

/* Locks on what is there itself, a directory or a file: many may hold it (that it stays), one may
 * seize it when nobody does (to remove it). False: there is nothing of that name (any more), or,
 * for fs_seize(), somebody holds it. fs_hold() waits for one who seized it. Released by
 * fs_unlock(). */
bool fs_hold(const char *path, int *fd) MUST_CHECK;
bool fs_seize(const char *path, int *fd) MUST_CHECK;
/* Does somebody hold a lock on it, of either sort? Creates nothing; false if it is not there. */
bool fs_is_locked(const char *path);

#endif
