#include "base/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Longer words are no typing errors of each other, and the distance table stays on the stack. */
#define NEAREST_MAX 64

static int min3(int a, int b, int c)
{
    int m = a < b ? a : b;

    return m < c ? m : c;
}

static bool same_char(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Optimal string alignment: insert, delete, replace and swapping two neighbours cost one each. */
static int edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int d[NEAREST_MAX + 1][NEAREST_MAX + 1];

    for (size_t i = 0; i <= a_len; i++)
        d[i][0] = (int)i;
    for (size_t j = 0; j <= b_len; j++)
        d[0][j] = (int)j;
    for (size_t i = 1; i <= a_len; i++) {
        for (size_t j = 1; j <= b_len; j++) {
            int replace = d[i - 1][j - 1] + !same_char(a[i - 1], b[j - 1]);

            d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1, replace);
            if (i > 1 && j > 1 && same_char(a[i - 1], b[j - 2]) && same_char(a[i - 2], b[j - 1]) &&
                d[i - 2][j - 2] + 1 < d[i][j])
                d[i][j] = d[i - 2][j - 2] + 1;
        }
    }
    return d[a_len][b_len];
}

/* How far apart the characters themselves are: 'PYBV12' is nearer to 'PYBV11' than to 'PYBV10'. */
static int character_distance(const char *a, const char *b)
{
    int sum = 0;
    for (; *a && *b; a++, b++)
        sum += abs(tolower((unsigned char)*a) - tolower((unsigned char)*b));
    return sum;
}

const char *text_nearest(const char *word, const char *const *candidates)
{
    size_t len = strlen(word);
    const char *best = NULL;
    int best_distance = 0;

    if (len > NEAREST_MAX)
        return NULL;
    for (; *candidates; candidates++) {
        size_t candidate_len = strlen(*candidates);

        if (!candidate_len || candidate_len > NEAREST_MAX)
            continue;
        int limit = candidate_len < 3 ? 1 : (int)candidate_len / 3;

        if (len > candidate_len + (size_t)limit || candidate_len > len + (size_t)limit)
            continue; /* each missing character costs one */
        int distance = edit_distance(word, len, *candidates, candidate_len);

        if (distance <= limit &&
            (!best || distance < best_distance ||
             (distance == best_distance &&
              character_distance(word, *candidates) < character_distance(word, best)))) {
            best = *candidates;
            best_distance = distance;
        }
    }
    return best;
}

void text_add_size(struct buf *out, uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes / 1024;
    size_t unit = 0;

    if (bytes < 1024) {
        buf_addf(out, "%" PRIu64 " B", bytes);
        return;
    }
    /* 1023.95 would print as "1024.0". */
    while (value >= 1023.95 && unit + 1 < ARRAY_SIZE(units)) {
        value /= 1024;
        unit++;
    }
    buf_addf(out, "%.1f %s", value, units[unit]);
}

void text_add_duration(struct buf *out, int64_t milliseconds)
{
    int64_t ms = milliseconds < 0 ? 0 : milliseconds;
    int64_t seconds = (ms + 500) / 1000;

    if (ms < 100)
        buf_addf(out, "%" PRId64 " ms", ms);
    else if (ms < 9995)
        buf_addf(out, "%.2f s", (double)ms / 1000);
    else if (ms < 59950)
        buf_addf(out, "%.1f s", (double)ms / 1000);
    else if (seconds < 3600)
        buf_addf(out, "%" PRId64 " min %02" PRId64 " s", seconds / 60, seconds % 60);
    else
        buf_addf(out, "%" PRId64 " h %02" PRId64 " min", seconds / 3600, seconds / 60 % 60);
}

void text_add_age(struct buf *out, int64_t seconds)
{
    static const struct {
        int64_t seconds;
        const char *one, *many;
    } units[] = {{7 * 86400, "week", "weeks"},
                 {86400, "day", "days"},
                 {3600, "h", "h"},
                 {60, "min", "min"},
                 {1, "s", "s"}};
    size_t unit = 0;

    /* "13 days" says more than "1 week". */
    while (unit + 1 < ARRAY_SIZE(units) &&
           seconds < units[unit].seconds * (units[unit].seconds > 86400 ? 4 : 1))
        unit++;
    int64_t count = seconds < 0 ? 0 : seconds / units[unit].seconds;

    buf_addf(out, "%" PRId64 " %s", count, count == 1 ? units[unit].one : units[unit].many);
}

