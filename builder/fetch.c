#include "builder/fetch.h"

#include <jansson.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"
#include "builder/contact.h"
#include "builder/fetch_http.h"
#include "builder/url.h"

#define PIN_MAX_BYTES (16 * 1024)
#define URL_DIGITS 40
#define ATTEMPTS_MAX 50 /* in all, of those that bring something, too */
#define PAUSE_MAX_MS 30000

/* One file's names below downloads/. */
struct names {
    char *dir, *part, *lock;
    char *pin; /* what the URL had before; NULL when the hash is given */
};

static void names_release(struct names *names)
{
    free(names->dir);
    free(names->part);
    free(names->lock);
    free(names->pin);
}

static struct names make_names(const struct fetch *what)
{
    char hex[HASH_HEX_SIZE];
    struct names names = {.dir = path_join(what->config->home, "downloads")};
    hash_bytes(what->url, strlen(what->url), hex);
    _cleanup_free_ char *name =
        what->sha256 ? xstrdup(what->sha256) : xasprintf("url-%.*s", URL_DIGITS, hex);
    names.part = xasprintf("%s/%s.part", names.dir, name);
    names.lock = xasprintf("%s/%s.lock", names.dir, name);
    names.pin = what->sha256 ? NULL : xasprintf("%s/%s.json", names.dir, name);
    return names;
}

/* ---- what is here ---- */

/* What the URL had when it was first fetched, or NULL. The caller frees. */
static char *read_pin(const struct names *names, const char *url)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_err_ struct err *ignored = NULL;
    const char *sha256 = NULL, *of = NULL;
    char *found = NULL;
    if (!names->pin || !fs_read_shared(names->pin, PIN_MAX_BYTES, &text, &ignored))
        return NULL;
    json_t *pin = json_loadb(text.data, text.len, 0, NULL);
    if (json_unpack(pin, "{s:s, s:s}", "url", &of, "sha256", &sha256) == 0 && !strcmp(of, url) &&
        hash_is_hex(sha256))
        found = xstrdup(sha256);
    json_decref(pin);
    return found;
}

static bool write_pin(const struct names *names, const char *url, const char *sha256,
                      struct err **err)
{
    json_t *pin = json_pack("{s:s, s:s}", "url", url, "sha256", sha256);
    _cleanup_free_ char *text = pin ? json_dumps(pin, JSON_SORT_KEYS | JSON_INDENT(1)) : NULL;
    json_decref(pin);
    return text ? fs_write(names->pin, text, strlen(text), 0644, err)
                : err_set(err, ERR_FETCH, "the URL is not UTF-8");
}

/* A file that is here is hashed once more: a disk that lost a bit, or somebody who wrote to it, is
 * noticed here and not by what is made of it. */
static bool find_here(const struct names *names, const char *sha256, struct events *events,
                      struct fetched *got, bool *found, struct err **err)
{
    _cleanup_free_ char *path = path_join(names->dir, sha256);
    *found = false;
    if (!fs_is_file(path))
        return true;
    if (!hash_file(path, got->sha256, err))
        return false;
    *found = !strcmp(got->sha256, sha256);
    if (*found) {
        got->path = xstrdup(path);
        return true;
    }
    event_warning(events, "%s is not what its name says any more; it is fetched again", path);
    return fs_remove_tree(path, err);
}

/* ---- bringing it ---- */

/* A file of this machine. */
static bool copy_local(const struct fetch *what, const char *url, const char *part,
                       struct err **err)
{
    _cleanup_free_ char *path = url_local_path(url);
    struct stat st;
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size > what->max_bytes)
        return err_set(err, ERR_FETCH, "%s is larger than what is taken", path);
    return fs_copy(path, part, err);
}

/* False: interrupted. */
static bool pause_ms(long long ms)
{
    long long end = clock_ms() + ms;
    for (long long left = ms; left > 0 && !interrupt_requested(); left = end - clock_ms())
        poll(NULL, 0, (int)(left < 1000 ? left : 1000));
    return !interrupt_requested();
}

/* Attempts that bring something do not count, up to a point. */
static bool bring_http(struct http_get *get, struct err **err)
{
    const struct fetch_patience *patience = &get->what->patience;
    int in_vain = 0;
    for (int attempt = 1;; attempt++) {
        if (http_get(get, err))
            return true;
        in_vain = get->grew ? 0 : in_vain + 1;
        if (!get->transient || in_vain >= patience->attempts || attempt >= ATTEMPTS_MAX)
            return false;
        long long pause = (long long)patience->pause_ms << (in_vain > 0 ? in_vain - 1 : 0);
        if (get->retry_after_s > 0 && get->retry_after_s * 1000LL > pause)
            pause = get->retry_after_s * 1000LL;
        if (pause > PAUSE_MAX_MS)
            pause = PAUSE_MAX_MS;
        event_info(get->events, "%s: %s; trying again", get->what->name, (*err)->message);
        err_free_ptr(err);
        if (!pause_ms(pause))
            return err_set(err, ERR_INTERRUPTED, "interrupted");
    }
}

static void forget_part(const struct names *names)
{
    _cleanup_free_ char *record = xasprintf("%s.json", names->part);
    unlink(names->part);
    unlink(record);
}

