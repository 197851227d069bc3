#include "flasher/rescue.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/text.h"
#include "flasher/compare.h"
#include "image/dfuse_file.h"

/* Files of one sector: more than one when a later run found other data than the first one saved. */
#define FILES_MAX 20
/* A sector's data and what the format adds. */
#define FILE_MAX_BYTES (PLAN_MAX_BYTES + 1024 * 1024)

/* Letters, digits and what a port path has; a serial may be anything. */
static void add_name(struct buf *out, const char *text)
{
    for (; *text; text++)
        buf_addc(out, isalnum((unsigned char)*text) || strchr("-._", *text) ? *text : '_');
}

void rescue_init(struct rescue *rescue, const char *dir, const char *path, const char *serial)
{
    struct buf board = BUF_INIT;
    add_name(&board, path ? path : "board");
    buf_addc(&board, '-');
    add_name(&board, serial ? serial : "none");
    *rescue = (struct rescue){
        .dir = dir,
        .path = path ? xstrdup(path) : NULL,
        .board = buf_detach(&board, NULL),
        .knows_board = serial != NULL,
        .files = STRV_INIT,
        .other = STRV_INIT,
    };
}

void rescue_release(struct rescue *rescue)
{
    free(rescue->path);
    free(rescue->board);
    strv_release(&rescue->files);
    strv_release(&rescue->other);
}

/* Of the sector's files the number-th (from 1); the caller frees. */
static char *file_name(const struct rescue *rescue, const struct plan_sector *sector,
                       unsigned number)
{
    _cleanup_(buf_release) struct buf name = BUF_INIT;
    buf_addf(&name, "rescue-%s-0x%08" PRIx32, rescue->board, sector->address);
    if (sector->alt)
        buf_addf(&name, "-alt%u", sector->alt);
    if (number > 1)
        buf_addf(&name, "-%u", number);
    buf_adds(&name, ".dfu");
    return path_join(rescue->dir, name.data);
}

/* How many files a sector has: the newest has the highest number, and older ones may be gone. */
static unsigned last_number(const struct rescue *rescue, const struct plan_sector *sector)
{
    for (unsigned i = rescue->dir ? FILES_MAX : 0; i > 0; i--) {
        _cleanup_free_ char *path = file_name(rescue, sector, i);
        if (fs_exists(path))
            return i;
    }
    return 0;
}

bool rescue_find(const struct rescue *rescue, const struct plan_sector *sector)
{
    return last_number(rescue, sector) > 0;
}

static void warn(const struct rescue *rescue, const char *path, const char *why,
                 struct events *events)
{
    _cleanup_free_ char *shown = path_shown(path);
    event_warning(events,
                  "'%s' holds other data of this board %s; to put it back: firn flash '%s'%s%s "
                  "--no-leave",
                  shown, why, shown, rescue->path ? " --path " : "",
                  rescue->path ? rescue->path : "");
}

static bool load(const char *path, struct image *image, struct err **err)
{
    _cleanup_(buf_release) struct buf bytes = BUF_INIT;
    return fs_read(path, FILE_MAX_BYTES, &bytes, err) &&
           dfuse_file_read(bytes.data, bytes.len, image, err);
}

static void restore_file(struct rescue *rescue, const char *path, const struct plan *plan,
                         struct plan_sector *sector, struct events *events)
{
    _cleanup_err_ struct err *err = NULL;
    _cleanup_(image_release) struct image saved = IMAGE_INIT;
    _cleanup_free_ char *shown = path_shown(path);
    if (!load(path, &saved, &err)) {
        _cleanup_(buf_release) struct buf why = BUF_INIT;
        err_add_message(err, &why);
        event_warning(events, "'%s' cannot be put back: %s", shown, why.data);
        strv_add(&rescue->other, path);
    } else if (!rescue->knows_board) {
        warn(rescue, path, "or of another one that was on this port before", events);
        strv_add(&rescue->other, path);
    } else if (compare_restore(plan, sector, &saved)) {
        event_info(events,
                   "putting back %zu bytes of other data at 0x%08" PRIx32
                   ", saved in '%s' by an earlier run",
                   image_size(&saved), saved.count ? saved.segments[0].address : sector->address,
                   shown);
        strv_add(&rescue->files, path);
    } else {
        warn(rescue, path, "from an earlier run, which now holds something else there", events);
        strv_add(&rescue->other, path);
    }
}

