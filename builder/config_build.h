/*
 * config.yaml's keys about how builds run: limits: and ccache:. config.c reads them with the rest.
 *
 *     limits: {memory_mib: 4096, file_mib: 1024, minutes: 60}
 *     ccache: {use: true, remote: "file:/srv/ccache"}
 */
#ifndef FIRN_BUILDER_CONFIG_BUILD_H
#define FIRN_BUILDER_CONFIG_BUILD_H

#include "base/yaml.h"
#include "builder/sandbox.h"

struct config_build {
    struct sandbox_limits limits;
    bool ccache;
    const char *ccache_remote; /* CCACHE_REMOTE_STORAGE, or NULL */
};
#define CONFIG_BUILD_INIT                                                                          \
    {                                                                                              \
        SANDBOX_LIMITS_DEFAULT, true, NULL                                                         \
    }

/* Read what a document's root has of them; strings go into the arena. */
bool config_build_read(struct config_build *build, struct arena *arena, const struct ydoc *doc,
                       struct diags *diags) MUST_CHECK;

#endif