static bool fail_hash(const struct fetch *what, const struct names *names, const char *url,
                      const char *expected, const char *actual, struct err **err)
{
    _cleanup_free_ char *shown = url_printable(url);
    err_set(err, ERR_FETCH, "%s: %s is not the file that it has to be: sha256 %s expected, %s came",
            what->name, shown, expected, actual);
    if (names->pin)
        return err_hint(err,
                        "it changed since it was first fetched: ask its publisher why; if that is "
                        "right, remove %s",
                        names->pin);
    return err_hint(err, "compare both with what its publisher says: the sha256 that was given is "
                         "wrong, or this server has another file");
}

/* The part, whole, gets its name if it is what it has to be. A file put together from two answers
 * that is not may only have been put together wrongly: *again. */
static bool publish(const struct fetch *what, const struct names *names, const char *url,
                    const char *expected, bool resumed, bool *again, struct fetched *got,
                    struct err **err)
{
    if (!hash_file(names->part, got->sha256, err))
        return false;
    if (expected && strcmp(expected, got->sha256) != 0) {
        forget_part(names);
        *again = resumed;
        return resumed || fail_hash(what, names, url, expected, got->sha256, err);
    }
    _cleanup_free_ char *final = path_join(names->dir, got->sha256);
    if ((names->pin && !write_pin(names, what->url, got->sha256, err)) ||
        !fs_publish_file(names->part, final, err))
        return false;
    forget_part(names);
    got->path = xstrdup(final);
    return true;
}

/* A message of its own would not say what was asked for. */
static bool wrap(const struct fetch *what, const char *url, struct err **err)
{
    bool interrupted = (*err)->code == ERR_INTERRUPTED;
    _cleanup_free_ char *shown = url_printable(url);
    if ((*err)->code == ERR_NOT_FOUND)
        (*err)->code = ERR_FETCH;
    err_wrap(err, "%s: cannot download %s", what->name, shown);
    return interrupted ? err_hint(err, "what came is kept: the same command goes on from there")
                       : false;
}

static bool bring(const struct fetch *what, const struct names *names, const char *url,
                  const char *expected, struct events *events, struct fetched *got,
                  struct err **err)
{
    struct http_get get = {
        .what = what, .events = events, .url = url, .sha256 = expected, .part = names->part};
    bool again;
    do {
        again = false;
        bool local = url_kind(url) == URL_LOCAL;
        if (!(local ? copy_local(what, url, names->part, err) : bring_http(&get, err)))
            return wrap(what, url, err);
        if (!publish(what, names, url, expected, get.resumed, &again, got, err))
            return false;
        if (again)
            event_info(events, "%s: what was here of it does not fit; fetching all of it",
                       what->name);
    } while (again);
    return true;
}

/* ---- all of it ---- */

static bool fail_offline(const struct fetch *what, const struct names *names, const char *sha256,
                         struct err **err)
{
    _cleanup_free_ char *shown = url_printable(what->url);
    err_set(err, ERR_FETCH, "%s: %s was not downloaded before, and --offline forbids to",
            what->name, shown);
    if (!sha256)
        return err_hint(err, "run it once without --offline");
    return err_hint(err, "run it once without --offline, or put the file there as %s/%s",
                    names->dir, sha256);
}

static void say_waiting(void *data)
{
    event_info(data, "another firn is downloading the same file; waiting for it");
}

/* With the lock: somebody else may have brought it while we waited. */
static bool get_locked(const struct fetch *what, const struct names *names, const char *mapped,
                       struct events *events, struct fetched *got, struct err **err)
{
    _cleanup_(fs_unlock) int lock = -1;
    bool found = false;
    if (!fs_lock(names->lock, say_waiting, events, &lock, err))
        return false;
    _cleanup_free_ char *pinned = read_pin(names, what->url);
    const char *expected = what->sha256 ? what->sha256 : pinned;
    if (expected && !find_here(names, expected, events, got, &found, err))
        return false;
    return found || bring(what, names, mapped, expected, events, got, err);
}

static struct fetch with_defaults(const struct fetch *given)
{
    struct fetch what = *given;
    struct fetch_patience *p = &what.patience;
    what.max_bytes = what.max_bytes ? what.max_bytes : FETCH_MAX_BYTES;
    p->connect_s = p->connect_s ? p->connect_s : 20;
    p->stall_s = p->stall_s ? p->stall_s : 30;
    p->pause_ms = p->pause_ms ? p->pause_ms : 1000;
    p->attempts = p->attempts ? p->attempts : 4;
    return what;
}

bool fetch_get(const struct fetch *given, struct events *events, struct fetched *got,
               struct err **err)
{
    const struct fetch what = with_defaults(given);
    _cleanup_(names_release) struct names names = make_names(&what);
    _cleanup_free_ char *mapped = config_map_url(what.config, what.url);
    _cleanup_free_ char *pinned = read_pin(&names, what.url);
    const char *expected = what.sha256 ? what.sha256 : pinned;
    bool found = false;
    if (expected && !find_here(&names, expected, events, got, &found, err))
        return false;
    if (found)
        return true;
    if (what.offline)
        return fail_offline(&what, &names, expected, err);
    if (!contact_check(what.config, ALLOW_DOWNLOADS, what.url, err))
        return err_wrap(err, "%s", what.name);
    return fs_mkdirs(names.dir, err) && get_locked(&what, &names, mapped, events, got, err);
}

char *fetch_recorded(const struct config *config, const char *url)
{
    const struct fetch what = {.config = config, .url = url};
    _cleanup_(names_release) struct names names = make_names(&what);
    return read_pin(&names, url);
}

void fetched_release(struct fetched *got)
{
    free(got->path);
    *got = (struct fetched)FETCHED_INIT;
}
