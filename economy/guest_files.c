#include "economy/guest_files.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json_get.h"
#include "base/text.h"

#define MODULES_MAX_BYTES ((size_t)64 * 1024 * 1024)
#define ALIGNMENT 16

/* ---- what was compiled ---- */

/* MODULES_SUFFIX's file, of which `at` is the beginning of the first module. */
struct modules {
    struct buf text;
    const char *list, *at;
};

static bool read_modules(const struct guest *guest, struct modules *m, struct err **err)
{
    const struct build_result *p = guest->product;
    _cleanup_free_ char *path = xasprintf("%s/%s." MODULES_SUFFIX, p->dir, p->name);
    if (!fs_read(path, MODULES_MAX_BYTES, &m->text, err))
        return err_hint(err, "was it removed meanwhile? Run the command again");
    m->list = m->text.data;
    const char *end = *m->list == '\n' ? m->list - 1 : strstr(m->list, "\n\n");
    m->at = end ? end + 2 : m->text.data + m->text.len;
    return true;
}

/* The next module: its bytes and its target (the caller frees); false at the end. */
static bool next_module(struct modules *m, char **target, const char **data, size_t *size)
{
    char *end;
    if (*m->list == '\n' || !*m->list)
        return false;
    *size = strtoul(m->list, &end, 10);
    size_t len = strcspn(end, "\n");
    if (*end != ' ' || *size > (size_t)(m->text.data + m->text.len - m->at))
        return false;
    *target = xstrndup(end + 1, len - 1);
    *data = m->at;
    m->at += *size;
    m->list = end + len + (end[len] == '\n');
    return true;
}

/* "acme/drv.py" to "acme/drv.mpy". */
static char *compiled_name(const char *target)
{
    size_t len = strlen(target);
    return xasprintf("%.*s.mpy", (int)(text_ends_with(target, ".py") ? len - 3 : len), target);
}

/* A module that is there as .mpy only cannot be compared with its source. */
static bool is_source(const struct frozen_file *file)
{
    return file->form != FROZEN_MPY;
}

/* ---- for the program: directories ---- */

char *guest_files_dir(const struct guest *guest, enum guest_modules from)
{
    static const char *const names[] = {[GUEST_MPY] = "mpy", [GUEST_SOURCE] = "source"};
    return from == GUEST_FROZEN ? NULL : path_join(guest->dir, names[from]);
}

static bool write_compiled(const struct guest *guest, const char *dir, struct err **err)
{
    struct modules m = {.text = BUF_INIT};
    char *target;
    const char *data;
    size_t size;
    bool ok = read_modules(guest, &m, err);
    while (ok && next_module(&m, &target, &data, &size)) {
        _cleanup_free_ char *name = compiled_name(target);
        ok = fs_write_scratch_below(dir, name, data, size, err);
        free(target);
    }
    buf_release(&m.text);
    return ok;
}

/* What was frozen as source stays so in either directory; without it others could not import it. */
bool guest_files_write(struct guest *guest, struct err **err)
{
    const struct frozen *frozen = &guest->product->frozen;
    _cleanup_free_ char *mpy = guest_files_dir(guest, GUEST_MPY);
    _cleanup_free_ char *source = guest_files_dir(guest, GUEST_SOURCE);
    if (!fs_mkdirs(mpy, err) || !fs_mkdirs(source, err) || !write_compiled(guest, mpy, err))
        return false;
    for (size_t i = 0; i < frozen->count; i++) {
        const struct frozen_file *file = &frozen->files[i];
        _cleanup_free_ char *compiled = compiled_name(file->target);
        const char *name = is_source(file) ? file->target : compiled;
        if (!fs_write_scratch_below(source, name, file->data, file->size, err) ||
            (file->form == FROZEN_SOURCE &&
             !fs_write_scratch_below(mpy, file->target, file->data, file->size, err)))
            return false;
    }
    return true;
}

/* ---- for QEMU: a blob ---- */

struct blob {
    struct buf bytes;
    uint64_t at;
};

static uint64_t place(struct blob *blob, const char *data, size_t size)
{
    uint64_t address = blob->at + blob->bytes.len;
    buf_add(&blob->bytes, data, size);
    buf_fill(&blob->bytes, 0, (ALIGNMENT - blob->bytes.len % ALIGNMENT) % ALIGNMENT);
    return address;
}

