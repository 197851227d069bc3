/*
 * A URL's parts that decide whether it may be asked, and where its server may send us: of
 * downloads and of repositories, git's user@host:path and absolute paths too.
 *
 * URLs are taken apart by libcurl's own parser, so that what is checked of a download is what is
 * asked. libgit2 has another one: a host that two parsers could take for two hosts is none here.
 *
 *     _cleanup_(url_parts_release) struct url_parts parts = URL_PARTS_INIT;
 *     if (!url_parts_parse(text, &parts) || !allow_host(allow, use, parts.scheme, parts.host)) ...
 */
#ifndef FIRN_BUILDER_URL_PARTS_H
#define FIRN_BUILDER_URL_PARTS_H

#include <stdbool.h>

#include "base/err.h"

struct url_parts {
    char *scheme;  /* lower case: "https", "http", "ssh", "file" */
    char *host;    /* without port; an IPv6 address in brackets; "" for file */
    bool has_user; /* a user's name or password is in it */
};
#define URL_PARTS_INIT                                                                             \
    {                                                                                              \
        NULL, NULL, false                                                                          \
    }

/* user@host:path is ssh, an absolute path is file. False: it is nothing of these schemes. parts is
 * to be released in any case. */
bool url_parts_parse(const char *url, struct url_parts *parts) MUST_CHECK;
void url_parts_release(struct url_parts *parts);

/* Do both lead to the same host by the same scheme? Not if one is no URL. */
bool url_same_place(const char *a, const char *b);
/* Does something that is not of this machine send us to this machine? */
bool url_leads_inward(const char *from, const char *to);
/* May the server of the download `from` redirect us to `to`? Staying with host and scheme is no
 * step; another host has to be allowed (allow.h), and nobody but this machine may send us to this
 * machine. */
bool url_check_redirect(const char *from, const char *to, const char *const *allow,
                        struct err **err) MUST_CHECK;

#endif
