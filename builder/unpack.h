/*
 * Archives (tar, plain or by gzip, xz, bzip2 or zstd, and zip) to directories, with nothing in them
 * that an archive may not bring.
 *
 * What an archive says is somebody else's word. A name becomes a path below the directory, opened
 * component by component without following a link; "..", absolute names, links that may lead out,
 * devices, FIFOs, sockets and a name that occurs twice are refused. Owners, ACLs, times and special
 * bits are not taken: files are 0644 or 0755 (0444 or 0555), directories 0755 (0555), and the
 * umask does not count. Sizes, numbers and depth have limits, so that a bomb ends as an error.
 *
 * unpack_publish() makes the directory aside and renames it: it is there whole or not at all.
 *
 *     const struct unpack what = {.archive = got.path, .name = "toolchain 'arm-gnu'",
 *                                 .phase = "toolchain", .strip = 1, .read_only = true};
 *     if (!unpack_publish(&what, store, write_record, &record, events, err))
 *         return false;
 */
#ifndef FIRN_BUILDER_UNPACK_H
#define FIRN_BUILDER_UNPACK_H

#include <jansson.h>

#include "base/event.h"

#define UNPACK_MAX_BYTES (UINT64_C(8) << 30)
#define UNPACK_MAX_FILES 200000
#define UNPACK_MAX_DEPTH 64

struct unpack {
    const char *archive; /* the file */
    const char *name;    /* in messages */
    const char *phase;   /* of the progress events */
    unsigned strip;      /* leading components of every name that are left out */
    bool read_only;      /* nothing in it is writeable */
    const char *below;   /* unpack_publish(): a directory in `final` to unpack to; NULL = itself */
    /* 0 = UNPACK_MAX_... */
    uint64_t max_bytes; /* of all files together */
    size_t max_files;   /* of files, links and directories together */
    unsigned max_depth; /* of directories */
};

struct unpacked {
    json_t *digests; /* {path: SHA-256} of every regular file; links are not in it */
    char *top;       /* the first component that all names share, or NULL */
    long long
        newest_mtime; /* of a regular file, seconds since the epoch; 0 = the archive has none */
    uint64_t bytes;
    size_t entries;
};
#define UNPACKED_INIT                                                                              \
    {                                                                                              \
        NULL, NULL, 0, 0, 0                                                                        \
    }

/* Into an empty directory that exists. ERR_FETCH: the archive is damaged or refused; what was
 * written of it until then stays. */
bool unpack_into(const struct unpack *what, const char *dir, struct events *events,
                 struct unpacked *unpacked, struct err **err) MUST_CHECK;
void unpacked_release(struct unpacked *unpacked);

/* A caller's last word before the directory gets its name: write a record into it, or refuse it. */
typedef bool (*unpack_finish_fn)(void *data, const char *dir, const struct unpacked *unpacked,
                                 struct err **err);
/* The directory `final`, unless it is there already, under the lock of its parent (.lock), which is
 * made if needed. */
bool unpack_publish(const struct unpack *what, const char *final, unpack_finish_fn finish,
                    void *data, struct events *events, struct err **err) MUST_CHECK;

#endif
