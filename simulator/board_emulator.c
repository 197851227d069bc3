#include "simulator/board_emulator.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/text.h"
#include "simulator/emulator.h"

#define WAITING_MAX ((size_t)64 * 1024)
#define CHUNK ((size_t)512)

struct board_emulator {
    struct emulator *emulator;
    int from, to;       /* its descriptors */
    struct buf waiting; /* for it */
    char *dir;          /* ours, with the flash */
};

static bool write_flash(struct board_emulator *e, const uint8_t *flash, size_t size, char **file,
                        struct err **err)
{
    if (!fs_temp_dir_anywhere(&e->dir, err))
        return false;
    *file = path_join(e->dir, "flash.bin");
    return fs_write_scratch(*file, flash, size, err);
}

bool board_emulator_start(const char *machine, const uint8_t *flash, size_t size,
                          struct board_emulator **emulator, struct err **err)
{
    struct board_emulator *e = xcalloc(1, sizeof(*e));
    _cleanup_free_ char *file = NULL;
    e->waiting = (struct buf)BUF_INIT;
    if (!write_flash(e, flash, size, &file, err))
        goto failed;
    const struct emulator_options options = {
        .machine = machine, .file = file, .ends_at_reset = true};
    if (!emulator_start(&e->emulator, &options, err))
        goto failed;
    emulator_descriptors(e->emulator, &e->from, &e->to);
    *emulator = e;
    return true;
failed:
    board_emulator_stop(e);
    return false;
}

static void send_waiting(struct board_emulator *e)
{
    while (e->waiting.len) {
        ssize_t n = write(e->to, e->waiting.data, e->waiting.len);
        if (n <= 0)
            return;
        memmove(e->waiting.data, e->waiting.data + n, e->waiting.len - (size_t)n);
        buf_truncate(&e->waiting, e->waiting.len - (size_t)n);
    }
}

void board_emulator_send(struct board_emulator *emulator, const uint8_t *bytes, size_t len)
{
    size_t room = WAITING_MAX - emulator->waiting.len;
    buf_add(&emulator->waiting, bytes, len < room ? len : room);
    send_waiting(emulator);
}

bool board_emulator_receive(struct board_emulator *emulator, struct buf *out, size_t max)
{
    char chunk[CHUNK];
    send_waiting(emulator);
    while (out->len < max) {
        size_t room = max - out->len;
        ssize_t n = read(emulator->from, chunk, room < sizeof(chunk) ? room : sizeof(chunk));
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        if (n == 0)
            return false;
        buf_add(out, chunk, (size_t)n);
    }
    return true;
}

void board_emulator_stop(struct board_emulator *emulator)
{
    _cleanup_err_ struct err *ignored = NULL;
    if (!emulator)
        return;
    emulator_free(emulator->emulator);
    if (emulator->dir)
        (void)!fs_remove_tree(emulator->dir, &ignored);
    free(emulator->dir);
    buf_release(&emulator->waiting);
    free(emulator);
}
