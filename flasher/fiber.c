#include "flasher/fiber.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/mem.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#define SANITIZER_START(save, bottom, size) __sanitizer_start_switch_fiber(save, bottom, size)
#define SANITIZER_FINISH(save, bottom, size) __sanitizer_finish_switch_fiber(save, bottom, size)
#else
#define SANITIZER_START(save, bottom, size) ((void)(save), (void)(bottom), (void)(size))
#define SANITIZER_FINISH(save, bottom, size) ((void)(save), (void)(bottom), (void)(size))
#endif

#define STACK_SIZE (256u * 1024)

struct fiber {
    void (*fn)(void *data);
    void *data;
    bool ended;
    uint8_t *memory; /* a guard page, then the stack */
    size_t guard;
    ucontext_t context, caller;
    struct fiber *previous; /* the one that resumed it, NULL = none */
    /* For the sanitizer: its own record of each side, and where the caller's stack is. */
    void *fiber_fake, *caller_fake;
    const void *caller_stack;
    size_t caller_size;
};

/* The signal state and this are the only mutable globals (STYLE.md): fiber_suspend() is called from
 * far below, by code that knows nothing of fibers. */
static struct fiber *current;

struct fiber *fiber_current(void)
{
    return current;
}

bool fiber_ended(const struct fiber *fiber)
{
    return fiber->ended;
}

/* swapcontext() by its two halves: the sanitizer warns about the whole each time that it is used,
 * whatever it was told. */
static void switch_context(ucontext_t *from, const ucontext_t *to)
{
    volatile bool is_back = false;
    getcontext(from);
    if (is_back)
        return;
    is_back = true;
    setcontext(to);
}

/* The last switch away from a fiber: the sanitizer forgets its record (NULL). */
static void leave(struct fiber *fiber)
{
    current = fiber->previous;
    SANITIZER_START(fiber->ended ? NULL : &fiber->fiber_fake, fiber->caller_stack,
                    fiber->caller_size);
    switch_context(&fiber->context, &fiber->caller);
    SANITIZER_FINISH(fiber->fiber_fake, &fiber->caller_stack, &fiber->caller_size);
}

static void enter(void)
{
    struct fiber *fiber = current;
    SANITIZER_FINISH(NULL, &fiber->caller_stack, &fiber->caller_size);
    fiber->fn(fiber->data);
    fiber->ended = true;
    leave(fiber);
}

static void *map_stack(size_t guard)
{
    void *memory = mmap(NULL, guard + STACK_SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, guard, PROT_NONE) != 0) {
        fputs("firn: out of memory\n", stderr);
        abort();
    }
    return memory;
}

struct fiber *fiber_new(void (*fn)(void *data), void *data)
{
    struct fiber *fiber = xcalloc(1, sizeof(*fiber));
    fiber->fn = fn;
    fiber->data = data;
    fiber->guard = (size_t)sysconf(_SC_PAGESIZE);
    fiber->memory = map_stack(fiber->guard);
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = fiber->memory + fiber->guard;
    fiber->context.uc_stack.ss_size = STACK_SIZE;
    makecontext(&fiber->context, enter, 0);
    return fiber;
}

void fiber_free(struct fiber *fiber)
{
    if (!fiber)
        return;
    munmap(fiber->memory, fiber->guard + STACK_SIZE);
    free(fiber);
}

void fiber_resume(struct fiber *fiber)
{
    fiber->previous = current;
    current = fiber;
    SANITIZER_START(&fiber->caller_fake, fiber->context.uc_stack.ss_sp, STACK_SIZE);
    switch_context(&fiber->caller, &fiber->context);
    SANITIZER_FINISH(fiber->caller_fake, NULL, NULL);
}

void fiber_suspend(void)
{
    leave(current);
}
