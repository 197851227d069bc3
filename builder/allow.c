#include "builder/allow.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"

static bool is_host(const char *s)
{
    bool some = false, address = *s == '[';

    if (text_starts_with(s, "*."))
        s += 2;
    for (; *s; s++) {
        if (!isalnum((unsigned char)*s) && !strchr(address ? ":[]" : "-._", *s))
            return false;
        some = true;
    }
    return some;
}

bool allow_is_pattern(const char *pattern)
{
    const char *scheme = strstr(pattern, "://");

    if (strcmp(pattern, "file://") == 0)
        return true;
    if (!scheme)
        return is_host(pattern);
    return (text_starts_with(pattern, "https://") || text_starts_with(pattern, "ssh://") ||
            text_starts_with(pattern, "http://")) &&
           is_host(scheme + 3);
}

/* The pattern's host if it is about this scheme, or NULL. */
static const char *host_for(const char *pattern, const char *scheme)
{
    const char *end = strstr(pattern, "://");
    size_t len = strlen(scheme);

    if (!end)
        return !strcmp(scheme, "https") || !strcmp(scheme, "ssh") ? pattern : NULL;
    return (size_t)(end - pattern) == len && memcmp(pattern, scheme, len) == 0 ? end + 3 : NULL;
}

static bool host_fits(const char *pattern, const char *host)
{
    size_t host_len = strlen(host), len = strlen(pattern);

    if (!text_starts_with(pattern, "*."))
        return strcasecmp(pattern, host) == 0;
    return host_len > len - 1 && strcasecmp(host + host_len - (len - 1), pattern + 1) == 0;
}

/* All of 127.0.0.0/8, in the dotted form that a resolver takes it in; "127.example.org" is none. */
static bool is_loopback_v4(const char *host)
{
    return text_starts_with(host, "127.") && strspn(host, "0123456789.") == strlen(host);
}

bool allow_is_loopback(const char *host)
{
    return is_loopback_v4(host) || strcmp(host, "[::1]") == 0 || strcasecmp(host, "localhost") == 0;
}

static bool is_good_without_a_list(enum allow_use use, const char *scheme)
{
    return !strcmp(scheme, "https") ||
           (use == ALLOW_GIT && (!strcmp(scheme, "ssh") || !strcmp(scheme, "file")));
}

bool allow_host(const char *const *allow, enum allow_use use, const char *scheme, const char *host)
{
    if (strcmp(scheme, "http") == 0 && allow_is_loopback(host))
        return true;
    if (!allow)
        return is_good_without_a_list(use, scheme);
    for (; *allow; allow++) {
        const char *pattern = host_for(*allow, scheme);
        if (pattern && (strcmp(scheme, "file") == 0 || host_fits(pattern, host)))
            return true;
    }
    return false;
}

char *allow_entry(const char *scheme, const char *host)
{
    if (strcmp(scheme, "file") == 0)
        return xstrdup("file://");
    return strcmp(scheme, "https") == 0 ? xstrdup(host) : xasprintf("%s://%s", scheme, host);
}
