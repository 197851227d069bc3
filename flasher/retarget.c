#include "flasher/retarget.h"

#include <string.h>

#include "base/text.h"

static const char *name_of(const struct device_target *target)
{
    if (target->has_layout)
        return target->layout.name;
    return target->name ? target->name : "";
}

static void add_targets(const struct device *device, struct buf *out)
{
    for (size_t i = 0; i < device->target_count; i++) {
        const char *name = name_of(&device->targets[i]);
        buf_addf(out, "%s--alt %u  ", i ? "\n" : "", device->targets[i].alt);
        text_add_printable(out, name, strlen(name));
    }
}

const struct device_target *retarget_find(const struct device *device, const char *alt,
                                          struct err **err)
{
    uint32_t number;
    bool is_number = text_parse_u32(alt, &number);
    _cleanup_(buf_release) struct buf hint = BUF_INIT;
    for (size_t i = 0; i < device->target_count; i++) {
        const struct device_target *target = &device->targets[i];
        if (is_number ? target->alt == number : strcasecmp(name_of(target), alt) == 0)
            return target;
    }
    add_targets(device, &hint);
    err_set(err, ERR_DEVICE, "the board has no alternate setting '%s'", alt);
    err_hint(err, "it has:\n%s", hint.data);
    return NULL;
}

bool retarget_image(const struct image *image, uint8_t alt, struct image *moved, struct err **err)
{
    if (image->segments[0].alt != image->segments[image->count - 1].alt) { /* they are sorted */
        err_set(err, ERR_USAGE, "the image has data for several alternate settings");
        return err_hint(err, "leave --alt out");
    }
    *moved = *image;
    moved->segments = xcalloc(image->count, sizeof(*moved->segments));
    for (size_t i = 0; i < image->count; i++) {
        moved->segments[i] = image->segments[i];
        moved->segments[i].alt = alt;
    }
    return true;
}
