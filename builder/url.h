/*
 * The names of repositories: https:// and ssh:// URLs, git's user@host:path, file:// and absolute
 * paths. Text in, text out; nothing is looked up.
 */
#ifndef FIRN_BUILDER_URL_H
#define FIRN_BUILDER_URL_H

#include <stdbool.h>

#include "base/err.h"

enum url_kind {
    URL_HTTPS,
    URL_SSH,     /* ssh://... or user@host:path */
    URL_LOCAL,   /* file:///path or /path */
    URL_HTTP,    /* nobody vouches for what arrives */
    URL_UNKNOWN, /* anything else, a relative path too */
};

enum url_kind url_kind(const char *url);
/* Not empty, no control character, no '-' at its beginning, which programs take for an option. */
bool url_is_clean(const char *url);
/* Is a user's name, is a password in it? */
bool url_has_user(const char *url);
bool url_has_password(const char *url);
/* Is ".." a component of it, %-escapes decoded? */
bool url_climbs(const char *path);
/* The path of a URL_LOCAL one, %-escapes of file:// decoded, without a '/' at the end. The caller
 * frees. */
char *url_local_path(const char *url);
/* A submodule's URL: "./x" and "../x" are relative to the superproject's (gitmodules(5)), anything
 * else stands alone. The caller frees; NULL when ".." leaves the base. */
char *url_resolve(const char *base, const char *url);
/* For messages: without the user's name and password in it (by ssh a user without a password
 * stays). The caller frees. */
char *url_printable(const char *url);
/* The repository's own name, "micropython" of ".../micropython.git": letters, digits, '-', '_' and
 * '.' only, at most 40. The caller frees. */
char *url_basename(const char *url);

#endif
