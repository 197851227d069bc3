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
    if (text_starts_with(url, "http://") || text_starts_with(url, "git://"))
        return URL_PLAINTEXT;
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

/* The '@' that ends "user:password" in scheme://user:password@host, or NULL. */
static const char *find_userinfo_end(const char *url)
{
    const char *scheme = strstr(url, "://");
    const char *authority = scheme ? scheme + 3 : NULL;

    return authority ? memrchr(authority, '@', strcspn(authority, "/")) : NULL;
}

static bool has_password(const char *url)
{
    const char *at = find_userinfo_end(url);
    const char *user = at ? strstr(url, "://") + 3 : NULL;

    return at && memchr(user, ':', (size_t)(at - user));
}

bool url_check(const char *url, bool configured, struct err **err)
{
    enum url_kind kind = url_kind(url);
    _cleanup_free_ char *shown = url_printable(url);

    if (kind == URL_UNKNOWN || url[0] == '-' || has_control(url)) {
        err_set(err, ERR_FETCH, "'%s' is not the URL of a repository", shown);
        return err_hint(err, "give an https://, ssh:// or file:// URL or an absolute path");
    }
    if (kind == URL_PLAINTEXT && !configured) {
        err_set(err, ERR_FETCH, "'%s': http:// and git:// do not protect what they carry", shown);
        return err_hint(err, "use https://, or map this URL to one you trust under 'mirrors:' in "
                             "config.yaml");
    }
    if (!configured && has_password(url)) {
        err_set(err, ERR_FETCH, "the URL '%s' has a password in it, which would be recorded",
                shown);
        return err_hint(err,
                        "leave it out here; 'mirrors:' in your own config.yaml can map the URL to "
                        "one with a password");
    }
    return true;
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
    const char *at = find_userinfo_end(url);

    if (!at)
        return xstrdup(url);
    int scheme = (int)(strstr(url, "://") + 3 - url);
    return xasprintf("%.*s%s", scheme, url, at + 1);
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
