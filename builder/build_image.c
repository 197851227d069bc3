/* From make's output to the image's files, published as a whole under the key. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/text.h"
#include "builder/build_job.h"
#include "builder/cache_clean.h"
#include "builder/size.h"
#include "image/dfuse_file.h"
#include "image/elf_file.h"
#include "image/hex_file.h"
#include "image/mboot_packer.h"
#include "image/sidecar.h"

#define ELF_MAX_BYTES (256u * 1024 * 1024)
#define MAP_MAX_BYTES (64u * 1024 * 1024)
#define CONTENT_MAX_BYTES (256u * 1024 * 1024)
#define FROZEN_CONTENT "frozen_content.c"
#define C_MODULES "c_modules/"

/* An image directory being filled. */
struct filling {
    struct build_job *job;
    const struct place *place;
    char *temp;
    json_t *files; /* {"dfu": {"size": ..., "sha256": ...}} */
    struct buf map;
};

static void release_filling(struct filling *f)
{
    _cleanup_err_ struct err *ignored = NULL;
    if (f->temp)
        (void)!fs_remove_tree(f->temp, &ignored);
    free(f->temp);
    json_decref(f->files);
    buf_release(&f->map);
}

static bool add_file(struct filling *f, const char *suffix, const void *data, size_t size,
                     mode_t mode, struct err **err)
{
    char hex[HASH_HEX_SIZE];
    _cleanup_free_ char *path = xasprintf("%s/%s.%s", f->temp, f->job->name, suffix);
    hash_bytes(data, size, hex);
    json_object_set_new(f->files, suffix,
                        json_pack("{s:I, s:s}", "size", (json_int_t)size, "sha256", hex));
    return fs_write(path, data, size, mode, err);
}

/* Of a file with the whole image: a boot loader's key for decrypting is in it, and whoever can read
 * it can decrypt. */
static mode_t image_mode(const struct filling *f)
{
    const struct manifest *m = f->job->manifest;
    return manifest_has_bootloader(m) && m->mboot.keys ? 0600 : 0644;
}

static bool add_dfu(struct filling *f, const char *suffix, const struct image *image, mode_t mode,
                    struct err **err)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    _cleanup_free_ char *name =
        xasprintf("%s %s", f->job->manifest->product, f->job->manifest->version);
    dfuse_file_write(image, name, &out);
    return add_file(f, suffix, out.data, out.len, mode, err);
}

static bool add_hex(struct filling *f, const struct image *image, struct err **err)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    return hex_write(image, &out, err) && add_file(f, "hex", out.data, out.len, image_mode(f), err);
}

/* Parts that lie far apart (internal and external flash) have no flat binary. */
static bool add_bin(struct filling *f, const struct image *image, struct err **err)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    _cleanup_err_ struct err *too_wide = NULL;
    uint32_t address;
    if (!image_to_bin(image, &out, &address, &too_wide)) {
        event_info(f->job->events, "no .bin file: %s", too_wide->message);
        return true;
    }
    return add_file(f, "bin", out.data, out.len, image_mode(f), err);
}

/* What a board takes that has the boot loader already. */
static bool add_program(struct filling *f, const struct image *program, struct err **err)
{
    const struct build_job *job = f->job;
    _cleanup_(image_release) struct image packed = IMAGE_INIT;
    if (!job->manifest->mboot.keys)
        return add_dfu(f, "app.dfu", program, 0644, err);
    return mboot_packer_pack(program, &job->keys, job->bootloader.chunk_size, &packed, err) &&
           add_dfu(f, "pack.dfu", &packed, 0644, err);
}

static void set_usb(const struct build_job *job, struct image *image)
{
    const struct target *t = job->board.target;
    const struct manifest *m = job->manifest;
    if (!m->flash.vendor && !t->usb_vendor)
        return;
    image->usb_vendor = m->flash.vendor ? m->flash.vendor : t->usb_vendor;
    image->usb_product = m->flash.vendor ? m->flash.product : t->usb_product;
}

/* The board's makefiles place either without knowing of the other. What is overwritten of the code
 * stops the board from starting at all, once the program writes a file. */
