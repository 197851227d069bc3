#include "flasher/enter.h"

#include "base/proc.h"
#include "flasher/repl.h"
#include "flasher/serial.h"
#include "flasher/task.h"

#define BAUD 115200 /* any will do over USB, but for 1200, which is a signal */
#define POLL_MS 2
#define LEAVE_MS 50 /* to say goodbye */

/* The sleep bounds what a board that prints without end can take of our time, and lets other tasks
 * run: 4 KiB in 2 ms is more than a full-speed board can send. False: a signal asked us to stop. */
static bool converse(struct serial *serial, struct repl *repl)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    char bytes[4096];
    size_t len = 0;
    repl_init(repl, task_now_us());
    while (repl_advance(repl, bytes, len, task_now_us(), &out) == REPL_GOES_ON) {
        if (interrupt_requested())
            return false;
        if (serial_write(serial, out.data, out.len, repl->deadline_us) == SERIAL_GONE ||
            serial_read(serial, bytes, sizeof(bytes), &len, task_now_us()) == SERIAL_GONE) {
            repl_hang_up(repl);
            return true;
        }
        buf_clear(&out);
        task_sleep_ms(POLL_MS);
    }
    (void)!serial_write(serial, out.data, out.len, task_now_us() + LEAVE_MS * 1000LL);
    return true;
}

/* Two programs that read from one port get a part of the answers each. */
static bool explain(const struct repl *repl, const char *port, struct err **err)
{
    _cleanup_free_ char *users = serial_users(port);
    repl_explain(repl, err);
    if (users)
        err_hint(err,
                 "%s has the port open, too, and takes the board's answers away: end it, then "
                 "run the command again",
                 users);
    return false;
}

bool enter_repl(const char *port, struct err **err)
{
    _cleanup_(serial_close_ptr) struct serial *serial = NULL;
    struct repl repl;
    if (!serial_open(port, BAUD, &serial, err))
        return false;
    if (!converse(serial, &repl))
        return err_set(err, ERR_INTERRUPTED, "interrupted while talking to the board");
    return repl.step == REPL_TOLD || explain(&repl, port, err);
}
