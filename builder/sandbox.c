#include "builder/sandbox.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"

#define PROBE_TIMEOUT_MS 10000
#define FIXED_PATH "/toolchain/bin:/usr/local/bin:/usr/bin:/bin"

/* root may make no user namespace in a chroot (user_namespaces(7)) and needs none. Everybody else
 * does; whether it works, bubblewrap will say. */
static bool can_have_own_user(void)
{
    if (geteuid() != 0)
        return true;
    pid_t pid = fork();
    if (pid == 0)
        _exit(unshare(CLONE_NEWUSER) == 0 ? 0 : 1);
    int status = 1;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && status == 0;
}

bool sandbox_init(struct sandbox *sandbox, bool on, const struct sandbox_limits *limits,
                  struct err **err)
{
    *sandbox = (struct sandbox)SANDBOX_INIT;
    sandbox->limits = *limits;
    if (!on)
        return true;
    _cleanup_free_ char *bwrap = proc_find("bwrap");
    if (!bwrap) {
        err_set(err, ERR_NOT_FOUND, "builds run in a sandbox, and bubblewrap is not installed");
        return err_hint(err, "apt-get install bubblewrap; or --unsandboxed, for sources and "
                             "manifests that you trust (such an image cannot be released)");
    }
    sandbox->on = true;
    sandbox->own_user = can_have_own_user();
    return true;
}

/* A compiler that was downloaded is on nobody's PATH. */
static char *path_with(const char *compiler)
{
    _cleanup_free_ char *found = proc_find(path_basename(compiler));
    _cleanup_free_ char *dir = path_dirname(compiler);
    const char *path = getenv("PATH");
    if (found && !strcmp(found, compiler))
        return NULL;
    return xasprintf("%s:%s", dir, path ? path : "/usr/bin:/bin");
}

void sandbox_set_compiler(struct sandbox *sandbox, const char *compiler)
{
    free(sandbox->toolchain_dir);
    free(sandbox->path);
    sandbox->toolchain_dir = NULL;
    sandbox->path = sandbox->on ? NULL : path_with(compiler);
    if (!sandbox->on || path_is_beneath(compiler, "/usr") || path_is_beneath(compiler, "/bin"))
        return;
    _cleanup_free_ char *real = realpath(compiler, NULL);
    /* Where a link leads into /usr, its own directory comes first. */
    bool own = real && !path_is_beneath(real, "/usr");
    _cleanup_free_ char *bin = path_dirname(own ? real : compiler);
    sandbox->toolchain_dir = path_dirname(bin);
}

static struct strv copy_strv(const struct strv *v)
{
    struct strv copy = STRV_INIT;
    strv_add_all(&copy, (const char *const *)v->items);
    return copy;
}

struct sandbox sandbox_fork(const struct sandbox *sandbox)
{
    struct sandbox copy = *sandbox;
    copy.toolchain_dir = sandbox->toolchain_dir ? xstrdup(sandbox->toolchain_dir) : NULL;
    copy.path = sandbox->path ? xstrdup(sandbox->path) : NULL;
    copy.binds = copy_strv(&sandbox->binds);
    return copy;
}

void sandbox_release(struct sandbox *sandbox)
{
    free(sandbox->toolchain_dir);
    free(sandbox->path);
    strv_release(&sandbox->binds);
    *sandbox = (struct sandbox)SANDBOX_INIT;
}

const char *sandbox_bind(struct sandbox *sandbox, const char *from, const char *at,
                         enum sandbox_access access)
{
    if (!sandbox->on)
        return from;
    strv_add(&sandbox->binds, access == SANDBOX_WRITE ? "--bind" : "--ro-bind");
    strv_add(&sandbox->binds, from);
    strv_add(&sandbox->binds, at);
    return at;
}

/* Debian's /bin is a link to /usr/bin; where it is a directory, it is bound as one. */
static void add_system_dir(struct strv *argv, const char *path)
{
    char target[256];
    ssize_t len = readlink(path, target, sizeof(target) - 1);
    if (len > 0) {
        target[len] = '\0';
        strv_add(argv, "--symlink");
        strv_add(argv, target);
        strv_add(argv, path);
    } else if (fs_is_dir(path)) {
        strv_add(argv, "--ro-bind");
        strv_add(argv, path);
        strv_add(argv, path);
    }
}

