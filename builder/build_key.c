/* The keys: everything that can change a byte of the image or its sidecar, and of that, what a base
 * is made of. */
#include <string.h>

#include "base/text.h"
#include "base/version.h"
#include "builder/build_job.h"

/* To be raised when the same inputs are to give another image or sidecar. */
#define BUILD_FORMAT "3"

static void add_source(struct build_job *job)
{
    struct key_parts *p = &job->parts;
    const struct source *s = &job->source;
    key_add(p, KEY_PRODUCT, "source url", s->url);
    key_add(p, KEY_PRODUCT, "source ref", s->ref);
    key_add(p, KEY_PRODUCT, "source origin", s->origin);
    if (s->archive_sha256)
        key_add_digest(p, KEY_PRODUCT, "source archive", s->archive_sha256);
    key_add(p, KEY_PRODUCT, "source with uncommitted changes", s->dirty ? "yes" : "no");
    key_add(p, KEY_BASE, "source commit", s->commit);
    key_add(p, KEY_BASE, "source version", s->describe);
    for (size_t i = 0; i < s->submodule_count; i++) {
        _cleanup_free_ char *name = xasprintf("submodule %s commit", s->submodules[i].path);
        _cleanup_free_ char *url = xasprintf("submodule %s url", s->submodules[i].path);
        key_add(p, KEY_PRODUCT, url, s->submodules[i].url);
        key_add(p, KEY_BASE, name, s->submodules[i].commit);
    }
}

static void add_board(struct build_job *job)
{
    struct key_parts *p = &job->parts;
    const struct board_choice *board = &job->board;
    key_add(p, KEY_BASE, "port", board->port->name);
    key_add(p, KEY_BASE, "board", board->name ? board->name : "");
    key_add(p, KEY_BASE, "board variant", board->variant ? board->variant : "");
    for (size_t i = 0; i < job->make_vars.count; i++) {
        const char *var = job->make_vars.items[i];
        size_t len = strcspn(var, "=");
        /* Where a board outside the source lies is nobody's business; its files are below. */
        if (board->dir && board->port->board_dir_var && strlen(board->port->board_dir_var) == len &&
            !strncmp(var, board->port->board_dir_var, len))
            continue;
        _cleanup_free_ char *name = xasprintf("make %.*s", (int)len, var);
        key_add(p, KEY_BASE, name, var + len + (var[len] == '='));
    }
    key_add(p, KEY_BASE, "compiler flags", board_choice_cflags(board, job->manifest));
    for (size_t i = 0; i < job->manifest->define_count; i++) {
        _cleanup_free_ char *name = xasprintf("define %s", job->manifest->defines[i].name);
        key_add(p, KEY_BASE, name, job->manifest->defines[i].value);
    }
}

/* In the order of their names: what was just found has another than what was read from a file. */
static void add_toolchain_files(struct key_parts *p, enum key_scope scope, const char *role,
                                json_t *files)
{
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    const char *file;
    json_t *hash;
    json_object_foreach(files, file, hash) strv_add(&names, file);
    strv_sort(&names);
    for (size_t i = 0; i < names.count; i++) {
        _cleanup_free_ char *part = xasprintf("%s file %s", role, names.items[i]);
        key_add_digest(p, scope, part, json_string_value(json_object_get(files, names.items[i])));
    }
}

/* Version and target, then every file that takes part: one that differs is told by its name. */
static void add_toolchain(struct key_parts *p, enum key_scope scope, const char *role,
                          const struct toolchain *t)
{
    _cleanup_free_ char *name = xasprintf("%s name", role);
    _cleanup_free_ char *version = xasprintf("%s version", role);
    _cleanup_free_ char *digest = xasprintf("%s identity", role);
    key_add(p, scope, name, t->name ? t->name : "");
    key_add(p, scope, version, t->version ? t->version : "");
    add_toolchain_files(p, scope, role, json_object_get(t->identity, "files"));
    key_add_digest(p, scope, digest, t->digest);
}

static void add_copied(struct build_job *job)
{
    for (size_t i = 0; i < job->copied_count; i++) {
        const struct copied_dir *dir = &job->copied[i];
        for (size_t f = 0; f < dir->files.count; f++) {
            _cleanup_free_ char *name = xasprintf("%s/%s", dir->label, dir->files.items[f]);
            key_add_digest(&job->parts, KEY_BASE, name, dir->digests.items[f]);
        }
    }
}

static void add_product(struct build_job *job)
{
    const struct manifest *m = job->manifest;
    _cleanup_free_ char *usb = xasprintf("%04x:%04x", m->flash.vendor, m->flash.product);
    key_add(&job->parts, KEY_PRODUCT, "product", m->product);
    key_add(&job->parts, KEY_PRODUCT, "version", m->version);
    key_add(&job->parts, KEY_PRODUCT, "usb id", usb);
    key_add(&job->parts, KEY_PRODUCT, "enter", m->flash.enter);
}

