#include "flasher/flash.h"

#include "base/proc.h"
#include "flasher/sequence.h"

static struct device *find_board(struct device_list *list, const struct flash_options *options,
                                 struct events *events, struct err **err)
{
    _cleanup_(buf_release) struct buf detail = BUF_INIT;
    struct device *device = NULL;
    event_phase_begin(events, "find", "Looking for the board");
    if (device_list_read(list, err))
        device = device_choose(list, &options->match, err);
    if (device)
        device_add_line(device, &detail);
    event_phase_end(events, "find", device != NULL, device ? detail.data : NULL);
    return device;
}

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

static bool flash_device(struct device *device, const struct image *image,
                         const struct flash_options *options, struct events *events,
                         struct flash_result *result, struct err **err)
{
    struct plan_memory memories[DFU_ALTS_MAX];
    if (!device_open(device, err) || !device_check(device, err))
        return false;
    size_t count = get_memories(device, memories);
    return sequence_run(&device->dfu, memories, count, image, options, events, result, err);
}

bool flash_image(const struct image *image, const struct flash_options *options,
                 struct events *events, struct flash_result *result, struct err **err)
{
    _cleanup_(device_list_release) struct device_list list = DEVICE_LIST_INIT;
    long long start_ms = clock_ms();
    image_digest(image, result->digest);
    struct device *device = find_board(&list, options, events, err);
    if (!device)
        return false;
    result->path = xstrdup(device->usb->path);
    result->serial = device->usb->serial ? xstrdup(device->usb->serial) : NULL;
    bool ok = flash_device(device, image, options, events, result, err) ||
              err_wrap(err, "board on %s", device->usb->path);
    result->seconds = (double)(clock_ms() - start_ms) / 1000;
    return ok;
}

void flash_result_release(struct flash_result *result)
{
    plan_release(&result->plan);
    free(result->path);
    free(result->serial);
    *result = (struct flash_result)FLASH_RESULT_INIT;
}
