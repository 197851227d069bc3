#include "builder/once.h"

#include "base/fs.h"
#include "builder/leftover.h"

static void say_waiting(void *data)
{
    const struct once *once = data;
    event_info(once->events, "%s", once->waiting);
}

/* The directory has a new name each time: a killed run's make may still be ending. */
static bool make_aside(const struct once *once, const char *aside, struct err **err)
{
    _cleanup_free_ char *temp = NULL;
    _cleanup_err_ struct err *ignored = NULL;
    bool ok = fs_remove_tree(once->dir, err) && fs_remove_tree(aside, err) &&
              fs_mkdirs(aside, err) && fs_temp_dir(aside, &temp, err) &&
              once->make(once->data, temp, err);
    (void)!fs_remove_tree(aside, &ignored);
    return ok;
}

bool once_get(const struct once *once, struct err **err)
{
    _cleanup_free_ char *parent = path_dirname(once->dir);
    _cleanup_free_ char *lock_path = xasprintf("%s.lock", once->dir);
    _cleanup_free_ char *aside = xasprintf("%s.tmp", once->dir);
    int lock = -1;
    if (once->take(once->data)) {
        leftover_remove(aside, lock_path, once->events);
        return true;
    }
    if (!fs_mkdirs(parent, err) || !fs_lock(lock_path, say_waiting, (void *)once, &lock, err))
        return false;
    bool ok = once->take(once->data) || make_aside(once, aside, err);
    fs_unlock(&lock);
    return ok;
}
