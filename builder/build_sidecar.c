/* The sidecar's content: docs/image.md lists the fields. Nothing in it depends on the time, the
 * user or a path of this machine. */
#include <string.h>

#include "base/version.h"
#include "builder/build_job.h"
#include "image/sidecar.h"

static json_t *strings(const struct strv *v)
{
    json_t *list = json_array();
    for (size_t i = 0; i < v->count; i++)
        json_array_append_new(list, json_string(v->items[i]));
    return list;
}

static json_t *source_fields(const struct source *s)
{
    json_t *submodules = json_array();
    for (size_t i = 0; i < s->submodule_count; i++)
        json_array_append_new(submodules,
                              json_pack("{s:s, s:s, s:s}", "path", s->submodules[i].path, "url",
                                        s->submodules[i].url, "commit", s->submodules[i].commit));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "url", s->url, "ref", s->ref, "commit",
                     s->commit, "origin", s->origin, "describe", s->describe, "submodules",
                     submodules);
}

static json_t *frozen_fields(const struct frozen *frozen)
{
    json_t *list = json_array();
    for (size_t i = 0; i < frozen->count; i++) {
        const struct frozen_file *file = &frozen->files[i];
        char hex[HASH_HEX_SIZE];
        hash_bytes(file->data, file->size, hex);
        json_t *item = json_pack("{s:s, s:s, s:I, s:I, s:s}", "target", file->target, "form",
                                 frozen_form_name(file->form), "size", (json_int_t)file->size,
                                 "flash", (json_int_t)file->flash_size, "sha256", hex);
        if (file->opt >= 0)
            json_object_set_new(item, "opt", json_integer(file->opt));
        json_array_append_new(list, item);
    }
    return list;
}

static json_t *qstr_fields(const struct build_job *job)
{
    bool by_defs = job->qstr_defs != NULL;
    json_t *names = strings(&job->qstrs.names);
    return json_pack("{s:o, s:o, s:o}", "pool", by_defs ? json_array() : names, "defs",
                     by_defs ? names : json_array(), "removed", strings(&job->qstrs_removed));
}

/* SHA-256 of everything that is not in the source or the frozen list. */
static json_t *input_fields(const struct build_job *job)
{
    char hex[HASH_HEX_SIZE];
    const struct ydoc *definition = &job->interpreter->doc;
    json_t *inputs = json_object();
    hash_bytes(definition->text, definition->text_len, hex);
    _cleanup_free_ char *name = xasprintf("firmware-src/%s.yaml", job->interpreter->name);
    json_object_set_new(inputs, name, json_string(hex));
    for (size_t i = 0; i < job->copied_count; i++) {
        const struct copied_dir *dir = &job->copied[i];
        for (size_t f = 0; f < dir->files.count; f++) {
            _cleanup_free_ char *path = xasprintf("%s/%s", dir->label, dir->files.items[f]);
            json_object_set_new(inputs, path, json_string(dir->digests.items[f]));
        }
    }
    if (manifest_has_bootloader(job->manifest) && job->manifest->mboot.keys)
        json_object_set_new(inputs, STAGED_KEYS, json_string(job->keys_digest));
    return inputs;
}

static json_t *config_fields(const struct build_job *job)
{
    const struct manifest *m = job->manifest;
    json_t *defines = json_object();
    for (size_t i = 0; i < m->define_count; i++)
        json_object_set_new(defines, m->defines[i].name, json_string(m->defines[i].value));
    json_t *make = json_array();
    for (size_t i = 0; i < job->make_vars.count; i++) {
        /* A board outside the source: its files are among the inputs, its place is nobody's. */
        const char *dir_var = job->board.dir ? job->board.port->board_dir_var : NULL;
        size_t len = dir_var ? strlen(dir_var) : 0;
        if (!dir_var || strncmp(job->make_vars.items[i], dir_var, len) != 0 ||
            job->make_vars.items[i][len] != '=')
            json_array_append_new(make, json_string(job->make_vars.items[i]));
    }
    return json_pack("{s:o, s:o}", "defines", defines, "make", make);
}

