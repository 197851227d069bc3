#include "builder/bootloader.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "image/sidecar.h"

void bootloader_release(struct bootloader *loader)
{
    free(loader->name);
    free(loader->version);
    image_release(&loader->image);
    *loader = (struct bootloader)BOOTLOADER_INIT;
}

/* ---- its record ---- */

json_t *bootloader_to_json(const struct bootloader *loader)
{
    return json_pack("{s:s, s:s, s:I, s:I, s:i, s:i, s:f}", "name", loader->name, "version",
                     loader->version, "program_address", (json_int_t)loader->program_address,
                     "chunk_size", (json_int_t)loader->chunk_size, "usb_vendor", loader->usb_vendor,
                     "usb_product", loader->usb_product, "seconds", loader->seconds);
}

bool bootloader_from_json(const json_t *json, struct bootloader *loader)
{
    const char *name, *version;
    json_int_t address, chunk_size;
    int vendor, product;
    if (json_unpack((json_t *)json, "{s:s, s:s, s:I, s:I, s:i, s:i, s:F}", "name", &name, "version",
                    &version, "program_address", &address, "chunk_size", &chunk_size, "usb_vendor",
                    &vendor, "usb_product", &product, "seconds", &loader->seconds) != 0)
        return false;
    loader->name = xstrdup(name);
    loader->version = xstrdup(version);
    loader->program_address = (uint32_t)address;
    loader->chunk_size = (uint32_t)chunk_size;
    loader->usb_vendor = (uint16_t)vendor;
    loader->usb_product = (uint16_t)product;
    return true;
}

/* ---- with a program ---- */

static bool check_start(const struct bootloader *loader, const struct image *program,
                        struct err **err)
{
    for (size_t i = 0; i < program->count; i++) {
        if (program->segments[i].address == loader->program_address)
            return true;
    }
    err_set(err, ERR_FAILED, "%s starts a program at 0x%08x, but this one begins at 0x%08x",
            loader->name, loader->program_address, program->segments[0].address);
    return err_hint(err, "the board's makefile has to link the program for %s", loader->name);
}

bool bootloader_join(const struct bootloader *loader, const struct image *program,
                     struct image *image, struct err **err)
{
    if (!image_add_all(image, &loader->image, err))
        return false;
    if (!image_add_all(image, program, err)) {
        err_wrap(err, "the program and %s overlap", loader->name);
        return err_hint(err,
                        "the board's makefile has to leave room for %s where it links the program",
                        loader->name);
    }
    return check_start(loader, program, err);
}

const struct segment *bootloader_in(const struct bootloader *loader, uint32_t start, uint32_t end)
{
    for (size_t i = 0; i < loader->image.count; i++) {
        const struct segment *s = &loader->image.segments[i];
        if (s->address < end && s->address + s->size > start)
            return s;
    }
    return NULL;
}

/* ---- for the sidecar ---- */

json_t *bootloader_fields(const struct bootloader *loader)
{
    char digest[HASH_HEX_SIZE], address[11];
    image_digest(&loader->image, digest);
    snprintf(address, sizeof(address), "0x%08x", loader->program_address);
    return json_pack("{s:s, s:s, s:s, s:I, s:s, s:o}", "name", loader->name, "version",
                     loader->version, "program_address", address, "size",
                     (json_int_t)image_size(&loader->image), "digest", digest, "segments",
                     sidecar_segments(&loader->image));
}

static bool holds(const struct segment *outer, const struct image *image)
{
    for (size_t i = 0; i < image->count; i++) {
        const struct segment *s = &image->segments[i];
        if (s->alt == outer->alt && s->address >= outer->address &&
            s->address - outer->address < outer->size)
            return true;
    }
    return false;
}

void bootloader_mark_parts(const struct bootloader *loader, const struct image *program,
                           const struct image *image, json_t *segments)
{
    for (size_t i = 0; i < image->count; i++) {
        bool first = holds(&image->segments[i], &loader->image);
        bool second = holds(&image->segments[i], program);
        json_object_set_new(json_array_get(segments, i), "part",
                            json_string(!second ? "bootloader"
                                        : first ? "bootloader, program"
                                                : "program"));
    }
}
