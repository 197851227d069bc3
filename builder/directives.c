#include "builder/directives.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/proc.h"
#include "base/text.h"
#include "builder/directives_cache.h"
#include "builder/frozen_files.h"
#include "builder/view.h"

#define EVALUATE_TIMEOUT_MS 60000
#define EVALUATE_MAX_BYTES (16u * 1024 * 1024)

/* Runs the directives in argv[1] (JSON) and writes the result to argv[2] (JSON). The audit hook
 * notes what a manifest.py reads and lists, so that the result can be kept until that changes. */
static const char PROGRAM[] =
    "import json, os, sys\n"
    "ask = json.loads(sys.argv[1])\n"
    "sys.path.insert(0, ask['tools'])\n"
    "import manifestfile as mf\n"
    "opened, listed = set(), set()\n"
    "def audit(event, args):\n"
    "    if event == 'open' and isinstance(args[0], str):\n"
    "        opened.add(os.path.abspath(args[0]))\n"
    "    elif event in ('os.scandir', 'os.listdir'):\n"
    "        listed.add(os.path.abspath(args[0] or '.'))\n"
    "class Manifest(mf.ManifestFile):\n"
    "    needs_library = False\n"
    "    def require(self, name, *args, **kwargs):\n"
    "        try:\n"
    "            super().require(name, *args, **kwargs)\n"
    "        except Exception:\n"
    "            self.needs_library = self._path_vars['MPY_LIB_DIR'] is None\n"
    "            raise\n"
    "kinds = {mf.KIND_FREEZE_AS_STR: 'source', mf.KIND_FREEZE_AS_MPY: 'bytecode',\n"
    "         mf.KIND_FREEZE_MPY: 'mpy'}\n"
    "def tag(f):\n"
    "    version = f.metadata.version\n"
    "    if f.kind != mf.KIND_FREEZE_AS_MPY or not version:\n"
    "        return ''\n"
    "    with open(f.full_path) as source:\n"
    "        if '__version__ =' in source.read():\n"
    "            return ''\n"
    "    return '\\n\\n__version__ = {}\\n'.format(repr(version))\n"
    "m = Manifest(mf.MODE_FREEZE, ask['vars'])\n"
    "answer = {'files': []}\n"
    "sys.addaudithook(audit)\n"
    "for d in ask['directives']:\n"
    "    start = len(m.files())\n"
    "    os.chdir(d['cwd'])\n"
    "    try:\n"
    "        if d['kind'] == 'board':\n"
    "            m.execute(d['name'])\n"
    "        elif d['kind'] == 'include':\n"
    "            m.include(d['name'])\n"
    "        elif d['kind'] == 'add_library':\n"
    "            m.add_library(d['name'], d['path'], **({'prepend': True} if d['prepend'] else "
    "{}))\n"
    "        else:\n"
    "            m.require(d['name'], **({'library': d['path']} if d['path'] else {}))\n"
    "    except Exception as error:\n"
    "        answer.update(entry=d['entry'], error=str(error), needs_library=m.needs_library)\n"
    "        break\n"
    "    for f in m.files()[start:]:\n"
    "        answer['files'].append({'entry': d['entry'], 'path': os.path.abspath(f.full_path),\n"
    "            'target': f.target_path, 'form': kinds[f.kind],\n"
    "            'opt': -1 if f.opt is None else f.opt, 'append': tag(f)})\n"
    "answer['opened'] = sorted(opened)\n"
    "answer['listed'] = sorted(listed)\n"
    "with open(sys.argv[2], 'w') as out:\n"
    "    json.dump(answer, out)\n";

bool directives_any(const struct manifest *manifest)
{
    for (size_t i = 0; i < manifest->frozen_count; i++) {
        if (!freeze_kind_is_local(manifest->frozen[i].kind))
            return true;
    }
    return false;
}

/* A path that the user wrote: beside the manifest, or "$(MPY_DIR)/..." in the source. */
static char *user_path(const struct evaluation_context *x, const struct view *view,
                       const struct freeze_entry *entry, const char *path, struct diags *diags)
{
    if (text_starts_with(path, "$("))
        return xstrdup(path);
    _cleanup_free_ char *real = manifest_path(x->manifest, entry->node, path, diags);
    return real ? view_inside(view, real) : NULL;
}

