#include "station/http_listen.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/fs.h"
#include "station/http.h"

static bool fail(int *fd, struct err **err, const char *what, const char *name)
{
    err_set_errno(err, ERR_FAILED, errno, "cannot %s %s", what, name);
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    return false;
}

static int new_socket(int family)
{
    return socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* ---- Unix ---- */

static bool set_path(struct sockaddr_un *name, const char *path, struct err **err)
{
    *name = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) < sizeof(name->sun_path)) {
        memcpy(name->sun_path, path, strlen(path));
        return true;
    }
    err_set(err, ERR_USAGE, "the socket's path is too long: %s", path);
    return err_hint(err, "choose one of at most %zu bytes for listen.socket in firnd.yaml",
                    sizeof(name->sun_path) - 1);
}

/* A child that a daemon which was killed had just forked still has its sockets, until it gets to
 * run: so long it is waited for. */
#define HANDOVER_MS 2000

/* *problem: 0, somebody listens; else why not. */
static bool connects(const struct sockaddr_un *name, int *problem, struct err **err)
{
    int fd = new_socket(AF_UNIX);
    if (fd < 0)
        return fail(&fd, err, "look who listens at", name->sun_path);
    *problem = connect(fd, (const struct sockaddr *)name, sizeof(*name)) < 0 ? errno : 0;
    close(fd);
    return true;
}

/* Remove a socket file that nobody listens on. The caller holds the lock, so that nobody begins to
 * in between. */
static bool remove_stale(const struct sockaddr_un *name, struct err **err)
{
    const char *path = name->sun_path;
    struct stat st;
    if (lstat(path, &st) < 0)
        return true;
    if (!S_ISSOCK(st.st_mode)) {
        err_set(err, ERR_USAGE, "%s is there and not a socket", path);
        return err_hint(err, "remove it, or choose another listen.socket in firnd.yaml");
    }
    int problem = 0;
    for (int waited_ms = 0; waited_ms < HANDOVER_MS; waited_ms += 20) {
        if (!connects(name, &problem, err))
            return false;
        if (problem)
            break;
        usleep(20 * 1000);
    }
    if (problem == ECONNREFUSED)
        return unlink(path) == 0 ||
               err_set_errno(err, ERR_FAILED, errno, "cannot replace %s", path);
    err_set(err, ERR_USAGE, "somebody listens at %s already", path);
    return err_hint(err, "is another firnd running? End it, or choose another listen.socket");
}

static bool give_group(const char *path, const char *group, struct err **err)
{
    struct group *entry = group ? getgrnam(group) : NULL;
    if (group && !entry) {
        err_set(err, ERR_USAGE, "there is no group '%s'", group);
        return err_hint(err, "make it (groupadd --system %s), or change listen.group", group);
    }
    if (entry && chown(path, (uid_t)-1, entry->gr_gid) < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot give %s to the group '%s'", path,
                             group);
    return chmod(path, 0660) == 0 ||
           err_set_errno(err, ERR_FAILED, errno, "cannot set the mode of %s", path);
}

static bool bind_unix(const struct sockaddr_un *name, const char *group, int *fd, struct err **err)
{
    /* Until it has its group nobody else gets in. */
    mode_t before = umask(0177);
    int status = bind(*fd, (const struct sockaddr *)name, sizeof(*name));
    umask(before);
    if (status < 0)
        return fail(fd, err, "make the socket", name->sun_path);
    if (give_group(name->sun_path, group, err)) {
        if (listen(*fd, SOMAXCONN) == 0)
            return true;
        return fail(fd, err, "listen at", name->sun_path);
    }
    unlink(name->sun_path);
    close(*fd);
    *fd = -1;
    return false;
}

bool http_listen_socket(const char *path, const char *group, int *fd, struct err **err)
{
    _cleanup_free_ char *lock_path = xasprintf("%s.lock", path);
    struct sockaddr_un name;
    int lock = -1;
    *fd = -1;
    if (!set_path(&name, path, err) || !fs_lock(lock_path, NULL, NULL, &lock, err))
        return false;
    bool ok = remove_stale(&name, err);
    if (ok) {
        *fd = new_socket(AF_UNIX);
        ok = *fd >= 0 ? bind_unix(&name, group, fd, err) : fail(fd, err, "make the socket", path);
    }
    fs_remove_lock(lock_path, &lock);
    return ok;
}

/* ---- TCP ---- */

static bool is_loopback(const struct sockaddr_storage *address)
{
    const struct sockaddr_in *v4 = (const void *)address;
    const struct sockaddr_in6 *v6 = (const void *)address;
    if (address->ss_family == AF_INET)
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    if (address->ss_family != AF_INET6)
        return address->ss_family == AF_UNIX;
    return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
           (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) && v6->sin6_addr.s6_addr[12] == 127);
}

static bool refuse_open(const char *address, const char *closed, struct err **err)
{
    err_set(err, ERR_USAGE, "%s can be reached from other machines, and nothing protects it",
            address);
    return err_hint(err, "%s", closed);
}

