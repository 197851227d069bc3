#include "flasher/presence.h"

#include <string.h>

#include "base/proc.h"
#include "base/text.h"
#include "flasher/choose.h"
#include "flasher/descriptor.h"
#include "flasher/task.h"

/* A board is away for some hundred milliseconds; a look at a port costs about 50 us. */
#define POLL_MS 30

bool presence_in_dfu_mode(const struct usb_entry *entry)
{
    struct dfu_interface interface;
    struct quirks quirks;
    device_find_quirks(entry, &quirks);
    return dfu_interface_find((const uint8_t *)entry->descriptors.data, entry->descriptors.len,
                              &interface) &&
           (interface.protocol == DFU_PROTOCOL_DFU || quirks.flags & QUIRK_IS_DFU_MODE);
}

static const struct usb_entry *entry_on(const struct usb_list *list, const char *path)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->entries[i].path, path) == 0)
            return &list->entries[i];
    return NULL;
}

static bool is_same(const struct usb_entry *a, const struct usb_entry *b)
{
    return a && b && a->address == b->address;
}

bool presence_is(const struct usb_list *before, const struct usb_list *now, const char *path,
                 enum presence wanted)
{
    const struct usb_entry *entry = entry_on(now, path);
    switch (wanted) {
    case PRESENCE_DFU:
        return entry && presence_in_dfu_mode(entry);
    case PRESENCE_PROGRAM:
        return entry && !presence_in_dfu_mode(entry);
    case PRESENCE_NOTHING:
        return !entry;
    case PRESENCE_NEW:
        return entry && !is_same(entry, entry_on(before, path));
    case PRESENCE_CHANGED:
        return !is_same(entry, entry_on(before, path));
    }
    return false;
}

const struct usb_entry *presence_find_moved(const struct usb_list *before,
                                            const struct usb_list *now, const char *path,
                                            const char *serial)
{
    if (!serial || entry_on(now, path))
        return NULL;
    for (size_t i = 0; i < now->count; i++) {
        const struct usb_entry *entry = &now->entries[i];
        if (entry->serial && strcmp(entry->serial, serial) == 0 && !entry_on(before, entry->path))
            return entry;
    }
    return NULL;
}

static const char *label(enum presence wanted)
{
    switch (wanted) {
    case PRESENCE_DFU:
        return "the board to come back in DFU mode";
    case PRESENCE_PROGRAM:
        return "the board to come back running its program";
    case PRESENCE_NOTHING:
    case PRESENCE_CHANGED:
        return "the board to disconnect";
    case PRESENCE_NEW:
        return "the board to disconnect and come back";
    }
    return "the board";
}

static void add_device(const struct usb_entry *entry, struct buf *out)
{
    buf_addf(out, "%04x:%04x", entry->vendor, entry->product);
    if (entry->name)
        buf_addf(out, " %s", entry->name);
}

/* "... but what is there runs its program (f055:9800 Pyboard), and has not disconnected" */
static void add_there(const struct usb_list *before, const struct usb_entry *entry,
                      const char *path, struct buf *out)
{
    if (!entry) {
        buf_adds(out, "nothing is plugged in there now");
        return;
    }
    buf_addf(out, "what is there is %s (",
             presence_in_dfu_mode(entry) ? "in DFU mode" : "not in DFU mode");
    add_device(entry, out);
    buf_adds(out, is_same(entry, entry_on(before, path)) ? ") and has not disconnected" : ")");
}

/* The first device in DFU mode on a port where nothing was before; the others are counted. */
static const struct usb_entry *find_elsewhere(const struct usb_list *before,
                                              const struct usb_list *all, size_t *count)
{
    const struct usb_entry *first = NULL;
    *count = 0;
    for (size_t i = 0; i < all->count; i++) {
        const struct usb_entry *entry = &all->entries[i];
        if (entry_on(before, entry->path) || !presence_in_dfu_mode(entry))
            continue;
        first = first ? first : entry;
        ++*count;
    }
    return first;
}

static bool fail(const struct usb_list *before, const struct usb_list *all, const char *path,
                 enum presence wanted, long long waited_us, struct err **err)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    size_t count;
    const struct usb_entry *elsewhere = find_elsewhere(before, all, &count);
    const struct usb_entry *there = entry_on(all, path);
    buf_adds(&text, "waited ");
    text_add_duration(&text, waited_us / 1000);
    buf_addf(&text, " for %s on port %s, but ", label(wanted), path);
    add_there(before, there, path, &text);
    if (elsewhere && wanted != PRESENCE_NOTHING) {
        buf_addf(&text, "; since then %s in DFU mode has appeared on port %s (",
                 count == 1 ? "a device" : "the first of several devices", elsewhere->path);
        add_device(elsewhere, &text);
        buf_adds(&text, ")");
    }
    err_set(err, ERR_DEVICE, "%s", text.data);
    if (elsewhere && wanted != PRESENCE_NOTHING)
        return err_hint(err, "if that is the board, run the command again with --path %s",
                        elsewhere->path);
    if (there && wanted == PRESENCE_DFU)
        return err_hint(err, CHOOSE_ENTER_ADVICE);
    return err_hint(err, "unplug the board, plug it in again and run the command again");
}

/* The time is up: say what is there, unless it has come at the last moment. */
static bool finish(struct usb *usb, const struct usb_list *before, const char *path,
                   enum presence wanted, long long waited_us, struct usb_list *now,
                   struct err **err)
{
    _cleanup_(usb_list_release) struct usb_list all = USB_LIST_INIT;
    if (!usb_list_read(usb, NULL, &all, err))
        return false;
    if (!presence_is(before, &all, path, wanted))
        return fail(before, &all, path, wanted, waited_us, err);
    return usb_list_read(usb, path, now, err);
}

bool presence_wait(struct usb *usb, const struct usb_list *before, const char *path,
                   enum presence wanted, long long deadline_us, struct usb_list *now,
                   struct err **err)
{
    long long start_us = task_now_us();
    for (;;) {
        long long now_us = task_now_us();
        if (!usb_list_read(usb, path, now, err))
            return false;
        if (presence_is(before, now, path, wanted))
            return true;
        usb_list_release(now);
        if (interrupt_requested())
            return err_set(err, ERR_INTERRUPTED, "interrupted while waiting for %s on port %s",
                           label(wanted), path);
        if (now_us >= deadline_us)
            return finish(usb, before, path, wanted, now_us - start_us, now, err);
        task_sleep_until(now_us + POLL_MS * 1000 < deadline_us ? now_us + POLL_MS * 1000
                                                               : deadline_us);
    }
}
