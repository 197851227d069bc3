/*
 * Progress for people: draws the events of a command (docs/events.md) on a terminal as one bar a
 * phase, elsewhere as plain lines.
 *
 * On a terminal the phases under way stand as a block of lines at the bottom that is redrawn in
 * place; a phase that ended, a warning or an error is printed above it and stays. Elsewhere each
 * ended phase is one line, and a long one says every few seconds how far it is. Output goes to
 * `out` (standard error), so that standard output holds results only. Single-threaded, as events.
 */
#ifndef FIRN_CLI_PROGRESS_H
#define FIRN_CLI_PROGRESS_H

#include "base/event.h"

struct progress;

enum progress_style {
    PROGRESS_PLAIN,    /* lines */
    PROGRESS_TERMINAL, /* bars, no colour */
    PROGRESS_COLOR,    /* bars in colour */
};

/* quiet: only warnings and errors. */
struct progress *progress_new(FILE *out, enum progress_style style, bool quiet);
/* Clears the block. */
void progress_free(struct progress *progress);
/* An event_sink_fn; data is the struct progress. */
void progress_sink(void *data, const json_t *event);
/* What this stream and environment (isatty, TERM, NO_COLOR) call for. */
enum progress_style progress_style_for(FILE *out, bool no_color);

#endif
