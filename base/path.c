/* Paths as text: the path_*() of fs.h. */
#include <string.h>
#include <unistd.h>

#include "base/fs.h"

char *path_join(const char *a, const char *b)
{
    size_t len = strlen(a);

    if (b[0] == '/' || !len)
        return xstrdup(b);
    return xasprintf("%s%s%s", a, a[len - 1] == '/' ? "" : "/", b);
}

char *path_dirname(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return xstrdup(".");
    while (slash > path && slash[-1] == '/')
        slash--;
    return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

const char *path_basename(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

char *path_absolute(const char *path)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    _cleanup_free_ char *cwd = path[0] == '/' ? NULL : getcwd(NULL, 0);
    _cleanup_free_ char *whole = path_join(cwd ? cwd : "/", path);

    for (const char *p = whole; *p;) {
        p += strspn(p, "/");
        size_t n = strcspn(p, "/");

        if (n == 2 && !memcmp(p, "..", 2)) {
            const char *parent = strrchr(out.data, '/');

            buf_truncate(&out, parent ? (size_t)(parent - out.data) : 0);
        } else if (n && !(n == 1 && *p == '.')) {
            buf_addc(&out, '/');
            buf_add(&out, p, n);
        }
        p += n;
    }
    if (!out.len)
        buf_addc(&out, '/');
    return buf_detach(&out, NULL);
}

bool path_is_beneath(const char *path, const char *dir)
{
    size_t len = strlen(dir);

    if (!strcmp(dir, "/"))
        return path[0] == '/';
    return !strncmp(path, dir, len) && (path[len] == '/' || path[len] == '\0');
}

char *path_shown(const char *path)
{
    _cleanup_free_ char *cwd = getcwd(NULL, 0);
    size_t len = cwd ? strlen(cwd) : 0;

    if (len > 1 && path_is_beneath(path, cwd) && path[len] == '/')
        return xstrdup(path + len + 1);
    return xstrdup(path);
}

bool path_link_stays(const char *target, unsigned depth)
{
    bool descended = false;

    if (!target[0] || target[0] == '/')
        return false;
    for (const char *p = target; *p;) {
        size_t len = strcspn(p, "/");

        if (len == 2 && !memcmp(p, "..", 2)) {
            if (descended || depth-- == 0)
                return false;
        } else if (len > 1 || (len == 1 && *p != '.')) {
            descended = true;
        }
        p += len + (p[len] == '/');
    }
    return true;
}
