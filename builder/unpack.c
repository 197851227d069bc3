#include "builder/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/proc.h"
#include "base/text.h"

#define BLOCK_BYTES (64 * 1024)
#define PATH_MAX_BYTES 4096

struct job {
    const struct unpack *what; /* with its limits filled in */
    struct archive *archive;
    struct archive_entry *entry;
    struct events *events;
    struct unpacked *out;
    int root;
    bool mixed; /* the names do not share their first component */
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
#define _cleanup_fd_ _cleanup_(close_fd)

static bool refuse(const char *name, const char *why, struct err **err)
{
    err_set(err, ERR_FETCH, "refusing '%s' of the archive: %s", name, why);
    return err_hint(err, "nothing of it was kept; ask its publisher");
}

static bool fail_archive(const struct job *job, struct err **err)
{
    const char *said = archive_error_string(job->archive);
    return err_set(err, ERR_FETCH, "the archive is damaged or of an unknown kind: %s",
                   said ? said : "no reason is given");
}

/* ---- names ---- */

/* The components of a name, without "." and empty ones; refused with "..", or absolute. */
static bool split_name(const char *name, struct strv *parts, struct err **err)
{
    if (name[0] == '/')
        return refuse(name, "its name is absolute", err);
    if (strlen(name) >= PATH_MAX_BYTES)
        return refuse(name, "its name is too long", err);
    for (const char *p = name; *p;) {
        size_t len = strcspn(p, "/");
        if (len == 2 && !memcmp(p, "..", 2))
            return refuse(name, "its name leads out of the directory", err);
        if (len > 1 || (len == 1 && *p != '.'))
            strv_addf(parts, "%.*s", (int)len, p);
        p += len + (p[len] == '/');
    }
    return true;
}

static void note_top(struct job *job, const char *first)
{
    struct unpacked *out = job->out;
    if (job->mixed)
        return;
    if (!out->top)
        out->top = xstrdup(first);
    job->mixed = strcmp(out->top, first) != 0;
    if (job->mixed) {
        free(out->top);
        out->top = NULL;
    }
}

/* "a/b/c" of the parts behind those that are stripped; "" if nothing is left. */
static char *stripped(const struct strv *parts, unsigned strip)
{
    struct buf path = BUF_INIT;
    for (size_t i = strip; i < parts->count; i++)
        buf_addf(&path, "%s%s", i > strip ? "/" : "", parts->items[i]);
    return path.len ? buf_detach(&path, NULL) : xstrdup("");
}

/* In the C locale libarchive has no plain form of a name that is stored as Unicode. */
static const char *entry_name(struct archive_entry *entry)
{
    const char *name = archive_entry_pathname(entry);
    return name ? name : archive_entry_pathname_utf8(entry);
}

static const char *entry_symlink(struct archive_entry *entry)
{
    const char *target = archive_entry_symlink(entry);
    return target ? target : archive_entry_symlink_utf8(entry);
}

static const char *entry_hardlink(struct archive_entry *entry)
{
    const char *target = archive_entry_hardlink(entry);
    return target ? target : archive_entry_hardlink_utf8(entry);
}

/* ---- places ---- */

static bool fail_place(const char *path, int errnum, struct err **err)
{
    if (errnum == ELOOP || errnum == ENOTDIR)
        return refuse(path, "its way leads through a link or a file", err);
    if (errnum == EEXIST)
        return refuse(path, "its name occurs twice", err);
    return err_set_errno(err, ERR_FAILED, errnum, "cannot write '%s' of the archive", path);
}

/* Open a directory below the root, made where it is missing; no link is followed on the way. */
static bool open_dir(const struct job *job, const char *path, const char *shown, int *fd,
                     struct err **err)
{
    int at = dup(job->root);
    for (const char *p = path; at >= 0 && *p;) {
        size_t len = strcspn(p, "/");
        _cleanup_free_ char *part = xstrndup(p, len);
        bool made = mkdirat(at, part, 0755) == 0;
        int next = openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int errnum = errno;
        if (made && next >= 0)
            fchmod(next, 0755); /* the umask does not count */
        close(at);
        at = next;
        errno = errnum;
        p += len + (p[len] == '/');
    }
    *fd = at;
    return at >= 0 || fail_place(shown, errno, err);
}

/* The directory that holds path, opened. */
static bool open_parent(const struct job *job, const char *path, int *fd, struct err **err)
{
    const char *slash = strrchr(path, '/');
    _cleanup_free_ char *parent = xstrndup(path, slash ? (size_t)(slash - path) : 0);
    return open_dir(job, parent, path, fd, err);
}

/* ---- entries ---- */

static bool write_block(struct job *job, int fd, const char *path, const char *data, size_t len,
                        struct err **err)
{
    if (len > job->what->max_bytes - job->out->bytes) {
        _cleanup_(buf_release) struct buf size = BUF_INIT;
        text_add_size(&size, job->what->max_bytes);
        return err_set(err, ERR_FETCH, "the archive unpacks to more than %s", size.data);
    }
    job->out->bytes += len;
    while (len) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set_errno(err, ERR_FAILED, errno, "cannot write '%s'", path);
        data += n;
        len -= (size_t)n;
    }
    return true;
}

