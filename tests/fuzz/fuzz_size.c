/* The size of a program: an ELF file, the linker's map and mpy-tool's frozen_content.c, all of them
 * made by somebody else's code. The input is the map, a line "%%", the content, a line "%%", the
 * ELF file. */
#include "tests/fuzz/fuzz.h"

#include "builder/size.h"

#define BORDER "\n%%\n"

static json_int_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static json_int_t sum(const json_t *list, const char *key)
{
    json_int_t total = 0;
    const json_t *item;
    size_t i;
    json_array_foreach(list, i, item) total += number(item, key);
    return total;
}

/* Sections of a damaged file can lie over each other; then there is no whole to add up to. */
static void check(const json_t *report)
{
    json_int_t frozen = sum(json_object_get(report, "modules"), "flash");
    CHECK(number(report, "modules_shared") >= 0 && frozen >= 0);
    CHECK(sum(json_object_get(report, "objects"), "flash") >= number(report, "flash"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct frozen_file files[] = {
        {.target = (char *)"main.py", .data = (char *)"x = 1\n", .size = 6},
        {.target = (char *)"text.py", .form = FROZEN_SOURCE, .data = (char *)"", .size = 0}};
    static const struct frozen frozen = {files, ARRAY_SIZE(files)};
    static const struct memory_def memory = {"_heap_start", "_heap_end", "stack", NULL};
    const char *map = (const char *)data, *end = map + size;
    const char *content = memmem(map, size, BORDER, strlen(BORDER));
    const char *elf =
        content ? memmem(content + 1, (size_t)(end - content - 1), BORDER, strlen(BORDER)) : NULL;
    struct err *err = NULL;
    if (!elf)
        return 0;
    content += strlen(BORDER);
    _cleanup_free_ char *text =
        elf > content ? xstrndup(content, (size_t)(elf - content)) : xstrdup("");
    elf += strlen(BORDER);
    const struct size_input input = {.elf = elf,
                                     .elf_size = (size_t)(end - elf),
                                     .map = map,
                                     .map_size = (size_t)(content - strlen(BORDER) - map),
                                     .frozen_content = text,
                                     .frozen = &frozen,
                                     .memory = &memory,
                                     .build_at = "/build",
                                     .c_modules = (const char *const[]){"filter", NULL}};
    json_t *report = size_report(&input, &err);
    if (fuzz_check_result(report != NULL, &err))
        check(report);
    json_decref(report);
    return 0;
}
