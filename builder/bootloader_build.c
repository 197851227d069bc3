#include "builder/bootloader_build.h"

#include <string.h>

#include "base/fs.h"
#include "base/proc.h"
#include "base/text.h"
#include "builder/base_record.h"
#include "builder/cache_clean.h"
#include "builder/once.h"
#include "image/elf_file.h"

#define ELF_MAX_BYTES (64u * 1024 * 1024)
#define RECORD_MAX_BYTES (256 * 1024)

static char *dir_of_key(const struct config *config, const char *key)
{
    return xasprintf("%s/bases/%s", config->home, key);
}

static char *dir_of(const struct build_job *job)
{
    return dir_of_key(job->config, job->bootloader_key);
}

/* ---- what the makefile says of it ---- */

enum {
    ASK_ADDRESS,
    ASK_PROGRAM_ADDRESS,
    ASK_USB_VENDOR,
    ASK_USB_PRODUCT,
    ASK_PACKING,
    ASK_CHUNK_SIZE
};

/* 0 when it does not say. */
static uint32_t number(const struct strv *answers, size_t i)
{
    uint32_t value;
    return text_parse_u32(answers->items[i], &value) ? value : 0;
}

/* Without an id of its own it has that of the board's ROM, whose place it takes. */
static void take_usb(struct build_job *job, const struct strv *answers)
{
    const struct target *t = job->board.target;
    uint32_t vendor = number(answers, ASK_USB_VENDOR), product = number(answers, ASK_USB_PRODUCT);
    bool own = vendor && vendor <= UINT16_MAX && product <= UINT16_MAX;
    job->bootloader.usb_vendor = own ? (uint16_t)vendor : t->usb_vendor;
    job->bootloader.usb_product = own ? (uint16_t)product : t->usb_product;
}

static bool check_board(const struct build_job *job, const struct strv *answers, struct err **err)
{
    const struct bootloader_def *def = job->board.port->bootloader;
    uint32_t program = job->bootloader.program_address, own = number(answers, ASK_ADDRESS);
    if (program > own)
        return true;
    err_set(err, ERR_MANIFEST,
            "board '%s' is not made for %s: its program begins at 0x%08x, %s at 0x%08x",
            job->board.name, def->name, program, def->name, own);
    return err_hint(err, "its makefile has to set %s and a linker script for it: see %s/README.md",
                    def->program_address_var, def->dir);
}

static bool check_packing(const struct build_job *job, const struct strv *answers, struct err **err)
{
    const struct bootloader_def *def = job->board.port->bootloader;
    if (job->manifest->mboot.keys || strcmp(answers->items[ASK_PACKING], "1") != 0)
        return true;
    err_set(err, ERR_MANIFEST, "%s of board '%s' takes only what is signed: its makefile sets %s",
            def->name, job->board.name, def->packing_var);
    return err_hint(err, "name the keys: mboot: {keys: FILE}");
}

static bool ask(struct build_job *job, const struct place *place, const struct recipe *recipe,
                struct err **err)
{
    const struct bootloader_def *def = job->board.port->bootloader;
    _cleanup_(strv_release) struct strv answers = STRV_INIT;
    const char *const names[] = {def->address_var,
                                 def->program_address_var,
                                 def->usb_vendor_var,
                                 def->usb_product_var,
                                 def->packing_var,
                                 def->chunk_size_var,
                                 NULL};
    const struct make_job make = {.sandbox = &place->sandbox,
                                  .dir = recipe->dir,
                                  .vars = (const char *const *)recipe->vars.items,
                                  .env = (const char *const *)recipe->env.items};
    if (!make_ask(&make, names, &answers, err))
        return false;
    job->bootloader.program_address = number(&answers, ASK_PROGRAM_ADDRESS);
    job->bootloader.chunk_size = number(&answers, ASK_CHUNK_SIZE);
    take_usb(job, &answers);
    return (check_board(job, &answers, err) && check_packing(job, &answers, err)) ||
           build_blame(job, job->manifest->mboot.node, err);
}

/* ---- from make's output to what is kept ---- */

static char *version_of(const struct build_job *job, const struct buf *elf)
{
    const uint8_t *bytes;
    size_t len;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    if (!elf_section(elf->data, elf->len, job->board.port->bootloader->version_section, &bytes,
                     &len))
        return xstrdup("");
    text_add_printable(&text, (const char *)bytes, strnlen((const char *)bytes, len));
    return buf_detach(&text, NULL);
}

static bool read_image(struct build_job *job, const struct buf *elf, struct err **err)
{
    const struct target *t = job->board.target;
    return elf_read(elf->data, elf->len, t->link_maps, t->link_map_count, &job->bootloader.image,
                    err) ||
           err_wrap(err, "cannot make an image of %s", job->bootloader.name);
}

static bool write_record(const struct build_job *job, const char *dir, struct err **err)
{
    _cleanup_free_ char *path = path_join(dir, "base.json");
    json_t *record = base_record_identity(job);
    json_object_set_new(record, BOOTLOADER_FIELD, bootloader_to_json(&job->bootloader));
    _cleanup_free_ char *text = json_dumps(record, JSON_SORT_KEYS | JSON_INDENT(1));
    json_decref(record);
    return fs_write_scratch(path, text, strlen(text), err);
}

