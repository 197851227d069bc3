#include "builder/url_parts.h"

#include <ctype.h>
#include <curl/curl.h>
#include <string.h>
#include <strings.h>

#include "builder/allow.h"
#include "builder/url.h"

/* "" for a part that is not there. */
static char *url_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    if (curl_url_get(url, part, &text, 0) != CURLUE_OK)
        return xstrdup("");
    char *copy = xstrdup(text);
    curl_free(text);
    return copy;
}

static bool has_part(CURLU *url, CURLUPart part)
{
    _cleanup_free_ char *text = url_part(url, part);
    return text[0];
}

static bool is_plain_host(const char *host)
{
    const char *more = *host == '[' ? "[:].-_" : ".-_";
    for (const char *p = host; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr(more, *p))
            return false;
    return *host && *host != '-';
}

static bool is_known(const struct url_parts *parts)
{
    static const char *const schemes[] = {"https", "http", "ssh"};
    if (!strcmp(parts->scheme, "file"))
        return !*parts->host;
    for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
        if (!strcmp(parts->scheme, schemes[i]))
            return is_plain_host(parts->host);
    return false;
}

static bool parse_with_scheme(const char *url, struct url_parts *parts)
{
    const char *authority = strstr(url, "://") + 3;
    if (memchr(authority, '\\', strcspn(authority, "/")))
        return false;
    CURLU *parsed = curl_url();
    bool ok = parsed && curl_url_set(parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == 0;
    if (ok)
        *parts = (struct url_parts){
            .scheme = url_part(parsed, CURLUPART_SCHEME),
            .host = url_part(parsed, CURLUPART_HOST),
            .has_user = has_part(parsed, CURLUPART_USER) || has_part(parsed, CURLUPART_PASSWORD),
        };
    curl_url_cleanup(parsed);
    return ok && is_known(parts);
}

/* user@host:path, where neither the user nor the host holds a further '@' or ':'. libgit2 and ssh
 * do not agree about user:password@host:path, so it is none. */
static bool parse_scp_form(const char *url, struct url_parts *parts)
{
    if (url_kind(url) != URL_SSH)
        return false;
    size_t len = strcspn(url, ":");
    const char *at = strchr(url, '@'), *host = at ? at + 1 : url;
    if (at == url || at > url + len)
        return false;
    *parts = (struct url_parts){.scheme = xstrdup("ssh"),
                                .host = xstrndup(host, len - (size_t)(host - url)),
                                .has_user = at != NULL};
    return is_known(parts);
}

bool url_parts_parse(const char *url, struct url_parts *parts)
{
    if (strstr(url, "://"))
        return parse_with_scheme(url, parts);
    if (url[0] != '/')
        return parse_scp_form(url, parts);
    *parts = (struct url_parts){.scheme = xstrdup("file"), .host = xstrdup("")};
    return true;
}

void url_parts_release(struct url_parts *parts)
{
    free(parts->scheme);
    free(parts->host);
    *parts = (struct url_parts)URL_PARTS_INIT;
}

bool url_same_place(const char *a, const char *b)
{
    _cleanup_(url_parts_release) struct url_parts x = URL_PARTS_INIT, y = URL_PARTS_INIT;
    return url_parts_parse(a, &x) && url_parts_parse(b, &y) && !strcmp(x.scheme, y.scheme) &&
           !strcasecmp(x.host, y.host);
}

static bool is_of_this_machine(const char *url)
{
    _cleanup_(url_parts_release) struct url_parts parts = URL_PARTS_INIT;
    return url_parts_parse(url, &parts) && (!*parts.host || allow_is_loopback(parts.host));
}

bool url_leads_inward(const char *from, const char *to)
{
    return is_of_this_machine(to) && !is_of_this_machine(from);
}

bool url_check_redirect(const char *from, const char *to, const char *const *allow,
                        struct err **err)
{
    _cleanup_(url_parts_release) struct url_parts b = URL_PARTS_INIT;
    _cleanup_free_ char *shown = url_printable(to);
    if (!url_parts_parse(to, &b) || b.has_user || !b.host[0])
        return err_set(err, ERR_FETCH, "it redirects to %s, which is no place for a download",
                       shown);
    if (url_same_place(from, to) ||
        (!url_leads_inward(from, to) && allow_host(allow, ALLOW_DOWNLOADS, b.scheme, b.host)))
        return true;
    _cleanup_free_ char *entry = allow_entry(b.scheme, b.host);
    err_set(err, ERR_FETCH, "it redirects to %s, and that host is not allowed", shown);
    return err_hint(err, "if that is right, add \"%s\" to allow: in config.yaml", entry);
}
