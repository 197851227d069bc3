/*
 * Settings: what one board does otherwise than its model. Written as text:
 *
 *     protected               read protection (RDP level 1), as its option bytes would have it
 *     write-protected=SECTOR  erasing and writing that sector succeeds and does nothing
 *     bus=reads|none|1ms|rom  how long a transfer takes (enum bus_timing_kind)
 *     QUIRK or QUIRK=on|off   stalls-early-polls, stalls-clrstatus, starts-in-error,
 *                             leaves-at-once, wedges, measures-blocks, cuts-strings
 */
#ifndef FIRN_SIMULATOR_SETTING_H
#define FIRN_SIMULATOR_SETTING_H

#include "base/err.h"
#include "simulator/sim_board.h"

/* Apply one. Errors name what is wrong with it (ERR_USAGE) and leave the board as it was. */
bool setting_apply(struct sim_board *board, const char *text, struct err **err) MUST_CHECK;

#endif
