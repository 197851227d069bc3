#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Never written to: size 0 says that there is no room in it. */
char buf_empty[1] = "";
char *strv_empty[1] = {NULL};

/* Room for `more` bytes and the NUL. A size past SIZE_MAX goes to xmalloc as SIZE_MAX, which
 * aborts like any other exhaustion. */
static void grow(struct buf *buf, size_t more)
{
    size_t need;

    if (__builtin_add_overflow(buf->len, more, &need) || need == SIZE_MAX)
        need = SIZE_MAX - 1;
    need++;
    if (need <= buf->size)
        return;
    size_t size = buf->size < 32 ? 64 : buf->size / 2 * 3;

    if (size < need)
        size = need;
    buf->data = xrealloc(buf->size ? buf->data : NULL, size);
    buf->size = size;
}

void buf_add(struct buf *buf, const void *data, size_t len)
{
    if (!len)
        return;
    grow(buf, len);
    memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void buf_adds(struct buf *buf, const char *s)
{
    buf_add(buf, s, strlen(s));
}

void buf_addc(struct buf *buf, char c)
{
    buf_add(buf, &c, 1);
}

void buf_addf(struct buf *buf, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    _cleanup_free_ char *s = xvasprintf(fmt, ap);
    va_end(ap);
    buf_adds(buf, s);
}

void buf_add_le16(struct buf *buf, uint16_t value)
{
    const unsigned char bytes[] = {value & 0xff, value >> 8};

    buf_add(buf, bytes, sizeof(bytes));
}

void buf_add_le32(struct buf *buf, uint32_t value)
{
    buf_add_le16(buf, value & 0xffff);
    buf_add_le16(buf, value >> 16);
}

void buf_fill(struct buf *buf, char c, size_t len)
{
    if (!len)
        return;
    grow(buf, len);
    memset(buf->data + buf->len, c, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void buf_truncate(struct buf *buf, size_t len)
{
    if (len >= buf->len)
        return;
    buf->len = len;
    buf->data[len] = '\0';
}

void buf_clear(struct buf *buf)
{
    buf_truncate(buf, 0);
}

void buf_release(struct buf *buf)
{
    if (buf->size)
        free(buf->data);
    *buf = (struct buf)BUF_INIT;
}

char *buf_detach(struct buf *buf, size_t *len)
{
    char *data = buf->size ? buf->data : xstrdup("");

    if (len)
        *len = buf->len;
    *buf = (struct buf)BUF_INIT;
    return data;
}

static void strv_take(struct strv *v, char *s)
{
    if (v->count + 2 > v->size) {
        size_t size = v->size ? v->size * 2 : 8;

        v->items = xreallocarray(v->size ? v->items : NULL, size, sizeof(*v->items));
        v->size = size;
    }
    v->items[v->count++] = s;
    v->items[v->count] = NULL;
}

void strv_add(struct strv *v, const char *s)
{
    strv_take(v, xstrdup(s));
}

void strv_addf(struct strv *v, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    strv_take(v, xvasprintf(fmt, ap));
    va_end(ap);
}

void strv_add_all(struct strv *v, const char *const *items)
{
    for (; *items; items++)
        strv_add(v, *items);
}

bool strv_contains(const struct strv *v, const char *s)
{
    for (size_t i = 0; i < v->count; i++)
        if (!strcmp(v->items[i], s))
            return true;
    return false;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *v)
{
    if (v->count > 1)
        qsort(v->items, v->count, sizeof(*v->items), by_bytes);
}

void strv_sort_unique(struct strv *v)
{
    size_t kept = 0;
    strv_sort(v);
    for (size_t i = 0; i < v->count; i++) {
        if (kept && !strcmp(v->items[kept - 1], v->items[i]))
            free(v->items[i]);
        else
            v->items[kept++] = v->items[i];
    }
    v->count = kept;
    if (v->size)
        v->items[kept] = NULL;
}

void strv_release(struct strv *v)
{
    for (size_t i = 0; i < v->count; i++)
        free(v->items[i]);
    if (v->size)
        free(v->items);
    *v = (struct strv)STRV_INIT;
}
