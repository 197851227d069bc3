/*
 * A chain of records: each holds the SHA-256 of the one before it, so that none can be changed,
 * left out or put in between without every later one being wrong.
 *
 *     {"seq":1,"at":"...","kind":"build","body":{...},"previous":"<64 zeros>","hash":"..."}
 *
 * hash is that of the canonical JSON (keys sorted, compact, UTF-8 as it is) of the other five
 * members. What a chain cannot tell is that its end was cut off: compare the last hash with one
 * that was noted elsewhere.
 */
#ifndef FIRN_BASE_CHAIN_H
#define FIRN_BASE_CHAIN_H

#include <jansson.h>

#include "base/err.h"
#include "base/hash.h"

#define CHAIN_START "0000000000000000000000000000000000000000000000000000000000000000"

/* The hash of a record with seq, at, kind, body and previous; further members do not count. */
void chain_hash(const json_t *record, char hex[HASH_HEX_SIZE]);

/* Verifying, one record after the other from the first. */
struct chain {
    int64_t seq;              /* of the last record, 0 = none yet */
    char hash[HASH_HEX_SIZE]; /* its hash */
};
void chain_init(struct chain *chain);
/* Is this the next one? ERR_AUTHENTIC says what is wrong with which record. */
bool chain_take(struct chain *chain, const json_t *record, struct err **err) MUST_CHECK;

#endif
