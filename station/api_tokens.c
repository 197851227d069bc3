/* /v1/tokens and /v1/session: who may ask. */
#include <stdio.h>
#include <string.h>

#include "station/api.h"
#include "station/identity.h"

#define DAY_MS (24ll * 3600 * 1000)
#define DAYS_MAX 36500
#define NAME_MAX_BYTES 64

static json_t *show(const struct token_row *row)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "id", row->id, "name", row->name, "role",
                     role_name(row->role), "created_at", json_time(row->created_ms), "expires_at",
                     json_time(row->expires_ms), "used_at", json_time(row->used_ms));
}

HANDLER(api_tokens_list)
{
    struct station *station = app;
    struct token_row *tokens = NULL;
    struct err *err = NULL;
    size_t count = 0;
    (void)request;
    if (!store_tokens_list(station->store, &tokens, &count, &err)) {
        api_error(app, r, &err);
        return;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(items, show(&tokens[i]));
        token_row_release(&tokens[i]);
    }
    free(tokens);
    api_list(r, items, NULL);
}

static json_t *token_record(const struct token_row *row, const char *what, const char *by)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", row->id, "name", row->name, "role",
                     role_name(row->role), "state", what, "by", by);
}

static bool read_token(const struct http_request *request, struct http_response *r,
                       struct token_row *row)
{
    static const char *const known[] = {"name", "role", "days", NULL};
    const char *name, *role;
    int64_t days = 0;
    if (!api_only_keys(request, r, known) || !api_text(request, r, "name", &name) ||
        !api_text(request, r, "role", &role) || !api_int(request, r, "days", 1, DAYS_MAX, &days))
        return false;
    if (!name || !*name || strlen(name) > NAME_MAX_BYTES) {
        http_problem(r, 400, "wrong-name", "say whose or what for it is, in up to 64 characters",
                     "a token has a name");
        return false;
    }
    if (!role || !role_parse(role, &row->role)) {
        http_problem(r, 400, "wrong-role", "\"role\" is view, operate or engineer",
                     "there is no such role");
        return false;
    }
    row->name = xstrdup(name);
    row->created_ms = now_ms();
    row->expires_ms = days ? row->created_ms + days * DAY_MS : 0;
    return true;
}

HANDLER(api_token_post)
{
    struct station *station = app;
    struct token_row row = {0};
    struct token token;
    struct err *err = NULL;
    char text[TOKEN_SIZE];
    if (!read_token(request, r, &row))
        return;
    token_make(&token, text);
    memcpy(row.id, token.id, sizeof(row.id));
    token_hash(&token, row.hash);
    json_t *body = token_record(&row, "added", request->who.name);
    struct record_new record = {"token", body};
    if (store_token_add(station->store, &row, &record, &err)) {
        json_t *shown = show(&row);
        json_object_set_new(shown, "token", json_string(text));
        http_json(r, 201, shown);
    } else {
        api_error(app, r, &err);
    }
    json_decref(body);
    token_row_release(&row);
}

HANDLER(api_token_delete)
{
    struct station *station = app;
    struct token_row row;
    struct err *err = NULL;
    if (!store_token_get(station->store, request->params[0], &row, &err)) {
        api_error(app, r, &err);
        return;
    }
    json_t *body = token_record(&row, "removed", request->who.name);
    struct record_new record = {"token", body};
    if (store_token_remove(station->store, row.id, &record, &err))
        http_text(r, 204, NULL, "", 0);
    else
        api_error(app, r, &err);
    json_decref(body);
    token_row_release(&row);
}

/* ---- the page's session: the token in a cookie that scripts cannot read ---- */

HANDLER(api_session_get)
{
    static const char *const via[] = {"nobody", "socket", "token", "cookie"};
    (void)app;
    http_json(r, 200,
              json_pack("{s:s, s:s, s:s}", "name", request->who.name, "role",
                        role_name(request->who.role), "via", via[request->who.via]));
}

HANDLER(api_session_post)
{
    static const char *const known[] = {"token", NULL};
    const char *text;
    struct principal who = {0};
    if (!api_only_keys(request, r, known) || !api_text(request, r, "token", &text))
        return;
    if (!http_check_token(request, r, text ? text : "", &who))
        return;
    http_set_session(request, r, text);
    http_json(r, 200, json_pack("{s:s, s:s}", "name", who.name, "role", role_name(who.role)));
    (void)app;
}

HANDLER(api_session_delete)
{
    (void)app;
    http_clear_session(request, r);
    http_text(r, 204, NULL, "", 0);
}
