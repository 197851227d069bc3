/*
 * Fibers: functions with a stack of their own that hand control back and forth, in one thread.
 *
 * The one thing under task.h that is not portable C: it saves and restores the machine's context
 * (ucontext), and tells the address sanitizer about it.
 *
 *     struct fiber *fiber = fiber_new(fn, data);
 *     while (!fiber_ended(fiber))
 *         fiber_resume(fiber);           // until fn calls fiber_suspend() or returns
 *     fiber_free(fiber);
 */
#ifndef FIRN_FLASHER_FIBER_H
#define FIRN_FLASHER_FIBER_H

#include <stdbool.h>

struct fiber;

/* 256 KiB of stack, the page below it not accessible; pages that are not touched cost nothing. */
struct fiber *fiber_new(void (*fn)(void *data), void *data);
/* Only once it has ended, or never ran: what its function holds would be lost. */
void fiber_free(struct fiber *fiber);

/* Run it until it suspends itself or ends. Not from within the same fiber. */
void fiber_resume(struct fiber *fiber);
/* Back to whoever resumed the fiber that is running. */
void fiber_suspend(void);
/* The one that is running; NULL = none. */
struct fiber *fiber_current(void);
bool fiber_ended(const struct fiber *fiber);

#endif