size_t text_utf8_decode(const char *s, size_t len, uint32_t *code)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *u = (const unsigned char *)s;
    size_t n;

    if (!len)
        return 0;
    if (u[0] < 0x80) {
        *code = u[0];
        return 1;
    }
    if ((u[0] & 0xe0) == 0xc0)
        n = 2;
    else if ((u[0] & 0xf0) == 0xe0)
        n = 3;
    else if ((u[0] & 0xf8) == 0xf0)
        n = 4;
    else
        return 0;
    if (len < n)
        return 0;
    *code = u[0] & (0xff >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((u[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (u[i] & 0x3f);
    }
    bool surrogate = *code >= 0xd800 && *code <= 0xdfff;

    return *code < smallest[n] || *code > 0x10ffff || surrogate ? 0 : n;
}

/* C0, DEL and C1; and the marks that reorder what is shown around them (Unicode "bidi" controls)
 * or break lines: they make text read as what it is not. */
static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || (c >= 0x200e && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

void text_add_printable(struct buf *out, const char *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint32_t code = 0;
        size_t n = text_utf8_decode(s + i, len - i, &code);
        size_t bytes = n ? n : 1;

        if (n && !is_control(code))
            buf_add(out, s + i, n);
        else
            for (size_t k = 0; k < bytes; k++)
                buf_addf(out, "\\x%02x", (unsigned char)s[i + k]);
        i += bytes;
    }
}

bool text_starts_with(const char *s, const char *prefix)
{
    return !strncmp(s, prefix, strlen(prefix));
}

bool text_ends_with(const char *s, const char *suffix)
{
    size_t len = strlen(s), suffix_len = strlen(suffix);

    return len >= suffix_len && !strcmp(s + len - suffix_len, suffix);
}

/* Digits of one number; *end is the first character that is none. At most 2^32. */
static bool parse_number(const char *s, const char **end, uint64_t *value)
{
    bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
    const char *digits = hex ? s + 2 : s;
    const char *p = digits;
    uint64_t n = 0;

    for (; hex ? isxdigit((unsigned char)*p) : isdigit((unsigned char)*p); p++) {
        int digit = isdigit((unsigned char)*p) ? *p - '0' : tolower((unsigned char)*p) - 'a' + 10;

        n = n * (hex ? 16 : 10) + (uint64_t)digit;
        if (n > UINT64_C(1) << 32)
            return false;
    }
    *end = p;
    *value = n;
    return p != digits;
}

bool text_parse_size(const char *s, uint64_t *bytes)
{
    const char *end;
    uint64_t value;

    if (!parse_number(s, &end, &value))
        return false;
    if (*end == 'K' || *end == 'k')
        value *= 1024, end++;
    else if (*end == 'M' || *end == 'm')
        value *= 1024 * 1024, end++;
    if (*end || value > UINT64_C(1) << 32)
        return false;
    *bytes = value;
    return true;
}

/* One of the letters of `units`, in either case, alone: its place; -1 if it is none of them. */
static int parse_unit(const char *s, const char *units)
{
    const char *unit = *s ? strchr(units, toupper((unsigned char)*s)) : NULL;

    return unit && !s[1] ? (int)(unit - units) : -1;
}

bool text_parse_amount(const char *s, uint64_t *bytes)
{
    const char *end;
    uint64_t whole;
    double tenths = 0;

    if (!isdigit((unsigned char)*s) || !parse_number(s, &end, &whole))
        return false;
    if (*end == '.' && isdigit((unsigned char)end[1]) && end[2]) {
        tenths = (end[1] - '0') / 10.0;
        end += 2;
    }
    int unit = *end ? parse_unit(end, "KMGT") : -1;

    if (*end && unit < 0)
        return false;
    double amount = ((double)whole + tenths) * (double)(UINT64_C(1) << 10 * (unit + 1));

    *bytes = amount <= (double)(UINT64_C(1) << 50) ? (uint64_t)amount : 0;
    return amount <= (double)(UINT64_C(1) << 50);
}

bool text_parse_age(const char *s, int64_t *seconds)
{
    static const int64_t units[] = {1, 60, 3600, 86400, 7 * 86400};
    const char *end;
    uint64_t count;

    if (!isdigit((unsigned char)*s) || !parse_number(s, &end, &count))
        return false;
    int unit = *end ? parse_unit(end, "SMHDW") : 0;

    if (unit < 0 || (!*end && count) || count > UINT64_C(36525) * 86400 / (uint64_t)units[unit])
        return false;
    *seconds = (int64_t)count * units[unit];
    return true;
}

bool text_parse_u32(const char *s, uint32_t *value)
{
    const char *end;
    uint64_t number;

    if (!parse_number(s, &end, &number) || *end || number > UINT32_MAX)
        return false;
    *value = (uint32_t)number;
    return true;
}