/* Data as a plain stream: holes count as the zeros that they are read as. */
static bool copy_data(struct job *job, int fd, const char *path, char hex[HASH_HEX_SIZE],
                      struct err **err)
{
    char block[BLOCK_BYTES];
    struct hash hash;
    la_ssize_t n;
    hash_init(&hash);
    while ((n = archive_read_data(job->archive, block, sizeof(block))) != 0) {
        if (n == ARCHIVE_RETRY)
            continue;
        if (n < 0)
            return fail_archive(job, err);
        if (interrupt_requested())
            return err_set(err, ERR_INTERRUPTED, "interrupted");
        hash_update(&hash, block, (size_t)n);
        if (!write_block(job, fd, path, block, (size_t)n, err))
            return false;
        event_progress(job->events, job->what->phase, job->out->bytes, 0, "bytes", path);
    }
    hash_final(&hash, hex);
    return true;
}

static bool add_digest(const struct job *job, const char *path, json_t *digest, struct err **err)
{
    return json_object_set_new(job->out->digests, path, digest) == 0 ||
           refuse(path, "its name is not UTF-8", err);
}

static bool write_file(struct job *job, const char *path, struct err **err)
{
    _cleanup_fd_ int dir = -1, fd = -1;
    char hex[HASH_HEX_SIZE];
    long long mtime = archive_entry_mtime(job->entry);
    mode_t mode = archive_entry_perm(job->entry) & 0100 ? 0755 : 0644;
    if (!open_parent(job, path, &dir, err))
        return false;
    fd = openat(dir, path_basename(path), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                0600);
    if (fd < 0)
        return fail_place(path, errno, err);
    if (!copy_data(job, fd, path, hex, err))
        return false;
    if (fchmod(fd, job->what->read_only ? mode & ~0222u : mode) != 0)
        return fail_place(path, errno, err);
    if (mtime > job->out->newest_mtime)
        job->out->newest_mtime = mtime;
    return add_digest(job, path, json_string(hex), err);
}

static unsigned depth_of(const char *path)
{
    unsigned depth = 0;
    for (; *path; path++)
        depth += *path == '/';
    return depth;
}

static bool write_symlink(struct job *job, const char *path, struct err **err)
{
    _cleanup_fd_ int dir = -1;
    const char *target = entry_symlink(job->entry);
    if (!target || !path_link_stays(target, depth_of(path)))
        return refuse(path, "it is a symbolic link that may lead out of the directory", err);
    if (!open_parent(job, path, &dir, err))
        return false;
    return symlinkat(target, dir, path_basename(path)) == 0 || fail_place(path, errno, err);
}

/* To a regular file that this archive brought, found as every other name is. */
static bool write_hard_link(struct job *job, const char *path, struct err **err)
{
    _cleanup_(strv_release) struct strv parts = STRV_INIT;
    _cleanup_fd_ int dir = -1, target_dir = -1;
    if (!split_name(entry_hardlink(job->entry), &parts, err))
        return false;
    _cleanup_free_ char *target = stripped(&parts, job->what->strip);
    json_t *digest = json_object_get(job->out->digests, target);
    if (!digest)
        return refuse(path, "it is a hard link to no file of this archive", err);
    if (!open_parent(job, target, &target_dir, err) || !open_parent(job, path, &dir, err))
        return false;
    if (linkat(target_dir, path_basename(target), dir, path_basename(path), 0) != 0)
        return fail_place(path, errno, err);
    return add_digest(job, path, json_incref(digest), err);
}

