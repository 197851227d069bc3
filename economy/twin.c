#include "economy/twin.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json_get.h"
#include "base/text.h"
#include "builder/last_build.h"
#include "builder/mpy_file.h"

#define STUB_BASE "_firn_stub"
#define STUB_MAX_BYTES ((size_t)64 * 1024)
#define OPT_DIRS 5 /* "m" for the default, then "m0" to "m3" */

bool twin_is_needed(const struct build_result *product)
{
    return !product->target->emulator && product->target->twin.board;
}

/* ---- the product's modules ---- */

/* Native code is for the board's processor only. */
static bool is_native(const struct frozen_file *file)
{
    _cleanup_(mpy_head_release) struct mpy_head head = MPY_HEAD_INIT;
    _cleanup_err_ struct err *ignored = NULL;
    return file->form == FROZEN_MPY && mpy_head_read(file->data, file->size, &head, &ignored) &&
           head.arch != 0;
}

/* The directory of all modules that are frozen alike, below the twin's. */
static char *place_of(const struct frozen_file *file)
{
    if (file->form == FROZEN_SOURCE)
        return xstrdup("str");
    if (file->form == FROZEN_MPY)
        return xstrdup("bin");
    return file->opt < 0 ? xstrdup("m") : xasprintf("m%d", file->opt);
}

static bool write_modules(struct twin *twin, const struct build_result *product, struct err **err)
{
    for (size_t i = 0; i < product->frozen.count; i++) {
        const struct frozen_file *file = &product->frozen.files[i];
        _cleanup_free_ char *place = place_of(file);
        _cleanup_free_ char *number = xasprintf("%s/%zu.mpy", place, i);
        _cleanup_free_ char *named = xasprintf("%s/%s", place, file->target);
        if (is_native(file)) {
            _cleanup_free_ char *name = frozen_module_name(file->target);
            strv_add(&twin->left_out, name);
        } else if (!fs_write_scratch_below(twin->dir, file->form == FROZEN_MPY ? number : named,
                                           file->data, file->size, err)) {
            return false;
        }
    }
    return true;
}

/* ---- stubs ---- */

static bool has_module(const struct build_result *product, const char *name)
{
    for (size_t i = 0; i < product->frozen.count; i++) {
        _cleanup_free_ char *own = frozen_module_name(product->frozen.files[i].target);
        if (!strcmp(own, name))
            return true;
    }
    return false;
}

static bool write_stub(struct twin *twin, const char *name, const struct config *config,
                       struct err **err)
{
    _cleanup_free_ char *from = xasprintf("%s/firmware-src/stubs/%s.py", config->data, name);
    _cleanup_free_ char *to = xasprintf("stubs/%s.py", name);
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    if (!fs_exists(from))
        buf_addf(&text,
                 "import " STUB_BASE "\n\n\ndef __getattr__(name):\n"
                 "    return " STUB_BASE ".attribute(\"%s\", name)\n",
                 name);
    else if (!fs_read(from, STUB_MAX_BYTES, &text, err))
        return false;
    return fs_write_scratch_below(twin->dir, to, text.data, text.len, err);
}

/* Those that the definition names and that are not the product's own, and its C modules. */
static bool write_stubs(struct twin *twin, const struct build_result *product,
                        const struct config *config, struct err **err)
{
    const char *const *stubs = product->target->twin.stubs;
    for (; stubs && *stubs; stubs++)
        if (!has_module(product, *stubs))
            strv_add(&twin->stubs, *stubs);
    for (const char *const *c = product->manifest->c_modules; *c; c++)
        strv_add(&twin->stubs, path_basename(*c));
    for (size_t i = 0; i < twin->stubs.count; i++)
        if (!write_stub(twin, twin->stubs.items[i], config, err))
            return false;
    return write_stub(twin, STUB_BASE, config, err);
}

/* ---- its manifest ---- */

/* As YAML takes any text: JSON is YAML. */
static void add_quoted(struct buf *out, const char *text)
{
    json_t *json = json_string(text);
    _cleanup_free_ char *quoted = json_dumps(json, JSON_ENCODE_ANY);
    json_decref(json);
    buf_adds(out, quoted ? quoted : "\"\"");
}