static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits <= 5 && !text[digits] && atoi(text) <= 65535;
}

/* host:port; the host of "[host]:port" is without brackets. */
static bool split(const char *address, char **host, char **port)
{
    const char *colon = strrchr(address, ':');
    size_t len = colon ? (size_t)(colon - address) : 0;
    bool brackets = len > 2 && *address == '[' && address[len - 1] == ']';
    if (len == 0 || !is_port(colon + 1) || (!brackets && memchr(address, ':', len)))
        return false;
    *host = brackets ? xstrndup(address + 1, len - 2) : xstrndup(address, len);
    *port = xstrdup(colon + 1);
    return true;
}

static bool resolve(const char *address, struct sockaddr_storage *out, socklen_t *len,
                    struct err **err)
{
    static const struct addrinfo wanted = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                                           .ai_socktype = SOCK_STREAM};
    _cleanup_free_ char *host = NULL, *port = NULL;
    struct addrinfo *found = NULL;
    bool ok = split(address, &host, &port) &&
              getaddrinfo(strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, port, &wanted,
                          &found) == 0;
    if (!ok) {
        err_set(err, ERR_USAGE, "'%s' is not an address to listen at", address);
        return err_hint(err, "write it as 127.0.0.1:8350 or [::1]:8350");
    }
    memcpy(out, found->ai_addr, found->ai_addrlen);
    *len = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

const char *http_closed_hint(const struct http_settings *settings)
{
    if (!settings->tls_certificate && !settings->reverse_proxy)
        return "give listen.tls or listen.reverse_proxy in firnd.yaml, or use 127.0.0.1";
    if (settings->without_tokens)
        return "make a token first: start firnd without that address, then `firn token add NAME "
               "--role engineer`";
    return NULL;
}

static bool resolve_allowed(const char *address, const char *closed, struct sockaddr_storage *name,
                            socklen_t *len, struct err **err)
{
    return resolve(address, name, len, err) &&
           (!closed || is_loopback(name) || refuse_open(address, closed, err));
}

bool http_listen_check(const char *address, const char *closed, struct err **err)
{
    struct sockaddr_storage name = {.ss_family = AF_UNSPEC};
    socklen_t len;
    return resolve_allowed(address, closed, &name, &len, err);
}

bool http_listen_address(const char *address, const char *closed, int *fd, struct err **err)
{
    struct sockaddr_storage name = {.ss_family = AF_UNSPEC};
    socklen_t len = 0;
    int on = 1, off = 0;
    *fd = -1;
    if (!resolve_allowed(address, closed, &name, &len, err))
        return false;
    *fd = new_socket(name.ss_family);
    if (*fd < 0)
        return fail(fd, err, "listen at", address);
    (void)setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (name.ss_family == AF_INET6)
        (void)setsockopt(*fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    int status = bind(*fd, (const struct sockaddr *)&name, len);
    for (int waited_ms = 0; status < 0 && errno == EADDRINUSE && waited_ms < HANDOVER_MS;
         waited_ms += 20) {
        usleep(20 * 1000);
        status = bind(*fd, (const struct sockaddr *)&name, len);
    }
    if (status == 0 && listen(*fd, SOMAXCONN) == 0)
        return true;
    bool taken = errno == EADDRINUSE;
    fail(fd, err, "listen at", address);
    return taken ? err_hint(err, "is another firnd running? End it, or choose another listen.http")
                 : false;
}

/* ---- systemd ---- */

bool http_listen_is_unix(int fd)
{
    return sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 1) > 0;
}

static bool take_activated(int fd, const char *closed, struct err **err)
{
    struct sockaddr_storage name = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof(name);
    if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0 ||
        getsockname(fd, (struct sockaddr *)&name, &len) < 0) {
        err_set(err, ERR_USAGE, "descriptor %d that systemd handed over is no listening socket",
                fd);
        return err_hint(err, "use ListenStream= in firnd.socket");
    }
    if (closed && !is_loopback(&name))
        return refuse_open("an address of firnd.socket", closed, err);
    return fcntl(fd, F_SETFL, O_NONBLOCK) == 0 ||
           err_set_errno(err, ERR_FAILED, errno, "cannot use the socket of systemd");
}

bool http_listen_activated(int *fds, size_t max, const char *closed, size_t *count,
                           struct err **err)
{
    int given = sd_listen_fds(1);
    *count = 0;
    if (given > (int)max) {
        err_set(err, ERR_USAGE, "systemd handed over %d sockets; %zu can be used", given, max);
        return err_hint(err, "remove some ListenStream= from firnd.socket");
    }
    for (int i = 0; i < given; i++) {
        fds[i] = SD_LISTEN_FDS_START + i;
        if (!take_activated(fds[i], closed, err))
            return false;
        *count = (size_t)i + 1;
    }
    return true;
}
