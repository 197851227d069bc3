#include "flasher/session.h"

#include "base/proc.h"

#define ALT_NONE (-1)

void session_init(struct session *session, struct dfu *dfu, struct events *events)
{
    *session = (struct session){.dfu = dfu, .dfuse = {.dfu = dfu}, .events = events};
    session->block = xmalloc(dfu->transfer_size);
    session->alt = ALT_NONE;
}

void session_release(struct session *session)
{
    free(session->block);
}

void session_begin(struct session *session, const char *phase, const char *title, uint64_t total)
{
    session->phase = phase;
    session->done = 0;
    session->total = total;
    event_phase_begin(session->events, phase, title);
}

bool session_end(struct session *session, bool ok, const char *detail)
{
    event_phase_end(session->events, session->phase, ok, ok ? detail : NULL);
    return ok;
}

void session_advance(struct session *session, size_t bytes)
{
    session->done += bytes;
    event_progress(session->events, session->phase, session->done, session->total, "bytes", NULL);
}

bool session_may_go_on(const struct session *session, struct err **err)
{
    if (!interrupt_requested() || session->must_finish)
        return true;
    err_set(err, ERR_INTERRUPTED, "interrupted%s",
            session->touched ? "; the board has no complete program now and stays in its bootloader"
                             : " before anything was changed");
    return err_hint(err, "run the same command again");
}

bool session_choose(struct session *session, uint8_t alt, struct err **err)
{
    struct dfu *dfu = session->dfu;
    if (session->alt == alt)
        return true;
    if (!dfu_make_idle(dfu, DFUSE_ERASE_LIMIT_MS, err) || !dfu->io.set_alt(dfu->io.data, alt, err))
        return false;
    session->dfuse = (struct dfuse){.dfu = dfu};
    session->alt = alt;
    return true;
}

bool session_read(struct session *session, uint8_t alt, uint32_t address, uint16_t len,
                  struct err **err)
{
    return session_may_go_on(session, err) && session_choose(session, alt, err) &&
           dfuse_read(&session->dfuse, address, session->block, len, err);
}

bool session_write(struct session *session, uint8_t alt, uint32_t address, const void *data,
                   uint16_t len, struct err **err)
{
    if (!session_choose(session, alt, err) ||
        !dfuse_write(&session->dfuse, address, data, len, err))
        return false;
    session->touched = true;
    session_advance(session, len);
    return true;
}

bool session_rest(struct session *session, struct err **err)
{
    return session->alt == ALT_NONE || dfuse_end(&session->dfuse, err);
}
