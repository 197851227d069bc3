/*
 * Several child processes at the same time, each with its output by line.
 *
 * Standard output and error of a child are one pipe, its standard input is /dev/null. Each runs in
 * a process group of its own: a Ctrl-C at the terminal reaches us alone, and proc_set_stop() hands
 * it on. Should we be killed, each child gets a SIGTERM from the kernel: none goes on unwatched.
 * What a child leaves behind in its group when it ends is ended, too. Single-threaded.
 *
 *     struct proc_set *set = proc_set_new();
 *     proc_set_start(set, argv, take_line, data, &err);  // any number
 *     while (proc_set_running(set)) {
 *         struct proc_end end;
 *         if (proc_set_wait(set, 1000, &end)) ...        // end.data's child has ended
 *     }
 *     proc_set_free(set);
 */
#ifndef FIRN_BASE_PROC_SET_H
#define FIRN_BASE_PROC_SET_H

#include "base/err.h"
#include "base/lines.h"

struct proc_set;

struct proc_end {
    void *data;      /* the child's, as proc_set_start() got it */
    int exit_status; /* 0..255, or 128 + signal */
};

struct proc_set *proc_set_new(void);
/* Kills and collects what still runs. */
void proc_set_free(struct proc_set *set);
static inline void proc_set_free_ptr(struct proc_set **set)
{
    proc_set_free(*set);
}

/* argv: ends with NULL; argv[0] is the program's path, not looked up. on_line is called with data
 * from within proc_set_wait(). */
bool proc_set_start(struct proc_set *set, const char *const *argv, line_fn on_line, void *data,
                    struct err **err) MUST_CHECK;
/* Wait for output and deliver it, until a child has ended and all that it said is delivered (true),
 * or timeout_ms have passed or a signal came (false). */
bool proc_set_wait(struct proc_set *set, int timeout_ms, struct proc_end *end);
size_t proc_set_running(const struct proc_set *set);
/* Ask each child to end (SIGTERM); what has not ended some seconds later is killed by
 * proc_set_wait(). Children started later are not asked. */
void proc_set_stop(struct proc_set *set);

#endif
