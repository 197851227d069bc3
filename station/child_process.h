/*
 * The process of a child (child.h): forked behind a gate, identified beyond doubt.
 *
 * A process id alone is given to another process some day: with the time at which it started and
 * the boot in which that was it is unique.
 */
#ifndef FIRN_STATION_CHILD_PROCESS_H
#define FIRN_STATION_CHILD_PROCESS_H

#include <sys/types.h>

#include "station/child.h"

/* Fork; the process waits until child_process_open() or ends when we do. *gate is the descriptor
 * for that. Having come through it makes the file `begun`, before the command runs. Its events and
 * its output go to these descriptors (borrowed). */
bool child_process_fork(const struct child_command *command, const char *begun, int events_fd,
                        int log_fd, pid_t *pid, int *gate, struct err **err) MUST_CHECK;
/* Let it run; closes the gate. */
void child_process_open(int *gate);

/* "PID START BOOT\n" of a process; false: there is none. */
bool child_process_identity(pid_t pid, struct buf *identity) MUST_CHECK;
/* A pidfd of the process with this identity, or -1 if it is gone. */
int child_process_find(const char *identity, pid_t *pid);
/* Was that in this boot? Files that were written since are what they were. */
bool child_process_is_of_boot(const char *identity);
/* If it is a process of ours that has ended: its exit status (collected); otherwise -1. */
int child_process_collect(int pidfd);

#endif
