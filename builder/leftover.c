#include "builder/leftover.h"

#include "base/fs.h"

void leftover_remove(const char *dir, const char *lock_path, struct events *events)
{
    _cleanup_(fs_unlock) int lock = -1;
    _cleanup_err_ struct err *kept = NULL;
    if (fs_exists(dir) &&
        !(fs_lock(lock_path, NULL, NULL, &lock, &kept) && fs_remove_tree(dir, &kept)))
        event_warning(events, "cannot remove what a killed build left: %s", kept->message);
}