static bool write_entry(struct job *job, const char *path, struct err **err)
{
    _cleanup_fd_ int dir = -1;
    if (depth_of(path) > job->what->max_depth)
        return refuse(path, "it is nested too deep", err);
    if (entry_hardlink(job->entry))
        return write_hard_link(job, path, err);
    if (archive_entry_is_encrypted(job->entry))
        return refuse(path, "it is encrypted", err);
    switch (archive_entry_filetype(job->entry)) {
    case AE_IFREG:
        return write_file(job, path, err);
    case AE_IFDIR:
        return open_dir(job, path, path, &dir, err);
    case AE_IFLNK:
        return write_symlink(job, path, err);
    default:
        return refuse(path, "it is a device, a FIFO or a socket", err);
    }
}

static bool take_entry(struct job *job, struct err **err)
{
    _cleanup_(strv_release) struct strv parts = STRV_INIT;
    const char *name = entry_name(job->entry);
    if (!name)
        return err_set(err, ERR_FETCH, "a name in the archive cannot be read");
    if (++job->out->entries > job->what->max_files)
        return err_set(err, ERR_FETCH, "the archive holds more than %zu files",
                       job->what->max_files);
    if (!split_name(name, &parts, err))
        return false;
    if (parts.count)
        note_top(job, parts.items[0]);
    _cleanup_free_ char *path = stripped(&parts, job->what->strip);
    return !*path || write_entry(job, path, err);
}

/* ---- the archive ---- */

static bool read_entries(struct job *job, struct err **err)
{
    for (;;) {
        int status = archive_read_next_header(job->archive, &job->entry);
        if (status == ARCHIVE_EOF)
            return true;
        if (status == ARCHIVE_RETRY)
            continue;
        /* A warning is about a name in another character set: it is taken as it is. */
        if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
            return fail_archive(job, err);
        if (!take_entry(job, err))
            return false;
        if (interrupt_requested())
            return err_set(err, ERR_INTERRUPTED, "interrupted");
    }
}

static bool open_archive(struct job *job, struct err **err)
{
    struct archive *a = job->archive;
    archive_read_support_filter_gzip(a);
    archive_read_support_filter_xz(a);
    archive_read_support_filter_bzip2(a);
    archive_read_support_filter_zstd(a);
    archive_read_support_format_tar(a);
    archive_read_support_format_zip(a);
    return archive_read_open_filename(a, job->what->archive, BLOCK_BYTES) == ARCHIVE_OK ||
           fail_archive(job, err);
}

static struct unpack with_limits(const struct unpack *given)
{
    struct unpack what = *given;
    what.max_bytes = what.max_bytes ? what.max_bytes : UNPACK_MAX_BYTES;
    what.max_files = what.max_files ? what.max_files : UNPACK_MAX_FILES;
    what.max_depth = what.max_depth ? what.max_depth : UNPACK_MAX_DEPTH;
    return what;
}

bool unpack_into(const struct unpack *given, const char *dir, struct events *events,
                 struct unpacked *unpacked, struct err **err)
{
    const struct unpack what = with_limits(given);
    _cleanup_fd_ int root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct job job = {.what = &what, .events = events, .out = unpacked, .root = root};
    if (root < 0 || fchmod(root, 0755) != 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot open '%s'", dir);
    unpacked_release(unpacked);
    unpacked->digests = json_object();
    job.archive = archive_read_new();
    if (!job.archive)
        return err_set(err, ERR_FAILED, "libarchive cannot be used here");
    bool ok = open_archive(&job, err) && read_entries(&job, err);
    archive_read_free(job.archive);
    return ok || err_wrap(err, "%s: cannot unpack %s", what.name, what.archive);
}

void unpacked_release(struct unpacked *unpacked)
{
    json_decref(unpacked->digests);
    free(unpacked->top);
    *unpacked = (struct unpacked)UNPACKED_INIT;
}
