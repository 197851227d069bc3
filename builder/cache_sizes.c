#include "builder/cache_sizes.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"

#define FILE_NAME ".sizes"
#define MAX_BYTES (4u * 1024 * 1024)

static int compare(const void *a, const void *b)
{
    const struct cache_size *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    if (!order)
        order = (x->inode > y->inode) - (x->inode < y->inode);
    return order ? order : (x->born_ns > y->born_ns) - (x->born_ns < y->born_ns);
}

/* "bytes inode born_ns name"; false: damaged. */
static bool parse_line(char *line, struct cache_size *size)
{
    uint64_t numbers[3];
    char *p = line;

    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        char *end;

        numbers[i] = strtoull(p, &end, 10);
        if (end == p || *end != ' ')
            return false;
        p = end + 1;
    }
    *size = (struct cache_size){p, numbers[1], numbers[2], numbers[0]};
    return *p != '\0';
}

void cache_sizes_load(struct cache_sizes *sizes, const char *dir)
{
    _cleanup_free_ char *path = path_join(dir, FILE_NAME);
    _cleanup_err_ struct err *ignored = NULL;
    size_t lines = 1, i = 0;
    char *next;

    if (!fs_read_shared(path, MAX_BYTES, &sizes->text, &ignored)) {
        buf_clear(&sizes->text);
        return;
    }
    for (const char *p = sizes->text.data; (p = strchr(p, '\n')); p++)
        lines++;
    sizes->items = xcalloc(lines, sizeof(*sizes->items));
    /* The last line has no newline if its writer was killed: it is not taken. */
    for (char *line = sizes->text.data; i < lines && (next = strchr(line, '\n')); line = next + 1) {
        *next = '\0';
        i++;
        if (parse_line(line, &sizes->items[sizes->count]))
            sizes->count++;
    }
    if (sizes->count)
        qsort(sizes->items, sizes->count, sizeof(*sizes->items), compare);
}

bool cache_sizes_get(const struct cache_sizes *sizes, struct cache_size *size)
{
    const struct cache_size *found =
        sizes->count ? bsearch(size, sizes->items, sizes->count, sizeof(*sizes->items), compare)
                     : NULL;

    if (found)
        size->bytes = found->bytes;
    return found != NULL;
}

void cache_sizes_add(struct buf *lines, const struct cache_size *size)
{
    if (!strchr(size->name, '\n'))
        buf_addf(lines, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %s\n", size->bytes, size->inode,
                 size->born_ns, size->name);
}

/* One write at the end of the file: two processes do not mix their lines, and nothing is synced,
 * because nothing is lost with it. */
void cache_sizes_append(const char *dir, const struct buf *lines)
{
    _cleanup_free_ char *path = path_join(dir, FILE_NAME);
    int fd =
        lines->len ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644) : -1;

    if (fd < 0)
        return;
    (void)!write(fd, lines->data, lines->len);
    close(fd);
}

void cache_sizes_replace(const char *dir, const struct buf *lines)
{
    _cleanup_free_ char *path = path_join(dir, FILE_NAME);
    _cleanup_err_ struct err *ignored = NULL;

    if (!lines->len)
        (void)!unlink(path);
    else
        (void)!fs_write(path, lines->data, lines->len, 0644, &ignored);
}

void cache_sizes_release(struct cache_sizes *sizes)
{
    buf_release(&sizes->text);
    free(sizes->items);
    *sizes = (struct cache_sizes)CACHE_SIZES_INIT;
}
