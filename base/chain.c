#include "base/chain.h"

#include <inttypes.h>
#include <string.h>

#include "base/json_get.h"

static const char *const members[] = {"seq", "at", "kind", "body", "previous"};

void chain_hash(const json_t *record, char hex[HASH_HEX_SIZE])
{
    json_t *part = json_object();
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        json_t *value = json_object_get(record, members[i]);
        json_object_set_new(part, members[i], value ? json_incref(value) : json_null());
    }
    _cleanup_free_ char *text = json_dumps(part, JSON_SORT_KEYS | JSON_COMPACT);
    json_decref(part);
    hash_bytes(text ? text : "", text ? strlen(text) : 0, hex);
}

void chain_init(struct chain *chain)
{
    chain->seq = 0;
    memcpy(chain->hash, CHAIN_START, sizeof(chain->hash));
}

static bool broken(struct err **err, const struct chain *chain, const char *what)
{
    err_set(err, ERR_AUTHENTIC, "record %" PRId64 " %s", chain->seq + 1, what);
    return err_hint(err,
                    "records were changed after they were written: compare with an older export");
}

bool chain_take(struct chain *chain, const json_t *record, struct err **err)
{
    char hex[HASH_HEX_SIZE];
    if (!json_is_object(record) || !json_is_integer(json_object_get(record, "seq")))
        return broken(err, chain, "is no record");
    if (json_get_int(record, "seq") != chain->seq + 1)
        return broken(err, chain, "is missing");
    if (strcmp(json_get_text(record, "previous"), chain->hash) != 0)
        return broken(err, chain, "does not follow the one before it");
    chain_hash(record, hex);
    if (strcmp(json_get_text(record, "hash"), hex) != 0)
        return broken(err, chain, "does not have the hash of its content");
    chain->seq++;
    memcpy(chain->hash, hex, sizeof(hex));
    return true;
}
