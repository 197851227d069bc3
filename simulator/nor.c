#include "simulator/nor.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_ptr(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static bool lock_file(const char *path, int fd, struct err **err)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    err_set(err, ERR_USAGE, "flash file '%s' belongs to a board that is simulated just now", path);
    return err_hint(err, "name another directory, or wait until that simulation has ended");
}

/* Open or make the file; *fresh tells whether its bytes still have to be erased. */
static bool open_file(const char *path, size_t size, int *fd, bool *fresh, struct err **err)
{
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    struct stat st;
    if (*fd < 0 || fstat(*fd, &st) < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot open flash file '%s'", path);
    if (!lock_file(path, *fd, err))
        return false;
    *fresh = st.st_size == 0;
    if (!*fresh && (size_t)st.st_size != size) {
        err_set(err, ERR_USAGE, "flash file '%s' has %lld bytes, the board's flash has %zu", path,
                (long long)st.st_size, size);
        return err_hint(err, "name another directory, or the board that the file belongs to");
    }
    /* Allocate now: a full disk is an error here and would be a SIGBUS in the middle of a write. */
    int error = *fresh ? posix_fallocate(*fd, 0, (off_t)size) : 0;
    if (error)
        return err_set_errno(err, ERR_FAILED, error, "cannot make flash file '%s'", path);
    return true;
}

bool nor_open(struct nor *nor, const char *path, size_t size, uint8_t erased, struct err **err)
{
    _cleanup_(close_ptr) int fd = -1;
    bool fresh = true;
    if (path && !open_file(path, size, &fd, &fresh, err))
        return false;
    int flags = path ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
    void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (bytes == MAP_FAILED)
        return err_set_errno(err, ERR_FAILED, errno, "cannot map flash of %zu bytes", size);
    *nor = (struct nor){bytes, size, erased, 0, fd};
    fd = -1;
    if (fresh)
        nor_erase(nor, 0, size);
    return true;
}

void nor_close(struct nor *nor)
{
    if (nor->bytes) {
        munmap(nor->bytes, nor->size);
        close_ptr(&nor->fd);
    }
    *nor = (struct nor)NOR_INIT;
}

void nor_erase(struct nor *nor, size_t offset, size_t len)
{
    assert(offset <= nor->size && len <= nor->size - offset);
    memset(nor->bytes + offset, nor->erased, len);
}

void nor_program(struct nor *nor, size_t offset, const uint8_t *data, size_t len)
{
    assert(offset <= nor->size && len <= nor->size - offset);
    for (size_t i = 0; i < len; i++) {
        uint8_t *byte = &nor->bytes[offset + i];
        nor->overwritten += *byte != nor->erased;
        *byte = nor->erased ? *byte & data[i] : *byte | data[i];
    }
}
