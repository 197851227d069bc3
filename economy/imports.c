#include "economy/imports.h"

#include <string.h>

static bool is_skipped(const struct manifest *manifest, const char *name)
{
    for (const char *const *skip = manifest->check.skip; *skip; skip++)
        if (!strcmp(*skip, name))
            return true;
    return false;
}

void imports_list(const struct build_result *product, const struct strv *but, struct strv *names,
                  struct strv *targets)
{
    for (size_t i = 0; i < product->frozen.count; i++) {
        const char *target = product->frozen.files[i].target;
        _cleanup_free_ char *name = frozen_module_name(target);
        if (!strcmp(target, FROZEN_QSTR_MODULE) || is_skipped(product->manifest, name) ||
            (but && strv_contains(but, name)))
            continue;
        strv_add(names, name);
        strv_add(targets, target);
    }
}
