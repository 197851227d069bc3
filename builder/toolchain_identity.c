#include "builder/toolchain_identity.h"

#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/proc.h"

#define CACHE_MAX_BYTES (256 * 1024)
#define PROBE_TIMEOUT_MS 20000

/* What changes when a file is replaced: size, inode, content and status times. NULL: not there. */
static char *file_stamp(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return NULL;
    return xasprintf("%lld:%llu:%lld.%09ld:%lld.%09ld", (long long)st.st_size,
                     (unsigned long long)st.st_ino, (long long)st.st_mtim.tv_sec,
                     st.st_mtim.tv_nsec, (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
}

static const char *string_in(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

static bool is_same_file(const json_t *file)
{
    _cleanup_free_ char *stamp = file_stamp(string_in(file, "path"));
    return stamp && strcmp(stamp, string_in(file, "stamp")) == 0;
}

/* A tool by its whole name. The caller frees; NULL: it is not there. */
static char *find_tool(const struct identity_request *request, const char *name)
{
    if (!request->dir)
        return proc_find(name);
    _cleanup_free_ char *path = path_join(request->dir, name);
    return proc_find(path);
}

/* Are the tools those that are found now? */
static bool same_tools(const json_t *files, const struct identity_request *request)
{
    for (size_t i = 1; request->tools[i]; i++) {
        _cleanup_free_ char *name = xasprintf("%s%s", request->prefix, request->tools[i]);
        _cleanup_free_ char *path = find_tool(request, name);
        const json_t *file = json_object_get(files, request->tools[i]);
        if (!path || strcmp(path, string_in(file, "path")) != 0)
            return false;
    }
    return true;
}

/* One that was missing may have come: it is asked for again each time. */
static bool has_all(const json_t *files, const char *const *names)
{
    for (; *names; names++)
        if (!json_object_get(files, *names))
            return false;
    return true;
}

static size_t count(const char *const *names)
{
    size_t n = 0;
    while (names[n])
        n++;
    return n;
}

/* Does a remembered probe answer this request, and is every file of it still the same? */
static bool still_true(const json_t *probe, const struct identity_request *request)
{
    json_t *files = json_object_get(probe, "files");
    const char *name;
    json_t *file;
    if (strcmp(string_in(probe, "compiler"), request->compiler) != 0 ||
        !string_in(probe, "version")[0] || !string_in(probe, "target")[0] ||
        json_object_size(files) !=
            count(request->tools) + count(request->programs) + count(request->files) ||
        !same_tools(files, request) || !has_all(files, request->programs) ||
        !has_all(files, request->files))
        return false;
    json_object_foreach(files, name, file)
    {
        if (!is_same_file(file))
            return false;
    }
    return true;
}

static json_t *load_cached(const char *path, const struct identity_request *request)
{
    struct err *err = NULL;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    if (!fs_read_shared(path, CACHE_MAX_BYTES, &text, &err)) {
        err_free(err); /* a cache that cannot be read is no cache */
        return NULL;
    }
    json_t *probe = json_loadb(text.data, text.len, 0, NULL);
    if (probe && still_true(probe, request))
        return probe;
    json_decref(probe);
    return NULL;
}

/* Run the compiler with one option; its first line of output, without the newline, is the caller's
 * to free. */
static char *ask(const char *compiler, const char *option, struct err **err)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    struct proc_result result;
    /* As in a build: GCC_EXEC_PREFIX and the like would lead to other programs. */
    _cleanup_free_ char *path = xasprintf("PATH=%s", getenv("PATH") ? getenv("PATH") : "");
    const struct proc proc = {.argv = (const char *const[]){compiler, option, NULL},
                              .env = (const char *const[]){path, "LC_ALL=C", NULL},
                              .timeout_ms = PROBE_TIMEOUT_MS,
                              .out = &out,
                              .out_max = 64 * 1024};
    if (!proc_run(&proc, &result, err))
        return NULL;
    if (result.exit_status != 0) {
        err_set(err, ERR_FAILED, "%s %s ended with status %d", compiler, option,
                result.exit_status);
        return NULL;
    }
    return xstrndup(out.data, strcspn(out.data, "\n"));
}

/* A file that is not there is left out: not every compiler has every program and library. */
static bool add_file(json_t *files, const char *name, const char *path, struct err **err)
{
    char hex[HASH_HEX_SIZE];
    _cleanup_free_ char *stamp = file_stamp(path);
    if (path[0] != '/' || !stamp)
        return true;
    if (!hash_file(path, hex, err))
        return false;
    return json_object_set_new(
               files, name,
               json_pack("{s:s, s:s, s:s}", "path", path, "stamp", stamp, "sha256", hex)) == 0 ||
           err_set(err, ERR_FAILED, "the path of %s is not UTF-8", name);
}

static bool add_tools(const struct identity_request *request, json_t *files, struct err **err)
{
    for (size_t i = 0; request->tools[i]; i++) {
        _cleanup_free_ char *name = xasprintf("%s%s", request->prefix, request->tools[i]);
        _cleanup_free_ char *path = i == 0 ? xstrdup(request->compiler) : find_tool(request, name);
        if (path && !add_file(files, request->tools[i], path, err))
            return false;
    }
    return true;
}

static bool add_asked(const struct identity_request *request, const char *option,
                      const char *const *names, json_t *files, struct err **err)
{
    for (size_t i = 0; names[i]; i++) {
        _cleanup_free_ char *argument = xasprintf("%s=%s", option, names[i]);
        _cleanup_free_ char *path = ask(request->compiler, argument, err);
        if (!path)
            return false;
        /* A bare name is looked up on PATH by the compiler, too. */
        _cleanup_free_ char *found = path[0] == '/' ? xstrdup(path) : proc_find(path);
        if (found && !add_file(files, names[i], found, err))
            return false;
    }
    return true;
}

static bool probe_files(const struct identity_request *request, json_t *files, struct err **err)
{
    return add_tools(request, files, err) &&
           add_asked(request, "-print-prog-name", request->programs, files, err) &&
           add_asked(request, "-print-file-name", request->files, files, err);
}

static bool probe_compiler(const struct identity_request *request, json_t **probe, struct err **err)
{
    _cleanup_free_ char *version = ask(request->compiler, "-dumpfullversion", err);
    if (!version)
        return false;
    _cleanup_free_ char *target = ask(request->compiler, "-dumpmachine", err);
    if (!target)
        return false;
    json_t *files = json_object();
    *probe = json_pack("{s:s, s:s, s:s, s:o}", "compiler", request->compiler, "version", version,
                       "target", target, "files", files);
    if (!*probe)
        return err_set(err, ERR_FAILED, "%s: its answers are not UTF-8", request->compiler);
    if (probe_files(request, files, err) &&
        (!request->check || request->check(request->data, files, err)))
        return true;
    json_decref(*probe);
    *probe = NULL;
    return false;
}

bool identity_get(const struct identity_request *request, const char *cache_path, json_t **probe,
                  struct err **err)
{
    *probe = load_cached(cache_path, request);
    if (*probe)
        return true;
    if (!probe_compiler(request, probe, err))
        return err_wrap(err, "toolchain '%s' cannot be identified", request->name);
    _cleanup_free_ char *text = json_dumps(*probe, JSON_SORT_KEYS | JSON_INDENT(2));
    _cleanup_free_ char *dir = path_dirname(cache_path);
    if (fs_mkdirs(dir, err) && fs_write(cache_path, text, strlen(text), 0644, err))
        return true;
    json_decref(*probe);
    *probe = NULL;
    return false;
}
