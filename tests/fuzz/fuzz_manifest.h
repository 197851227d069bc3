/* What the targets around the manifest check of an error or a warning, and the files that they
 * need. */
#ifndef FIRN_TESTS_FUZZ_FUZZ_MANIFEST_H
#define FIRN_TESTS_FUZZ_FUZZ_MANIFEST_H

#include "tests/fuzz/fuzz_dir.h"

#include "builder/manifest.h"

static inline void fuzz_write_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "w");
    CHECK(file && fwrite(data, 1, size, file) == size && fclose(file) == 0);
}

/* A file of fuzz_dir(), with its directories. */
static inline void fuzz_make_file(const char *name, const char *text)
{
    _cleanup_free_ char *path = path_join(fuzz_dir(), name);
    _cleanup_free_ char *dir = path_dirname(path);
    struct err *err = NULL;
    CHECK(fs_mkdirs(dir, &err));
    fuzz_write_file(path, text, strlen(text));
}

static inline size_t fuzz_count_characters(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

/* It has a place in a file of so many lines, or none at all; the place is on the line that is shown
 * with it; and it can be printed. */
static inline void fuzz_check_diag(const struct err *err, size_t lines)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    CHECK(err->message && *err->message && err->file);
    CHECK(err->line <= lines && !err->line == !err->column);
    if (err->source_line && err->line)
        CHECK(err->column <= fuzz_count_characters(err->source_line) + 1);
    err_format(err, &text);
    CHECK(text.len > 1 && text.data[text.len - 1] == '\n');
    CHECK(fuzz_is_printable(text.data, text.len, "\n"));
}

#endif