void rescue_restore(struct rescue *rescue, const struct plan *plan, struct plan_sector *sector,
                    struct events *events)
{
    for (unsigned i = last_number(rescue, sector); i > 0; i--) {
        _cleanup_free_ char *path = file_name(rescue, sector, i);
        if (fs_exists(path))
            restore_file(rescue, path, plan, sector, events);
    }
}

/* Other data from `from` on: where it begins and ends, without the blank bytes around it. */
static bool next_piece(const struct plan *plan, const struct plan_sector *sector, uint32_t *from,
                       uint32_t *to)
{
    uint32_t at = *from;
    while (at < sector->size && (sector->is_image[at] || sector->content[at] == plan->rules.blank))
        at++;
    *from = *to = at;
    for (; at < sector->size && !sector->is_image[at]; at++)
        if (sector->content[at] != plan->rules.blank)
            *to = at + 1;
    return *to > *from;
}

static bool collect(const struct plan *plan, const struct plan_sector *sector, struct buf *bytes,
                    struct err **err)
{
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    uint32_t to;
    for (uint32_t from = 0; next_piece(plan, sector, &from, &to); from = to)
        if (!image_add(&image, sector->alt, sector->address + from, sector->content + from,
                       to - from, err))
            return false;
    dfuse_file_write(&image, "firn rescue", bytes);
    return true;
}

/* Is this the file that we would write? */
static bool holds(const char *path, const struct buf *bytes)
{
    _cleanup_err_ struct err *ignored = NULL;
    _cleanup_(buf_release) struct buf there = BUF_INIT;
    return fs_read(path, FILE_MAX_BYTES, &there, &ignored) && there.len == bytes->len &&
           memcmp(there.data, bytes->data, there.len) == 0;
}

/* A file of ours that holds this already, or a new one. */
static char *choose_file(const struct rescue *rescue, const struct plan_sector *sector,
                         const struct buf *bytes)
{
    unsigned last = last_number(rescue, sector);
    for (unsigned i = 1; i <= last; i++) {
        char *path = file_name(rescue, sector, i);
        if (holds(path, bytes))
            return path;
        free(path);
    }
    return last < FILES_MAX ? file_name(rescue, sector, last + 1) : NULL;
}

static bool write_file(struct rescue *rescue, const struct plan_sector *sector,
                       const struct buf *bytes, struct err **err)
{
    _cleanup_free_ char *path = choose_file(rescue, sector, bytes);
    if (!path) {
        _cleanup_free_ char *last = file_name(rescue, sector, FILES_MAX);
        return err_set(err, ERR_FAILED, "there are too many like '%s' already", last);
    }
    if (!fs_exists(path) &&
        !(fs_mkdirs(rescue->dir, err) && fs_write(path, bytes->data, bytes->len, 0600, err)))
        return false;
    if (!strv_contains(&rescue->files, path))
        strv_add(&rescue->files, path);
    return true;
}

bool rescue_save(struct rescue *rescue, const struct plan *plan, const struct plan_sector *sector,
                 struct err **err)
{
    _cleanup_(buf_release) struct buf bytes = BUF_INIT;
    if (!rescue->dir)
        return true;
    if (collect(plan, sector, &bytes, err) && write_file(rescue, sector, &bytes, err))
        return true;
    err_wrap(err, "cannot save the other data in the sector at 0x%08" PRIx32 " before erasing it",
             sector->address);
    return err_hint(err, "make room for it; or give it up with --discard");
}

void rescue_finish(struct rescue *rescue, struct events *events)
{
    for (size_t i = 0; i < rescue->files.count; i++)
        if (unlink(rescue->files.items[i]) < 0)
            event_warning(events, "cannot remove '%s', whose data is in the board again",
                          rescue->files.items[i]);
    strv_release(&rescue->files);
}

void rescue_report(const struct rescue *rescue, struct events *events)
{
    for (size_t i = 0; i < rescue->files.count; i++)
        warn(rescue, rescue->files.items[i],
             "which may not be in it any more (the same flash again puts it back, too)", events);
}

const char *rescue_file(const struct rescue *rescue)
{
    if (rescue->files.count)
        return rescue->files.items[0];
    return rescue->other.count ? rescue->other.items[0] : NULL;
}
