/* version_in_range() of toolchain.h. */
#include <ctype.h>
#include <string.h>

#include "builder/toolchain.h"

#define PARTS_MAX 4

struct version {
    unsigned part[PARTS_MAX];
    unsigned count;
};

/* Read "12.2.1" from *text and leave *text behind it. */
static bool read_version(const char **text, struct version *v)
{
    const char *p = *text;
    *v = (struct version){0};
    while (isdigit((unsigned char)*p) && v->count < PARTS_MAX) {
        unsigned value = 0;
        for (; isdigit((unsigned char)*p); p++)
            value = value < 100000000 ? value * 10 + (unsigned)(*p - '0') : value;
        v->part[v->count++] = value;
        if (*p == '.' && isdigit((unsigned char)p[1]))
            p++;
        else
            break;
    }
    *text = p;
    return v->count > 0;
}

/* Missing parts of the bound count as 0: 12.2.1 > 12. */
static int compare(const struct version *a, const struct version *b, unsigned parts)
{
    for (unsigned i = 0; i < parts; i++)
        if (a->part[i] != b->part[i])
            return a->part[i] < b->part[i] ? -1 : 1;
    return 0;
}

static bool satisfies(const struct version *v, const char *op, size_t op_len,
                      const struct version *bound)
{
    int order = compare(v, bound, PARTS_MAX);
    if (op_len == 0)
        return compare(v, bound, bound->count) == 0;
    bool equal_allowed = op[op_len - 1] == '=';
    if (op[0] == '=')
        return order == 0;
    return op[0] == '>' ? order > 0 || (equal_allowed && order == 0)
                        : order < 0 || (equal_allowed && order == 0);
}

static bool known_operator(const char *op, size_t len)
{
    static const char *const known[] = {"", ">=", ">", "<=", "<", "=", "=="};
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (strlen(known[i]) == len && memcmp(known[i], op, len) == 0)
            return true;
    return false;
}

bool version_in_range(const char *version, const char *range, bool *in, struct err **err)
{
    struct version v, bound;
    const char *at = range;
    if (!read_version(&version, &v))
        return err_set(err, ERR_FAILED, "'%s' is not a version number", version);
    *in = true;
    for (;;) {
        at += strspn(at, " ");
        const char *op = at;
        size_t op_len = strspn(at, "<>=");
        at += op_len;
        at += strspn(at, " ");
        if (!known_operator(op, op_len) || !read_version(&at, &bound)) {
            err_set(err, ERR_MANIFEST, "'%s' is not a range of versions", range);
            return err_hint(err, "such as \">=12\", \">=12,<15\" or \"12.2\"");
        }
        *in = *in && satisfies(&v, op, op_len, &bound);
        at += strspn(at, " ");
        if (*at == '\0')
            return true;
        if (*at++ != ',') {
            err_set(err, ERR_MANIFEST, "'%s' is not a range of versions", range);
            return err_hint(err, "parts are joined by commas: \">=12,<15\"");
        }
    }
}
