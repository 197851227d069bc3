/* follow.h: when the next look for moved refs is, around the changes of the clock. */
#include "station/follow.h"

#include <stdlib.h>
#include <time.h>

#include "tests/unit/unit.h"

#define MINUTE_MS (60 * 1000ll)
#define HOUR_MS (60 * MINUTE_MS)

/* In Berlin clocks went from 02:00 to 03:00 on 2026-03-29, and from 03:00 to 02:00 on 2026-10-25.
 */
static int in_berlin(void **state)
{
    (void)state;
    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    /* Without the time zone's data it would be UTC, and nothing here would be tested. */
    time_t july = 1782864000;
    struct tm local;
    return localtime_r(&july, &local)->tm_gmtoff == 2 * 3600 ? 0 : -1;
}

static int64_t utc(int month, int day, int hour, int minute)
{
    struct tm tm = {
        .tm_year = 126, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour, .tm_min = minute};
    return (int64_t)timegm(&tm) * 1000;
}

static void later_today_or_tomorrow(void **state)
{
    (void)state;
    /* 12:00 in Berlin is 11:00 UTC in winter. */
    int64_t noon = utc(1, 15, 11, 0);
    assert_int_equal(follow_next_ms(noon, 13 * 60), HOUR_MS);
    assert_int_equal(follow_next_ms(noon, 12 * 60 + 1), MINUTE_MS);
    assert_int_equal(follow_next_ms(noon, 11 * 60), 23 * HOUR_MS);
    /* at that very minute it is done, and tomorrow is next */
    assert_int_equal(follow_next_ms(noon, 12 * 60), 24 * HOUR_MS);
    assert_int_equal(follow_next_ms(noon - 1, 12 * 60), 1);
    assert_int_equal(follow_next_ms(noon, 0), 12 * HOUR_MS);
}

static void a_day_of_23_hours(void **state)
{
    (void)state;
    int64_t at_three = utc(3, 28, 2, 0); /* 03:00 CET */
    assert_int_equal(follow_next_ms(at_three, 3 * 60), 23 * HOUR_MS);
    assert_int_equal(follow_next_ms(utc(3, 28, 3, 0), 4 * 60), 23 * HOUR_MS);
    assert_int_equal(follow_next_ms(utc(3, 28, 0, 30), 90), 24 * HOUR_MS);
}

static void a_day_of_25_hours(void **state)
{
    (void)state;
    int64_t at_three = utc(10, 24, 1, 0); /* 03:00 CEST */
    assert_int_equal(follow_next_ms(at_three, 3 * 60), 25 * HOUR_MS);
    assert_int_equal(follow_next_ms(utc(10, 23, 23, 0), 60), 24 * HOUR_MS);
}

/* From one to the next through a year: once each day of the calendar, at the time that was said. */
static void check_year(int minute_of_day)
{
    int64_t now = utc(1, 1, 12, 0);
    time_t seconds = (time_t)(now / 1000);
    struct tm before, local;
    now += follow_next_ms(now, minute_of_day);
    seconds = (time_t)(now / 1000);
    localtime_r(&seconds, &before);
    for (int i = 0; i < 363; i++) {
        int64_t wait = follow_next_ms(now, minute_of_day);
        assert_in_range(wait, 22 * HOUR_MS, 26 * HOUR_MS);
        now += wait;
        seconds = (time_t)(now / 1000);
        localtime_r(&seconds, &local);
        if (local.tm_yday != before.tm_yday + 1)
            fail_msg("%02d:%02d: day %d of the year after day %d", minute_of_day / 60,
                     minute_of_day % 60, local.tm_yday, before.tm_yday);
        bool missing = local.tm_mon == 2 && local.tm_mday == 29 && minute_of_day / 60 == 2;
        if (!missing)
            assert_int_equal(local.tm_hour * 60 + local.tm_min, minute_of_day);
        before = local;
    }
}

static void once_a_day(void **state)
{
    (void)state;
    for (int minute = 0; minute < 24 * 60; minute += 15)
        check_year(minute);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(later_today_or_tomorrow),
        cmocka_unit_test(a_day_of_23_hours),
        cmocka_unit_test(a_day_of_25_hours),
        cmocka_unit_test(once_a_day),
    };
    return cmocka_run_group_tests(tests, in_berlin, NULL);
}
