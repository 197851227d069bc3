#include "builder/url.h"

#include <ctype.h>
#include <string.h>

#include "base/fs.h"
#include "base/text.h"

#define NAME_MAX_LENGTH 40

/* user@host:path, as ssh(1) and git write it: a ':' before the first '/'. git's "ext::COMMAND" is
 * not one. */
static bool is_scp_form(const char *url)
{
    const char *colon = strchr(url, ':');
    const char *slash = strchr(url, '/');

    return colon && colon > url && colon[1] != ':' && (!slash || colon < slash);
}

enum url_kind url_kind(const char *url)
{
    if (text_starts_with(url, "https://"))
        return URL_HTTPS;
    if (text_starts_with(url, "ssh://"))
        return URL_SSH;
    if (text_starts_with(url, "file:///") || url[0] == '/')
        return URL_LOCAL;
    if (text_starts_with(url, "http://"))
        return URL_HTTP;
    if (!strstr(url, "://") && is_scp_form(url))
        return URL_SSH;
    return URL_UNKNOWN;
}

static bool has_control(const char *s)
{
    for (; *s; s++) {
        if (iscntrl((unsigned char)*s))
            return true;
    }
    return false;
}

bool url_is_clean(const char *url)
{
    return url[0] && url[0] != '-' && !has_control(url);
}

/* Where "user:password" begins in scheme://user:password@host and user@host:path. */
static const char *find_userinfo(const char *url)
{
    const char *scheme = strstr(url, "://");

    return scheme ? scheme + 3 : url;
}

/* The '@' that ends it, or NULL. */
static const char *find_userinfo_end(const char *url)
{
    const char *authority = find_userinfo(url);
    size_t len = strcspn(authority, "/");

    return authority == url ? memchr(url, '@', len) : memrchr(authority, '@', len);
}

bool url_has_user(const char *url)
{
    return find_userinfo_end(url) != NULL;
}

bool url_has_password(const char *url)
{
    const char *at = find_userinfo_end(url), *user = find_userinfo(url);

    return at && memchr(user, ':', (size_t)(at - user));
}

static char *decode_percent(const char *s)
{
    struct buf out = BUF_INIT;

    for (; *s; s++) {
        if (s[0] == '%' && isxdigit((unsigned char)s[1]) && isxdigit((unsigned char)s[2])) {
            char hex[3] = {s[1], s[2], '\0'};
            buf_addc(&out, (char)strtol(hex, NULL, 16));
            s += 2;
        } else {
            buf_addc(&out, *s);
        }
    }
    return buf_detach(&out, NULL);
}

char *url_local_path(const char *url)
{
    if (!text_starts_with(url, "file://"))
        return path_absolute(url);
    _cleanup_free_ char *path = decode_percent(url + strlen("file://"));
    return path_absolute(path);
}

/* Cut the last component of base; the host (or the root) always stays. */
static bool drop_component(struct buf *base)
{
    const char *scheme = strstr(base->data, "://");
    size_t floor = scheme ? (size_t)(scheme + 3 - base->data) : 0;

    while (base->len > floor && base->data[base->len - 1] == '/')
        buf_truncate(base, base->len - 1);
    for (size_t i = base->len; i > floor; i--) {
        if (base->data[i - 1] == '/') {
            buf_truncate(base, i - 1);
            return base->len > floor || !scheme;
        }
        if (!scheme && base->data[i - 1] == ':' && i < base->len) { /* host:path */
            buf_truncate(base, i);
            return true;
        }
    }
    return false;
}

char *url_resolve(const char *base, const char *url)
{
    if (!text_starts_with(url, "./") && !text_starts_with(url, "../"))
        return xstrdup(url);

    _cleanup_(buf_release) struct buf out = BUF_INIT;
    buf_adds(&out, base);
    while (out.len && out.data[out.len - 1] == '/')
        buf_truncate(&out, out.len - 1);
    for (;;) {
        if (text_starts_with(url, "./")) {
            url += 2;
        } else if (text_starts_with(url, "../")) {
            url += 3;
            if (!drop_component(&out))
                return NULL;
        } else {
            break;
        }
    }
    if (!out.len || out.data[out.len - 1] != ':')
        buf_addc(&out, '/');
    buf_adds(&out, url);
    return buf_detach(&out, NULL);
}

char *url_printable(const char *url)
{
    const char *at = find_userinfo_end(url), *user = find_userinfo(url);

    /* git@host says nothing of anybody; by https what stands there may be a token. */
    if (!at || (url_kind(url) == URL_SSH && !url_has_password(url)))
        return xstrdup(url);
    return xasprintf("%.*s%s", (int)(user - url), url, at + 1);
}

bool url_climbs(const char *path)
{
    _cleanup_free_ char *decoded = decode_percent(path);

    for (const char *s = decoded;; s++) {
        size_t len = strcspn(s, "/");
        if (len == 2 && s[0] == '.' && s[1] == '.')
            return true;
        s += len;
        if (!*s)
            return false;
    }
}

char *url_basename(const char *url)
{
    struct buf name = BUF_INIT;
    size_t end = strlen(url);

    while (end > 0 && url[end - 1] == '/')
        end--;
    if (end > 4 && memcmp(url + end - 4, ".git", 4) == 0)
        end -= 4;
    size_t start = end;
    while (start > 0 && url[start - 1] != '/' && url[start - 1] != ':')
        start--;
    for (size_t i = start; i < end && name.len < NAME_MAX_LENGTH; i++) {
        bool plain = isalnum((unsigned char)url[i]) || url[i] == '-' || url[i] == '_' ||
                     (url[i] == '.' && i > start);
        buf_addc(&name, plain ? url[i] : '_');
    }
    return buf_detach(&name, NULL);
}
