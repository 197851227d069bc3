/* unpack_publish() of unpack.h: an archive's directory, there whole or not at all. */
#include "base/fs.h"
#include "builder/unpack.h"

static bool fill(const struct unpack *what, const char *temp, unpack_finish_fn finish, void *data,
                 struct events *events, struct err **err)
{
    _cleanup_(unpacked_release) struct unpacked unpacked = UNPACKED_INIT;
    _cleanup_free_ char *dir = what->below ? path_join(temp, what->below) : xstrdup(temp);
    return fs_mkdirs(dir, err) && unpack_into(what, dir, events, &unpacked, err) &&
           (!finish || finish(data, temp, &unpacked, err)) &&
           (!what->read_only || fs_make_read_only(temp, err));
}

static void say_waiting(void *data)
{
    event_info(data, "another firn is unpacking; waiting for it");
}

bool unpack_publish(const struct unpack *what, const char *final, unpack_finish_fn finish,
                    void *data, struct events *events, struct err **err)
{
    _cleanup_free_ char *parent = path_dirname(final), *temp = NULL;
    _cleanup_free_ char *lock_path = path_join(parent, ".lock");
    _cleanup_(fs_unlock) int lock = -1;
    _cleanup_err_ struct err *kept = NULL;
    if (fs_is_dir(final))
        return true;
    if (!fs_mkdirs(parent, err) || !fs_lock(lock_path, say_waiting, events, &lock, err))
        return false;
    if (fs_is_dir(final))
        return true;
    if (!fs_remove_leftovers(parent, err) || !fs_temp_dir(parent, &temp, err))
        return false;
    if (fill(what, temp, finish, data, events, err) && fs_publish_dir(temp, final, err))
        return true;
    if (!fs_remove_tree(temp, &kept))
        event_warning(events, "cannot remove %s: %s", temp, kept->message);
    return false;
}
