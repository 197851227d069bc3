#include "station/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "station/child_process.h"

#define IDENTITY "pid"
#define BEGUN "begun"
#define IDENTITY_MAX 256
#define LINE_MAX_BYTES (8u * 1024 * 1024) /* of an event; a longer one is no event of ours */

struct child {
    struct child_owner owner;
    pid_t pid;
    int pidfd;
    int events_fd, log_fd; /* for reading */
    int inotify_fd;
    struct buf pending; /* of a line that is not complete */
    bool skipping;      /* until the next line */
    uint64_t log_bytes;
    sd_event_source *ends, *files, *deadline;
};

/* ---- what it wrote ---- */

static void take_line(struct child *child, const char *line, size_t len)
{
    json_t *event = json_loadb(line, len, 0, NULL);
    if (json_is_object(event) && json_is_string(json_object_get(event, "event")))
        child->owner.on_event(child->owner.data, event);
    json_decref(event);
}

static void take_bytes(struct child *child, const char *data, size_t len)
{
    while (len) {
        const char *end = memchr(data, '\n', len);
        size_t part = end ? (size_t)(end - data) : len;
        if (child->pending.len + part > LINE_MAX_BYTES)
            child->skipping = true;
        if (!child->skipping)
            buf_add(&child->pending, data, part);
        if (end) {
            if (!child->skipping)
                take_line(child, child->pending.data, child->pending.len);
            buf_clear(&child->pending);
            child->skipping = false;
            part++;
        }
        data += part;
        len -= part;
    }
}

static void read_events(struct child *child)
{
    static char block[64 * 1024];
    ssize_t got;
    while ((got = read(child->events_fd, block, sizeof(block))) > 0)
        take_bytes(child, block, (size_t)got);
}

static void look_at_files(struct child *child)
{
    struct stat st;
    read_events(child);
    if (fstat(child->log_fd, &st) != 0 || (uint64_t)st.st_size == child->log_bytes)
        return;
    child->log_bytes = (uint64_t)st.st_size;
    if (child->owner.on_output)
        child->owner.on_output(child->owner.data, child->log_bytes);
}

/* ---- watching ---- */

static int on_file(sd_event_source *source, int fd, uint32_t revents, void *data)
{
    char events[4096];
    (void)source, (void)revents;
    /* Which file it was does not matter: both are looked at. */
    while (read(fd, events, sizeof(events)) > 0)
        continue;
    look_at_files(data);
    return 0;
}

static int on_end(sd_event_source *source, int fd, uint32_t revents, void *data)
{
    struct child *child = data;
    (void)revents;
    sd_event_source_set_enabled(source, SD_EVENT_OFF);
    int status = child_process_collect(fd);
    look_at_files(child);
    child->owner.on_end(child->owner.data, status);
    return 0;
}

/* An inotify of its own: sd_event_add_inotify() of systemd 252 loops for ever over an event in
 * which no source is interested any more, as comes when an inode's number is used again. */
