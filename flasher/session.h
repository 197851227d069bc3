/*
 * A session: one DfuSe board while it is being flashed, one block after the other, with its
 * progress as events and a stop between two blocks where SIGINT asked for it.
 *
 *     struct session session;
 *     session_init(&session, dfu, events);
 *     session_begin(&session, "verify", "Reading back", bytes);
 *     bool ok = session_read(&session, alt, address, len, &err) && ... session.block ...
 *     session_end(&session, ok, "all bytes read back as written");
 *     session_release(&session);
 */
#ifndef FIRN_FLASHER_SESSION_H
#define FIRN_FLASHER_SESSION_H

#include "base/event.h"
#include "flasher/dfuse.h"

struct session {
    struct dfu *dfu;
    struct dfuse dfuse;
    struct events *events;
    uint8_t *block;       /* the last block that was read */
    int alt;              /* the alternate setting that is chosen; -1 = none yet */
    bool touched;         /* something was erased or written */
    bool must_finish;     /* not to be interrupted now */
    const char *phase;    /* the event phase, its bytes done and in all */
    uint64_t done, total; /* total may be set later than the phase begins */
};

void session_init(struct session *session, struct dfu *dfu, struct events *events);
void session_release(struct session *session);

void session_begin(struct session *session, const char *phase, const char *title, uint64_t total);
/* Returns ok; the detail is for success. */
bool session_end(struct session *session, bool ok, const char *detail);
void session_advance(struct session *session, size_t bytes);
/* Between two blocks: fails (ERR_INTERRUPTED, with the way to resume) when SIGINT asked to stop and
 * nothing speaks against it. */
bool session_may_go_on(const struct session *session, struct err **err) MUST_CHECK;

/* Choose an alternate setting. The first time this also brings the board out of whatever state it
 * was left in. */
bool session_choose(struct session *session, uint8_t alt, struct err **err) MUST_CHECK;
/* One block, as dfuse_read() (into session->block) and dfuse_write(), in this alternate setting.
 * Reading stops before it when asked to; writing does not. */
bool session_read(struct session *session, uint8_t alt, uint32_t address, uint16_t len,
                  struct err **err) MUST_CHECK;
bool session_write(struct session *session, uint8_t alt, uint32_t address, const void *data,
                   uint16_t len, struct err **err) MUST_CHECK;
/* Leave the board in dfuIDLE. */
bool session_rest(struct session *session, struct err **err) MUST_CHECK;

#endif