static void add_frozen(struct build_job *job)
{
    for (size_t i = 0; i < job->frozen.count; i++) {
        const struct frozen_file *file = &job->frozen.files[i];
        _cleanup_free_ char *name = xasprintf("frozen %s", file->target);
        _cleanup_free_ char *how = xasprintf("frozen %s as", file->target);
        _cleanup_free_ char *form =
            xasprintf("%s, opt %d", frozen_form_name(file->form), file->opt);
        key_add_bytes(&job->parts, KEY_PRODUCT, name, file->data, file->size);
        key_add(&job->parts, KEY_PRODUCT, how, form);
    }
}

/* What require() was answered with, of which library. */
static void add_packages(struct build_job *job)
{
    const struct manifest *m = job->manifest;
    for (size_t i = 0; i < m->frozen_count; i++) {
        size_t files = 0;
        if (m->frozen[i].kind != FREEZE_REQUIRE)
            continue;
        for (size_t f = 0; f < job->evaluation.count; f++)
            files += job->evaluation.files[f].entry == i;
        _cleanup_free_ char *name = xasprintf("package %s", m->frozen[i].name);
        _cleanup_free_ char *value = xasprintf(
            "%s, %zu files",
            m->frozen[i].library ? m->frozen[i].library : job->interpreter->library, files);
        key_add(&job->parts, KEY_PRODUCT, name, value);
    }
}

static void add_qstrs(struct build_job *job)
{
    struct key_parts *p = &job->parts;
    for (size_t i = 0; i < job->qstrs.names.count; i++)
        key_add(p, KEY_PRODUCT, "qstr", job->qstrs.names.items[i]);
    for (size_t i = 0; i < job->qstrs_removed.count; i++)
        key_add(p, KEY_PRODUCT, "qstr line left out", job->qstrs_removed.items[i]);
    key_add_bytes(p, KEY_PRODUCT, "qstr module", job->qstr_mpy.data, job->qstr_mpy.len);
    key_add(p, KEY_BASE, "qstrs by QSTR_DEFS", job->qstr_defs ? job->qstr_defs : "");
}

static void add_bootloader(struct build_job *job)
{
    if (!manifest_has_bootloader(job->manifest))
        return;
    key_add(&job->parts, KEY_PRODUCT, "boot loader", job->board.port->bootloader->name);
    if (job->manifest->mboot.keys)
        key_add_digest(&job->parts, KEY_PRODUCT, "boot loader keys", job->keys_digest);
}

/* A boot loader has the base's parts without what is only compiled into the program, and its keys.
 */
static bool is_bootloaders(const struct key_part *part)
{
    return !strcmp(part->name, "boot loader keys") ||
           (part->scope != KEY_PRODUCT && !text_starts_with(part->name, "c_modules/") &&
            strcmp(part->name, "qstrs by QSTR_DEFS") != 0);
}

static void make_bootloader_key(struct build_job *job)
{
    _cleanup_(key_parts_release) struct key_parts parts = KEY_PARTS_INIT;
    key_add(&parts, KEY_BASE, "what", "boot loader");
    for (size_t i = 0; i < job->parts.count; i++) {
        if (is_bootloaders(&job->parts.items[i]))
            key_add_verbatim(&parts, job->parts.items[i].name, job->parts.items[i].value);
    }
    key_hash(&parts, KEY_PRODUCT, job->bootloader_key);
}

void build_make_key(struct build_job *job)
{
    struct key_parts *p = &job->parts;
    const struct ydoc *definition = &job->interpreter->doc;
    key_add(p, KEY_BASE, "firn", FIRN_VERSION " " BUILD_FORMAT);
    key_add_bytes(p, KEY_BASE, "interpreter definition", definition->text, definition->text_len);
    key_add(p, KEY_BASE, "sandbox", job->sandbox.on ? "yes" : "no");
    add_source(job);
    add_board(job);
    add_toolchain(p, KEY_BASE, "toolchain", &job->toolchain);
    add_toolchain(p, KEY_HOST, "host", &job->host);
    if (job->toolchain.url)
        key_add(p, KEY_PRODUCT, "toolchain url", job->toolchain.url);
    if (job->toolchain.archive_sha256)
        key_add_digest(p, KEY_PRODUCT, "toolchain archive", job->toolchain.archive_sha256);
    add_copied(job);
    add_bootloader(job);
    add_product(job);
    add_packages(job);
    add_frozen(job);
    add_qstrs(job);
    key_hash(p, KEY_PRODUCT, job->key);
    key_hash(p, KEY_BASE, job->base_key);
    make_bootloader_key(job);
}
