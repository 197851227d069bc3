#include "station/follow.h"

#include <string.h>
#include <time.h>

#include "base/json_get.h"
#include "station/catalogue.h"
#include "station/submit.h"

#define HOUR_MS (3600ll * 1000)
#define DAY_MS (24 * HOUR_MS)

struct follow {
    struct station *station;
    sd_event_source *daily, *hourly;
};

/* That minute of a day, as many days after the one of `now` by the calendar: a day may have 23 or
 * 25 hours, and mktime() changes what it is given where the minute does not exist. */
static int64_t at_minute(int64_t now, int days, int minute_of_day)
{
    time_t seconds = (time_t)(now / 1000);
    struct tm local;
    localtime_r(&seconds, &local);
    local.tm_mday += days;
    local.tm_hour = minute_of_day / 60;
    local.tm_min = minute_of_day % 60;
    local.tm_sec = 0;
    local.tm_isdst = -1;
    return (int64_t)mktime(&local) * 1000;
}

int64_t follow_next_ms(int64_t now, int minute_of_day)
{
    int64_t at = at_minute(now, 0, minute_of_day);
    if (at <= now)
        at = at_minute(now, 1, minute_of_day);
    return at > now ? at - now : DAY_MS;
}

struct asking {
    struct station *station;
    const char *how;
    struct strv names;
};

static void add_if_follows(void *data, const json_t *product)
{
    struct asking *asking = data;
    if (strcmp(json_get_text(product, "follow"), asking->how) == 0)
        strv_add(&asking->names, json_get_text(product, "name"));
}

static void submit_all(struct station *station, const char *how)
{
    struct asking asking = {station, how, STRV_INIT};
    catalogue_each(station->catalogue, add_if_follows, &asking);
    for (size_t i = 0; i < asking.names.count && !station->stopping; i++)
        submit_follow(station, asking.names.items[i]);
    strv_release(&asking.names);
}

static int on_daily(sd_event_source *source, uint64_t usec, void *data)
{
    struct follow *follow = data;
    (void)usec;
    submit_all(follow->station, "daily");
    int64_t next = follow_next_ms(now_ms(), follow->station->settings->follow_minute);
    sd_event_source_set_time_relative(source, (uint64_t)next * 1000);
    return 0;
}

static int on_hourly(sd_event_source *source, uint64_t usec, void *data)
{
    struct follow *follow = data;
    (void)usec;
    submit_all(follow->station, "hourly");
    sd_event_source_set_time_relative(source, (uint64_t)HOUR_MS * 1000);
    return 0;
}

static int add_timer(struct follow *follow, sd_event_source **source, int64_t in_ms,
                     sd_event_time_handler_t on_time)
{
    int r = sd_event_add_time_relative(follow->station->loop, source, CLOCK_BOOTTIME,
                                       (uint64_t)in_ms * 1000, 0, on_time, follow);
    return r < 0 ? r : sd_event_source_set_enabled(*source, SD_EVENT_ON);
}

struct follow *follow_new(struct station *station, struct err **err)
{
    struct follow *follow = xcalloc(1, sizeof(*follow));
    int64_t first = follow_next_ms(now_ms(), station->settings->follow_minute);
    follow->station = station;
    int r = add_timer(follow, &follow->daily, first, on_daily);
    if (r >= 0)
        r = add_timer(follow, &follow->hourly, HOUR_MS, on_hourly);
    if (r >= 0)
        return follow;
    err_set_errno(err, ERR_FAILED, -r, "cannot set up the look for moved refs");
    follow_free(follow);
    return NULL;
}

void follow_free(struct follow *follow)
{
    if (!follow)
        return;
    sd_event_source_disable_unref(follow->daily);
    sd_event_source_disable_unref(follow->hourly);
    free(follow);
}