static bool watch(struct child *child, sd_event *loop, const char *dir, struct err **err)
{
    child->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (child->inotify_fd < 0 || inotify_add_watch(child->inotify_fd, dir, IN_MODIFY) < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot watch the job in %s", dir);
    int r = sd_event_add_io(loop, &child->ends, child->pidfd, EPOLLIN, on_end, child);
    if (r >= 0)
        r = sd_event_add_io(loop, &child->files, child->inotify_fd, EPOLLIN, on_file, child);
    return r >= 0 || err_set_errno(err, ERR_FAILED, -r, "cannot watch the job in %s", dir);
}

static int open_in(const char *dir, const char *name, int flags)
{
    _cleanup_free_ char *path = path_join(dir, name);
    return open(path, flags | O_CLOEXEC, 0640);
}

static struct child *child_new(const char *dir, const struct child_owner *owner, struct err **err)
{
    struct child *child = xcalloc(1, sizeof(*child));
    *child = (struct child){.owner = *owner, .pidfd = -1, .inotify_fd = -1, .pending = BUF_INIT};
    child->events_fd = open_in(dir, CHILD_EVENTS, O_RDONLY);
    child->log_fd = open_in(dir, CHILD_LOG, O_RDONLY);
    if (child->events_fd >= 0 && child->log_fd >= 0)
        return child;
    err_set_errno(err, ERR_FAILED, errno, "cannot read what the job in %s wrote", dir);
    child_free(child);
    return NULL;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

void child_free(struct child *child)
{
    if (!child)
        return;
    sd_event_source_disable_unref(child->ends);
    sd_event_source_disable_unref(child->files);
    sd_event_source_disable_unref(child->deadline);
    close_fd(child->pidfd);
    close_fd(child->inotify_fd);
    close_fd(child->events_fd);
    close_fd(child->log_fd);
    buf_release(&child->pending);
    free(child);
}

/* ---- starting ---- */

static bool remove_file(const char *dir, const char *name, struct err **err)
{
    _cleanup_free_ char *path = path_join(dir, name);
    return unlink(path) == 0 || errno == ENOENT ||
           err_set_errno(err, ERR_FAILED, errno, "cannot remove %s", path);
}

static bool prepare_files(const char *dir, int *events_fd, int *log_fd, struct err **err)
{
    if (!remove_file(dir, IDENTITY, err) || !remove_file(dir, BEGUN, err))
        return false;
    *events_fd = open_in(dir, CHILD_EVENTS, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND);
    *log_fd = open_in(dir, CHILD_LOG, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND);
    return (*events_fd >= 0 && *log_fd >= 0) ||
           err_set_errno(err, ERR_FAILED, errno, "cannot write to %s", dir);
}

static bool write_identity(const char *dir, pid_t pid, struct err **err)
{
    _cleanup_(buf_release) struct buf identity = BUF_INIT;
    _cleanup_free_ char *path = path_join(dir, IDENTITY);
    if (!child_process_identity(pid, &identity))
        return err_set(err, ERR_FAILED, "process %d ended before it was let run", (int)pid);
    return fs_write_scratch(path, identity.data, identity.len, err);
}

static bool start(struct child *child, sd_event *loop, const char *dir,
                  const struct child_command *command, int events_fd, int log_fd, struct err **err)
{
    int gate;
    _cleanup_free_ char *begun = path_join(dir, BEGUN);
    if (!child_process_fork(command, begun, events_fd, log_fd, &child->pid, &gate, err))
        return false;
    child->pidfd = pidfd_open(child->pid, 0);
    bool ok = child->pidfd >= 0 || err_set_errno(err, ERR_FAILED, errno, "cannot watch a process");
    if (ok && write_identity(dir, child->pid, err) && watch(child, loop, dir, err)) {
        child_process_open(&gate);
        return true;
    }
    close(gate); /* it ends without having run */
    if (child->pidfd >= 0) {
        siginfo_t info;
        waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED);
    }
    return false;
}

struct child *child_start(sd_event *loop, const char *dir, const struct child_command *command,
                          const struct child_owner *owner, struct err **err)
{
    int events_fd = -1, log_fd = -1;
    struct child *child = NULL;
    if (prepare_files(dir, &events_fd, &log_fd, err))
        child = child_new(dir, owner, err);
    if (child && !start(child, loop, dir, command, events_fd, log_fd, err)) {
        child_free(child);
        child = NULL;
    }
    close_fd(events_fd);
    close_fd(log_fd);
    return child;
}

bool child_has_begun(const char *dir)
{
    _cleanup_free_ char *begun = path_join(dir, BEGUN);
    return fs_exists(begun);
}

enum child_found child_adopt(sd_event *loop, const char *dir, const struct child_owner *owner,
                             struct child **child, struct err **err)
{
    _cleanup_(buf_release) struct buf identity = BUF_INIT;
    _cleanup_free_ char *path = path_join(dir, IDENTITY);
    struct err *unread = NULL;
    *child = NULL;
    /* One that is cut short was being written when the daemon died: the gate never opened. */
    if (!fs_read(path, IDENTITY_MAX, &identity, &unread) || !identity.len ||
        identity.data[identity.len - 1] != '\n') {
        err_free(unread);
        return CHILD_NEVER_RAN;
    }
    struct child *found = child_new(dir, owner, err);
    if (!found)
        return CHILD_ENDED;
    found->pidfd = child_process_find(identity.data, &found->pid);
    look_at_files(found);
    if (found->pidfd >= 0 && watch(found, loop, dir, err)) {
        look_at_files(found);
        *child = found;
        return CHILD_RUNS;
    }
    /* The daemon died after `pid` was written and before the gate was opened. What was written in
     * an earlier boot may have been lost with it. */
    bool never_ran = !child_has_begun(dir) && child_process_is_of_boot(identity.data);
    child_free(found);
    return never_ran ? CHILD_NEVER_RAN : CHILD_ENDED;
}

/* ---- ending ---- */

static int on_deadline(sd_event_source *source, uint64_t usec, void *data)
{
    struct child *child = data;
    (void)source, (void)usec;
    /* Its group, while it is known to be there; the pidfd is beyond doubt. */
    pidfd_send_signal(child->pidfd, SIGKILL, NULL, 0);
    kill(-child->pid, SIGKILL);
    return 0;
}

void child_stop(struct child *child, int grace_ms)
{
    if (child->deadline)
        return;
    pidfd_send_signal(child->pidfd, SIGTERM, NULL, 0);
    sd_event_add_time_relative(sd_event_source_get_event(child->ends), &child->deadline,
                               CLOCK_MONOTONIC, (uint64_t)grace_ms * 1000, 0, on_deadline, child);
}

uint64_t child_log_bytes(const struct child *child)
{
    return child->log_bytes;
}