/* ---- the request ---- */

/* What the evaluation can see, under which names. The source comes first: it may lie below the
 * manifest's directory. */
static void make_view(const struct evaluation_context *x, struct sandbox *box, struct view *view)
{
    view_add(view, box, x->source_dir, "/src");
    for (size_t i = 0; x->manifest->roots[i]; i++) {
        _cleanup_free_ char *at = xasprintf("/roots/%zu", i);
        view_add(view, box, x->manifest->roots[i], at);
    }
    view_add(view, box, x->manifest->dir, "/product");
    if (x->board->dir) {
        _cleanup_free_ char *at = xasprintf("/board/%s", x->board->name);
        view_add(view, box, x->board->dir, at);
    }
}

/* One directive as the program takes it; NULL with an error in diags. */
static json_t *describe(const struct evaluation_context *x, const struct view *view, size_t index,
                        struct diags *diags)
{
    const struct freeze_entry *entry = &x->manifest->frozen[index];
    _cleanup_free_ char *port_dir = path_join(x->source_dir, x->board->port->dir);
    _cleanup_free_ char *path = NULL;
    const char *name = entry->name, *cwd = x->manifest->dir;
    if (entry->kind == FREEZE_BOARD) {
        name = path = view_inside(view, x->board_manifest);
        cwd = port_dir;
        if (!name) /* relative to the port, or Python */
            name = x->board_manifest;
        if (!name[0]) {
            manifest_error(x->manifest, entry->node, diags, "leave this entry out",
                           "the board has no frozen manifest of its own");
            return NULL;
        }
    } else if (entry->kind == FREEZE_INCLUDE) {
        name = path = user_path(x, view, entry, entry->name, diags);
    } else if (entry->kind == FREEZE_ADD_LIBRARY) {
        path = user_path(x, view, entry, entry->library, diags);
    } else if (entry->library) {
        path = xstrdup(entry->library);
    }
    if ((entry->kind == FREEZE_INCLUDE || entry->kind == FREEZE_ADD_LIBRARY) && !path)
        return NULL;
    _cleanup_free_ char *cwd_at = view_inside(view, cwd);
    return json_pack("{s:I, s:s, s:s, s:s?, s:b, s:s}", "entry", (json_int_t)index, "kind",
                     freeze_kind_name(entry->kind), "name", name, "path", path, "prepend",
                     entry->prepend, "cwd", cwd_at);
}

static json_t *describe_vars(const struct evaluation_context *x, const struct view *view)
{
    _cleanup_free_ char *source = view_inside(view, x->source_dir);
    _cleanup_free_ char *port_dir = path_join(source, x->board->port->dir);
    _cleanup_free_ char *board_dir = board_choice_path(x->board, x->source_dir);
    _cleanup_free_ char *board_at = board_dir ? view_inside(view, board_dir) : NULL;
    _cleanup_free_ char *library =
        x->has_library ? path_join(source, x->interpreter->library) : NULL;
    return json_pack("{s:s, s:s, s:s?, s:s?}", "MPY_DIR", source, "PORT_DIR", port_dir, "BOARD_DIR",
                     board_at, "MPY_LIB_DIR", library);
}

/* The whole request; NULL with errors in diags. "for" is not the program's business: the answer is
 * kept for this manifest's directories and no others. */
static json_t *describe_all(const struct evaluation_context *x, const struct view *view,
                            struct diags *diags)
{
    _cleanup_free_ char *tools = path_join(view->at.items[0], "tools");
    char program[HASH_HEX_SIZE];
    json_t *list = json_array(), *real = json_array();
    bool ok = true;
    hash_bytes(PROGRAM, strlen(PROGRAM), program);
    for (size_t i = 0; i < x->manifest->frozen_count; i++) {
        if (freeze_kind_is_local(x->manifest->frozen[i].kind))
            continue;
        json_t *directive = describe(x, view, i, diags);
        if (directive)
            json_array_append_new(list, directive);
        ok = ok && directive;
    }
    for (size_t i = 0; i < view->real.count; i++)
        json_array_append_new(real, json_string(view->real.items[i]));
    json_t *all =
        json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "program", program, "tools", tools, "commit",
                  x->commit, "vars", describe_vars(x, view), "directives", list, "for", real);
    if (ok)
        return all;
    json_decref(all);
    return NULL;
}

