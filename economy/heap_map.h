/*
 * The map of the heap that micropython.mem_info(1) prints: one letter a block, in rows of 64, with
 * runs of rows that are free left out. (docs/reference/constrained.rst, "Reporting")
 *
 *     GC: total: 80000, used: 2496, free: 77504
 *      No. of 1-blocks: 74, 2-blocks: 9, max blk sz: 14, max free sz: 4806
 *     GC memory layout; from 20000a80:
 *     00000000: h=hLhhhBhhBhhhBhhBhhBLhhhhhhhhShhhh===h=h=======h=====hhhhhhhhSh
 *            (74 lines all free)
 *     00013800: ........
 */
#ifndef FIRN_ECONOMY_HEAP_MAP_H
#define FIRN_ECONOMY_HEAP_MAP_H

#include <jansson.h>

#include "base/buf.h"

/* {"total", "used", "free", "largest_free": bytes, "block": bytes of one, "rows": [...]}: each row
 * 64 letters of the map, the last one perhaps fewer. null when it cannot be read. Yours. */
json_t *heap_map_read(const struct buf *lines);
/* Draw it smaller: `columns` cells a line, at most `lines` of them, each cell as dark as it is
 * full. */
void heap_map_draw(const json_t *map, size_t columns, size_t lines, struct buf *out);

#endif
