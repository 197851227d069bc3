#include "flasher/choose.h"

#include <inttypes.h>
#include <string.h>

static bool is_id(uint32_t wanted, uint16_t id)
{
    return wanted == CHOOSE_ID_ANY || wanted == id;
}

/* Path, serial and the ids that were asked for; not those of the image. */
static bool matches_asked(const struct usb_entry *usb, const struct choose_match *match)
{
    return is_id(match->vendor, usb->vendor) && is_id(match->product, usb->product) &&
           (!match->path || strcmp(match->path, usb->path) == 0) &&
           (!match->serial || (usb->serial && strcmp(match->serial, usb->serial) == 0));
}

/* Ids that were asked for take the place of the image's. */
static bool gave_ids(const struct choose_match *match)
{
    return match->vendor != CHOOSE_ID_ANY || match->product != CHOOSE_ID_ANY;
}

bool choose_is_for(const struct usb_entry *usb, const struct choose_match *match)
{
    return gave_ids(match) ||
           (is_id(match->image_vendor, usb->vendor) && is_id(match->image_product, usb->product));
}

static struct device *device_of(struct device_list *list, const struct usb_entry *usb)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->devices[i].usb == usb)
            return &list->devices[i];
    return NULL;
}

static void add(struct choices *choices, const struct usb_entry *usb, struct device *device,
                enum enter_method enter)
{
    choices->items = xreallocarray(choices->items, choices->count + 1, sizeof(*choices->items));
    choices->items[choices->count++] = (struct choice){usb, device, enter};
}

static void add_in_dfu_mode(struct device_list *list, const struct choose_match *match,
                            struct choices *choices)
{
    for (size_t i = 0; i < list->count; i++) {
        struct device *device = &list->devices[i];
        if (device_in_dfu_mode(device) && matches_asked(device->usb, match) &&
            choose_is_for(device->usb, match))
            add(choices, device->usb, device, ENTER_NONE);
    }
}

/* Can this method be tried on it at all? */
static bool has_way(const struct usb_entry *usb, const struct device *device,
                    enum enter_method method)
{
    if (method == ENTER_DETACH)
        return device != NULL;
    _cleanup_free_ char *port = enter_serial_port(usb);
    return port != NULL;
}

/* Headsets and cameras have DFU interfaces, too: what has no more than that is told to detach only
 * if it was asked for, or if the image is of its maker. */
static bool is_known(const struct usb_entry *usb, const struct choose_match *match)
{
    enum enter_method ways[ENTER_WAYS_MAX];
    size_t count = enter_ways(usb, ways);
    if (count == 1 && ways[0] == ENTER_DETACH)
        return gave_ids(match) || match->path || match->serial ||
               match->image_vendor == usb->vendor;
    return count > 0;
}

/* What the image says of its boards counts where nobody said anything else. */
static bool image_allows(const struct usb_entry *usb, const struct choose_match *match)
{
    enum enter_method ways[ENTER_WAYS_MAX];
    size_t count = match->image_enter == ENTER_AUTO ? 0 : enter_ways(usb, ways);
    for (size_t i = 0; i < count; i++)
        if (ways[i] == match->image_enter)
            return true;
    return match->image_enter == ENTER_AUTO;
}

static bool enters_by_itself(const struct usb_entry *usb, const struct choose_match *match)
{
    return is_known(usb, match) && image_allows(usb, match);
}

static void add_running(struct device_list *list, const struct choose_match *match,
                        enum enter_method enter, struct choices *choices)
{
    for (size_t i = 0; i < list->entries.count; i++) {
        const struct usb_entry *usb = &list->entries.entries[i];
        struct device *device = device_of(list, usb);
        if ((device && device_in_dfu_mode(device)) || !matches_asked(usb, match))
            continue;
        if (enter == ENTER_AUTO && enters_by_itself(usb, match))
            add(choices, usb, device, match->image_enter);
        else if (enter != ENTER_AUTO && has_way(usb, device, enter))
            add(choices, usb, device, enter);
    }
}

static int compare(const void *a, const void *b)
{
    return strverscmp(((const struct choice *)a)->usb->path, ((const struct choice *)b)->usb->path);
}

void choose(struct device_list *list, const struct choose_match *match, enum enter_method enter,
            struct choices *choices)
{
    add_in_dfu_mode(list, match, choices);
    if (enter != ENTER_NONE && (enter != ENTER_AUTO || choices->count == 0))
        add_running(list, match, enter, choices);
    if (choices->count)
        qsort(choices->items, choices->count, sizeof(*choices->items), compare);
}

void choices_release(struct choices *choices)
{
    free(choices->items);
    *choices = (struct choices)CHOICES_INIT;
}

/* "a board 0483:df11 in DFU mode on port 1-1.4 with serial 3569" */
static void add_match(const struct choose_match *match, struct buf *out)
{
    uint32_t vendor = gave_ids(match) ? match->vendor : match->image_vendor;
    uint32_t product = gave_ids(match) ? match->product : match->image_product;
    buf_adds(out, "a board");
    if (vendor != CHOOSE_ID_ANY && product != CHOOSE_ID_ANY)
        buf_addf(out, " %04" PRIx32 ":%04" PRIx32, vendor, product);
    else if (vendor != CHOOSE_ID_ANY)
        buf_addf(out, " of vendor %04" PRIx32, vendor);
    buf_adds(out, " in DFU mode");
    if (match->path)
        buf_addf(out, " on port %s", match->path);
    if (match->serial)
        buf_addf(out, " with serial %s", match->serial);
}

bool choose_set_none(const struct device_list *list, const struct choose_match *match,
                     struct err **err)
{
    _cleanup_(buf_release) struct buf wanted = BUF_INIT;
    _cleanup_(buf_release) struct buf hint = BUF_INIT;
    add_match(match, &wanted);
    err_set(err, ERR_DEVICE, "no board found: looked for %s, %s", wanted.data,
            list->count ? "which is none of these:" : "but there is no DFU device at all");
    for (size_t i = 0; i < list->count; i++) {
        buf_adds(&hint, "  ");
        device_add_line(&list->devices[i], &hint);
        buf_addc(&hint, '\n');
    }
    if (list->count)
        buf_adds(&hint, "to take one of them all the same, choose it with --usb VID:PID; or\n");
    buf_adds(&hint, CHOOSE_ENTER_ADVICE);
    return err_hint(err, "%s", hint.data);
}

bool choose_set_several(const struct choices *choices, const struct choose_match *match,
                        struct err **err)
{
    _cleanup_(buf_release) struct buf wanted = BUF_INIT;
    _cleanup_(buf_release) struct buf hint = BUF_INIT;
    buf_adds(&hint, "choose one of them, or all with --all:");
    for (size_t i = 0; i < choices->count; i++) {
        buf_adds(&hint, "\n  --path ");
        usb_entry_add_line(choices->items[i].usb, &hint);
        if (choices->items[i].enter != ENTER_NONE)
            buf_adds(&hint, "  (runs its program)");
    }
    add_match(match, &wanted);
    err_set(err, ERR_DEVICE, "%zu boards match: looked for %s", choices->count, wanted.data);
    return err_hint(err, "%s", hint.data);
}