static void add_path(struct buf *table, const char *path, size_t len)
{
    buf_adds(table, "b'/");
    for (size_t i = 0; i < len; i++)
        buf_addf(table, "\\x%02x", (unsigned char)path[i]);
    buf_adds(table, "':");
}

/* "{b'/acme':0,b'/acme/drv.py':(1,2),". */
static void add_entry(struct buf *table, const char *path, uint64_t address, size_t size)
{
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        add_path(table, path, (size_t)(slash - path));
        buf_adds(table, "0,");
    }
    add_path(table, path, strlen(path));
    buf_addf(table, "(%llu,%zu),", (unsigned long long)address, size);
}

static void place_table(struct guest *guest, struct blob *blob, enum guest_modules from,
                        const struct buf *table)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    buf_addf(&text, "_15({b'/':0,%s})\n", table->data);
    guest->tables_size[from] = text.len;
    guest->tables_at[from] = place(blob, text.data, text.len);
}

static bool place_compiled(struct guest *guest, struct blob *blob, struct buf *table,
                           struct err **err)
{
    struct modules m = {.text = BUF_INIT};
    char *target;
    const char *data;
    size_t size;
    bool ok = read_modules(guest, &m, err);
    while (ok && next_module(&m, &target, &data, &size)) {
        _cleanup_free_ char *name = compiled_name(target);
        add_entry(table, name, place(blob, data, size), size);
        free(target);
    }
    buf_release(&m.text);
    return ok;
}

static bool fill(struct guest *guest, struct blob *blob, struct err **err)
{
    const struct frozen *frozen = &guest->product->frozen;
    _cleanup_(buf_release) struct buf program = BUF_INIT;
    _cleanup_(buf_release) struct buf mpy = BUF_INIT;
    _cleanup_(buf_release) struct buf source = BUF_INIT;
    probe_program(PROBE_FILES_MEMORY, &program);
    guest->program_size = program.len;
    guest->program_at = place(blob, program.data, program.len);
    if (!place_compiled(guest, blob, &mpy, err))
        return false;
    for (size_t i = 0; i < frozen->count; i++) {
        const struct frozen_file *file = &frozen->files[i];
        _cleanup_free_ char *compiled = compiled_name(file->target);
        uint64_t address = place(blob, file->data, file->size);
        add_entry(&source, is_source(file) ? file->target : compiled, address, file->size);
        if (file->form == FROZEN_SOURCE)
            add_entry(&mpy, file->target, address, file->size);
    }
    place_table(guest, blob, GUEST_MPY, &mpy);
    place_table(guest, blob, GUEST_SOURCE, &source);
    return true;
}

/* The memory that the firmware is in, and where it ends; false: the linker's map did not say. */
static bool find_memory(const struct guest *guest, uint64_t *end, uint64_t *room)
{
    const json_t *size = json_object_get(guest->product->sidecar, "size");
    const json_t *sections = json_object_get(size, "sections"), *region;
    const char *first = json_string_value(json_object_get(json_array_get(sections, 0), "address"));
    size_t i;
    uint64_t address = first ? strtoull(first, NULL, 16) : 0;
    json_array_foreach(json_object_get(size, "regions"), i, region)
    {
        const char *text = json_string_value(json_object_get(region, "address"));
        uint64_t start = text ? strtoull(text, NULL, 16) : 0;
        if (!text || address < start || address - start >= (uint64_t)json_get_int(region, "size"))
            continue;
        *end = start + (uint64_t)json_get_int(region, "size");
        *room = (uint64_t)json_get_int(region, "free_at_end");
        return true;
    }
    return false;
}

/* Made twice: once to know how large it is, once for its address. */
bool guest_files_place(struct guest *guest, struct err **err)
{
    struct blob blob = {BUF_INIT, 0};
    uint64_t end = 0, room = 0;
    if (!find_memory(guest, &end, &room))
        return true;
    blob.at = end - room;
    bool ok = fill(guest, &blob, err);
    /* Addresses of another length would make tables of another size. */
    uint64_t size = blob.bytes.len + blob.bytes.len / 8 + ALIGNMENT;
    if (ok && size <= room) {
        buf_clear(&blob.bytes);
        blob.at = guest->blob_at = (end - size) / ALIGNMENT * ALIGNMENT;
        guest->blob = path_join(guest->dir, "blob");
        ok = fill(guest, &blob, err) &&
             fs_write_scratch(guest->blob, blob.bytes.data, blob.bytes.len, err);
    }
    buf_release(&blob.bytes);
    return ok;
}