/* ---- the run ---- */

static bool run_program(const struct evaluation_context *x, const struct sandbox *box,
                        const char *request, const char *answer_at, struct err **err)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    _cleanup_(strv_release) struct strv argv = STRV_INIT;
    struct proc_result result;
    sandbox_command(box, &argv);
    strv_add_all(&argv, (const char *const[]){x->interpreter->python, "-I", "-B", "-c", PROGRAM,
                                              request, answer_at, NULL});
    const struct proc proc = {.argv = (const char *const *)argv.items,
                              .name = x->interpreter->python,
                              .env = (const char *const *)x->env->items,
                              .timeout_ms = EVALUATE_TIMEOUT_MS,
                              .out = &out};
    if (!proc_run(&proc, &result, err))
        return false;
    if (result.exit_status == 0)
        return true;
    size_t end = out.len;
    while (end && out.data[end - 1] == '\n')
        end--;
    size_t start = end;
    while (start && out.data[start - 1] != '\n')
        start--;
    err_set(err, ERR_FAILED, "%s in %s cannot evaluate the directives: %.*s",
            "tools/manifestfile.py", x->source_dir, (int)(end - start), out.data + start);
    return sandbox_blame(box, err);
}

/* Where the paths of a list lie on this machine; those that it does not show to a manifest.py (its
 * own /tmp) are left out, but for the system's. */
static json_t *outside_paths(const struct view *view, const json_t *paths)
{
    json_t *list = json_array(), *item;
    size_t i;
    json_array_foreach(paths, i, item)
    {
        const char *path = json_string_value(item);
        _cleanup_free_ char *real = path ? view_outside(view, path) : NULL;
        if (real)
            json_array_append_new(list, json_string(real));
        else if (path && path_is_beneath(path, "/usr"))
            json_array_append(list, item);
    }
    return list;
}

/* A program of somebody else's names files of this machine: only those that it was shown count, and
 * no link that leads elsewhere. */
static char *checked_path(const struct evaluation_context *x, const struct view *view,
                          const char *path)
{
    _cleanup_free_ char *outside = path ? view_outside(view, path) : NULL;
    _cleanup_free_ char *real = outside ? realpath(outside, NULL) : NULL;
    _cleanup_free_ char *source = realpath(x->source_dir, NULL);
    if (!real ||
        (!(source && path_is_beneath(real, source)) && !manifest_path_allowed(x->manifest, real)))
        return NULL;
    return xstrdup(outside);
}

static bool translate_files(const struct evaluation_context *x, const struct view *view,
                            json_t *answer, struct err **err)
{
    json_t *item;
    size_t i;
    json_array_foreach(json_object_get(answer, "files"), i, item)
    {
        const char *path = json_string_value(json_object_get(item, "path"));
        _cleanup_free_ char *real = checked_path(x, view, path);
        if (!real) {
            err_set(err, ERR_MANIFEST,
                    "a manifest.py freezes '%s', which is in neither the source nor the "
                    "manifest's directory",
                    path ? path : "");
            return err_hint(err, "move it there, or list its directory in roots");
        }
        json_object_set_new(item, "path", json_string(real));
    }
    json_object_set_new(answer, "opened", outside_paths(view, json_object_get(answer, "opened")));
    json_object_set_new(answer, "listed", outside_paths(view, json_object_get(answer, "listed")));
    return true;
}

/* Without what is not its business. The caller frees. */
static char *program_request(const json_t *request)
{
    json_t *copy = json_copy((json_t *)request);
    json_object_del(copy, "for");
    char *text = json_dumps(copy, JSON_COMPACT);
    json_decref(copy);
    return text;
}

