/*
 * One board's way from a plan to a running program.
 *
 *     plan    which sectors; read what else is in them
 *     erase   those sectors
 *     write   everything but the vector table
 *     verify  read it all back and compare; then the vector table, written and read back last
 *     leave   the bootloader
 *
 * Each is an event phase of that name. The board stays in its bootloader until the block that makes
 * its program startable was written, behind everything that was verified: whatever happens before,
 * running the same command again starts over and mends it. SIGINT (interrupt_requested()) stops
 * between two blocks, except while data of the board that is not the image's is in our memory only,
 * until it is written back, and behind the last block.
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
 * has its transfer size; the state that the board is in does not matter. Errors say what was done
 * at which address and what the board reported; the result is filled as far as it went. */
bool sequence_run(struct dfu *dfu, const struct plan_memory *memories, size_t count,
                  const struct image *image, const struct flash_options *options,
                  struct events *events, struct flash_result *result, struct err **err) MUST_CHECK;

#endif
