#include "flasher/flash.h"

#include "base/proc.h"
#include "flasher/sequence.h"

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

static bool run(struct device *device, const struct image *image,
                const struct flash_options *options, struct events *events,
                struct flash_result *result, struct err **err)
{
    struct plan_memory memories[DFU_ALTS_MAX];
    if (!device_open(device, err) || !device_check(device, err))
        return false;
    size_t count = get_memories(device, memories);
    return sequence_run(&device->dfu, memories, count, image, options, events, result, err);
}

bool flash_device(struct usb *usb, struct device *device, const struct image *image,
                  const struct flash_options *options, struct events *events,
                  struct flash_result *result, struct err **err)
{
    long long start_ms = clock_ms();
    (void)usb;
    result->path = xstrdup(device->usb->path);
    result->serial = device->usb->serial ? xstrdup(device->usb->serial) : NULL;
    bool ok = run(device, image, options, events, result, err) ||
              err_wrap(err, "board on %s", device->usb->path);
    result->seconds = (double)(clock_ms() - start_ms) / 1000;
    return ok;
}

void flash_result_release(struct flash_result *result)
{
    plan_release(&result->plan);
    err_free(result->err);
    free(result->path);
    free(result->serial);
    free(result->rescue);
    *result = (struct flash_result)FLASH_RESULT_INIT;
}
