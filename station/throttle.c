#include "station/throttle.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static void make_key(char key[THROTTLE_KEY_SIZE], const char *address)
{
    struct in6_addr net;
    snprintf(key, THROTTLE_KEY_SIZE, "%s", address);
    if (inet_pton(AF_INET6, address, &net) != 1 || IN6_IS_ADDR_V4MAPPED(&net))
        return;
    memset(net.s6_addr + 8, 0, 8);
    inet_ntop(AF_INET6, &net, key, THROTTLE_KEY_SIZE);
}

static const struct throttle_place *find(const struct throttle *throttle, const char *key,
                                         int64_t now_ms)
{
    for (size_t i = 0; i < THROTTLE_PLACES; i++) {
        const struct throttle_place *place = &throttle->places[i];
        if (strcmp(place->key, key) == 0 && now_ms - place->since_ms < THROTTLE_MS)
            return place;
    }
    return NULL;
}

int64_t throttle_wait_ms(const struct throttle *throttle, const char *address, int64_t now_ms)
{
    char key[THROTTLE_KEY_SIZE];
    make_key(key, address);
    const struct throttle_place *place = find(throttle, key, now_ms);
    if (!place || place->wrong < THROTTLE_WRONG_MAX)
        return 0;
    return place->since_ms + THROTTLE_MS - now_ms;
}

static struct throttle_place *oldest(struct throttle *throttle)
{
    struct throttle_place *oldest = &throttle->places[0];
    for (size_t i = 0; i < THROTTLE_PLACES; i++) {
        struct throttle_place *place = &throttle->places[i];
        if (!*place->key)
            return place;
        if (place->since_ms < oldest->since_ms)
            oldest = place;
    }
    return oldest;
}

void throttle_wrong(struct throttle *throttle, const char *address, int64_t now_ms)
{
    struct throttle_place fresh = {.since_ms = now_ms, .wrong = 1};
    make_key(fresh.key, address);
    const struct throttle_place *found = find(throttle, fresh.key, now_ms);
    if (found)
        throttle->places[found - throttle->places].wrong++;
    else
        *oldest(throttle) = fresh;
}
