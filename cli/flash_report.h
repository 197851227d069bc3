/*
 * What `firn flash` tells at its end: text for people, fields of the result event (docs/events.md).
 */
#ifndef FIRN_CLI_FLASH_REPORT_H
#define FIRN_CLI_FLASH_REPORT_H

#include "cli/image_input.h"
#include "flasher/fleet.h"

/* To standard output: the plan of a dry run, or what was done to each board. */
void flash_report_print(const struct fleet_result *result, const struct image_input *in,
                        const struct flash_options *options);
/* Each board and, where there is only one, its fields beside "boards"; the caller's reference. */
json_t *flash_report_fields(const struct fleet_result *result, const struct image_input *in,
                            const struct flash_options *options);

#endif
