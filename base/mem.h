/*
 * Memory: allocation that cannot fail, arenas, and scope-bound cleanup.
 *
 * x*() abort the process with a message when memory is exhausted: a build tool has nothing better
 * to do, and no caller has to test for it. Sizes that come from outside are bounded before they
 * get here (every reader has a ceiling).
 *
 * An arena owns many small objects that die together (a parsed manifest). Nothing in it is freed
 * on its own. Not thread-safe; an arena belongs to one owner.
 *
 *     struct arena a = ARENA_INIT;
 *     char *s = arena_strdup(&a, "PYBV11");
 *     arena_release(&a);              // s is gone
 */
#ifndef FIRN_BASE_MEM_H
#define FIRN_BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define _cleanup_(fn) __attribute__((cleanup(fn)))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *ptr, size_t size);
/* Grow an array to count elements of the given size; aborts on overflow of count * size. */
void *xreallocarray(void *ptr, size_t count, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2);
char *xvasprintf(const char *fmt, va_list ap) PRINTF_LIKE(1, 0);

/* For _cleanup_(free_ptr) on any heap pointer. */
static inline void free_ptr(void *p)
{
    free(*(void **)p);
}
#define _cleanup_free_ _cleanup_(free_ptr)

struct arena_block;
struct arena {
    struct arena_block *head;
};
#define ARENA_INIT                                                                                 \
    {                                                                                              \
        NULL                                                                                       \
    }

/* Zeroed memory, aligned for any type, owned by the arena. */
void *arena_alloc(struct arena *arena, size_t size);
char *arena_strdup(struct arena *arena, const char *s);
char *arena_strndup(struct arena *arena, const char *s, size_t n);
char *arena_printf(struct arena *arena, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Free everything; the arena is empty and usable again. */
void arena_release(struct arena *arena);

#endif
