/* What is staged of a product for make: the directory that is /product in the sandbox. */
#include <string.h>

#include "base/fs.h"
#include "base/text.h"
#include "builder/build_job.h"

static bool write_file(const struct place *place, const char *name, const char *text,
                       struct err **err)
{
    _cleanup_free_ char *path = path_join(place->product, name);
    _cleanup_free_ char *parent = path_dirname(path);
    return fs_mkdirs(parent, err) && fs_write_scratch(path, text, strlen(text), err);
}

static void add_c_string(struct buf *out, const char *s)
{
    buf_addc(out, '"');
    for (; *s; s++)
        buf_addf(out, *s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
    buf_addc(out, '"');
}

/* The port's configuration, then the manifest's over it. The banner is also sys.version's end, and
 * the way to see which product runs on a board; what it says stands in a header of its own, as all
 * else here is the same for every product on a base. */
static bool write_config(const struct build_job *job, const struct place *place, struct err **err)
{
    const struct manifest *m = job->manifest;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    buf_addf(&text, "/* Written by firn. */\n#include \"%s\"\n#include \"firn_product.h\"\n\n",
             job->board.port->config_header);
    buf_adds(&text,
             "#undef MICROPY_BANNER_NAME_AND_VERSION\n#define MICROPY_BANNER_NAME_AND_VERSION"
             " \"MicroPython \" MICROPY_GIT_TAG \" on \" MICROPY_BUILD_DATE \"; \" FIRN_PRODUCT\n");
    for (size_t i = 0; i < m->define_count; i++)
        buf_addf(&text, "#undef %s\n#define %s %s\n", m->defines[i].name, m->defines[i].name,
                 m->defines[i].value);
    return write_file(place, "config/firn_config.h", text.data, err);
}

static bool write_product(const struct build_job *job, const struct place *place, enum stage stage,
                          struct err **err)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_free_ char *name = xasprintf("%s %s", job->manifest->product, job->manifest->version);
    buf_adds(&text, "/* Written by firn. */\n#define FIRN_PRODUCT ");
    add_c_string(&text, stage == STAGE_BASE ? BASE_NAME : name);
    buf_addc(&text, '\n');
    return write_file(place, "config/firn_product.h", text.data, err);
}

/* The key was made of what the file held then. */
static bool copy_file(const char *from, const char *to, const char *digest, struct err **err)
{
    char hex[HASH_HEX_SIZE];
    if (!fs_copy_scratch(from, to, err) || !hash_file(to, hex, err))
        return false;
    if (!strcmp(hex, digest))
        return true;
    err_set(err, ERR_FAILED, "'%s' was changed during the build", from);
    return err_hint(err, "build again");
}

static bool copy_dir(const struct place *place, const struct copied_dir *dir, struct err **err)
{
    _cleanup_free_ char *to_dir = path_join(place->product, dir->label);
    for (size_t i = 0; i < dir->files.count; i++) {
        _cleanup_free_ char *from = path_join(dir->path, dir->files.items[i]);
        _cleanup_free_ char *to = path_join(to_dir, dir->files.items[i]);
        _cleanup_free_ char *parent = path_dirname(to);
        if (!fs_mkdirs(parent, err) || !copy_file(from, to, dir->digests.items[i], err))
            return false;
    }
    return true;
}

/* A user C module of our own is the one place from where a product can add to QSTR_DEFS without
 * repeating, or losing, what the port and other modules put there. */
static bool write_qstr_defs(const struct build_job *job, const struct place *place,
                            struct err **err)
{
    if (!job->qstr_defs)
        return true;
    return write_file(place, "c_modules/_firn/qstrdefs.h", job->qstr_defs, err) &&
           write_file(place, "c_modules/_firn/micropython.mk",
                      /* USERMOD_DIR is the last module's by the time QSTR_DEFS is expanded. */
                      "FIRN_QSTR_DIR := $(USERMOD_DIR)\nQSTR_DEFS += $(FIRN_QSTR_DIR)/qstrdefs.h\n",
                      err);
}

static bool stage_frozen(const struct build_job *job, const struct place *place, enum stage stage,
                         struct err **err)
{
    static const struct frozen none = FROZEN_INIT;
    _cleanup_free_ char *dir = path_join(place->product, "frozen");
    bool base = stage == STAGE_BASE;
    return fs_mkdirs(dir, err) &&
           frozen_stage(base ? &none : &job->frozen, base ? NULL : &job->qstr_mpy, dir, err);
}

static bool stage_copied(const struct build_job *job, const struct place *place, enum stage stage,
                         struct err **err)
{
    for (size_t i = 0; i < job->copied_count; i++) {
        bool only_programs = text_starts_with(job->copied[i].label, "c_modules/");
        if ((stage != STAGE_BOOTLOADER || !only_programs) && !copy_dir(place, &job->copied[i], err))
            return false;
    }
    return true;
}

/* What the source's compiler has to see of the keys; nobody else is to. */
static bool stage_keys(const struct build_job *job, const struct place *place, struct err **err)
{
    _cleanup_free_ char *path = path_join(place->product, STAGED_KEYS);
    _cleanup_free_ char *dir = path_dirname(path);
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    if (!job->manifest->mboot.keys)
        return true;
    mboot_keys_header(&job->keys, &text);
    bool ok = fs_mkdirs(dir, err) && fs_write(path, text.data, text.len, 0600, err);
    explicit_bzero(text.data, text.len);
    return ok;
}

static bool stage_bootloader(const struct build_job *job, const struct place *place,
                             struct err **err)
{
    return stage_copied(job, place, STAGE_BOOTLOADER, err) && stage_keys(job, place, err) &&
           write_config(job, place, err) && write_product(job, place, STAGE_BASE, err);
}

bool build_stage(const struct build_job *job, const struct place *place, enum stage stage,
                 struct err **err)
{
    if (stage == STAGE_BOOTLOADER)
        return stage_bootloader(job, place, err);
    if (!stage_frozen(job, place, stage, err) || !stage_copied(job, place, stage, err))
        return false;
    /* The makefile only looks for this file to know that micropython-lib is there; what is frozen
     * from it was staged. */
    return write_qstr_defs(job, place, err) && write_config(job, place, err) &&
           write_product(job, place, stage, err) &&
           write_file(place, "lib/README.md", "Staged by firn.\n", err);
}

bool build_check(struct build_job *job, const struct place *place, struct err **err)
{
    _cleanup_free_ char *stage_at = path_join(place->product_at, "frozen");
    const struct frozen_check check = {.sandbox = &place->sandbox,
                                       .mpy_cross_at = place->mpy_cross_at,
                                       .mpy_cross_flags = job->facts.mpy_cross_flags,
                                       .stage_at = stage_at,
                                       .out_dir = place->build,
                                       .out_at = place->build_at};
    return !place->mpy_cross_at ||
           frozen_check(&job->frozen, job->manifest, &check, job->diags, err);
}
