/* The key: a hash over everything that can change a byte of the image or its sidecar. */
#include <string.h>

#include "base/version.h"
#include "builder/build_job.h"

/* To be raised when the same inputs are to give another image or sidecar. */
#define BUILD_FORMAT "1"

static void add_source(struct hash *h, const struct build_job *job)
{
    hash_field_str(h, "url", job->source.url);
    hash_field_str(h, "ref", job->source.ref);
    hash_field_str(h, "commit", job->source.commit);
    hash_field_str(h, "origin", job->source.origin);
    hash_field_str(h, "describe", job->source.describe);
    for (size_t i = 0; i < job->source.submodule_count; i++) {
        hash_field_str(h, "submodule", job->source.submodules[i].path);
        hash_field_str(h, "commit", job->source.submodules[i].commit);
    }
}

static void add_board(struct hash *h, const struct build_job *job)
{
    const struct board_choice *board = &job->board;
    hash_field_str(h, "port", board->port->name);
    hash_field_str(h, "board", board->name ? board->name : "");
    hash_field_str(h, "variant", board->variant ? board->variant : "");
    for (size_t i = 0; i < job->make_vars.count; i++)
        hash_field_str(h, "make", job->make_vars.items[i]);
    hash_field_str(h, "cflags", board_choice_cflags(board, job->manifest));
}

static void add_frozen(struct hash *h, const struct frozen *frozen)
{
    for (size_t i = 0; i < frozen->count; i++) {
        const struct frozen_file *file = &frozen->files[i];
        hash_field_str(h, "form", frozen_form_name(file->form));
        hash_field_str(h, "target", file->target);
        hash_field(h, "opt", &file->opt, sizeof(file->opt));
        hash_field(h, "data", file->data, file->size);
    }
}

static void add_product(struct hash *h, const struct manifest *m)
{
    const unsigned usb[] = {m->flash.vendor, m->flash.product};
    hash_field_str(h, "product", m->product);
    hash_field_str(h, "version", m->version);
    hash_field(h, "usb", usb, sizeof(usb));
    hash_field_str(h, "enter", m->flash.enter);
    for (size_t i = 0; i < m->define_count; i++) {
        hash_field_str(h, "define", m->defines[i].name);
        hash_field_str(h, "value", m->defines[i].value);
    }
}

static void add_copied(struct hash *h, const struct build_job *job)
{
    for (size_t i = 0; i < job->copied_count; i++) {
        const struct copied_dir *dir = &job->copied[i];
        hash_field_str(h, "directory", dir->label);
        for (size_t f = 0; f < dir->files.count; f++) {
            hash_field_str(h, "file", dir->files.items[f]);
            hash_field_str(h, "sha256", dir->digests.items[f]);
        }
    }
}

void build_make_key(struct build_job *job)
{
    struct hash h;
    const struct ydoc *definition = &job->interpreter->doc;
    hash_init(&h);
    hash_field_str(&h, "firn", FIRN_VERSION " " BUILD_FORMAT);
    hash_field(&h, "interpreter", definition->text, definition->text_len);
    add_source(&h, job);
    add_board(&h, job);
    hash_field_str(&h, "toolchain", job->toolchain.digest);
    hash_field_str(&h, "host", job->host.digest);
    add_product(&h, job->manifest);
    add_frozen(&h, &job->frozen);
    for (size_t i = 0; i < job->qstrs.names.count; i++)
        hash_field_str(&h, "qstr", job->qstrs.names.items[i]);
    for (size_t i = 0; i < job->qstrs_removed.count; i++)
        hash_field_str(&h, "removed", job->qstrs_removed.items[i]);
    hash_field_str(&h, "qstr module", job->qstr_module ? job->qstr_module : "");
    hash_field_str(&h, "qstr defs", job->qstr_defs ? job->qstr_defs : "");
    add_copied(&h, job);
    hash_final(&h, job->key);
}
