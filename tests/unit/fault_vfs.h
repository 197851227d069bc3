/*
 * A file system for SQLite that fails: the n-th of the calls that write (xOpen, xWrite, xTruncate,
 * xSync) returns an error, once or from then on. It stands before SQLite's own and is its default.
 *
 *     fault_vfs_install();
 *     fault.at = 7, fault.code = SQLITE_FULL, fault.lasting = true;   // armed
 *     ...
 *     fault_vfs_mend();                                               // fault.failed: how often it
 * did
 */
#ifndef FIRN_TESTS_UNIT_FAULT_VFS_H
#define FIRN_TESTS_UNIT_FAULT_VFS_H

#include <errno.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static struct {
    int at;    /* the call that fails, from 1; 0 = none */
    int calls; /* so far */
    int code;  /* SQLITE_FULL, or 0: SQLITE_IOERR_* of the call */
    bool lasting;
    int failed;
    bool failed_sync; /* was it a sync that failed first? */
} fault;

static sqlite3_vfs *fault_below;
static int fault_errno;

struct fault_file {
    sqlite3_file base;
    sqlite3_file *below;
};

static bool fault_strikes(bool is_sync)
{
    fault.calls++;
    if (!fault.at || fault.calls < fault.at || (fault.calls > fault.at && !fault.lasting))
        return false;
    if (!fault.failed++)
        fault.failed_sync = is_sync;
    fault_errno = fault.code == SQLITE_FULL ? ENOSPC : EIO;
    return true;
}

static sqlite3_file *fault_down(sqlite3_file *file)
{
    return ((struct fault_file *)file)->below;
}

/* ---- what may fail ---- */

static int fault_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 at)
{
    file = fault_down(file);
    if (!fault_strikes(false))
        return file->pMethods->xWrite(file, data, len, at);
    /* Half of it is there: as when a disk fills up. */
    file->pMethods->xWrite(file, data, len / 2, at);
    return fault.code ? fault.code : SQLITE_IOERR_WRITE;
}

static int fault_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    file = fault_down(file);
    return fault_strikes(false) ? SQLITE_IOERR_TRUNCATE : file->pMethods->xTruncate(file, size);
}

static int fault_sync(sqlite3_file *file, int flags)
{
    file = fault_down(file);
    return fault_strikes(true) ? SQLITE_IOERR_FSYNC : file->pMethods->xSync(file, flags);
}

/* ---- what does not ---- */

static int fault_close(sqlite3_file *file)
{
    struct fault_file *f = (struct fault_file *)file;
    int code = f->below->pMethods->xClose(f->below);
    free(f->below);
    return code;
}
static int fault_read(sqlite3_file *f, void *data, int len, sqlite3_int64 at)
{
    return fault_down(f)->pMethods->xRead(fault_down(f), data, len, at);
}
static int fault_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return fault_down(f)->pMethods->xFileSize(fault_down(f), size);
}
static int fault_lock(sqlite3_file *f, int level)
{
    return fault_down(f)->pMethods->xLock(fault_down(f), level);
}
static int fault_unlock(sqlite3_file *f, int level)
{
    return fault_down(f)->pMethods->xUnlock(fault_down(f), level);
}
static int fault_reserved(sqlite3_file *f, int *there)
{
    return fault_down(f)->pMethods->xCheckReservedLock(fault_down(f), there);
}
static int fault_control(sqlite3_file *f, int op, void *argument)
{
    return fault_down(f)->pMethods->xFileControl(fault_down(f), op, argument);
}
static int fault_sector(sqlite3_file *f)
{
    return fault_down(f)->pMethods->xSectorSize(fault_down(f));
}
static int fault_device(sqlite3_file *f)
{
    return fault_down(f)->pMethods->xDeviceCharacteristics(fault_down(f));
}
static int fault_map(sqlite3_file *f, int page, int size, int extend, void volatile **at)
{
    return fault_down(f)->pMethods->xShmMap(fault_down(f), page, size, extend, at);
}
static int fault_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return fault_down(f)->pMethods->xShmLock(fault_down(f), offset, n, flags);
}
static void fault_barrier(sqlite3_file *f)
{
    fault_down(f)->pMethods->xShmBarrier(fault_down(f));
}
static int fault_unmap(sqlite3_file *f, int remove)
{
    return fault_down(f)->pMethods->xShmUnmap(fault_down(f), remove);
}

static int fault_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    static const sqlite3_io_methods methods = {2,
                                               fault_close,
                                               fault_read,
                                               fault_write,
                                               fault_truncate,
                                               fault_sync,
                                               fault_size,
                                               fault_lock,
                                               fault_unlock,
                                               fault_reserved,
                                               fault_control,
                                               fault_sector,
                                               fault_device,
                                               fault_map,
                                               fault_shm_lock,
                                               fault_barrier,
                                               fault_unmap,
                                               NULL,
                                               NULL};
    struct fault_file *f = (struct fault_file *)file;
    (void)vfs;
    file->pMethods = NULL;
    if (fault_strikes(false))
        return SQLITE_CANTOPEN;
    f->below = calloc(1, (size_t)fault_below->szOsFile);
    if (!f->below)
        return SQLITE_NOMEM;
    int code = fault_below->xOpen(fault_below, name, f->below, flags, out);
    if (code == SQLITE_OK)
        file->pMethods = &methods;
    else
        free(f->below);
    return code;
}

static int fault_last_error(sqlite3_vfs *vfs, int len, char *text)
{
    (void)vfs, (void)len, (void)text;
    return fault_errno;
}

/* ---- for tests ---- */

static void fault_vfs_install(void)
{
    static sqlite3_vfs vfs;
    fault_below = sqlite3_vfs_find(NULL);
    vfs = *fault_below;
    vfs.zName = "fault";
    vfs.szOsFile = sizeof(struct fault_file);
    vfs.pNext = NULL;
    vfs.xOpen = fault_open;
    vfs.xGetLastError = fault_last_error;
    sqlite3_vfs_register(&vfs, 1);
}

/* Nothing fails from now on, and the calls are counted anew. */
static void fault_vfs_mend(void)
{
    memset(&fault, 0, sizeof(fault));
    fault_errno = 0;
}

#endif
