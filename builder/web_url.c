#include "builder/web_url.h"

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

static bool is_known_scheme(const char *scheme)
{
    return !strcmp(scheme, "https") || !strcmp(scheme, "http") || !strcmp(scheme, "file");
}

bool web_url_parse(const char *url, struct web_url *parts)
{
    CURLU *parsed = curl_url();
    bool ok = parsed && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK;
    if (ok)
        *parts = (struct web_url){
            .scheme = url_part(parsed, CURLUPART_SCHEME),
            .host = url_part(parsed, CURLUPART_HOST),
            .has_user = has_part(parsed, CURLUPART_USER) || has_part(parsed, CURLUPART_PASSWORD),
        };
    curl_url_cleanup(parsed);
    return ok && is_known_scheme(parts->scheme);
}

void web_url_release(struct web_url *parts)
{
    free(parts->scheme);
    free(parts->host);
    *parts = (struct web_url)WEB_URL_INIT;
}

bool web_url_check_redirect(const char *from, const char *to, const char *const *allow,
                            struct err **err)
{
    _cleanup_(web_url_release) struct web_url a = WEB_URL_INIT, b = WEB_URL_INIT;
    _cleanup_free_ char *shown = url_printable(to);
    if (!web_url_parse(from, &a) || !web_url_parse(to, &b) || b.has_user || !b.host[0])
        return err_set(err, ERR_FETCH, "it redirects to %s, which is no place for a download",
                       shown);
    if (!strcmp(a.scheme, b.scheme) && !strcasecmp(a.host, b.host))
        return true;
    bool inward = allow_is_loopback(b.host) && !allow_is_loopback(a.host);
    if (!inward && allow_host(allow, b.scheme, b.host))
        return true;
    err_set(err, ERR_FETCH, "it redirects to %s, and that host is not allowed", shown);
    return err_hint(err, "if that is right, add \"%s%s\" to allow: in config.yaml",
                    strcmp(b.scheme, "https") ? "http://" : "", b.host);
}
