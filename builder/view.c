#include "builder/view.h"

#include <string.h>

#include "base/fs.h"

void view_add(struct view *view, struct sandbox *sandbox, const char *real, const char *at)
{
    view->on = sandbox->on;
    strv_add(&view->real, real);
    strv_add(&view->at, sandbox_bind(sandbox, real, at, SANDBOX_READ));
}

static char *translate(const struct view *view, const struct strv *from, const struct strv *to,
                       const char *path)
{
    if (!view->on)
        return xstrdup(path);
    for (size_t i = 0; i < from->count; i++) {
        if (path_is_beneath(path, from->items[i]))
            return xasprintf("%s%s", to->items[i], path + strlen(from->items[i]));
    }
    return NULL;
}

char *view_inside(const struct view *view, const char *real_path)
{
    return translate(view, &view->real, &view->at, real_path);
}

char *view_outside(const struct view *view, const char *path)
{
    _cleanup_free_ char *normal = path_absolute(path); /* no ".." out of a directory */
    return translate(view, &view->at, &view->real, view->on ? normal : path);
}

void view_release(struct view *view)
{
    strv_release(&view->real);
    strv_release(&view->at);
    *view = (struct view)VIEW_INIT;
}
