/*
 * A server of tests/http-server (or tests/git-http) for a unit test, on a loopback port.
 */
#ifndef FIRN_TESTS_UNIT_HTTP_FIXTURE_H
#define FIRN_TESTS_UNIT_HTTP_FIXTURE_H

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

struct server {
    pid_t pid;
    char url[64]; /* "http://127.0.0.1:1234/" */
};

/* argv: the program below tests/ and its arguments; ends with NULL. Returns when it listens. */
static inline void server_start(struct server *server, const char *const *argv)
{
    char port[16] = "";
    size_t len = 0;
    int fds[2];
    _cleanup_free_ char *program = xasprintf("%s/tests/%s", FIRN_SOURCE_DIR, argv[0]);

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    server->pid = fork();
    if (server->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(fds[1], STDOUT_FILENO);
        execv(program, (char **)(uintptr_t)argv);
        _exit(127);
    }
    close(fds[1]);
    while (!strchr(port, '\n')) {
        ssize_t n = read(fds[0], port + len, sizeof(port) - 1 - len);
        assert_true(n > 0);
        len += (size_t)n;
    }
    close(fds[0]);
    snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%d/", atoi(port));
}

static inline void server_stop(struct server *server)
{
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
}

#endif
