#include "cli/time_text.h"

#include <stdio.h>
#include <time.h>

#include "base/text.h"

bool time_parse(const char *text, int64_t *ms)
{
    struct tm tm = {0};
    int fraction = 0, end = 0;

    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
               &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &fraction, &end) != 7 ||
        !end || text[end])
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *ms = (int64_t)timegm(&tm) * 1000 + fraction;
    return true;
}

int64_t time_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void time_add_age(struct buf *out, const char *text)
{
    int64_t ms;

    if (!time_parse(text, &ms)) {
        buf_addc(out, '-');
        return;
    }
    text_add_age(out, (time_now_ms() - ms) / 1000);
    buf_adds(out, " ago");
}

void time_add_long(struct buf *out, const char *text)
{
    int64_t ms;

    if (time_parse(text, &ms))
        buf_addf(out, "%.10s %.8s UTC, ", text, text + 11);
    time_add_age(out, text);
}

void time_add_between(struct buf *out, const char *from, const char *to)
{
    int64_t from_ms, to_ms;

    if (!time_parse(from, &from_ms)) {
        buf_addc(out, '-');
        return;
    }
    if (!time_parse(to, &to_ms))
        to_ms = time_now_ms();
    text_add_duration(out, to_ms - from_ms);
}
