/*
 * Which URL is contacted in place of one that a manifest, a toolchain's definition or
 * .gitmodules has, and may it be?
 *
 * The URL that is asked in the end is judged: the one that config.yaml's mirrors: make of it. Where
 * a mirror is written with its host (or as a path of this machine) it is the user's own word and
 * needs no other; the rest is `allow:`'s matter (allow.h). Nothing is looked up and nobody asked.
 *
 *     if (!contact_check(config, ALLOW_GIT, url, err))
 *         return false;
 *     _cleanup_free_ char *mapped = config_map_url(config, url);
 */
#ifndef FIRN_BUILDER_CONTACT_H
#define FIRN_BUILDER_CONTACT_H

#include "base/err.h"
#include "builder/allow.h"
#include "builder/config.h"

/* May `url`, mapped, be asked for a download or a repository? ERR_FETCH names the URL (without
 * what is secret in it), the reason and the line for config.yaml. Refused in any case: other
 * protocols, control characters, a leading '-', a password in a URL that would be recorded (for a
 * download a user's name too), and ".." behind what a mirror replaces. */
bool contact_check(const struct config *config, enum allow_use use, const char *url,
                   struct err **err) MUST_CHECK;
/* The URL for messages: "MIRROR (mirror of URL)" where one is used. The caller frees. */
char *contact_shown(const struct config *config, const char *url);

#endif
