/* struct place of build_job.h. */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "builder/build_job.h"

static void bind_mpy_cross(struct place *place, const char *mpy_cross)
{
    _cleanup_free_ char *dir = path_dirname(mpy_cross);
    const char *at = sandbox_bind(&place->sandbox, dir, "/mpy-cross", SANDBOX_READ);
    place->mpy_cross_at = path_join(at, path_basename(mpy_cross));
}

bool place_open(struct place *place, const struct build_job *job, const char *dir,
                const char *mpy_cross, struct err **err)
{
    place->dir = xstrdup(dir);
    place->product = path_join(dir, "product");
    place->build = path_join(dir, "build");
    if (!fs_remove_tree(dir, err) || !fs_mkdirs(place->product, err) ||
        !fs_mkdirs(place->build, err))
        return false;
    struct sandbox *box = &place->sandbox;
    *box = sandbox_fork(&job->sandbox);
    place->src_at = xstrdup(sandbox_bind(box, job->source.dir, "/src", SANDBOX_READ));
    place->product_at = xstrdup(sandbox_bind(box, place->product, "/product", SANDBOX_READ));
    place->build_at = xstrdup(sandbox_bind(box, place->build, "/build", SANDBOX_WRITE));
    if (mpy_cross)
        bind_mpy_cross(place, mpy_cross);
    return true;
}

void place_release(struct place *place)
{
    free(place->dir);
    free(place->product);
    free(place->build);
    free(place->src_at);
    free(place->product_at);
    free(place->build_at);
    free(place->mpy_cross_at);
    sandbox_release(&place->sandbox);
    *place = (struct place)PLACE_INIT;
}
