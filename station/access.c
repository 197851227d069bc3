#include "station/access.h"

#include <string.h>

#include "base/hash.h"
#include "base/secret.h"

#define PREFIX "firn_"
#define PREFIX_LEN (sizeof(PREFIX) - 1)
#define ID_LEN (TOKEN_ID_SIZE - 1)
#define SECRET_LEN (TOKEN_SECRET_SIZE - 1)

void token_make(struct token *token, char text[TOKEN_SIZE])
{
    secret_random_hex(token->id, ID_LEN / 2);
    secret_random_hex(token->secret, SECRET_LEN / 2);
    memcpy(text, PREFIX, PREFIX_LEN);
    memcpy(text + PREFIX_LEN, token->id, ID_LEN);
    text[PREFIX_LEN + ID_LEN] = '_';
    memcpy(text + PREFIX_LEN + ID_LEN + 1, token->secret, TOKEN_SECRET_SIZE);
}

static bool all_hex(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!text[i] || !strchr("0123456789abcdef", text[i]))
            return false;
    }
    return true;
}

bool token_parse(const char *text, struct token *token)
{
    const char *id = text + PREFIX_LEN;
    const char *secret = id + ID_LEN + 1;
    if (strlen(text) != TOKEN_SIZE - 1 || memcmp(text, PREFIX, PREFIX_LEN) != 0)
        return false;
    if (!all_hex(id, ID_LEN) || id[ID_LEN] != '_' || !all_hex(secret, SECRET_LEN))
        return false;
    memcpy(token->id, id, ID_LEN);
    token->id[ID_LEN] = '\0';
    memcpy(token->secret, secret, TOKEN_SECRET_SIZE);
    return true;
}

void token_hash(const struct token *token, char hex[TOKEN_SECRET_SIZE])
{
    hash_bytes(token->secret, SECRET_LEN, hex);
}

bool token_matches(const struct token *token, const char *hash)
{
    char own[HASH_HEX_SIZE];
    token_hash(token, own);
    return strlen(hash) == HASH_HEX_SIZE - 1 && secret_equal(own, hash, HASH_HEX_SIZE - 1);
}
