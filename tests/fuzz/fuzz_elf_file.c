/* ELF executables, with and without a link map, and what they have under a name. */
#include "tests/fuzz/fuzz_image.h"

#include "image/elf_file.h"

/* Does every byte of the image come from the file? Segments that lie apart in the file and touch
 * in memory were joined, so only their ends are looked for. */
static void check_bytes(const struct image *image, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < image->count; i++) {
        const struct segment *s = &image->segments[i];
        CHECK(memchr(data, s->data[0], size) && memchr(data, s->data[s->size - 1], size));
    }
}

static void read_mapped(const uint8_t *data, size_t size, const struct link_map *maps, size_t count)
{
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    struct err *err = NULL;
    bool ok = elf_read(data, size, maps, count, &image, &err);
    fuzz_check_image(&image);
    if (!fuzz_check_result(ok, &err))
        return;
    CHECK(elf_is(data, size) && image.count > 0);
    check_bytes(&image, data, size);
    for (size_t i = 0; count && i < image.count; i++)
        CHECK(image.segments[i].address >= maps[0].flash &&
              image.segments[i].address - maps[0].flash + image.segments[i].size <= maps[0].size);
}

/* What a boot loader and a program are asked for by name. */
static void read_by_name(const uint8_t *data, size_t size)
{
    const uint8_t *bytes = NULL;
    size_t len = 0;
    uint32_t value;
    if (elf_section(data, size, ".version", &bytes, &len))
        CHECK(elf_is(data, size) && bytes >= data && len <= size &&
              bytes - data <= (ptrdiff_t)(size - len));
    if (elf_symbol(data, size, "_flash_start", &value))
        CHECK(elf_is(data, size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* As the qemu port links NETDUINO2: at the boot alias of the flash. */
    static const struct link_map alias = {0, 0x08000000, 0x100000};
    read_mapped(data, size, NULL, 0);
    read_mapped(data, size, &alias, 1);
    read_by_name(data, size);
    return 0;
}