static json_t *board_fields(const struct board_choice *board)
{
    return json_pack("{s:s, s:s?, s:s?}", "port", board->port->name, "name", board->name, "variant",
                     board->variant);
}

static json_t *emulator_fields(const struct target *t)
{
    if (!t->emulator)
        return json_null();
    json_t *args = json_array();
    for (size_t i = 0; t->emulator_args && t->emulator_args[i]; i++)
        json_array_append_new(args, json_string(t->emulator_args[i]));
    return json_pack("{s:s, s:s?, s:o}", "program", t->emulator, "machine", t->machine, "args",
                     args);
}

static json_t *sizes_fields(const struct make_sizes *s)
{
    if (!s->known)
        return json_null();
    return json_pack("{s:I, s:I, s:I}", "text", (json_int_t)s->text, "data", (json_int_t)s->data,
                     "bss", (json_int_t)s->bss);
}

/* By which ids a boot loader takes it; nothing for an image without. */
static void add_usb(json_t *object, const struct build_job *job, const struct image *image)
{
    char vendor[5], product[5];
    if (image->usb_vendor == IMAGE_ID_ANY)
        return;
    snprintf(vendor, sizeof(vendor), "%04x", image->usb_vendor);
    snprintf(product, sizeof(product), "%04x", image->usb_product);
    json_object_set_new(object, "usb",
                        json_pack("{s:s, s:s, s:s}", "vendor", vendor, "product", product, "enter",
                                  job->manifest->flash.enter));
}

static void add_parts(json_t *sidecar, const struct build_job *job, const struct image *image,
                      const struct image *program)
{
    char digest[HASH_HEX_SIZE];
    json_t *segments = json_object_get(sidecar, "segments");
    image_digest(program, digest);
    json_t *part = json_pack("{s:I, s:s, s:o}", "size", (json_int_t)image_size(program), "digest",
                             digest, "segments", sidecar_segments(program));
    add_usb(part, job, program);
    bootloader_mark_parts(&job->bootloader, program, image, segments);
    json_object_set_new(sidecar, "bootloader", bootloader_fields(&job->bootloader));
    json_object_set_new(sidecar, "program", part);
}

static void add_image_fields(json_t *sidecar, const struct build_job *job,
                             const struct image *image, const struct image *program)
{
    char digest[HASH_HEX_SIZE];
    image_digest(image, digest);
    json_object_set_new(sidecar, "segments", sidecar_segments(image));
    json_object_set_new(sidecar, "digest", json_string(digest));
    add_usb(sidecar, job, image);
    if (manifest_has_bootloader(job->manifest))
        add_parts(sidecar, job, image, program);
}

/* What keeps an image from being released: that it cannot be made again elsewhere, or that more
 * than its inputs may have had a say in it. */
static json_t *unreleasable(const struct build_job *job)
{
    json_t *reasons = json_array();
    if (!job->sandbox.on)
        json_array_append_new(reasons, json_string("built outside the sandbox"));
    if (job->source.dirty)
        json_array_append_new(reasons, json_string("built from a working copy with changes that "
                                                   "are in no commit"));
    if (job->bootloader_in_storage)
        json_array_append_new(reasons, json_string("the program's file system overwrites the boot "
                                                   "loader"));
    return reasons;
}

json_t *build_sidecar(const struct build_job *job, const struct image *image,
                      const struct image *program, json_t *files)
{
    const struct manifest *m = job->manifest;
    json_t *sidecar = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:O, s:o, s:o, s:o, s:o, s:o, s:o, s:O, s:o}", "firn",
        FIRN_VERSION, "product", m->product, "version", m->version, "key", job->key, "interpreter",
        job->interpreter->name, "board", board_fields(&job->board), "source",
        source_fields(&job->source), "toolchain", job->toolchain.identity, "inputs",
        input_fields(job), "config", config_fields(job), "frozen", frozen_fields(&job->frozen),
        "qstrs", qstr_fields(job), "emulator", emulator_fields(job->board.target), "sizes",
        sizes_fields(&job->sizes), "files", files, "unreleasable", unreleasable(job));
    if (image)
        add_image_fields(sidecar, job, image, program);
    return sidecar;
}
