#include "builder/config_build.h"

#include "base/text.h"

#define MIB_MAX (1024L * 1024)

static bool read_limits(struct config_build *build, const struct ydoc *doc, const struct ynode *map,
                        struct diags *diags)
{
    static const char *const keys[] = {"memory_mib", "file_mib", "minutes", NULL};
    struct sandbox_limits *l = &build->limits;
    long memory = (long)(l->memory_bytes >> 20), file = (long)(l->file_bytes >> 20);
    long minutes = l->seconds / 60;
    if (!ymap_only_keys(doc, map, keys, diags) ||
        !ymap_integer(doc, map, "memory_mib", false, 64, MIB_MAX, &memory, diags) ||
        !ymap_integer(doc, map, "file_mib", false, 1, MIB_MAX, &file, diags) ||
        !ymap_integer(doc, map, "minutes", false, 1, 24 * 60, &minutes, diags))
        return false;
    *l = (struct sandbox_limits){(uint64_t)memory << 20, (uint64_t)file << 20, (int)minutes * 60};
    return true;
}

/* A build has no network: what it can reach is a directory or a socket of this machine. */
static bool is_reachable(const char *remote)
{
    return text_starts_with(remote, "file:/") || text_starts_with(remote, "redis+unix:/");
}

static bool read_ccache(struct config_build *build, struct arena *arena, const struct ydoc *doc,
                        const struct ynode *map, struct diags *diags)
{
    static const char *const keys[] = {"use", "remote", NULL};
    const char *remote = NULL;
    if (!ymap_only_keys(doc, map, keys, diags) ||
        !ymap_bool(doc, map, "use", false, &build->ccache, diags) ||
        !ymap_string(doc, map, "remote", false, &remote, diags))
        return false;
    if (remote && !is_reachable(remote))
        return ynode_error(doc, ynode_get(map, "remote"), diags,
                           "a build has no network: file:/DIRECTORY or redis+unix:/SOCKET",
                           "ccache cannot reach '%s' from the sandbox", remote);
    if (remote)
        build->ccache_remote = arena_strdup(arena, remote);
    return true;
}

bool config_build_read(struct config_build *build, struct arena *arena, const struct ydoc *doc,
                       struct diags *diags)
{
    const struct ynode *limits = ynode_get(doc->root, "limits");
    const struct ynode *ccache = ynode_get(doc->root, "ccache");
    return (!limits || read_limits(build, doc, limits, diags)) &&
           (!ccache || read_ccache(build, arena, doc, ccache, diags));
}
