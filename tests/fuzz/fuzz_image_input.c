/* An image file and its sidecar, as `firn image` shows them. The input is flags, the length of the
 * sidecar (16 bits), the sidecar and the file, which go to a directory in memory. */
#include <unistd.h>

#include "tests/fuzz/fuzz_dir.h"
#include "tests/fuzz/fuzz_image.h"

#include "cli/image_input.h"
#include "cli/image_show.h"
#include "image/sidecar.h"

static void write_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "w");
    CHECK(file && fwrite(data, 1, size, file) == size && fclose(file) == 0);
}

/* What is shown can be shown. */
static void check_show(const struct image_input *in)
{
    char *text = NULL;
    size_t len = 0;
    FILE *old = stdout;
    stdout = open_memstream(&text, &len);
    image_show(in);
    fclose(stdout);
    stdout = old;
    CHECK(len > 0 && fuzz_is_printable(text, len, "\n"));
    free(text);

    json_t *fields = image_show_fields(in);
    _cleanup_free_ char *dump = json_dumps(fields, 0);
    CHECK(dump);
    json_decref(fields);
}

static void load(const char *path, const uint32_t *address)
{
    struct cli cli = {0};
    struct image_input in = IMAGE_INPUT_INIT;
    struct err *err = NULL;
    bool ok = image_input_load(&cli, path, address, &in, &err);
    if (fuzz_check_result(ok, &err)) {
        fuzz_check_image(&in.image);
        CHECK(in.image.count > 0 && !(in.sidecar && in.other_sidecar));
        fuzz_check_result(image_input_check_sidecar(&in, &err), &err);
        fuzz_check_result(image_input_check_link(&in, &err), &err);
        check_show(&in);
    }
    image_input_release(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const suffixes[] = {"dfu", "bin", "hex", "elf"};
    static const uint32_t address = 0x08000000;
    struct fuzz_input input = {data, size};
    uint8_t flags = fuzz_u8(&input);
    size_t len = fuzz_u16(&input);
    len = len < input.left ? len : input.left;
    _cleanup_free_ char *path =
        xasprintf("%s/x.%s", fuzz_dir(), suffixes[flags % ARRAY_SIZE(suffixes)]);
    _cleanup_free_ char *sidecar = sidecar_path(path);
    unlink(sidecar);
    if (len)
        write_file(sidecar, input.at, len);
    write_file(path, input.at + len, input.left - len);
    load(path, flags & 4 ? &address : NULL);
    return 0;
}
