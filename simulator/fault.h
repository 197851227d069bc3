/*
 * Faults: what shall go wrong, when, and how often. Written as text:
 *
 *     on=dnload,block=5,count=1,do=unplug,replug=500
 *
 *   on=EVENT   dnload (a data block), set-address, erase, mass-erase, leave, upload, getstatus,
 *              clrstatus, abort, any (every control transfer)
 *   block=N    only transfers whose wBlockNum is N (dnload and upload)
 *   after=N    let N matching transfers pass first
 *   count=N    then act N times, 0 = for ever; 1 if not given
 *   do=ACTION  unplug (replug=MS: and plug in again), stall, protocol, hang, delay (ms=MS),
 *              status (code=1..15: dfuERROR with this bStatus), busy (dfuDNBUSY for ever),
 *              poll (ms=MS: announce this bwPollTimeout), corrupt (one wrong byte written or
 *              read), short (half the bytes read), ignore (report success, write nothing)
 */
#ifndef FIRN_SIMULATOR_FAULT_H
#define FIRN_SIMULATOR_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "simulator/usb.h"

enum fault_on {
    FAULT_ON_DNLOAD,
    FAULT_ON_SET_ADDRESS,
    FAULT_ON_ERASE,
    FAULT_ON_MASS_ERASE,
    FAULT_ON_LEAVE,
    FAULT_ON_UPLOAD,
    FAULT_ON_GETSTATUS,
    FAULT_ON_CLRSTATUS,
    FAULT_ON_ABORT,
    FAULT_ON_ANY, /* also what a transfer is that is none of the above */
};

enum fault_action {
    FAULT_UNPLUG,
    FAULT_STALL,
    FAULT_PROTOCOL,
    FAULT_HANG,
    FAULT_DELAY,
    FAULT_STATUS,
    FAULT_BUSY,
    FAULT_POLL,
    FAULT_CORRUPT,
    FAULT_SHORT,
    FAULT_IGNORE,
};

struct fault {
    enum fault_on on;
    enum fault_action action;
    bool has_block;
    uint16_t block;
    uint32_t after; /* matches still to let pass */
    uint32_t count; /* times still to act */
    bool forever;
    uint32_t ms;    /* of delay, poll and replug */
    uint8_t status; /* of status */
};

#define FAULTS_MAX 16

/* The faults of one board, oldest first. Zeroed = none. */
struct faults {
    struct fault items[FAULTS_MAX];
    unsigned count;
};

/* Parse the text above. Errors name the part that is wrong (ERR_USAGE). */
bool fault_parse(const char *text, struct fault *fault, struct err **err) MUST_CHECK;
/* False: FAULTS_MAX are waiting already. */
bool faults_add(struct faults *faults, const struct fault *fault, struct err **err) MUST_CHECK;

/* What is this transfer, in terms of on=? has_commands: block 0 carries commands, not data. */
enum fault_on fault_classify(const struct usb_setup *setup, const uint8_t *out, bool has_commands);
/* Does one of the faults act on it? At most one does; it is counted. */
bool faults_take(struct faults *faults, enum fault_on what, const struct usb_setup *setup,
                 struct fault *taken);

#endif
