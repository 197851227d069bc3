#include "builder/cache_kind.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define DAY (24 * 60 * 60)

/* Quotas are for what a build makes again by itself; what has to come over the network is removed
 * only when somebody asks for it. */
const struct cache_kind CACHE_KINDS[CACHE_KIND_COUNT] = {
    [CACHE_IMAGES] = {.name = "images",
                      .dir = "images",
                      .what = "finished images, with ELF, map and sidecar",
                      .again = "a build: a second on its base, a minute without",
                      .lock = CACHE_LOCK_BUILD,
                      .quota = 2 * GIB,
                      .old_seconds = -1},
    [CACHE_BASES] = {.name = "bases",
                     .dir = "bases",
                     .what = "interpreters compiled for a board, without frozen modules",
                     .again = "compiling: ten seconds to a minute",
                     .read_by_build = true,
                     .lock = CACHE_LOCK_BESIDE,
                     .quota = 10 * GIB,
                     .old_seconds = -1},
    [CACHE_CCACHE] = {.name = "ccache",
                      .dir = "ccache",
                      .what = "compiled objects",
                      .again = "the next base takes its full time",
                      .changes = true,
                      .read_by_build = true,
                      .quota = 5 * GIB,
                      .old_seconds = -1},
    [CACHE_MPY_CROSS] = {.name = "mpy-cross",
                         .dir = "mpy-cross",
                         .what = "cross compilers",
                         .again = "compiling: ten seconds",
                         .read_by_build = true,
                         .lock = CACHE_LOCK_BESIDE,
                         .quota = 1 * GIB,
                         .old_seconds = -1},
    [CACHE_SOURCES] = {.name = "src",
                       .dir = "src",
                       .what = "checkouts of one commit",
                       .again = "seconds, from its mirror or download",
                       .read_by_build = true,
                       .lock = CACHE_LOCK_KIND,
                       .quota = 10 * GIB,
                       .old_seconds = -1},
    [CACHE_GIT] = {.name = "git",
                   .dir = "git",
                   .what = "bare mirrors of repositories",
                   .again = "the network",
                   .needs_network = true,
                   .changes = true,
                   .lock = CACHE_LOCK_MIRROR,
                   .quota = CACHE_UNLIMITED,
                   .old_seconds = -1},
    [CACHE_DOWNLOADS] = {.name = "downloads",
                         .dir = "downloads",
                         .what = "archives as they were downloaded",
                         .again = "the network",
                         .needs_network = true,
                         .is_files = true,
                         .lock = CACHE_LOCK_BESIDE,
                         .quota = CACHE_UNLIMITED,
                         .old_seconds = -1},
    [CACHE_TOOLCHAINS] = {.name = "toolchains",
                          .dir = "toolchains/store",
                          .what = "toolchains that were downloaded",
                          .again = "unpacking; without its download the network",
                          .needs_network = true,
                          .read_by_build = true,
                          .lock = CACHE_LOCK_BESIDE,
                          .quota = CACHE_UNLIMITED,
                          .old_seconds = -1},
    [CACHE_PROBES] = {.name = "probes",
                      .dir = "toolchains",
                      .what = "what compilers are: version and hashes",
                      .again = "a second",
                      .is_files = true,
                      .quota = 64 * MIB,
                      .old_seconds = -1},
    [CACHE_FACTS] = {.name = "facts",
                     .dir = "facts",
                     .what = "what a port's makefiles say of a board",
                     .again = "a second",
                     .is_files = true,
                     .quota = 64 * MIB,
                     .old_seconds = -1},
    [CACHE_EVALUATIONS] = {.name = "evaluations",
                           .dir = "evaluations",
                           .what = "what manifest.py files came to",
                           .again = "a second",
                           .is_files = true,
                           .quota = 64 * MIB,
                           .old_seconds = -1},
    [CACHE_PRODUCTS] = {.name = "products",
                        .dir = "products",
                        .what = "what the last build of each manifest was made of",
                        .again = "the next build; firn explain has nothing to compare until then",
                        .is_files = true,
                        .quota = 64 * MIB,
                        .old_seconds = -1},
    [CACHE_LOGS] = {.name = "logs",
                    .dir = "logs",
                    .what = "what make printed in builds that failed",
                    .again = "a build that fails again",
                    .is_files = true,
                    .lock = CACHE_LOCK_BUILD,
                    .quota = 64 * MIB,
                    .old_seconds = -1},
    [CACHE_BUILD] = {.name = "build",
                     .dir = "build",
                     .what = "directories of builds that run, were killed or kept",
                     .again = "not needed",
                     .changes = true,
                     .lock = CACHE_LOCK_BESIDE,
                     .quota = CACHE_UNLIMITED,
                     .old_seconds = DAY},
};

const struct cache_kind *cache_kind_find(const char *name)
{
    for (size_t i = 0; i < CACHE_KIND_COUNT; i++)
        if (strcmp(CACHE_KINDS[i].name, name) == 0)
            return &CACHE_KINDS[i];
    return NULL;
}

const char *cache_kind_nearest(const char *name)
{
    const char *names[CACHE_KIND_COUNT + 1] = {NULL};

    for (size_t i = 0; i < CACHE_KIND_COUNT; i++)
        names[i] = CACHE_KINDS[i].name;
    return text_nearest(name, names);
}
