#include "economy/file_server.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/text.h"

/* A piece that fits, as digits, into the buffer of a board's serial port. */
#define PIECE_MAX 96
#define FILE_MAX_BYTES ((size_t)16 * 1024 * 1024)

void file_server_release(struct file_server *server)
{
    free(server->path);
    buf_release(&server->bytes);
}

/* Below the directory as text; that no link leads out of it is fs_read_beneath()'s care. */
static bool is_below(const char *path)
{
    _cleanup_free_ char *absolute = xasprintf("/_/%s", path);
    _cleanup_free_ char *plain = path_absolute(absolute);
    return *path && !strcmp(absolute, plain);
}

static char kind_of(const struct file_server *server, const char *path)
{
    _cleanup_free_ char *file = path_join(server->dir, path);
    struct stat st;
    if (!is_below(path) || lstat(file, &st) < 0)
        return '0';
    return S_ISREG(st.st_mode) ? '1' : S_ISDIR(st.st_mode) ? '2' : '0';
}

/* Its bytes, from the last time or from the file; of one that cannot be read, none. */
static void load(struct file_server *server, const char *path)
{
    _cleanup_err_ struct err *ignored = NULL;
    if (server->path && !strcmp(server->path, path))
        return;
    free(server->path);
    server->path = xstrdup(path);
    buf_clear(&server->bytes);
    if (!is_below(path) ||
        !fs_read_beneath(server->dir, path, FILE_MAX_BYTES, &server->bytes, &ignored))
        buf_clear(&server->bytes);
}

static void add_piece(struct file_server *server, const char *path, size_t offset, size_t size,
                      struct buf *reply)
{
    load(server, path);
    size_t left = offset < server->bytes.len ? server->bytes.len - offset : 0;
    size = size < left ? size : left;
    size = size < PIECE_MAX ? size : PIECE_MAX;
    buf_addf(reply, "%02zx", size);
    for (size_t i = 0; i < size; i++)
        buf_addf(reply, "%02x", (unsigned char)server->bytes.data[offset + i]);
}

/* MicroPython gives paths with a slash in front, relative to where the file system is mounted. */
static void answer(struct file_server *server, const char *question, struct buf *reply)
{
    static const char stat_word[] = "stat ";
    char *end;
    if (text_starts_with(question, stat_word)) {
        const char *path = question + strlen(stat_word);
        buf_addc(reply, kind_of(server, path + (*path == '/')));
        return;
    }
    unsigned long long offset = strtoull(question, &end, 10), size = strtoull(end, &end, 10);
    const char *path = end + (*end == ' ');
    add_piece(server, path + (*path == '/'), offset, size, reply);
}

void file_server_answer(void *data, struct buf *text, struct buf *reply)
{
    struct file_server *server = data;
    _cleanup_free_ char *start = xasprintf("\n%s? ", server->mark);
    for (;;) {
        char *at = memmem(text->data, text->len, start, strlen(start));
        char *question = at ? at + strlen(start) : NULL;
        char *end =
            question ? memchr(question, '\n', text->len - (size_t)(question - text->data)) : NULL;
        if (!end)
            return;
        *end = '\0';
        answer(server, question, reply);
        size_t rest = text->len - (size_t)(end + 1 - text->data);
        memmove(at, end + 1, rest);
        buf_truncate(text, (size_t)(at - text->data) + rest);
    }
}
