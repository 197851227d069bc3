/*
 * A serial port for tests: a pseudoterminal whose other end a child process plays.
 */
#ifndef FIRN_TESTS_PTY_H
#define FIRN_TESTS_PTY_H

#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

struct pty {
    int board;      /* the board's end; -1 once it is closed */
    int look;       /* the port, kept open for a look at its settings; -1 = not kept */
    char port[128]; /* its name */
};

static inline void pty_open(struct pty *pty)
{
    assert_int_equal(openpty(&pty->board, &pty->look, pty->port, NULL, NULL), 0);
    assert_int_equal(fcntl(pty->board, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(fcntl(pty->board, F_SETFD, FD_CLOEXEC), 0);
    assert_int_equal(fcntl(pty->look, F_SETFD, FD_CLOEXEC), 0);
}

static inline void pty_close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static inline void pty_close(struct pty *pty)
{
    pty_close_fd(&pty->board);
    pty_close_fd(&pty->look);
}

/* A child process is the board from now on: it runs fn(pty, data), which need not return. */
static inline pid_t pty_hand_over(struct pty *pty, void (*fn)(struct pty *pty, void *data),
                                  void *data)
{
    pid_t pid = fork();
    if (pid == 0) {
        pty_close_fd(&pty->look);
        fn(pty, data);
        _exit(0);
    }
    pty_close_fd(&pty->board);
    return pid;
}

/* End a child of ours. */
static inline void child_end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

#endif
