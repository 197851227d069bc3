#include "builder/cache.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/fs.h"
#include "base/text.h"
#include "builder/cache_sizes.h"

#define PREFIX_MIN 6 /* characters that mean an entry */
#define NS INT64_C(1000000000)

void cache_touch(const char *path)
{
    (void)!utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW);
}

bool cache_hold(const char *path, int *held)
{
    if (!fs_hold(path, held))
        return false;
    cache_touch(path);
    return true;
}

int64_t cache_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * NS + now.tv_nsec;
}

char *cache_kind_dir(const struct config *config, enum cache_id kind)
{
    return path_join(config->home, CACHE_KINDS[kind].dir);
}

char *cache_entry_path(const struct config *config, enum cache_id kind, const char *name)
{
    return xasprintf("%s/%s/%s", config->home, CACHE_KINDS[kind].dir, name);
}

bool cache_is_entry_name(const char *name)
{
    return name[0] != '.' && !text_ends_with(name, ".lock") && !text_ends_with(name, ".tmp") &&
           !text_ends_with(name, ".part");
}

/* ---- listing ---- */

/* A kind's directory while it is read. */
struct listing {
    enum cache_id kind;
    const char *dir;
    enum cache_memory memory;
    struct cache_sizes known;
    struct buf lines; /* for .sizes */
};

static int64_t to_ns(struct statx_timestamp t)
{
    return t.tv_sec * NS + t.tv_nsec;
}

static uint64_t measure(struct listing *listing, const char *path, const char *name,
                        const struct statx *st)
{
    const struct cache_kind *kind = &CACHE_KINDS[listing->kind];
    struct cache_size size = {.name = name, .inode = st->stx_ino};

    if (kind->is_files)
        return st->stx_blocks * 512;
    if (kind->changes)
        return fs_disk_usage(path);
    size.born_ns = st->stx_mask & STATX_BTIME ? (uint64_t)to_ns(st->stx_btime) : 0;
    bool known = cache_sizes_get(&listing->known, &size);
    if (!known)
        size.bytes = fs_disk_usage(path);
    if (!known || listing->memory == CACHE_RENEW)
        cache_sizes_add(&listing->lines, &size);
    return size.bytes;
}

/* What is neither a directory nor a file (a link, say) is nobody's entry. */
static void add_entry(struct cache_list *list, struct listing *listing, const char *name)
{
    _cleanup_free_ char *path = path_join(listing->dir, name);
    mode_t wanted = CACHE_KINDS[listing->kind].is_files ? S_IFREG : S_IFDIR;
    struct statx st;

    if (!cache_is_entry_name(name) ||
        statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &st) != 0 ||
        (st.stx_mode & S_IFMT) != wanted)
        return;
    if (list->count == list->size) {
        list->size = list->size ? list->size * 2 : 64;
        list->items = xreallocarray(list->items, list->size, sizeof(*list->items));
    }
    list->items[list->count++] = (struct cache_entry){.kind = listing->kind,
                                                      .name = xstrdup(name),
                                                      .bytes = measure(listing, path, name, &st),
                                                      .used_ns = to_ns(st.stx_mtime)};
}

static void keep_sizes(const struct listing *listing)
{
    if (listing->memory == CACHE_REMEMBER)
        cache_sizes_append(listing->dir, &listing->lines);
    if (listing->memory == CACHE_RENEW && (listing->known.count || listing->lines.len))
        cache_sizes_replace(listing->dir, &listing->lines);
}

bool cache_list_add(struct cache_list *list, const struct config *config, enum cache_id kind,
                    enum cache_memory memory, struct err **err)
{
    _cleanup_free_ char *dir = cache_kind_dir(config, kind);
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    struct listing listing = {kind, dir, memory, CACHE_SIZES_INIT, BUF_INIT};

    if (!fs_exists(dir))
        return true;
    if (!fs_list(dir, &names, err))
        return false;
    if (!CACHE_KINDS[kind].is_files && !CACHE_KINDS[kind].changes)
        cache_sizes_load(&listing.known, dir);
    for (size_t i = 0; i < names.count; i++)
        add_entry(list, &listing, names.items[i]);
    keep_sizes(&listing);
    cache_sizes_release(&listing.known);
    buf_release(&listing.lines);
    return true;
}

void cache_list_release(struct cache_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].name);
    free(list->items);
    *list = (struct cache_list)CACHE_LIST_INIT;
}

uint64_t cache_list_bytes(const struct cache_list *list, enum cache_id kind)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].kind == kind)
            sum += list->items[i].bytes;
    return sum;
}

/* ---- finding one ---- */

struct search {
    const char *wanted;
    size_t matches;
    bool exact;
    enum cache_id kind;
    char *name;
};

/* An exact name counts more than any that only begin like it. */
static void consider(struct search *search, enum cache_id kind, const char *name)
{
    bool exact = strcmp(name, search->wanted) == 0;

    if (!exact && (strlen(search->wanted) < PREFIX_MIN || !text_starts_with(name, search->wanted)))
        return;
    if (search->exact && !exact)
        return;
    search->matches = exact && !search->exact ? 1 : search->matches + 1;
    search->exact = exact;
    search->kind = kind;
    free(search->name);
    search->name = xstrdup(name);
}

static bool search_kind(struct search *search, const struct config *config, enum cache_id kind,
                        struct err **err)
{
    _cleanup_free_ char *dir = cache_kind_dir(config, kind);
    _cleanup_(strv_release) struct strv names = STRV_INIT;

    if (fs_exists(dir) && !fs_list(dir, &names, err))
        return false;
    for (size_t i = 0; i < names.count; i++) {
        _cleanup_free_ char *path = path_join(dir, names.items[i]);
        bool is_sort = CACHE_KINDS[kind].is_files ? fs_is_file(path) : fs_is_dir(path);

        if (cache_is_entry_name(names.items[i]) && is_sort)
            consider(search, kind, names.items[i]);
    }
    return true;
}

/* "images/2a436e" -> the kind and what is behind it; else all kinds (CACHE_KIND_COUNT). */
static enum cache_id split(const char **wanted)
{
    const char *slash = strchr(*wanted, '/');
    _cleanup_free_ char *name = slash ? xstrndup(*wanted, (size_t)(slash - *wanted)) : NULL;
    const struct cache_kind *kind = name ? cache_kind_find(name) : NULL;

    if (!kind)
        return CACHE_KIND_COUNT;
    *wanted = slash + 1;
    return (enum cache_id)(kind - CACHE_KINDS);
}

bool cache_find(const struct config *config, const char *wanted, enum cache_id *kind, char **name,
                struct err **err)
{
    struct search search = {.wanted = wanted};
    enum cache_id only = split(&search.wanted);
    bool ok = true;

    for (enum cache_id id = 0; ok && id < CACHE_KIND_COUNT; id++)
        if (only == CACHE_KIND_COUNT || only == id)
            ok = search_kind(&search, config, id, err);
    if (ok && search.matches == 1) {
        *kind = search.kind;
        *name = search.name;
        return true;
    }
    free(search.name);
    if (!ok)
        return false;
    if (search.matches) {
        err_set(err, ERR_USAGE, "%zu entries are called '%s'", search.matches, wanted);
        return err_hint(err, "write more of its name, or its kind in front, as in images/NAME");
    }
    err_set(err, ERR_USAGE, "there is no entry '%s'", wanted);
    return err_hint(err,
                    "`firn cache KIND` lists them; at least %d characters of a name are needed",
                    PREFIX_MIN);
}
