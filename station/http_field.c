#include "station/http_field.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

const char *http_field_bearer(const char *authorization)
{
    static const char scheme[] = "Bearer ";
    if (strncasecmp(authorization, scheme, strlen(scheme)) != 0)
        return NULL;
    authorization += strlen(scheme);
    return authorization + strspn(authorization, " ");
}

bool http_field_cookie(const char *cookies, const char *name, char *out, size_t size)
{
    size_t name_len = strlen(name);
    while (*cookies) {
        cookies += strspn(cookies, "; \t");
        size_t len = strcspn(cookies, ";");
        if (len > name_len && strncmp(cookies, name, name_len) == 0 && cookies[name_len] == '=') {
            size_t value_len = len - name_len - 1;
            if (value_len >= size)
                return false;
            memcpy(out, cookies + name_len + 1, value_len);
            out[value_len] = '\0';
            return true;
        }
        cookies += len;
    }
    return false;
}

bool http_field_is_json(const char *content_type)
{
    static const char type[] = "application/json";
    size_t len = strlen(type);
    return strncasecmp(content_type, type, len) == 0 &&
           (!content_type[len] || strchr("; \t", content_type[len]));
}

/* At most 18 digits, which fit; *end is behind them. */
static bool parse_number(const char *text, uint64_t *value, const char **end)
{
    size_t len = strspn(text, "0123456789");
    *value = 0;
    *end = text + len;
    for (size_t i = 0; i < len && len <= 18; i++)
        *value = *value * 10 + (uint64_t)(text[i] - '0');
    return len > 0 && len <= 18;
}

bool http_field_length(const char *text, uint64_t *length)
{
    const char *end;
    return parse_number(text, length, &end) && !*end;
}

/* "-N": the last N bytes. */
static enum http_range parse_suffix(const char *text, uint64_t size, uint64_t *first,
                                    uint64_t *count)
{
    uint64_t wanted;
    const char *end;
    if (!parse_number(text + 1, &wanted, &end) || *end)
        return RANGE_WHOLE;
    if (wanted == 0 || size == 0)
        return RANGE_NONE;
    *count = wanted < size ? wanted : size;
    *first = size - *count;
    return RANGE_PART;
}

enum http_range http_field_range(const char *range, uint64_t size, uint64_t *first, uint64_t *count)
{
    static const char unit[] = "bytes=";
    uint64_t last = UINT64_MAX;
    const char *end;
    if (strncasecmp(range, unit, strlen(unit)) != 0)
        return RANGE_WHOLE;
    range += strlen(unit);
    if (*range == '-')
        return parse_suffix(range, size, first, count);
    if (!parse_number(range, first, &end) || *end++ != '-')
        return RANGE_WHOLE;
    if (*end && (!parse_number(end, &last, &end) || *end || last < *first))
        return RANGE_WHOLE;
    if (*first >= size)
        return RANGE_NONE;
    *count = (last < size ? last + 1 : size) - *first;
    return RANGE_PART;
}

bool http_field_has_etag(const char *list, const char *etag, bool weak)
{
    size_t etag_len = strlen(etag);
    list += strspn(list, " \t");
    if (strcmp(list, "*") == 0)
        return true;
    while (*list) {
        list += strspn(list, ", \t");
        bool is_weak = strncmp(list, "W/", 2) == 0;
        list += is_weak ? 2 : 0;
        size_t len = *list == '"' ? 1 + strcspn(list + 1, "\"") : 0;
        if (len == 0 || !list[len])
            return false;
        len++;
        if (len == etag_len && memcmp(list, etag, len) == 0 && (weak || !is_weak))
            return true;
        list += len;
    }
    return false;
}

size_t http_field_host_len(const char *host)
{
    size_t len = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    if (*host == '[' && strspn(host + 1, "0123456789abcdefABCDEF:.") + 2 != len)
        return 0;
    if (len > strlen(host) || strpbrk(host, " \t/\\@?#,"))
        return 0;
    const char *port = host + len;
    if (!*port)
        return len;
    size_t digits = strspn(port + 1, "0123456789");
    return *port == ':' && digits > 0 && digits <= 5 && !port[1 + digits] ? len : 0;
}

/* Length of host:port without the scheme's own port. */
static size_t plain_len(const char *scheme, const char *host)
{
    const char *own = strcmp(scheme, "https") == 0 ? ":443" : ":80";
    return strlen(host) - (text_ends_with(host, own) ? strlen(own) : 0);
}

bool http_field_is_origin(const char *origin, const char *scheme, const char *host)
{
    size_t scheme_len = strlen(scheme);
    if (strncasecmp(origin, scheme, scheme_len) != 0 || strncmp(origin + scheme_len, "://", 3) != 0)
        return false;
    origin += scheme_len + 3;
    size_t len = plain_len(scheme, host);
    return http_field_host_len(origin) > 0 && plain_len(scheme, origin) == len &&
           strncasecmp(origin, host, len) == 0;
}

void http_field_add_attachment(struct buf *out, const char *name)
{
    buf_adds(out, "attachment; filename=\"");
    for (const char *c = name; *c; c++)
        buf_addc(out, isalnum((unsigned char)*c) || strchr("._-+ ", *c) ? *c : '_');
    buf_adds(out, "\"; filename*=UTF-8''");
    for (const char *c = name; *c; c++) {
        if (isalnum((unsigned char)*c) || strchr("._-", *c))
            buf_addc(out, *c);
        else
            buf_addf(out, "%%%02X", (unsigned char)*c);
    }
}
