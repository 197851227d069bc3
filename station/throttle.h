/*
 * Wrong tokens by address: after THROTTLE_WRONG_MAX of them in a minute nobody at that address is
 * listened to until the minute is over. Bounded: of more addresses than fit, the oldest is
 * forgotten. An IPv6 address stands for its /64, which one guesser has all of.
 */
#ifndef FIRN_STATION_THROTTLE_H
#define FIRN_STATION_THROTTLE_H

#include <stddef.h>
#include <stdint.h>

#define THROTTLE_WRONG_MAX 10
#define THROTTLE_MS 60000
#define THROTTLE_PLACES 256
#define THROTTLE_KEY_SIZE 48

struct throttle {
    struct throttle_place {
        char key[THROTTLE_KEY_SIZE]; /* "" = free */
        int64_t since_ms;
        int wrong;
    } places[THROTTLE_PLACES];
};

/* address: not "". Milliseconds until this address is listened to again; 0 = now. */
int64_t throttle_wait_ms(const struct throttle *throttle, const char *address, int64_t now_ms);
void throttle_wrong(struct throttle *throttle, const char *address, int64_t now_ms);

#endif
