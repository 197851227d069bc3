/*
 * Rescue files: other data of a board while only our memory, or nothing, holds it.
 *
 * Before a sector with data that is not the image's is erased, that data goes into a DfuSe file
 *
 *     rescue-1-1.4-3569FEED3437-0x08020000.dfu
 *
 * named by the board's port path, its serial and the sector: complete, with a checksum, synced to
 * the disk. It is removed when the data is back in the board and was read back. A run that finds
 * one for a sector that it is about to flash puts the data back itself, if the board holds nothing
 * else in its place; so running an interrupted flash again mends all of it.
 *
 *     struct rescue rescue;
 *     rescue_init(&rescue, dir, path, serial);
 *     rescue_find(), rescue_restore()      what an earlier run left
 *     rescue_save()                        before erasing
 *     rescue_finish()                      all is back; or: rescue_report()
 *     rescue_release(&rescue);
 */
#ifndef FIRN_FLASHER_RESCUE_H
#define FIRN_FLASHER_RESCUE_H

#include "base/event.h"
#include "flasher/plan.h"

struct rescue {
    const char *dir;   /* NULL: nothing is saved and nothing restored; borrowed */
    char *path;        /* the board's port path */
    char *board;       /* path and serial as they are in the names */
    bool knows_board;  /* the serial tells boards on that port apart */
    struct strv files; /* what this run saved or puts back */
    struct strv other; /* files that do not fit what the board holds now */
};

/* serial NULL: the board has none that tells it apart from others on that port. Its data is saved,
 * and put back by hand only: it might be another board's. */
void rescue_init(struct rescue *rescue, const char *dir, const char *path, const char *serial);
void rescue_release(struct rescue *rescue);

/* Is there a file of this board and sector? Then all of its other data has to be read. */
bool rescue_find(const struct rescue *rescue, const struct plan_sector *sector);
/* Put what such files hold into the plan, saying so. A file that is damaged or does not fit is left
 * alone with a warning that names the command which writes it back. */
void rescue_restore(struct rescue *rescue, const struct plan *plan, struct plan_sector *sector,
                    struct events *events);
/* Save a sector's other data. Never replaces a file that holds something else. Fails when it cannot
 * be written: nothing was changed yet. */
bool rescue_save(struct rescue *rescue, const struct plan *plan, const struct plan_sector *sector,
                 struct err **err) MUST_CHECK;
/* All data is back and was read back: remove the files. */
void rescue_finish(struct rescue *rescue, struct events *events);
/* It is not: name the files and the commands that put them back. */
void rescue_report(const struct rescue *rescue, struct events *events);
/* A file with data that is not in the board, or NULL. Borrowed. */
const char *rescue_file(const struct rescue *rescue);

#endif
