/*
 * What came of many products: a table for people, fields for the result event.
 */
#ifndef FIRN_CLI_MANY_REPORT_H
#define FIRN_CLI_MANY_REPORT_H

#include "cli/product.h"

/* "37 of 100 products, 2 failed". The caller frees. */
char *many_report_summary(const struct products *products);
/* On standard output: a line for each image in the user's order, then the failures. */
void many_report_print(const struct products *products, double seconds);
/* images, failed, seconds (docs/events.md). Yours. */
json_t *many_report_fields(const struct products *products, double seconds);

#endif
