/*
 * The URL of a download: its parts that decide whether it may be asked, and where its server may
 * send us. Taken apart by libcurl's own parser, so that what is checked is what is asked.
 *
 *     _cleanup_(web_url_release) struct web_url url = WEB_URL_INIT;
 *     if (!web_url_parse(text, &url) || !allow_host(config->allow, url.scheme, url.host)) ...
 */
#ifndef FIRN_BUILDER_WEB_URL_H
#define FIRN_BUILDER_WEB_URL_H

#include <stdbool.h>

#include "base/err.h"

struct web_url {
    char *scheme;  /* lower case: "https", "http", "file" */
    char *host;    /* without port; an IPv6 address in brackets; "" for file */
    bool has_user; /* a user's name or password is in it */
};
#define WEB_URL_INIT                                                                               \
    {                                                                                              \
        NULL, NULL, false                                                                          \
    }

/* False: it is no URL of these schemes. parts is to be released in any case. */
bool web_url_parse(const char *url, struct web_url *parts) MUST_CHECK;
void web_url_release(struct web_url *parts);

/* May the server of `from` redirect us to `to`? Staying with host and scheme is no step; another
 * host has to be allowed (allow.h), and nobody but this machine may send us to this machine. */
bool web_url_check_redirect(const char *from, const char *to, const char *const *allow,
                            struct err **err) MUST_CHECK;

#endif
