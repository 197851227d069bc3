/*
 * Loaded into the programs on a simulated bus, before umockdev's library: makes sure that each of
 * them hears of hotplug events.
 *
 * umockdev's bind() gives a program's hotplug socket the name ROOT/event<fd> and takes it from
 * whoever had it. Until the simulator has connected to a socket (simulator/uevent.c) the name is
 * all there is, so of programs that start in the same instant all but one would be lost. Here they
 * queue up: bind, wait until the simulator is connected, next.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

typedef int (*bind_fn)(int fd, __CONST_SOCKADDR_ARG address, socklen_t len);

/* The simulator closes the connection when it has connected to every socket that it knows. */
static void wait_for_simulator(const char *root)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char byte;
    int len = snprintf(address.sun_path, sizeof(address.sun_path), "%s/sync", root);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if ((size_t)len < sizeof(address.sun_path) &&
        connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        while (recv(fd, &byte, 1, 0) > 0)
            continue;
    close(fd);
}

static int open_lock(const char *root)
{
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    int len = snprintf(path, sizeof(path), "%s/lock", root);
    return (size_t)len < sizeof(path) ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
}

int bind(int fd, __CONST_SOCKADDR_ARG address, socklen_t len)
{
    bind_fn next = (bind_fn)dlsym(RTLD_NEXT, "bind");
    const char *root = getenv("UMOCKDEV_DIR");
    if (!root || address.__sockaddr__->sa_family != AF_NETLINK)
        return next(fd, address, len);
    int lock = open_lock(root);
    if (lock >= 0)
        flock(lock, LOCK_EX);
    int result = next(fd, address, len);
    if (result == 0)
        wait_for_simulator(root);
    if (lock >= 0)
        close(lock);
    return result;
}