/* The very commit that the product has. */
static void add_firmware(const struct build_result *product, struct buf *out)
{
    const struct manifest *m = product->manifest;
    buf_adds(out, "firmware: {interpreter: ");
    add_quoted(out, m->firmware.interpreter);
    if (m->firmware.git) {
        buf_adds(out, ", git: ");
        add_quoted(out, m->firmware.git);
        buf_adds(out, ", ref: ");
        add_quoted(out, json_get_text(json_object_get(product->sidecar, "source"), "commit"));
    } else if (m->firmware.archive) {
        buf_adds(out, ", archive: ");
        add_quoted(out, m->firmware.archive);
        if (m->firmware.sha256)
            buf_addf(out, ", sha256: %s", m->firmware.sha256);
    } else {
        _cleanup_free_ char *path = *m->firmware.path == '/' ? xstrdup(m->firmware.path)
                                                             : path_join(m->dir, m->firmware.path);
        buf_adds(out, ", path: ");
        add_quoted(out, path);
        buf_adds(out, "}\nroots: [");
        add_quoted(out, path);
        buf_adds(out, "]\n");
        return;
    }
    buf_adds(out, "}\n");
}

static void add_frozen(const struct twin *twin, struct buf *out)
{
    static const char *const places[OPT_DIRS] = {"m", "m0", "m1", "m2", "m3"};
    static const char *const others[][2] = {{"str", "freeze_as_str"}, {"bin", "freeze_mpy"}};
    buf_adds(out, "frozen:\n  - freeze_as_mpy: stubs\n");
    for (size_t i = 0; i < OPT_DIRS; i++) {
        _cleanup_free_ char *path = path_join(twin->dir, places[i]);
        if (fs_is_dir(path))
            buf_addf(out, "  - {freeze_as_mpy: %s%s}\n", places[i],
                     i == 0   ? ""
                     : i == 1 ? ", opt: 0"
                     : i == 2 ? ", opt: 1"
                     : i == 3 ? ", opt: 2"
                              : ", opt: 3");
    }
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        _cleanup_free_ char *path = path_join(twin->dir, others[i][0]);
        if (fs_is_dir(path))
            buf_addf(out, "  - {%s: %s}\n", others[i][1], others[i][0]);
    }
}

static void add_config(const struct build_result *product, struct buf *out)
{
    const struct manifest *m = product->manifest;
    const json_t *ram = json_object_get(json_object_get(product->sidecar, "size"), "ram");
    json_int_t heap = json_integer_value(json_object_get(ram, "heap")) / 16 * 16;
    if (heap > (json_int_t)product->target->twin.heap_max)
        heap = (json_int_t)product->target->twin.heap_max;
    buf_adds(out, "config:\n");
    if (heap)
        buf_addf(out, "  make: {%s: %lld}\n", product->target->twin.heap_var, (long long)heap);
    buf_adds(out, "  defines: {");
    for (size_t i = 0; i < m->define_count; i++) {
        buf_addf(out, "%s%s: ", i ? ", " : "", m->defines[i].name);
        add_quoted(out, m->defines[i].value);
    }
    buf_adds(out, "}\n");
}

static void add_qstrs(const struct build_result *product, struct buf *out)
{
    const json_t *names = json_object_get(json_object_get(product->sidecar, "qstrs"), "pool");
    const json_t *name;
    size_t i;
    if (json_array_size(names))
        buf_adds(out, "qstrs:\n");
    json_array_foreach(names, i, name)
    {
        buf_adds(out, "  - ");
        add_quoted(out, json_string_value(name));
        buf_addc(out, '\n');
    }
}

bool twin_write(struct twin *twin, const struct build_result *product, const struct config *config,
                struct err **err)
{
    const struct twin_def *def = &product->target->twin;
    _cleanup_free_ char *name = last_build_name(product->manifest->path);
    _cleanup_free_ char *dir = xasprintf("%s/twins/%s", config->home, name);
    _cleanup_free_ char *path = xasprintf("%s/twin.yaml", dir);
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    twin->dir = xstrdup(dir);
    if (!fs_remove_tree(dir, err) || !fs_mkdirs(dir, err) || !write_modules(twin, product, err) ||
        !write_stubs(twin, product, config, err))
        return false;
    buf_addf(&text, "# Written by firn check.\nfirn: 1\nproduct: %s\nversion: ",
             product->manifest->product);
    add_quoted(&text, product->manifest->version);
    buf_addf(&text, "\nboard: {port: %s, name: %s}\n", def->port, def->board);
    add_firmware(product, &text);
    add_frozen(twin, &text);
    add_qstrs(product, &text);
    add_config(product, &text);
    return fs_write_scratch(path, text.data, text.len, err);
}

void twin_release(struct twin *twin)
{
    free(twin->dir);
    strv_release(&twin->stubs);
    strv_release(&twin->left_out);
}