static void add_namespaces(const struct sandbox *sandbox, struct strv *argv)
{
    static const char *const common[] = {
        "--unshare-ipc",        "--unshare-pid", "--unshare-net", "--unshare-uts",
        "--unshare-cgroup-try", "--hostname",    "firn",          "--die-with-parent",
        "--new-session",        "--cap-drop",    "ALL",           NULL};
    static const char *const user[] = {"--unshare-user", "--uid", "1000", "--gid", "1000", NULL};
    strv_add_all(argv, common);
    if (sandbox->own_user)
        strv_add_all(argv, user);
}

static void add_file_system(const struct sandbox *sandbox, struct strv *argv)
{
    static const char *const dirs[] = {"/bin", "/sbin", "/lib", "/lib32", "/lib64"};
    static const char *const rest[] = {"--proc", "/proc",   "--dev", "/dev",    "--tmpfs",
                                       "/tmp",   "--perms", "1777",  "--tmpfs", "/var/tmp",
                                       "--dir",  "/run",    NULL};
    strv_add_all(argv, (const char *const[]){"--ro-bind", "/usr", "/usr", NULL});
    for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
        add_system_dir(argv, dirs[i]);
    /* Which of several programs Debian's names mean. */
    if (fs_is_dir("/etc/alternatives"))
        strv_add_all(argv, (const char *const[]){"--ro-bind", "/etc/alternatives",
                                                 "/etc/alternatives", NULL});
    strv_add_all(argv, rest);
    if (sandbox->toolchain_dir)
        strv_add_all(
            argv, (const char *const[]){"--ro-bind", sandbox->toolchain_dir, "/toolchain", NULL});
    strv_add_all(argv, (const char *const *)sandbox->binds.items);
}

void sandbox_command(const struct sandbox *sandbox, struct strv *argv)
{
    const struct sandbox_limits *l = &sandbox->limits;
    if (!sandbox->on)
        return;
    strv_add(argv, "bwrap");
    add_namespaces(sandbox, argv);
    add_file_system(sandbox, argv);
    strv_add_all(argv, (const char *const[]){"--chdir", "/", "--", "prlimit", "--core=0", NULL});
    strv_addf(argv, "--as=%llu", (unsigned long long)l->memory_bytes);
    strv_addf(argv, "--fsize=%llu", (unsigned long long)l->file_bytes);
    strv_addf(argv, "--cpu=%d", l->seconds);
    strv_add(argv, "--");
}

const char *sandbox_path_variable(const struct sandbox *sandbox)
{
    const char *path = getenv("PATH");
    if (sandbox && sandbox->on)
        return FIXED_PATH;
    if (sandbox && sandbox->path)
        return sandbox->path;
    return path ? path : "/usr/bin:/bin";
}

/* "bwrap: No permissions to create new namespace, ..." of what it printed. */
static char *first_line(const struct buf *out)
{
    return xstrndup(out->data, strcspn(out->data, "\n"));
}

bool sandbox_blame(const struct sandbox *sandbox, struct err **err)
{
    _cleanup_(strv_release) struct strv argv = STRV_INIT;
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    _cleanup_err_ struct err *ignored = NULL;
    struct proc_result result;
    if (!sandbox || !sandbox->on || (*err && (*err)->code == ERR_INTERRUPTED))
        return false;
    sandbox_command(sandbox, &argv);
    strv_add(&argv, "true");
    const struct proc proc = {
        .argv = (const char *const *)argv.items, .timeout_ms = PROBE_TIMEOUT_MS, .out = &out};
    if (proc_run(&proc, &result, &ignored) && result.exit_status == 0)
        return false;
    _cleanup_free_ char *said = ignored ? xstrdup(ignored->message) : first_line(&out);
    err_free(*err);
    *err = NULL;
    err_set(err, ERR_FAILED, "the sandbox of a build cannot be made here: %s", said);
    return err_hint(err, "it needs user namespaces: sysctl kernel.unprivileged_userns_clone=1 and "
                         "user.max_user_namespaces above 0, and no container that forbids them; or "
                         "--unsandboxed, for sources and manifests that you trust (such an image "
                         "cannot be released)");
}
