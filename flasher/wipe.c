#include "flasher/wipe.h"

#include <inttypes.h>

#include "base/proc.h"
#include "base/text.h"
#include "flasher/presence.h"
#include "flasher/retarget.h"
#include "flasher/session.h"
#include "flasher/task.h"

#define ERASED_ACCESS (LAYOUT_ERASABLE | LAYOUT_READABLE)

#define MBOOT_MAX_BYTES (64u * 1024) /* 16 to 32 KiB on the boards of MicroPython v1.25 */

/* A board being erased. */
struct wipe {
    struct session session;
    const struct device_target *target;
    uint64_t address, end;
    uint64_t sectors, bytes;
    uint64_t unreadable; /* of these bytes */
    uint8_t blank;
    bool mass; /* all of it, by one command */
};

static bool set_plain(struct err **err)
{
    err_set(err, ERR_DEVICE, "it describes no memory with addresses (plain DFU)");
    return err_hint(err, "only DfuSe boards (STM32, mboot) can be erased by address");
}

static bool find_target(struct device *device, const char *alt, const struct device_target **found,
                        struct err **err)
{
    *found = NULL;
    for (size_t i = 0; i < device->target_count && !alt && !*found; i++)
        if (device->targets[i].has_layout)
            *found = &device->targets[i];
    if (alt && !(*found = retarget_find(device, alt, err)))
        return false;
    return (*found && (*found)->has_layout) || set_plain(err);
}

static bool wipe_open(struct wipe *wipe, struct fleet_board *board, const char *alt,
                      struct err **err)
{
    struct device *device = board->device;
    *wipe = (struct wipe){.blank = 0xff};
    if (!device_open(device, err) || !find_target(device, alt, &wipe->target, err)) {
        device_close(device);
        return false;
    }
    if (device->quirks.flags & QUIRK_ERASES_TO_ZERO)
        wipe->blank = 0;
    session_init(&wipe->session, &device->dfu, board->events);
    return true;
}

static void wipe_close(struct wipe *wipe, struct fleet_board *board)
{
    session_release(&wipe->session);
    device_close(board->device);
}

/* ---- the span ------------------------------------------------------------------------------- */

static bool set_not_erasable(const struct layout *layout, uint64_t address, struct err **err)
{
    err_set(err, ERR_DEVICE, "0x%08" PRIx64 " is not in erasable memory of the board's %s", address,
            layout->name);
    return err_hint(err, "`firn devices` shows the board's memories; --alt chooses another one");
}

/* Widen the span to whole sectors. */
static bool to_sectors(struct wipe *wipe, struct err **err)
{
    const struct layout *layout = &wipe->target->layout;
    uint64_t first = wipe->address, at = wipe->address;
    while (at < wipe->end) {
        struct layout_sector sector;
        if (at > UINT32_MAX || !layout_sector_at(layout, (uint32_t)at, &sector) ||
            !(sector.access & LAYOUT_ERASABLE))
            return set_not_erasable(layout, at, err);
        if (wipe->sectors++ == 0)
            first = sector.address;
        wipe->unreadable += sector.access & LAYOUT_READABLE ? 0 : sector.size;
        at = (uint64_t)sector.address + sector.size;
    }
    wipe->address = first;
    wipe->end = at;
    wipe->bytes = at - first;
    return true;
}

static bool find_span(struct wipe *wipe, const struct wipe_options *options, struct err **err)
{
    wipe->address = options->address;
    wipe->end = (uint64_t)options->address + options->size;
    uint64_t end = wipe->end;
    if (!to_sectors(wipe, err))
        return false;
    if (wipe->address == options->address && wipe->end == end)
        return true;
    err_set(err, ERR_USAGE,
            "0x%08" PRIx32 " with %" PRIu32 " bytes cuts a sector, which can only "
            "be erased whole",
            options->address, options->size);
    return err_hint(err, "whole sectors: --address 0x%08" PRIx64 " --size %" PRIu64, wipe->address,
                    wipe->end - wipe->address);
}

static uint64_t group_end(const struct layout_group *group)
{
    return group->address + (uint64_t)group->count * group->sector_size;
}

/* What a mass erase has to leave erased: all that can be erased and read. A bootloader in the same
 * flash protects its own sectors, and says so in their access. */
static void whole_span(struct wipe *wipe)
{
    const struct layout *layout = &wipe->target->layout;
    wipe->address = layout->groups[0].address;
    wipe->end = group_end(&layout->groups[layout->group_count - 1]);
    for (size_t i = 0; i < layout->group_count; i++) {
        const struct layout_group *group = &layout->groups[i];
        if ((group->access & ERASED_ACCESS) != ERASED_ACCESS)
            continue;
        wipe->sectors += group->count;
        wipe->bytes += (uint64_t)group->count * group->sector_size;
    }
}

/* The first sector at an address or behind it that can be erased and read; between the groups of a
 * layout is no memory. */
