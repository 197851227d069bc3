#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static _Noreturn void out_of_memory(size_t size)
{
    fprintf(stderr, "firn: out of memory (%zu bytes wanted)\n", size);
    abort();
}

void *xmalloc(size_t size)
{
    void *p = malloc(size ? size : 1);

    if (!p)
        out_of_memory(size);
    return p;
}

void *xcalloc(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size ? size : 1);

    if (!p)
        out_of_memory(size);
    return p;
}

void *xrealloc(void *ptr, size_t size)
{
    void *p = realloc(ptr, size ? size : 1);

    if (!p)
        out_of_memory(size);
    return p;
}

void *xreallocarray(void *ptr, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        out_of_memory(SIZE_MAX);
    return xrealloc(ptr, bytes);
}

char *xstrdup(const char *s)
{
    return xstrndup(s, strlen(s));
}

char *xstrndup(const char *s, size_t n)
{
    size_t len = strnlen(s, n);
    char *p = xmalloc(len + 1);

    memcpy(p, s, len);
    p[len] = '\0';
    return p;
}

char *xvasprintf(const char *fmt, va_list ap)
{
    char *s;

    if (vasprintf(&s, fmt, ap) < 0)
        out_of_memory(0);
    return s;
}

char *xasprintf(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    char *s = xvasprintf(fmt, ap);
    va_end(ap);
    return s;
}

/* Blocks are a list with the one that is being filled at its head. An object too large to share
 * gets a block of its own behind the head, so that the head's free space is not lost. */
struct arena_block {
    struct arena_block *next;
    size_t used;
    size_t size;
    _Alignas(max_align_t) unsigned char bytes[];
};
#define ARENA_BLOCK_SIZE (16 * 1024)

static struct arena_block *block_new(size_t size)
{
    struct arena_block *block = xcalloc(1, sizeof(*block) + size);

    block->size = size;
    return block;
}

static void *alloc_own_block(struct arena *arena, size_t size)
{
    struct arena_block *block = block_new(size);

    block->used = size;
    if (arena->head) {
        block->next = arena->head->next;
        arena->head->next = block;
    } else {
        arena->head = block;
    }
    return block->bytes;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    const size_t align = _Alignof(max_align_t);

    if (size > SIZE_MAX / 2)
        out_of_memory(size);
    size = (size + align - 1) & ~(align - 1);
    if (size > ARENA_BLOCK_SIZE / 4)
        return alloc_own_block(arena, size);
    if (!arena->head || arena->head->size - arena->head->used < size) {
        struct arena_block *block = block_new(ARENA_BLOCK_SIZE);

        block->next = arena->head;
        arena->head = block;
    }
    void *p = arena->head->bytes + arena->head->used;

    arena->head->used += size;
    return p;
}

char *arena_strdup(struct arena *arena, const char *s)
{
    return arena_strndup(arena, s, strlen(s));
}

char *arena_strndup(struct arena *arena, const char *s, size_t n)
{
    size_t len = strnlen(s, n);
    char *p = arena_alloc(arena, len + 1);

    memcpy(p, s, len);
    return p;
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    _cleanup_free_ char *s = xvasprintf(fmt, ap);
    va_end(ap);
    return arena_strdup(arena, s);
}

void arena_release(struct arena *arena)
{
    struct arena_block *next;

    for (struct arena_block *block = arena->head; block; block = next) {
        next = block->next;
        free(block);
    }
    arena->head = NULL;
}
