/*
 * Which hosts files may be downloaded from: `allow:` of config.yaml.
 *
 *     allow: [github.com, "*.arm.com", "http://mirror.lan", "file://"]
 *
 * A host stands for https; "*." for any host below one (not for that one itself). http://HOST
 * allows plain http from there, file:// files of this machine. Without a list any host will do, by
 * https alone. Plain http from this machine itself (127.0.0.1, ::1, localhost) is always good:
 * nobody is on the way. Text in, yes or no out; fetch.c asks for every step of a redirect.
 */
#ifndef FIRN_BUILDER_ALLOW_H
#define FIRN_BUILDER_ALLOW_H

#include <stdbool.h>

/* Is it written as an entry of the list has to be? */
bool allow_is_pattern(const char *pattern);
/* allow: NULL-ended, or NULL for no list. scheme: "https", "http" or "file"; host: without port,
 * an IPv6 address in brackets. */
bool allow_host(const char *const *allow, const char *scheme, const char *host);
/* Is it this machine itself? */
bool allow_is_loopback(const char *host);

#endif
