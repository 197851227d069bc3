#include "simulator/unix_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 64

static bool make(const char *path, int type, int *fd, struct sockaddr_un *address, struct err **err)
{
    *fd = -1;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address->sun_path))
        return err_set(err, ERR_USAGE, "'%s' is too long for a socket", path);
    memcpy(address->sun_path, path, strlen(path) + 1);
    *fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    return *fd >= 0 || err_set_errno(err, ERR_FAILED, errno, "cannot make a socket");
}

static bool fail(int *fd, const char *what, const char *path, struct err **err)
{
    err_set_errno(err, ERR_FAILED, errno, "cannot %s '%s'", what, path);
    close(*fd);
    *fd = -1;
    return false;
}

bool unix_listen(const char *path, int *fd, struct err **err)
{
    struct sockaddr_un address;
    if (!make(path, SOCK_STREAM | SOCK_NONBLOCK, fd, &address, err))
        return false;
    if (bind(*fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(*fd, BACKLOG) < 0)
        return fail(fd, "listen on", path, err);
    return true;
}

bool unix_connect(const char *path, int type, int *fd, struct err **err)
{
    struct sockaddr_un address;
    if (!make(path, type, fd, &address, err))
        return false;
    if (connect(*fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return fail(fd, "connect to", path, err);
    return true;
}
