#include "base/fs.h"
#include "base/text.h"
#include "builder/source.h"

char *source_find_checkout(const struct config *config, const struct source *source)
{
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    _cleanup_free_ char *dir = path_join(config->home, "src");
    _cleanup_free_ char *prefix = xasprintf("%s-", source->commit);
    _cleanup_err_ struct err *ignored = NULL;

    if (!fs_is_dir(dir) || !fs_list(dir, &names, &ignored))
        return NULL;
    for (size_t i = 0; i < names.count; i++)
        if (text_starts_with(names.items[i], prefix))
            return xasprintf("%s/%s/tree", dir, names.items[i]);
    return NULL;
}