static void check_storage(struct build_job *job, const struct buf *elf)
{
    const struct bootloader_def *def = job->board.port->bootloader;
    const char *name = def->name;
    uint32_t start, end;
    if (!def->storage_start_symbol || !def->storage_end_symbol ||
        !elf_symbol(elf->data, elf->len, def->storage_start_symbol, &start) ||
        !elf_symbol(elf->data, elf->len, def->storage_end_symbol, &end))
        return;
    const struct segment *s = bootloader_in(&job->bootloader, start, end);
    if (!s)
        return;
    job->bootloader_in_storage = s == &job->bootloader.image.segments[0];
    event_warning(job->events,
                  "%s of %s, 0x%08x-0x%08x, lies in the program's file system, "
                  "0x%08x-0x%08x: %s",
                  job->bootloader_in_storage ? "a part" : "the version", name, s->address,
                  (uint32_t)(s->address + s->size - 1), start, end - 1,
                  job->bootloader_in_storage
                      ? "the board will not start any more when the program has written files"
                      : "files will overwrite it");
}

/* program: what make made; image: all that goes into an empty board. */
static bool make_image(struct filling *f, const struct buf *elf, struct image *program,
                       struct image *image, struct err **err)
{
    const struct build_job *job = f->job;
    const struct target *t = job->board.target;
    if (!elf_read(elf->data, elf->len, t->link_maps, t->link_map_count, program, err))
        return err_wrap(err, "cannot make an image of %s", job->board.port->elf);
    set_usb(job, image);
    if (!manifest_has_bootloader(job->manifest))
        return image_add_all(image, program, err);
    check_storage(f->job, elf);
    program->usb_vendor = job->bootloader.usb_vendor;
    program->usb_product = job->bootloader.usb_product;
    return bootloader_join(&job->bootloader, program, image, err) && add_program(f, program, err);
}

static bool add_formats(struct filling *f, const struct image *image, struct err **err)
{
    return add_dfu(f, "dfu", image, image_mode(f), err) && add_hex(f, image, err) &&
           add_bin(f, image, err);
}

/* The linker's map: the ports name it after the ELF in one of two ways. */
static bool copy_map(struct filling *f, struct err **err)
{
    const char *elf = f->job->board.port->elf, *build = f->place->build;
    const char *dot = strrchr(path_basename(elf), '.');
    size_t stem = dot ? (size_t)(dot - elf) : strlen(elf);
    _cleanup_free_ char *replaced = xasprintf("%.*s.map", (int)stem, elf);
    _cleanup_free_ char *appended = xasprintf("%s.map", elf);
    _cleanup_free_ char *replaced_path = path_join(build, replaced);
    _cleanup_free_ char *appended_path = path_join(build, appended);
    const char *name = fs_is_file(replaced_path)   ? replaced
                       : fs_is_file(appended_path) ? appended
                                                   : NULL;
    return !name || (fs_read_beneath(build, name, MAP_MAX_BYTES, &f->map, err) &&
                     add_file(f, "map", f->map.data, f->map.len, 0644, err));
}

/* What make compiled of the product's modules: to be run without being frozen, for comparison. It
 * is nobody's loss if some are elsewhere in another release. */
static bool add_modules(struct filling *f, struct err **err)
{
    const struct frozen *frozen = &f->job->frozen;
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    _cleanup_(buf_release) struct buf all = BUF_INIT;
    for (size_t i = 0; i < frozen->count; i++) {
        const struct frozen_file *file = &frozen->files[i];
        size_t before = all.len;
        _cleanup_err_ struct err *none = NULL;
        _cleanup_free_ char *name =
            xasprintf("frozen_mpy/%.*s.mpy", (int)strlen(file->target) - 3, file->target);
        if (file->form == FROZEN_MPY)
            buf_add(&all, file->data, file->size);
        else if (file->form != FROZEN_BYTECODE ||
                 !fs_read_beneath(f->place->build, name, FROZEN_MAX_FILE_BYTES, &all, &none))
            continue;
        buf_addf(&out, "%zu %s\n", all.len - before, file->target);
    }
    buf_addc(&out, '\n');
    buf_add(&out, all.data, all.len);
    _cleanup_free_ char *path = xasprintf("%s/%s." MODULES_SUFFIX, f->temp, f->job->name);
    return fs_write(path, out.data, out.len, 0644, err);
}

