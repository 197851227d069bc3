/*
 * The manifest's key tables: what a mapping may hold, as data.
 *
 * Both the reader (manifest_read.c) and the JSON schema (manifest_schema.c) are made from the same
 * tables (manifest_keys.c), so that they cannot differ: a key that is not in a table is unknown to
 * both. Private to the manifest*.c files.
 *
 * Patterns are regular expressions in the part of the language that POSIX extended and ECMAScript
 * share: anchors, brackets without classes or backslashes, groups, * + ? {n,m} and |.
 */
#ifndef FIRN_BUILDER_MANIFEST_KEYS_H
#define FIRN_BUILDER_MANIFEST_KEYS_H

#include "builder/manifest.h"

enum key_type {
    KEY_STRING,  /* const char *; a number or true needs quotes */
    KEY_TEXT,    /* const char *; a plain number is taken as it is written: 1.10, 12 */
    KEY_INTEGER, /* int, min..max */
    KEY_BOOL,    /* bool */
    KEY_COUNT,   /* uint64_t: 0, 200 */
    KEY_SIZE,    /* uint64_t: 4096, 384K, 1M */
    KEY_AMOUNT,  /* uint64_t, of memory: 512M, 1.5G; min..max in MiB */
    KEY_USB,     /* two uint16_t, vendor then product: "0483:df11" */
    KEY_STRINGS, /* const char *const *, NULL-ended: one string or a list of them */
    KEY_MAPPING, /* the keys of another table, into the same object */
    KEY_VALUES,  /* struct config_entry * and, at count, size_t: NAME: value, any names */
    KEY_FROZEN,  /* the list of struct freeze_entry */
    KEY_QSTRS,   /* the list of struct qstr_entry */
    KEY_BUDGETS, /* struct module_budget * and, at count, size_t: MODULE: {limits} */
};

/* A name that belongs to firn, with the way to say the same in a manifest. */
struct reserved_name {
    const char *name;
    const char *reason; /* "it follows from board:" */
};

struct key {
    const char *name;
    const char *description; /* one sentence, for the schema */
    enum key_type type;
    bool required;
    size_t offset;            /* of the member that takes the value */
    size_t node;              /* of the member that takes the value's node; 0 = none */
    size_t given;             /* of a bool that becomes true when the key is there; 0 = none */
    size_t count;             /* KEY_VALUES: of the size_t */
    long min, max;            /* KEY_INTEGER, KEY_AMOUNT; KEY_STRINGS: the fewest strings */
    const char *pattern;      /* strings, each of KEY_STRINGS, each value of KEY_VALUES */
    const char *expected;     /* the pattern in words, for the error */
    const char *name_pattern; /* KEY_VALUES: of the names */
    const struct reserved_name *reserved; /* KEY_VALUES: names refused; ends with a name of NULL */
    const char *const *values;            /* the only strings allowed; NULL-ended */
    const char *fallback;                 /* KEY_STRING: the value when the key is not there */
    const char *needs;                    /* this key makes sense only with that one */
    const struct key_table *table;        /* KEY_MAPPING */
};

struct key_table {
    const char *name;          /* for errors: "firmware" */
    const struct key *keys;    /* ends with a key without name */
    const char *shorthand;     /* a plain string stands for a mapping with only this key */
    const char *const *one_of; /* exactly one of these keys must be there; NULL-ended */
};

extern const struct key_table manifest_table, qstr_table, module_budget_table;
/* By enum freeze_kind; the first key is the directive itself. FREEZE_BOARD is a plain "board" and
 * has no table (keys NULL). */
extern const struct key_table freeze_tables[FREEZE_ADD_LIBRARY + 1];

/* One value on its way from the document into an object. */
struct key_slot {
    struct manifest *manifest;
    const struct key *key;
    const struct ynode *node; /* what is read */
    void *base;               /* the object that the key's offsets describe */
    struct diags *diags;
};

/* Read a value of any type but KEY_MAPPING, KEY_FROZEN and KEY_QSTRS. (manifest_values.c) */
bool key_read_value(const struct key_slot *slot) MUST_CHECK;
/* Add the error "NAME must be EXPECTED, not a list"; returns false. */
bool key_wrong_type(const struct key_slot *slot, const char *expected);

/* Read the whole document into the manifest. Goes on after an error; false if there was any. */
bool manifest_read(struct manifest *manifest, struct diags *diags) MUST_CHECK;
/* What needs the files beside the manifest: paths and duplicate targets. What could not be read is
 * passed over, so that one run shows both kinds of errors. (manifest_check.c) */
bool manifest_check(struct manifest *manifest, struct diags *diags) MUST_CHECK;

#endif
