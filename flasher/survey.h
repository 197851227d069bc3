/*
 * A survey: reading what a board holds, as far as it matters for a plan.
 */
#ifndef FIRN_FLASHER_SURVEY_H
#define FIRN_FLASHER_SURVEY_H

#include "flasher/plan.h"
#include "flasher/rescue.h"
#include "flasher/session.h"

/* Read as little as it takes to find out what has to be erased and written, put back what an
 * earlier run saved, and finish the plan. Within a phase of the session, whose total it sets.
 * *bytes grows by what was read. Ends in dfuIDLE. */
bool survey(struct session *session, struct plan *plan, struct rescue *rescue, size_t *bytes,
            struct err **err) MUST_CHECK;

/* Read other data that is going to be erased a second time: a wrong byte would go unnoticed later,
 * as what is written back is compared with what was read. Fails where it differs. */
bool survey_again(struct session *session, const struct plan *plan,
                  const struct plan_sector *sector, struct err **err) MUST_CHECK;

#endif