/* Its key for decrypting is in it: not everybody's business. */
static bool keep(struct build_job *job, const struct place *place, const char *dir,
                 struct err **err)
{
    const struct bootloader_def *def = job->board.port->bootloader;
    _cleanup_(buf_release) struct buf elf = BUF_INIT;
    _cleanup_free_ char *elf_to = path_join(dir, BOOTLOADER_ELF);
    _cleanup_free_ char *log_to = path_join(dir, "build.log");
    /* Not through a link that make may have left. */
    if (!fs_read_beneath(place->build, def->elf, ELF_MAX_BYTES, &elf, err))
        return err_wrap(err, "make left no %s", def->name);
    job->bootloader.version = version_of(job, &elf);
    return read_image(job, &elf, err) &&
           fs_write(elf_to, elf.data, elf.len, job->manifest->mboot.keys ? 0600 : 0644, err) &&
           fs_copy_scratch(job->log_path, log_to, err) && write_record(job, dir, err);
}

/* ---- making one ---- */

static bool compile(struct build_job *job, struct place *place, struct err **err)
{
    _cleanup_(recipe_release) struct recipe recipe = RECIPE_INIT;
    if (!build_stage(job, place, STAGE_BOOTLOADER, err) ||
        !recipe_make_bootloader(&recipe, job, place, err) || !ask(job, place, &recipe, err))
        return false;
    const struct make_blame blame = {NULL, recipe.maps};
    const struct make_job make = {.phase = "bootloader",
                                  .sandbox = &place->sandbox,
                                  .dir = recipe.dir,
                                  .log_path = job->log_path,
                                  .vars = (const char *const *)recipe.vars.items,
                                  .env = (const char *const *)recipe.env.items,
                                  .rules = recipe.rules,
                                  .target = recipe.target,
                                  .jobs = job->options->jobs,
                                  .blame = &blame};
    return make_run(&make, job->events, NULL, err) ||
           err_wrap(err, "cannot build %s", job->bootloader.name);
}

static bool make_in(struct build_job *job, const char *temp, const char *kept, struct err **err)
{
    _cleanup_(place_release) struct place place = PLACE_INIT;
    _cleanup_free_ char *work = path_join(temp, "work");
    long long start = clock_ms();
    if (!fs_mkdirs(kept, err) || !place_open(&place, job, work, NULL, err) ||
        !compile(job, &place, err))
        return false;
    job->bootloader.seconds = (double)(clock_ms() - start) / 1000;
    return keep(job, &place, kept, err);
}

static bool make_one(void *data, const char *temp, struct err **err)
{
    struct build_job *job = data;
    _cleanup_free_ char *kept = path_join(temp, "kept"), *dir = dir_of(job);
    bootloader_release(&job->bootloader);
    job->bootloader.name = xstrdup(job->board.port->bootloader->name);
    _cleanup_free_ char *label = xasprintf("Compiling %s", job->bootloader.name);
    event_phase_begin(job->events, "bootloader", label);
    bool ok = make_in(job, temp, kept, err) && fs_publish_dir(kept, dir, err);
    event_phase_end(job->events, "bootloader", ok, ok ? job->bootloader.version : NULL);
    if (!ok)
        return false;
    if (!build_hold(job, dir))
        return build_removed(dir, err);
    cache_enforce(job->config, CACHE_BASES, job->bootloader_key, job->events);
    return true;
}

/* ---- getting one ---- */

static bool read_record(const char *dir, struct bootloader *loader)
{
    _cleanup_free_ char *path = path_join(dir, "base.json");
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_err_ struct err *ignored = NULL;
    if (!fs_read(path, RECORD_MAX_BYTES, &text, &ignored))
        return false;
    json_t *record = json_loadb(text.data, text.len, 0, NULL);
    bool ok = bootloader_from_json(json_object_get(record, BOOTLOADER_FIELD), loader);
    json_decref(record);
    return ok;
}

static bool load(struct build_job *job, const char *dir)
{
    _cleanup_free_ char *elf_path = path_join(dir, BOOTLOADER_ELF);
    _cleanup_(buf_release) struct buf elf = BUF_INIT;
    _cleanup_err_ struct err *ignored = NULL;
    bootloader_release(&job->bootloader);
    return fs_read(elf_path, ELF_MAX_BYTES, &elf, &ignored) && read_record(dir, &job->bootloader) &&
           read_image(job, &elf, &ignored);
}

static bool take(void *data)
{
    struct build_job *job = data;
    _cleanup_free_ char *dir = dir_of(job);
    return build_hold(job, dir) && load(job, dir);
}

bool bootloader_get(struct build_job *job, struct err **err)
{
    _cleanup_free_ char *dir = dir_of(job);
    const struct once once = {.dir = dir,
                              .waiting = "another firn is compiling the same boot loader; waiting "
                                         "for it",
                              .events = job->events,
                              .data = job,
                              .take = take,
                              .make = make_one};
    return once_get(&once, err);
}

bool bootloader_is_there(const struct build_job *job)
{
    _cleanup_free_ char *dir = dir_of(job);
    _cleanup_free_ char *record = path_join(dir, "base.json");
    return fs_is_file(record);
}

double bootloader_seconds(const struct config *config, const char *key)
{
    _cleanup_(bootloader_release) struct bootloader loader = BOOTLOADER_INIT;
    _cleanup_free_ char *dir = dir_of_key(config, key);
    return key[0] && read_record(dir, &loader) ? loader.seconds : 0;
}
