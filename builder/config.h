/*
 * The user's configuration and where things live.
 *
 * config.yaml is read from $FIRN_CONFIG, else /etc/firn/config.yaml and then
 * ~/.config/firn/config.yaml (the later wins, mirrors and quotas are merged). Unknown keys are
 * errors.
 *
 *     mirrors:
 *       https://github.com/micropython/: /srv/git/
 *     allow: [github.com, "*.arm.com"]
 *     limits: ..., ccache: ... (config_build.h)
 *     quota: {images: 2G, bases: none}
 *
 * $FIRN_HOME (default ~/.cache/firn) holds every cache: git/ src/ mpy-cross/ build/ images/ ...
 * $FIRN_DATA (default: beside the program, or the installed share/firn) holds firmware-src/ and
 * toolchains/.
 */
#ifndef FIRN_BUILDER_CONFIG_H
#define FIRN_BUILDER_CONFIG_H

#include "base/err.h"
#include "builder/cache_kind.h"
#include "builder/config_build.h"

struct mirror {
    const char *prefix;
    const char *replacement;
};

struct config {
    struct arena arena;
    const char *home;       /* absolute, exists */
    const char *data;       /* absolute */
    struct mirror *mirrors; /* one a prefix; the longest that fits a URL counts */
    size_t mirror_count;
    const char *files[2]; /* that were read, in this order */
    size_t file_count;
    const char *const *allow; /* hosts that may be asked (allow.h), NULL-ended; NULL = any */
    struct config_build build;
    /* bytes; only where config.yaml has one: config_quota() */
    struct {
        bool given;
        uint64_t bytes;
    } quotas[CACHE_KIND_COUNT];
};
#define CONFIG_INIT                                                                                \
    {                                                                                              \
        ARENA_INIT, NULL, NULL, NULL, 0, {NULL}, 0, NULL, CONFIG_BUILD_INIT,                       \
        {                                                                                          \
            {                                                                                      \
                false, 0                                                                           \
            }                                                                                      \
        }                                                                                          \
    }

bool config_load(struct config *config, struct diags *diags) MUST_CHECK;
void config_release(struct config *config);
/* The mirror with the longest prefix that matches, or NULL. "https://github.com" is none for
 * "https://github.com.example.org/". */
const struct mirror *config_find_mirror(const struct config *config, const char *url);
/* The URL after the longest matching prefix was replaced, or a copy of url. The caller frees. */
char *config_map_url(const struct config *config, const char *url);
/* How many bytes of a kind are kept; CACHE_UNLIMITED = all. */
uint64_t config_quota(const struct config *config, enum cache_id kind);

#endif
