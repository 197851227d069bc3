#include "station/throttle.h"

#include <stdio.h>

#include "tests/unit/unit.h"

static void fill(struct throttle *throttle, const char *address, int count, int64_t now_ms)
{
    for (int i = 0; i < count; i++)
        throttle_wrong(throttle, address, now_ms);
}

static void ten_in_a_minute(void **state)
{
    static struct throttle t;
    (void)state;
    fill(&t, "192.0.2.1", 9, 1000);
    assert_int_equal(throttle_wait_ms(&t, "192.0.2.1", 1000), 0);
    throttle_wrong(&t, "192.0.2.1", 60000);
    assert_int_equal(throttle_wait_ms(&t, "192.0.2.1", 60000), 1000);
    assert_int_equal(throttle_wait_ms(&t, "192.0.2.2", 60000), 0);
    assert_int_equal(throttle_wait_ms(&t, "192.0.2.1", 61000), 0);
    /* a new minute, a new count */
    fill(&t, "192.0.2.1", 9, 61000);
    assert_int_equal(throttle_wait_ms(&t, "192.0.2.1", 61000), 0);
}

static void a_network_of_ipv6_is_one(void **state)
{
    static struct throttle t;
    (void)state;
    for (int i = 0; i < 10; i++) {
        char address[64];
        snprintf(address, sizeof(address), "2001:db8::%x:1", i);
        throttle_wrong(&t, address, 1);
    }
    assert_int_equal(throttle_wait_ms(&t, "2001:db8::ffff", 1), THROTTLE_MS);
    assert_int_equal(throttle_wait_ms(&t, "2001:db8:0:1::1", 1), 0);
    fill(&t, "::ffff:192.0.2.1", 10, 1);
    assert_int_equal(throttle_wait_ms(&t, "::ffff:192.0.2.2", 1), 0);
}

/* Any number of addresses: what is kept is bounded, and the oldest is forgotten first. */
static void bounded(void **state)
{
    static struct throttle t;
    char address[64];
    (void)state;
    for (int i = 0; i < 10 * THROTTLE_PLACES; i++) {
        snprintf(address, sizeof(address), "10.0.%d.%d", i / 256, i % 256);
        fill(&t, address, 10, i);
    }
    assert_int_equal(throttle_wait_ms(&t, "10.0.0.0", 3000), 0);
    assert_true(throttle_wait_ms(&t, address, 3000) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_in_a_minute),
        cmocka_unit_test(a_network_of_ipv6_is_one),
        cmocka_unit_test(bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