static bool next_sector(const struct layout *layout, uint64_t at, struct layout_sector *sector)
{
    for (size_t i = 0; i < layout->group_count; i++) {
        const struct layout_group *group = &layout->groups[i];
        if (at >= group_end(group) || (group->access & ERASED_ACCESS) != ERASED_ACCESS)
            continue;
        return layout_sector_at(layout, at > group->address ? (uint32_t)at : group->address,
                                sector);
    }
    return false;
}

/* ---- erasing -------------------------------------------------------------------------------- */

static bool set_interrupted(const struct wipe *wipe, uint64_t at, struct err **err)
{
    if (at == wipe->address)
        err_set(err, ERR_INTERRUPTED, "interrupted before anything was erased");
    else
        err_set(err, ERR_INTERRUPTED,
                "interrupted; erased from 0x%08" PRIx64 " to 0x%08" PRIx64 " only", wipe->address,
                at);
    return err_hint(err, "run the same command again");
}

static bool erase_sectors(struct wipe *wipe, struct err **err)
{
    struct session *session = &wipe->session;
    struct layout_sector sector;
    for (uint64_t at = wipe->address; at < wipe->end; at = (uint64_t)sector.address + sector.size) {
        layout_sector_at(&wipe->target->layout, (uint32_t)at, &sector);
        if (interrupt_requested())
            return set_interrupted(wipe, at, err);
        if (!session_choose(session, wipe->target->alt, err) ||
            !dfuse_erase_sector(&session->dfuse, sector.address, err))
            return false;
        session_advance(session, sector.size);
    }
    return true;
}

static bool erase_all(struct wipe *wipe, struct err **err)
{
    return session_choose(&wipe->session, wipe->target->alt, err) &&
           dfuse_mass_erase(&wipe->session.dfuse, err);
}

static bool set_not_blank(uint64_t address, uint8_t got, uint8_t blank, struct err **err)
{
    err_set(err, ERR_DEVICE,
            "0x%08" PRIx64 " was erased and reads 0x%02x instead of 0x%02x: the sector is "
            "write-protected or worn out",
            address, got, blank);
    return err_hint(err, "the board reports no error for a protected sector; `firn unprotect` "
                         "removes read protection only, option bytes hold write protection");
}

/* The first byte of a sector that is not erased. */
struct leftover {
    bool any;
    uint64_t address;
    uint8_t byte;
};

static bool look_at_sector(struct wipe *wipe, const struct layout_sector *sector,
                           struct leftover *left, struct err **err)
{
    struct session *session = &wipe->session;
    uint16_t block = session->dfu->transfer_size;
    *left = (struct leftover){.any = false};
    for (uint32_t done = 0; done < sector->size; done += block) {
        uint32_t rest = sector->size - done;
        uint16_t len = rest < block ? (uint16_t)rest : block;
        uint64_t address = (uint64_t)sector->address + done;
        if (!session_read(session, wipe->target->alt, (uint32_t)address, len, err))
            return false;
        for (uint16_t i = 0; i < len && !left->any; i++)
            if (session->block[i] != wipe->blank)
                *left = (struct leftover){true, address + i, session->block[i]};
        session_advance(session, len);
    }
    return true;
}

/* mboot says that all sectors can be erased, and leaves its own out: those that come first, one or
 * so many as a large mboot needs. */
static bool is_its_own(const struct wipe *wipe, const struct layout_sector *sector,
                       bool seen_erased)
{
    uint32_t begin = wipe->target->layout.groups[0].address;
    uint32_t end = sector->address + sector->size - begin;
    return wipe->mass && wipe->session.dfu->quirks.flags & QUIRK_MBOOT_STRINGS && !seen_erased &&
           (sector->address == begin || end <= MBOOT_MAX_BYTES);
}

static bool check_blank(struct wipe *wipe, struct err **err)
{
    struct layout_sector sector;
    struct leftover left;
    uint64_t at = wipe->address;
    bool seen_erased = false;
    wipe->session.must_finish = true; /* reading back is quick, and all is erased already */
    while (next_sector(&wipe->target->layout, at, &sector) && sector.address < wipe->end) {
        if (!look_at_sector(wipe, &sector, &left, err))
            return false;
        at = (uint64_t)sector.address + sector.size;
        if (left.any && !is_its_own(wipe, &sector, seen_erased))
            return set_not_blank(left.address, left.byte, wipe->blank, err);
        if (left.any) {
            wipe->address = at;
            wipe->sectors--;
            wipe->bytes -= sector.size;
        }
        seen_erased |= !left.any;
    }
    return session_rest(&wipe->session, err);
}

static const char *plural(const struct wipe *wipe)
{
    return wipe->sectors == 1 ? "" : "s";
}

