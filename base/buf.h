/*
 * A growing byte buffer and a growing string vector.
 *
 * struct buf: `data` is always NUL-terminated at data[len], so it can be used as a C string when it
 * holds text; BUF_INIT needs no release until something was added. struct strv: `items` is always
 * NULL-terminated at items[count], so it can be used as an argv.
 *
 *     _cleanup_(buf_release) struct buf b = BUF_INIT;
 *     buf_addf(&b, "%s/%s", dir, name);
 */
#ifndef FIRN_BASE_BUF_H
#define FIRN_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct buf {
    char *data;
    size_t len;
    size_t size;
};
extern char buf_empty[];
#define BUF_INIT                                                                                   \
    {                                                                                              \
        buf_empty, 0, 0                                                                            \
    }

void buf_add(struct buf *buf, const void *data, size_t len);
void buf_adds(struct buf *buf, const char *s);
void buf_addc(struct buf *buf, char c);
void buf_addf(struct buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Little-endian integers, for file formats. */
void buf_add_le16(struct buf *buf, uint16_t value);
void buf_add_le32(struct buf *buf, uint32_t value);
static inline uint16_t load_le16(const void *at)
{
    const uint8_t *p = at;
    return (uint16_t)(p[0] | p[1] << 8);
}
static inline uint32_t load_le32(const void *at)
{
    const uint8_t *p = at;
    return load_le16(p) | (uint32_t)load_le16(p + 2) << 16;
}
/* Append len bytes of value c. */
void buf_fill(struct buf *buf, char c, size_t len);
/* Keep the first len bytes. len <= buf->len. */
void buf_truncate(struct buf *buf, size_t len);
/* Empty but keep the memory. */
void buf_clear(struct buf *buf);
void buf_release(struct buf *buf);
/* The bytes become the caller's (free()); the buffer is empty again. */
char *buf_detach(struct buf *buf, size_t *len);

struct strv {
    char **items;
    size_t count;
    size_t size;
};
extern char *strv_empty[];
#define STRV_INIT                                                                                  \
    {                                                                                              \
        strv_empty, 0, 0                                                                           \
    }

void strv_add(struct strv *v, const char *s);
void strv_addf(struct strv *v, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Copies of every string up to the terminating NULL. */
void strv_add_all(struct strv *v, const char *const *items);
bool strv_contains(const struct strv *v, const char *s);
/* Byte order (strcmp), the only order used for output that has to be the same everywhere. */
void strv_sort(struct strv *v);
/* The same, and each string once. */
void strv_sort_unique(struct strv *v);
void strv_release(struct strv *v);

#endif