/* The C modules' directories in BUILD. */
static void list_c_modules(const struct build_job *job, struct strv *names)
{
    for (size_t i = 0; i < job->copied_count; i++)
        if (text_starts_with(job->copied[i].label, C_MODULES))
            strv_add(names, job->copied[i].label + strlen(C_MODULES));
}

/* A port without frozen modules has no frozen_content.c. NULL: err. */
static json_t *measure(const struct filling *f, const struct buf *elf, struct err **err)
{
    const struct build_job *job = f->job;
    _cleanup_(buf_release) struct buf content = BUF_INIT;
    _cleanup_(strv_release) struct strv c_modules = STRV_INIT;
    _cleanup_err_ struct err *none = NULL;
    if (!fs_read_beneath(f->place->build, FROZEN_CONTENT, CONTENT_MAX_BYTES, &content, &none))
        buf_clear(&content);
    list_c_modules(job, &c_modules);
    const struct size_input input = {.elf = elf->data,
                                     .elf_size = elf->len,
                                     .map = f->map.data,
                                     .map_size = f->map.len,
                                     .frozen_content = content.data,
                                     .frozen = &job->frozen,
                                     .memory = &job->board.target->memory,
                                     .build_at = f->place->build_at,
                                     .c_modules = (const char *const *)c_modules.items};
    return size_report(&input, err);
}

/* What make printed stays with what it made. */
static bool keep_log(struct filling *f, struct err **err)
{
    _cleanup_free_ char *to = path_join(f->temp, "build.log");
    return fs_copy(f->job->log_path, to, err);
}

static bool fill(struct filling *f, struct err **err)
{
    const struct build_job *job = f->job;
    _cleanup_(image_release) struct image image = IMAGE_INIT, program = IMAGE_INIT;
    _cleanup_(buf_release) struct buf elf = BUF_INIT;
    _cleanup_free_ char *elf_to = xasprintf("%s/%s.elf", f->temp, job->name);
    bool has_image = job->board.target->has_image;
    /* Not through a link: make was somebody else's code, and may have left one to any file here. */
    if (!fs_read_beneath(f->place->build, job->board.port->elf, ELF_MAX_BYTES, &elf, err))
        return err_wrap(err, "make left no program");
    if (has_image && (!make_image(f, &elf, &program, &image, err) || !add_formats(f, &image, err)))
        return false;
    if (!add_file(f, "elf", elf.data, elf.len, has_image ? 0644 : 0755, err) || !copy_map(f, err) ||
        !keep_log(f, err) || !add_modules(f, err))
        return false;
    json_t *size = measure(f, &elf, err);
    if (!size)
        return err_wrap(err, "cannot measure %s", job->board.port->elf);
    json_t *sidecar = build_sidecar(job, has_image ? &image : NULL, &program, f->files);
    json_object_set_new(sidecar, "size", size);
    bool ok = sidecar_save(elf_to, sidecar, err);
    json_decref(sidecar);
    return ok;
}

bool build_image(struct build_job *job, const struct place *place, struct err **err)
{
    _cleanup_(release_filling) struct filling f = {job, place, NULL, json_object(), BUF_INIT};
    /* The build's lock is held: what is there under this name was left by a killed run. */
    f.temp = xasprintf("%s.tmp", job->image_dir);
    if (!fs_remove_tree(f.temp, err) || !fs_mkdirs(f.temp, err) || !fill(&f, err))
        return false;
    if (chmod(f.temp, 0755) != 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot publish %s", f.temp);
    /* Its publication is the last of what a build leaves: whoever finds it has nothing more to do.
     */
    if (!fs_remove_tree(job->log_path, err) || !fs_publish_dir(f.temp, job->image_dir, err))
        return false;
    if (!build_hold(job, job->image_dir))
        return build_removed(job->image_dir, err);
    cache_enforce(job->config, CACHE_IMAGES, job->key, job->events);
    return true;
}
