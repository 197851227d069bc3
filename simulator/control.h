/*
 * The control socket: lines in, one line of answer for each, from any number of clients.
 *
 * An error is answered as "error: ...". Lines are at most CONTROL_LINE_MAX bytes; whoever sends a
 * longer one is disconnected.
 */
#ifndef FIRN_SIMULATOR_CONTROL_H
#define FIRN_SIMULATOR_CONTROL_H

#include "base/buf.h"
#include "base/err.h"
#include "simulator/loop.h"

#define CONTROL_LINE_MAX 4096
#define CONTROL_VARIABLE "FIRN_SIM_CONTROL" /* the environment variable with the socket's path */

struct control;
/* Append the answer to a line, without a newline; false with *err set: it is refused. */
typedef bool (*control_fn)(void *data, const char *line, struct buf *answer, struct err **err);

bool control_new(struct loop *loop, const char *path, control_fn fn, void *data,
                 struct control **control, struct err **err) MUST_CHECK;
/* Closes the connections and removes the socket. */
void control_free(struct control *control);

/* The client's side: send one line, wait for its answer (appended without a newline). An answer
 * that begins with "error: " becomes *err (ERR_USAGE). */
bool control_send(const char *path, const char *line, struct buf *answer,
                  struct err **err) MUST_CHECK;

#endif
