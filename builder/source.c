#include "builder/source.h"

#include "builder/source_mirror.h"

bool source_resolve(const struct config *config, const char *url, const char *ref,
                    const struct source_options *options, struct events *events,
                    struct source *source, struct err **err)
{
    struct mirror_ref found = MIRROR_REF_INIT;

    if (!mirror_get(config, url, ref, options, events, &found, err)) {
        source->bad_ref = found.bad_ref;
        return false;
    }
    *source = (struct source){
        .url = xstrdup(url),
        .ref = xstrdup(ref),
        .commit = found.commit,
        .origin = found.origin,
        .mirror = found.mirror,
        .describe = found.describe,
        .commit_time = found.commit_time,
    };
    return true;
}

void source_release_checkout(struct source *source)
{
    for (size_t i = 0; i < source->submodule_count; i++) {
        free(source->submodules[i].path);
        free(source->submodules[i].url);
        free(source->submodules[i].commit);
    }
    free(source->submodules);
    free(source->dir);
    source->submodules = NULL;
    source->submodule_count = 0;
    source->dir = NULL;
}

void source_release(struct source *source)
{
    source_release_checkout(source);
    free(source->url);
    free(source->ref);
    free(source->commit);
    free(source->archive_sha256);
    free(source->origin);
    free(source->mirror);
    free(source->describe);
    *source = (struct source)SOURCE_INIT;
}
