/*
 * One DfuSe board's way from an image to a running program.
 *
 *     plan    read what the board holds, and find out what has to change (compare.h)
 *     write   sector by sector, the vector table's first: save its other data (rescue.h), erase it,
 *             write it; everything but the block with the vector table
 *     verify  read it all back and compare; then the vector table, written and read back last
 *     leave   the bootloader
 *
 * Each is an event phase of that name; write and verify are left out where nothing has to change.
 * The board stays in its bootloader until the block that makes its program startable was written,
 * behind everything that was verified: whatever happens before, running the same command again
 * compares again and mends it. SIGINT (interrupt_requested()) stops between two blocks, except
 * while other data of the board is in our memory only, and from the vector table's block on.
 *
 * A sequence blocks in its struct dfu_io alone: flashing many boards at once means another dfu_io,
 * one that lets other boards' sequences run, and no other sequence.
 */
#ifndef FIRN_FLASHER_SEQUENCE_H
#define FIRN_FLASHER_SEQUENCE_H

#include "base/event.h"
#include "flasher/dfu.h"
#include "flasher/flash.h"
#include "flasher/plan.h"

/* Flash an image of at least one segment into a board that has these memories. dfu is claimed and
 * has its transfer size; the state that the board is in does not matter. result->path and ->serial
 * name the board in its rescue files and are set by the caller; the rest is filled as far as it
 * went. Errors say what was done at which address and what the board reported. */
bool sequence_run(struct dfu *dfu, const struct plan_memory *memories, size_t count,
                  const struct image *image, const struct flash_options *options,
                  struct events *events, struct flash_result *result, struct err **err) MUST_CHECK;

#endif
