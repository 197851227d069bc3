/*
 * Which hosts may be asked for downloads and repositories: `allow:` of config.yaml.
 *
 *     allow: [github.com, "*.arm.com", "ssh://git.lan", "http://mirror.lan", "file://"]
 *
 * A host stands for https and ssh, which both know whom they talk to; "*." for any host below one
 * (not for that one itself). https://HOST and ssh://HOST allow one of the two, http://HOST plain
 * http from there, file:// files of this machine. Without a list any host will do: downloads come
 * by https alone, repositories by https, ssh and from this machine's files. Plain http from this
 * machine itself (127.0.0.1, ::1, localhost) is always good: nobody is on the way.
 *
 * Text in, yes or no out; contact.c asks for a URL, fetch_http.c for every step of a redirect.
 */
#ifndef FIRN_BUILDER_ALLOW_H
#define FIRN_BUILDER_ALLOW_H

#include <stdbool.h>

enum allow_use { ALLOW_DOWNLOADS, ALLOW_GIT };

/* Is it written as an entry of the list has to be? */
bool allow_is_pattern(const char *pattern);
/* allow: NULL-ended, or NULL for no list. scheme: "https", "http", "ssh" or "file"; host: without
 * port, an IPv6 address in brackets. */
bool allow_host(const char *const *allow, enum allow_use use, const char *scheme, const char *host);
/* The entry that would allow it. The caller frees. */
char *allow_entry(const char *scheme, const char *host);
/* Is it this machine itself? */
bool allow_is_loopback(const char *host);

#endif
