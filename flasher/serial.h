/*
 * A serial port (/dev/ttyACM0): raw bytes to and from a board, and nobody else in between.
 *
 *     struct serial *serial;
 *     if (!serial_open("/dev/ttyACM0", 115200, &serial, &err)) ...
 *     serial_write(serial, "\r", 1, deadline_us);
 *     serial_read(serial, bytes, sizeof(bytes), &len, deadline_us);
 *     serial_close(serial);
 *
 * Nothing here blocks: where it has to wait, it looks again every few milliseconds, and in a task
 * (task.h) others run meanwhile. A board may be unplugged at any time, which is SERIAL_GONE.
 * Deadlines are times of task_now_us().
 */
#ifndef FIRN_FLASHER_SERIAL_H
#define FIRN_FLASHER_SERIAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct serial;

enum serial_end {
    SERIAL_OK,
    SERIAL_TIMED_OUT,
    SERIAL_GONE, /* the port is not there any more */
};

/* Open for us alone (TIOCEXCL, flock), raw, at 1200, 9600 or 115200 baud. A port that is in use or
 * not yet open to us is tried again for SERIAL_PATIENCE_MS. Errors (ERR_DEVICE) name the port and
 * the next step: the group that may open it, the program that has it open. *serial is yours. */
#define SERIAL_PATIENCE_MS 1500
bool serial_open(const char *path, unsigned baud, struct serial **serial,
                 struct err **err) MUST_CHECK;
/* Puts the port's settings back as they were. What the board does not take within 100 ms is
 * dropped. NULL is allowed. */
void serial_close(struct serial *serial);
static inline void serial_close_ptr(struct serial **serial)
{
    serial_close(*serial);
}

/* For poll(), and for whoever speaks a protocol over any descriptor (simulator/raw_repl.h): it does
 * not block, and stays ours. */
int serial_fd(const struct serial *serial);

/* Send all of it. SERIAL_TIMED_OUT: an unknown part was sent. */
enum serial_end serial_write(struct serial *serial, const void *data, size_t len,
                             long long deadline_us) MUST_CHECK;
/* What has come, as soon as there is something: 1 to size bytes with SERIAL_OK, else none. */
enum serial_end serial_read(struct serial *serial, void *data, size_t size, size_t *len,
                            long long deadline_us) MUST_CHECK;

/* Open at this rate, drop DTR and close, leaving the settings so: what Arduino's boards take as
 * "enter the bootloader" at 1200 baud. Fails as serial_open() does. */
bool serial_touch(const char *path, unsigned baud, struct err **err) MUST_CHECK;

/* The programs that have the port open, "screen (process 4711), minicom (process 4712)", as far as
 * we may see them; NULL = none. Ourselves are not among them. The caller frees. */
char *serial_users(const char *path);

#endif
