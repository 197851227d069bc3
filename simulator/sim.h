/*
 * `firn sim`: a bus with boards for as long as one command runs.
 *
 * The command and all its descendants see the simulated bus in place of the real ones
 * (UMOCKDEV_DIR, LD_PRELOAD), or beside them (kernel), and can reach the control socket
 * (FIRN_SIM_CONTROL). When it ends, or
 * SIGINT, SIGTERM or SIGHUP arrive, what is left of them is ended and everything temporary is
 * removed. Uses the process's signals and children: once per process, alone.
 */
#ifndef FIRN_SIMULATOR_SIM_H
#define FIRN_SIMULATOR_SIM_H

#include "base/err.h"
#include "simulator/runtime_options.h"
#include "simulator/sim_board.h"
#include "simulator/topology.h"

struct sim_options {
    const struct board_model *const *models; /* one for each board */
    unsigned board_count;
    struct bench_runtime runtime;
    struct topology topology; /* where they go; zero: all in the ports of the root hub */
    enum board_timing_kind timing;
    bool kernel;                /* on the kernel's own bus (simulator/vhci.h), not a mock one */
    const char *flash_dir;      /* keeps board-0.flash ...; NULL: temporary */
    const char *bus;            /* "rom": bus_timing_parse()'s names; NULL: as ever */
    const char *const *orders;  /* for bench_command(), "fault 0 on=..."; ends with NULL */
    const char *preload;        /* firn-sim.so (simulator/preload/); NULL: do without it */
    const char *const *command; /* argv, looked up on PATH; ends with NULL */
};

/* *exit_status: the command's, 128 + signal if a signal ended it or us, 127 if it cannot be run. */
bool sim_run(const struct sim_options *options, int *exit_status, struct err **err) MUST_CHECK;

#endif