static bool erase_and_look(struct wipe *wipe, const struct wipe_options *options,
                           struct flash_result *result, struct err **err)
{
    session_begin(&wipe->session, "erase", "Erasing", options->mass ? 0 : wipe->bytes);
    bool ok = options->mass ? erase_all(wipe, err) : erase_sectors(wipe, err);
    _cleanup_free_ char *detail = xasprintf("%" PRIu64 " sector%s", wipe->sectors, plural(wipe));
    if (!session_end(&wipe->session, ok, detail))
        return false;
    result->sectors_erased = wipe->sectors;
    session_begin(&wipe->session, "verify", "Reading back", wipe->bytes - wipe->unreadable);
    ok = check_blank(wipe, err);
    result->sectors_erased = wipe->sectors; /* without those that mboot kept */
    result->verified = ok && !wipe->unreadable;
    return session_end(&wipe->session, ok,
                       wipe->unreadable ? "what can be read is erased" : "all bytes are erased");
}

static char *summary_of(const struct wipe *wipe, const struct wipe_options *options)
{
    struct buf summary = BUF_INIT;
    buf_addf(&summary, "%s %" PRIu64 " sector%s (", options->dry_run ? "would erase" : "erased",
             wipe->sectors, plural(wipe));
    text_add_size(&summary, wipe->bytes);
    buf_addf(&summary, ") from 0x%08" PRIx64 " on", wipe->address);
    if (wipe->unreadable) {
        buf_adds(&summary, ", of which ");
        text_add_size(&summary, wipe->unreadable);
        buf_adds(&summary, " cannot be read back");
    }
    return buf_detach(&summary, NULL);
}

bool wipe_board(struct fleet_board *board, const struct wipe_options *options, struct err **err)
{
    struct wipe wipe;
    if (!wipe_open(&wipe, board, options->alt, err))
        return false;
    wipe.mass = options->mass;
    if (options->mass)
        whole_span(&wipe);
    bool ok = (options->mass || find_span(&wipe, options, err)) &&
              (options->dry_run || erase_and_look(&wipe, options, board->result, err));
    wipe_close(&wipe, board);
    if (ok)
        board->result->summary = summary_of(&wipe, options);
    return ok;
}

/* ---- read protection ------------------------------------------------------------------------ */

bool wipe_is_protected(struct fleet_board *board, bool *is_protected, struct err **err)
{
    struct wipe wipe;
    struct err *refused = NULL;
    if (!wipe_open(&wipe, board, NULL, err))
        return false;
    struct session *session = &wipe.session;
    bool read = session_read(session, wipe.target->alt, wipe.target->layout.groups[0].address,
                             session->dfu->transfer_size, &refused);
    *is_protected = !read && session->dfu->status.code == DFU_STATUS_ERR_VENDOR;
    if (read)
        read = session_rest(session, err);
    else if (*is_protected)
        err_free(refused);
    else
        *err = refused;
    wipe_close(&wipe, board);
    return read || *is_protected;
}

/* It erases itself, disconnects and comes back. */
static bool wait_until_back(struct fleet_board *board, struct err **err)
{
    _cleanup_(usb_list_release) struct usb_list now = USB_LIST_INIT;
    struct usb_list before = {(struct usb_entry *)(uintptr_t)board->device->usb, 1};
    const char *path = board->result->path;
    long long deadline_us = task_now_us() + DFUSE_MASS_ERASE_LIMIT_MS * 1000LL;
    if (!presence_wait(board->usb, &before, path, PRESENCE_NEW, deadline_us, &now, err))
        return false;
    if (presence_is(NULL, &now, path, PRESENCE_DFU))
        return true;
    err_set(err, ERR_DEVICE, "the board did not come back in its bootloader");
    return err_hint(err, CHOOSE_ENTER_ADVICE);
}

static bool look_again(struct fleet_board *board, struct err **err)
{
    _cleanup_(device_list_release) struct device_list list = DEVICE_LIST_INIT;
    bool is_protected = false;
    if (!device_list_read(&list, board->usb, board->result->path, err))
        return false;
    if (!list.count) {
        err_set(err, ERR_DEVICE, "the board is gone again, right after it came back");
        return err_hint(err, "plug it in again in its bootloader and run the command again");
    }
    struct fleet_board again = *board;
    again.device = &list.devices[0];
    if (!wipe_is_protected(&again, &is_protected, err))
        return false;
    if (!is_protected)
        return true;
    err_set(err, ERR_DEVICE, "the board is still protected against reading");
    return err_hint(err, "protection of level 2 is for ever; otherwise run the command again");
}

bool wipe_unprotect(struct fleet_board *board, struct err **err)
{
    struct wipe wipe;
    if (!wipe_open(&wipe, board, NULL, err))
        return false;
    event_phase_begin(board->events, "unprotect", "Erasing everything, removing the protection");
    bool ok = session_choose(&wipe.session, wipe.target->alt, err) &&
              dfuse_unprotect(&wipe.session.dfuse, err);
    wipe_close(&wipe, board);
    ok = ok && wait_until_back(board, err) && look_again(board, err);
    event_phase_end(board->events, "unprotect", ok, "the board is empty and can be read");
    if (ok)
        board->result->summary = xstrdup("unprotected; its whole flash is erased");
    return ok;
}
