/* Of the store's files about jobs. */
#ifndef FIRN_STATION_STORE_JOB_H
#define FIRN_STATION_STORE_JOB_H

#include "station/store_internal.h"

/* Within a transaction. A build has ended without an image: the flashes that wait for it fail. */
bool store_fail_dependents(struct store *store, int64_t build, enum job_state state,
                           struct err **err) MUST_CHECK;
/* After store_lock_order(): the events of flashes that waited for this build, and of which it is
 * now known. */
bool store_tell_dependents(struct store *store, int64_t build, struct err **err) MUST_CHECK;
/* Why such a flash fails; yours. */
char *store_dependent_reason(int64_t build, enum job_state state);

#endif
