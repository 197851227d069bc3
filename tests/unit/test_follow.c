/* follow.h: when refs are looked at, by the local clock. */
#include <time.h>

#include "station/follow.h"
#include "unit.h"

#define HOUR (3600ll * 1000)

/* A moment of local time in Berlin, in ms since the epoch. */
static int64_t at(int year, int month, int day, int hour, int minute)
{
    struct tm local = {.tm_year = year - 1900,
                       .tm_mon = month - 1,
                       .tm_mday = day,
                       .tm_hour = hour,
                       .tm_min = minute,
                       .tm_isdst = -1};
    return (int64_t)mktime(&local) * 1000;
}

static int in_berlin(void **state)
{
    (void)state;
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    return 0;
}

static void later_today_or_tomorrow(void **state)
{
    (void)state;
    assert_int_equal(follow_next_ms(at(2026, 6, 1, 1, 0), 3 * 60), 2 * HOUR);
    assert_int_equal(follow_next_ms(at(2026, 6, 1, 4, 0), 3 * 60), 23 * HOUR);
    assert_int_equal(follow_next_ms(at(2026, 6, 1, 3, 0), 3 * 60), 24 * HOUR); /* just done */
    assert_int_equal(follow_next_ms(at(2026, 12, 31, 23, 59), 0), HOUR / 60);
}

static void days_of_23_and_25_hours(void **state)
{
    (void)state;
    assert_int_equal(follow_next_ms(at(2026, 3, 28, 12, 0), 12 * 60), 23 * HOUR);
    assert_int_equal(follow_next_ms(at(2026, 10, 24, 12, 0), 12 * 60), 25 * HOUR);
    /* 02:30 of 29 March does not exist, that of 25 October does twice: it comes once, anyway. */
    int64_t next = follow_next_ms(at(2026, 3, 29, 0, 0), 2 * 60 + 30);
    assert_in_range(next, HOUR, 3 * HOUR);
    next = follow_next_ms(at(2026, 10, 25, 0, 0), 2 * 60 + 30);
    assert_in_range(next, HOUR, 4 * HOUR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(later_today_or_tomorrow),
        cmocka_unit_test(days_of_23_and_25_hours),
    };
    return cmocka_run_group_tests_name("follow", tests, in_berlin, NULL);
}
