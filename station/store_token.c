/* Tokens: who may ask over TCP. */
#include <stdio.h>
#include <string.h>

#include "station/store_internal.h"

#define TOKEN_COLUMNS "id, name, role, hash, created_ms, expires_ms, used_ms"

void token_row_release(struct token_row *token)
{
    free(token->name);
}

static void take(const struct db_result *rows, size_t row, struct token_row *token)
{
    *token = (struct token_row){
        .name = xstrdup(db_get_text(rows, row, 1)),
        .created_ms = db_get_int(rows, row, 4),
        .expires_ms = db_get_int(rows, row, 5),
        .used_ms = db_get_int(rows, row, 6),
    };
    snprintf(token->id, sizeof(token->id), "%s", db_get_text(rows, row, 0));
    snprintf(token->hash, sizeof(token->hash), "%s", db_get_text(rows, row, 3));
    if (!role_parse(db_get_text(rows, row, 2), &token->role))
        token->role = ROLE_NONE;
}

bool store_token_add(struct store *store, const struct token_row *token,
                     const struct record_new *record, struct err **err)
{
    if (!db_begin(store->db, err))
        return false;
    bool ok =
        DB_QUERY(store->db, NULL, err,
                 "INSERT INTO tokens (" TOKEN_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, 0)",
                 db_text(token->id), db_text(token->name), db_text(role_name(token->role)),
                 db_text(token->hash), db_int(token->created_ms), db_int(token->expires_ms)) &&
        store_lock_order(store, err) && store_add_records(store, record, 1, err);
    return store_end(store, ok, err);
}

bool store_token_get(struct store *store, const char *id, struct token_row *token, struct err **err)
{
    struct db_result rows;
    if (!DB_QUERY(store->db, &rows, err, "SELECT " TOKEN_COLUMNS " FROM tokens WHERE id = $1",
                  db_text(id)))
        return false;
    bool there = rows.count > 0;
    if (there) {
        take(&rows, 0, token);
    } else {
        err_set(err, ERR_NOT_FOUND, "there is no token '%s'", id);
        err_hint(err, "GET /v1/tokens has all of them");
    }
    db_result_release(&rows);
    return there;
}

bool store_token_used(struct store *store, const char *id, struct err **err)
{
    return DB_QUERY(store->db, NULL, err, "UPDATE tokens SET used_ms = $2 WHERE id = $1",
                    db_text(id), db_int(now_ms()));
}

static bool remove_token(struct store *store, const char *id, const struct record_new *record,
                         struct err **err)
{
    struct db_result rows;
    if (!DB_QUERY(store->db, &rows, err, "DELETE FROM tokens WHERE id = $1", db_text(id)))
        return false;
    bool there = rows.affected > 0;
    db_result_release(&rows);
    if (!there)
        return err_set(err, ERR_NOT_FOUND, "there is no token '%s'", id);
    return store_lock_order(store, err) && store_add_records(store, record, 1, err);
}

bool store_token_remove(struct store *store, const char *id, const struct record_new *record,
                        struct err **err)
{
    return db_begin(store->db, err) && store_end(store, remove_token(store, id, record, err), err);
}

bool store_tokens_list(struct store *store, struct token_row **tokens, size_t *count,
                       struct err **err)
{
    struct db_result rows;
    if (!db_query(store->db,
                  "SELECT " TOKEN_COLUMNS " FROM tokens ORDER BY created_ms, id LIMIT 10000", NULL,
                  0, &rows, err))
        return false;
    *tokens = xcalloc(rows.count + 1, sizeof(**tokens));
    for (*count = 0; *count < rows.count; (*count)++)
        take(&rows, *count, &(*tokens)[*count]);
    db_result_release(&rows);
    return true;
}
