/*
 * The test bench: a simulated bus with its boards, which can be plugged, pulled and made to fail.
 *
 * bench_command() is the language of the control socket and of --fault (docs/simulator.md).
 *
 *     bench = bench_new(loop, &bus);
 *     bench_add_board(bench, model, timing, flash_path, &err);   // plugged in at once
 *     loop_run(loop, &err);
 *     bench_free(bench);
 */
#ifndef FIRN_SIMULATOR_BENCH_H
#define FIRN_SIMULATOR_BENCH_H

#include "base/buf.h"
#include "base/err.h"
#include "simulator/bus.h"
#include "simulator/loop.h"
#include "simulator/runtime_options.h"
#include "simulator/sim_board.h"
#include "simulator/topology.h"

#define BENCH_BOARDS 128

struct bench;

/* Takes the bus: it is freed with the bench, before the boards are. */
struct bench *bench_new(struct loop *loop, const struct bus *bus);
/* Where boards go from now on; without it all into ports of the root hub. */
void bench_set_topology(struct bench *bench, const struct topology *topology);
/* For the boards that are added from now on. */
void bench_set_runtime(struct bench *bench, const struct bench_runtime *runtime);
void bench_free(struct bench *bench);

/* The board gets the next number (from 0) and its port in the topology, whose hubs come with it.
 * flash_path: see nor_open(). More than BENCH_BOARDS are an error. */
bool bench_add_board(struct bench *bench, const struct board_model *model,
                     enum board_timing_kind timing, const char *flash_path,
                     struct err **err) MUST_CHECK;

/* Obey one line: "fault BOARD FAULT", "unplug BOARD", "replug BOARD", "reset BOARD",
 * "move BOARD PORT", "after-leave BOARD WHAT", "program BOARD NAME", "set BOARD SETTING",
 * "reset-counters BOARD", "status". Appends the answer without a newline: "ok", or JSON for status.
 * Errors are ERR_USAGE unless the bus itself fails. */
bool bench_command(struct bench *bench, const char *line, struct buf *answer,
                   struct err **err) MUST_CHECK;

#endif
