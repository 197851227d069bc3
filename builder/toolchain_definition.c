#include "builder/toolchain_definition.h"

#include <string.h>
#include <sys/utsname.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/text.h"

#define STRIP_MAX 8

static const char *const KEYS[] = {"prefix", "version", "tools",    "programs",
                                   "files",  "debian",  "download", NULL};
static const char *const HOST_KEYS[] = {"url", "sha256", "version", "strip", NULL};

static bool read_list(struct toolchain_definition *d, const char *key, const char *const **out,
                      struct diags *diags)
{
    const struct ynode *list = ynode_get(d->doc.root, key);
    size_t count = list && list->type == YNODE_SEQUENCE ? list->count : 0;
    const char **items = arena_alloc(&d->doc.arena, (count + 1) * sizeof(*items));
    *out = items;
    if (!list || list->type != YNODE_SEQUENCE)
        return ynode_error(&d->doc, list ? list : d->doc.root, diags, NULL,
                           "'%s' is missing or not a list", key);
    for (size_t i = 0; i < count; i++) {
        if (list->items[i]->type != YNODE_SCALAR)
            return ynode_error(&d->doc, list->items[i], diags, NULL, "expected a name");
        items[i] = list->items[i]->value;
    }
    return true;
}

static bool read_host(struct toolchain_definition *d, const struct ynode *map,
                      struct toolchain_download *out, struct diags *diags)
{
    const struct ydoc *doc = &d->doc;
    if (!ymap_only_keys(doc, map, HOST_KEYS, diags) ||
        !ymap_string(doc, map, "url", true, &out->url, diags) ||
        !ymap_string(doc, map, "sha256", false, &out->sha256, diags) ||
        !ymap_string(doc, map, "version", true, &out->version, diags) ||
        !ymap_integer(doc, map, "strip", false, 0, STRIP_MAX, &out->strip, diags))
        return false;
    return !out->sha256 || hash_is_hex(out->sha256) ||
           ynode_error(doc, ynode_get(map, "sha256"), diags, NULL,
                       "expected 64 hexadecimal digits, in lower case");
}

/* All hosts are read, so that a mistake is found on any of them. */
static bool read_download(struct toolchain_definition *d, struct diags *diags)
{
    const struct ynode *hosts = ynode_get(d->doc.root, "download");
    _cleanup_free_ char *here = toolchain_definition_host();
    if (!hosts)
        return true;
    if (hosts->type != YNODE_MAPPING)
        return ynode_error(&d->doc, hosts, diags, "such as x86_64-linux: {url: ..., version: ...}",
                           "expected a mapping of hosts");
    for (size_t i = 0; i < hosts->count; i++) {
        struct toolchain_download download = {.strip = 0};
        if (!read_host(d, hosts->items[i], &download, diags))
            return false;
        if (!strcmp(hosts->keys[i]->value, here))
            d->download = download;
    }
    return true;
}

bool toolchain_definition_load(struct toolchain_definition *d, const char *path,
                               struct diags *diags)
{
    return ydoc_load(&d->doc, path, diags) && ymap_only_keys(&d->doc, d->doc.root, KEYS, diags) &&
           ymap_string(&d->doc, d->doc.root, "prefix", true, &d->prefix, diags) &&
           ymap_string(&d->doc, d->doc.root, "version", true, &d->version, diags) &&
           read_list(d, "tools", &d->tools, diags) &&
           read_list(d, "programs", &d->programs, diags) &&
           read_list(d, "files", &d->files, diags) && read_list(d, "debian", &d->debian, diags) &&
           (d->tools[0] || ynode_error(&d->doc, d->doc.root, diags, NULL, "'tools' is empty")) &&
           read_download(d, diags);
}

void toolchain_definition_release(struct toolchain_definition *d)
{
    ydoc_release(&d->doc);
    *d = (struct toolchain_definition)TOOLCHAIN_DEFINITION_INIT;
}

bool toolchain_definition_names(const char *dir, struct strv *names, struct err **err)
{
    _cleanup_(strv_release) struct strv files = STRV_INIT;
    if (!fs_list(dir, &files, err))
        return false;
    for (size_t i = 0; i < files.count; i++)
        if (text_ends_with(files.items[i], ".yaml"))
            strv_addf(names, "%.*s", (int)(strlen(files.items[i]) - strlen(".yaml")),
                      files.items[i]);
    return true;
}

char *toolchain_definition_host(void)
{
    struct utsname name;
    return uname(&name) == 0 ? xasprintf("%s-linux", name.machine) : xstrdup("unknown");
}
