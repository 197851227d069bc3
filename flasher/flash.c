#include "flasher/flash.h"

#include "base/text.h"
#include "flasher/dfu_util.h"
#include "flasher/download.h"
#include "flasher/fleet.h"
#include "flasher/packed.h"
#include "flasher/presence.h"
#include "flasher/retarget.h"
#include "flasher/sequence.h"
#include "flasher/task.h"

/* The memories that the board describes. */
static size_t get_memories(const struct device *device, struct plan_memory *memories)
{
    size_t count = 0;
    for (size_t i = 0; i < device->target_count; i++) {
        const struct device_target *target = &device->targets[i];
        if (target->has_layout)
            memories[count++] = (struct plan_memory){target->alt, &target->layout};
    }
    return count;
}

/* dfu-util opens the board itself and wants its interface. */
static bool write_with_dfu_util(void *data, const struct plan *plan, struct err **err)
{
    struct device *device = data;
    _cleanup_err_ struct err *lost = NULL;
    usb_release(device->handle);
    bool written = dfu_util_write(plan, device->usb, err);
    bool claimed = usb_claim(device->handle, device->interface.number, written ? err : &lost);
    return written && claimed;
}

static bool run_with_dfu_util(struct device *device, const struct plan_memory *memories,
                              size_t count, const struct image *image,
                              const struct flash_options *given, struct events *events,
                              struct flash_result *result, struct err **err)
{
    struct flash_options options = *given;
    options.write = write_with_dfu_util;
    options.write_data = device;
    if (options.erase == FLASH_ERASE_NEEDED)
        options.erase = FLASH_ERASE_ALL;
    return sequence_run(&device->dfu, memories, count, image, &options, events, result, err);
}

static bool set_not_for_dfu_util(struct err **err)
{
    err_set(err, ERR_USAGE, "--with=dfu-util is for DfuSe boards and images with addresses");
    return err_hint(err, "leave it out; or run dfu-util itself");
}

static bool flash_open(struct device *device, const struct image *image,
                       const struct flash_options *options, struct events *events,
                       struct flash_result *result, struct err **err)
{
    struct plan_memory memories[DFU_ALTS_MAX];
    struct dfu *dfu = &device->dfu;
    const struct dfu_interface *interface = &device->interface;
    if (options->with_dfu_util && (!device_is_dfuse(device) || image->packed))
        return set_not_for_dfu_util(err);
    size_t count = device_is_dfuse(device) ? get_memories(device, memories) : 0;
    if (!count)
        return download_run(dfu, interface->has_functional ? &interface->functional : NULL, image,
                            options, events, result, err);
    if (!packed_check(dfu, memories[0].layout->groups[0].address, image, err))
        return false;
    if (image->packed)
        return packed_run(dfu, image, options, events, result, err);
    if (!image_check_address(image, err))
        return false;
    if (options->with_dfu_util)
        return run_with_dfu_util(device, memories, count, image, options, events, result, err);
    return sequence_run(dfu, memories, count, image, options, events, result, err);
}

/* With --alt another memory than the image's. The plan borrows the image, so that the copy with
 * another number in its segments goes where the result goes. */
static bool flash_there(struct device *device, const struct image *image,
                        const struct flash_options *options, struct events *events,
                        struct flash_result *result, struct err **err)
{
    if (!device_open(device, err) || !device_check(device, err))
        return false;
    if (!options->alt)
        return flash_open(device, image, options, events, result, err);
    const struct device_target *target = retarget_find(device, options->alt, err);
    if (!target || !retarget_image(image, target->alt, &result->moved, err))
        return false;
    return flash_open(device, &result->moved, options, events, result, err);
}

/* What is there when the board did not come back running: on its port, or with its serial on
 * another one. The caller frees. */
static char *where_it_is(const struct fleet_board *board)
{
    _cleanup_err_ struct err *ignored = NULL;
    _cleanup_(usb_list_release) struct usb_list now = USB_LIST_INIT;
    const char *path = board->result->path;
    if (!usb_list_read(board->usb, NULL, &now, &ignored))
        return xstrdup("not seen again");
    if (presence_is(board->before, &now, path, PRESENCE_DFU))
        return xstrdup("it is in its bootloader again: unplug it and plug it in to start its "
                       "program; is BOOT0 held?");
    const struct usb_entry *moved =
        presence_find_moved(board->before, &now, path, board->result->serial);
    if (moved)
        return xasprintf("not on its port; a device with its serial is on port %s now",
                         moved->path);
    return xstrdup("not back yet; a program without USB never is");
}

/* The board has left its bootloader and, if its program has USB, comes back on the same port. That
 * it does not is no failure: many programs have none. */
static void wait_for_return(const struct fleet_board *board, unsigned limit_ms)
{
    _cleanup_err_ struct err *away = NULL;
    _cleanup_(usb_list_release) struct usb_list now = USB_LIST_INIT;
    const char *path = board->result->path;
    long long deadline_us = task_now_us() + limit_ms * 1000LL;
    event_phase_begin(board->events, "return", "Waiting until the board is back");
    bool back =
        presence_wait(board->usb, board->before, path, PRESENCE_PROGRAM, deadline_us, &now, &away);
    board->result->returned = back;
    _cleanup_free_ char *where = back ? xstrdup("it runs") : where_it_is(board);
    event_phase_end(board->events, "return", true, where);
}

static char *summary_of(const struct flash_result *result)
{
    struct buf out = BUF_INIT;
    bool unchanged = result->bytes_unchanged && result->bytes_unchanged == result->bytes_image;
    if (!result->verified)
        buf_adds(&out, "flashed, NOT verified: ");
    else
        buf_adds(&out, unchanged ? "unchanged, verified " : "flashed and verified ");
    text_add_size(&out, result->bytes_image);
    return buf_detach(&out, NULL);
}

bool flash_board(struct fleet_board *board, const struct image *image,
                 const struct flash_options *options, struct err **err)
{
    struct flash_result *result = board->result;
    result->bytes_image = image_size(image);
    bool ok = flash_there(board->device, image, options, board->events, result, err);
    result->bytes_kept = plan_kept_bytes(&result->plan);
    device_close(board->device);
    if (!ok)
        return false;
    if (result->left && options->return_ms)
        wait_for_return(board, options->return_ms);
    result->summary = options->dry_run ? xstrdup("planned") : summary_of(result);
    return true;
}

void flash_result_release(struct flash_result *result)
{
    plan_release(&result->plan);
    err_free(result->err);
    free(result->path);
    free(result->serial);
    free(result->moved.segments);
    free(result->summary);
    free(result->failure);
    free(result->sends);
    free(result->rescue);
    *result = (struct flash_result)FLASH_RESULT_INIT;
}
