#include "station/identity.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "station/station.h"

#define USED_EACH_MS (60ll * 1000) /* how exactly a token's last use is known */

static enum role role_of(const struct settings *settings, const char *user)
{
    enum role other = ROLE_NONE;
    for (size_t i = 0; i < settings->user_count; i++) {
        if (strcmp(settings->users[i].name, user) == 0)
            return settings->users[i].role;
        if (strcmp(settings->users[i].name, "*") == 0)
            other = settings->users[i].role;
    }
    /* Who may open the socket is in its group. */
    return settings->user_count ? other : ROLE_OPERATE;
}

const struct principal *identity_of_peer(void *app, unsigned uid, unsigned gid, int pid)
{
    static struct principal who; /* for this request */
    const struct station *station = app;
    char space[4096];
    struct passwd entry, *found = NULL;
    (void)gid, (void)pid;
    if (getpwuid_r(uid, &entry, space, sizeof(space), &found) != 0 || !found)
        snprintf(who.name, sizeof(who.name), "uid %u", uid);
    else
        snprintf(who.name, sizeof(who.name), "%s", found->pw_name);
    who.via = VIA_SOCKET;
    who.role = uid == 0 || uid == geteuid() ? ROLE_ENGINEER : role_of(station->settings, who.name);
    return &who;
}

static void note_use(struct station *station, const struct token_row *row)
{
    struct err *err = NULL;
    if (station->store_fault || now_ms() - row->used_ms < USED_EACH_MS)
        return;
    if (!store_token_used(station->store, row->id, &err))
        station_store_failed(station, &err);
}

bool identity_of_token(void *app, const char *text, struct principal *who)
{
    struct station *station = app;
    struct token token;
    struct token_row row;
    struct err *err = NULL;
    if (!token_parse(text, &token))
        return false;
    if (!store_token_get(station->store, token.id, &row, &err)) {
        if (err->code == ERR_NOT_FOUND)
            err_free(err);
        else
            station_store_failed(station, &err);
        return false;
    }
    bool ok = token_matches(&token, row.hash) && (!row.expires_ms || now_ms() < row.expires_ms);
    if (ok) {
        snprintf(who->name, sizeof(who->name), "token %s", row.name);
        who->role = row.role;
        note_use(station, &row);
    }
    token_row_release(&row);
    return ok;
}
