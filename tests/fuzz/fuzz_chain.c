/*
 * Records as JSON Lines, as `firn records verify` reads them from an export: whatever is not the
 * next record is refused with a reason and changes nothing; one whose number and hashes are made
 * right is taken, also after it was written down and read again; and not once more, nor with
 * another kind.
 */
#include "base/chain.h"
#include "tests/fuzz/fuzz.h"

#define LINES_MAX 50

static bool take(struct chain *chain, const json_t *record)
{
    struct err *err = NULL;
    struct chain before = *chain;
    bool ok = fuzz_check_result(chain_take(chain, record, &err), &err);
    if (ok)
        CHECK(chain->seq == before.seq + 1 && strcmp(chain->hash, before.hash) != 0);
    else
        CHECK(memcmp(chain, &before, sizeof(before)) == 0);
    return ok;
}

/* The fuzzer does not guess hashes. */
static void make_right(const struct chain *chain, json_t *record)
{
    char hash[HASH_HEX_SIZE];
    json_object_set_new(record, "seq", json_integer(chain->seq + 1));
    json_object_set_new(record, "previous", json_string(chain->hash));
    chain_hash(record, hash);
    json_object_set_new(record, "hash", json_string(hash));
}

static void check_right(struct chain *chain, json_t *record)
{
    struct chain copy = *chain;
    char *text = json_dumps(record, JSON_COMPACT);
    json_t *again = json_loads(text, 0, NULL);
    CHECK(again);
    make_right(chain, record);
    json_t *changed = json_copy(record);
    json_object_set_new(changed, "kind", json_pack("[O]", record));
    CHECK(!take(chain, changed));
    CHECK(take(chain, record));
    CHECK(!take(chain, record));
    make_right(&copy, again);
    CHECK(take(&copy, again));
    CHECK(strcmp(copy.hash, chain->hash) == 0);
    json_decref(changed);
    json_decref(again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chain chain;
    const char *at = (const char *)data, *end = at + size;
    chain_init(&chain);
    for (int i = 0; i < LINES_MAX && at < end; i++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t len = newline ? (size_t)(newline - at) : (size_t)(end - at);
        json_t *record = json_loadb(at, len, JSON_DECODE_ANY, NULL);
        at += len + 1;
        if (!record)
            continue;
        if (!take(&chain, record) && json_is_object(record))
            check_right(&chain, record);
        json_decref(record);
    }
    return 0;
}