static bool evaluate(const struct evaluation_context *x, struct sandbox *box,
                     const struct view *view, const json_t *request, json_t **answer,
                     struct err **err)
{
    _cleanup_free_ char *text = program_request(request);
    _cleanup_(evaluation_place_release) struct evaluation_place place = EVALUATION_PLACE_INIT;
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    if (!evaluation_place_open(&place, x, request, err))
        return false;
    _cleanup_free_ char *path = path_join(place.dir, "answer.json");
    _cleanup_free_ char *at =
        path_join(sandbox_bind(box, place.dir, "/build", SANDBOX_WRITE), "answer.json");
    if (!run_program(x, box, text, at, err) || !fs_read(path, EVALUATE_MAX_BYTES, &out, err))
        return false;
    *answer = json_loadb(out.data, out.len, 0, NULL);
    if (!json_is_object(*answer))
        return err_set(err, ERR_FAILED, "the directives' evaluation gave no JSON");
    return translate_files(x, view, *answer, err);
}

static enum frozen_form form_from_name(const char *name)
{
    if (!strcmp(name, "source"))
        return FROZEN_SOURCE;
    return !strcmp(name, "mpy") ? FROZEN_MPY : FROZEN_BYTECODE;
}

static bool take_files(struct evaluation *e, json_t *files, size_t entries)
{
    e->files = xcalloc(json_array_size(files) + 1, sizeof(*e->files));
    size_t i;
    json_t *item;
    json_array_foreach(files, i, item)
    {
        json_int_t entry;
        int opt;
        const char *path, *target, *form, *append;
        if (json_unpack(item, "{s:I, s:s, s:s, s:s, s:i, s:s}", "entry", &entry, "path", &path,
                        "target", &target, "form", &form, "opt", &opt, "append", &append) != 0 ||
            entry < 0 || (size_t)entry >= entries)
            return false;
        e->files[e->count++] =
            (struct evaluated_file){(size_t)entry,   xstrdup(path),        xstrdup(target),
                                    xstrdup(append), form_from_name(form), opt};
    }
    return true;
}

static void take_paths(struct strv *paths, const json_t *list)
{
    json_t *path;
    size_t i;
    json_array_foreach(list, i, path) strv_add(paths, json_string_value(path));
}

/* The program's answer: files, a need for the library, or an error at a directive. */
static bool take_answer(struct evaluation *e, const struct evaluation_context *x, json_t *answer,
                        struct diags *diags, struct err **err)
{
    const char *error = NULL;
    json_int_t entry = 0;
    int needs_library = 0;
    json_t *files = NULL;
    size_t entries = x->manifest->frozen_count;
    take_paths(&e->opened, json_object_get(answer, "opened"));
    take_paths(&e->listed, json_object_get(answer, "listed"));
    if (json_unpack(answer, "{s:o, s?s, s?I, s?b}", "files", &files, "error", &error, "entry",
                    &entry, "needs_library", &needs_library) != 0 ||
        entry < 0 || (size_t)entry >= entries || !take_files(e, files, entries))
        return err_set(err, ERR_FAILED, "the directives' evaluation gave unexpected JSON");
    if (!error)
        return true;
    e->needs_library = needs_library;
    e->library_entry = (size_t)entry;
    return needs_library ||
           manifest_error(x->manifest, x->manifest->frozen[entry].node, diags, NULL, "%s", error);
}

bool directives_evaluate(struct evaluation *evaluation, const struct evaluation_context *context,
                         struct diags *diags, struct err **err)
{
    _cleanup_(sandbox_release) struct sandbox box = sandbox_fork(context->sandbox);
    _cleanup_(view_release) struct view view = VIEW_INIT;
    make_view(context, &box, &view);
    json_t *request = describe_all(context, &view, diags);
    json_t *answer = NULL;
    if (!request)
        return false;
    bool ok = directives_cache_load(context, request, &answer);
    if (!ok) {
        ok = evaluate(context, &box, &view, request, &answer, err);
        if (ok && (!json_object_get(answer, "error") ||
                   json_is_true(json_object_get(answer, "needs_library"))))
            ok = directives_cache_save(context, request, answer, err);
    }
    ok = ok && take_answer(evaluation, context, answer, diags, err);
    json_decref(request);
    json_decref(answer);
    return ok;
}

void evaluation_release(struct evaluation *evaluation)
{
    for (size_t i = 0; i < evaluation->count; i++) {
        free(evaluation->files[i].path);
        free(evaluation->files[i].target);
        free(evaluation->files[i].append);
    }
    free(evaluation->files);
    strv_release(&evaluation->opened);
    strv_release(&evaluation->listed);
    *evaluation = (struct evaluation)EVALUATION_INIT;
}
