#include "flasher/survey.h"

#include <inttypes.h>

#include "flasher/compare.h"

static bool read_block(struct session *session, const struct plan *plan,
                       const struct plan_sector *sector, size_t block, struct err **err)
{
    return session_read(session, sector->alt, sector->address + plan_block_offset(plan, block),
                        plan_block_size(plan, sector, block), err);
}

static bool look_at(struct session *session, const struct plan *plan, struct plan_sector *sector,
                    size_t block, size_t *bytes, struct err **err)
{
    if (!compare_wants(plan, sector, block))
        return true;
    if (!read_block(session, plan, sector, block, err))
        return false;
    compare_block(plan, sector, block, session->block);
    *bytes += plan_block_size(plan, sector, block);
    return true;
}

/* All blocks of a sector that matter, in order. */
static bool read_sector(struct session *session, const struct plan *plan,
                        struct plan_sector *sector, size_t *bytes, struct err **err)
{
    for (size_t i = 0; i < sector->block_count; i++)
        if (!look_at(session, plan, sector, i, bytes, err))
            return false;
    return true;
}

/* What lies before the block that shows that a sector has to be erased takes a second pass. */
static bool survey_sector(struct session *session, const struct plan *plan,
                          struct plan_sector *sector, struct rescue *rescue, size_t *bytes,
                          struct err **err)
{
    sector->restore = !plan->rules.discard && !plan->rules.mass && rescue_find(rescue, sector);
    for (size_t i = 0; i < sector->block_count; i++) {
        if (!look_at(session, plan, sector, i, bytes, err))
            return false;
        session_advance(session, plan_block_size(plan, sector, i));
    }
    if (!read_sector(session, plan, sector, bytes, err))
        return false;
    if (sector->restore)
        rescue_restore(rescue, plan, sector, session->events);
    return true;
}

bool survey(struct session *session, struct plan *plan, struct rescue *rescue, size_t *bytes,
            struct err **err)
{
    session->total = plan->sector_bytes;
    for (size_t i = 0; i < plan->sector_count; i++)
        if (!survey_sector(session, plan, &plan->sectors[i], rescue, bytes, err))
            return false;
    compare_settle(plan);
    if (!read_sector(session, plan, &plan->sectors[0], bytes, err))
        return false;
    compare_finish(plan);
    return session_rest(session, err);
}

static bool set_unsteady(uint32_t address, uint8_t first, uint8_t second, struct err **err)
{
    err_set(err, ERR_DEVICE,
            "0x%08" PRIx32 " reads 0x%02x, then 0x%02x: other data there cannot be kept safely",
            address, first, second);
    return err_hint(err, "nothing of it was erased; run the command again, on another cable or "
                         "port if that does not help");
}

bool survey_again(struct session *session, const struct plan *plan,
                  const struct plan_sector *sector, struct err **err)
{
    for (size_t i = 0; i < sector->block_count && !sector->restore; i++) {
        uint32_t offset = plan_block_offset(plan, i);
        if (!(sector->blocks[i] & PLAN_KEPT))
            continue;
        if (!read_block(session, plan, sector, i, err))
            return false;
        for (uint16_t n = 0; n < plan_block_size(plan, sector, i); n++)
            if (!sector->is_image[offset + n] && session->block[n] != sector->content[offset + n])
                return set_unsteady(sector->address + offset + n, sector->content[offset + n],
                                    session->block[n], err);
    }
    return true;
}
