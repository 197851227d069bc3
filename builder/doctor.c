#include "builder/doctor.h"

#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"
#include "base/text.h"
#include "builder/archive_source.h"
#include "builder/board_choice.h"
#include "builder/git.h"
#include "builder/make.h"
#include "builder/manifest_names.h"
#include "builder/toolchain.h"
#include "builder/toolchain_definition.h"

#define VERSION_TIMEOUT_MS 10000
#define HOME_MIN_BYTES (UINT64_C(512) << 20) /* a checkout, a base and an image need about that */

/* Takes detail. */
static void add(struct doctor *doctor, enum doctor_state state, const char *name, char *detail,
                const char *advice)
{
    doctor->checks = xreallocarray(doctor->checks, doctor->count + 1, sizeof(*doctor->checks));
    doctor->checks[doctor->count++] =
        (struct doctor_check){xstrdup(name), detail, advice ? xstrdup(advice) : NULL, state};
}

/* Takes err. */
static void add_error(struct doctor *doctor, enum doctor_state state, const char *name,
                      struct err *err)
{
    _cleanup_(buf_release) struct buf message = BUF_INIT;
    err_add_message(err, &message);
    add(doctor, state, name, xstrdup(message.data), err_get_hint(err));
    err_free(err);
}

/* ---- programs ---- */

/* "GNU Make 4.3, /usr/bin/make" */
static char *describe_program(const char *path)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    _cleanup_err_ struct err *ignored = NULL;
    struct proc_result result;
    const struct proc proc = {.argv = (const char *const[]){path, "--version", NULL},
                              .timeout_ms = VERSION_TIMEOUT_MS,
                              .out = &out,
                              .out_max = 4096};
    if (!proc_run(&proc, &result, &ignored) || result.exit_status != 0)
        return xstrdup(path);
    return xasprintf("%.*s, %s", (int)strcspn(out.data, "\n"), out.data, path);
}

static void look_for_program(struct doctor *doctor, const char *name, const char *package,
                             enum doctor_state without)
{
    _cleanup_free_ char *path = proc_find(name);
    _cleanup_free_ char *advice = xasprintf("apt-get install %s", package);
    if (path)
        add(doctor, DOCTOR_OK, name, describe_program(path), NULL);
    else
        add(doctor, without, name, xstrdup("not on PATH"), advice);
}

static void look_at_sandbox(struct doctor *doctor, const struct config *config)
{
    _cleanup_(sandbox_release) struct sandbox sandbox = SANDBOX_INIT;
    struct err *err = NULL;
    if (!sandbox_init(&sandbox, true, &config->build.limits, &err) ||
        (sandbox_blame(&sandbox, &err), err)) {
        add_error(doctor, DOCTOR_MISSING, "sandbox", err);
        return;
    }
    add(doctor, DOCTOR_OK, "sandbox",
        xasprintf("bubblewrap works%s", sandbox.own_user ? ", in a user namespace"
                                                         : ", as root without a user namespace"),
        NULL);
}

/* ---- places ---- */

static void look_at_home(struct doctor *doctor, const struct config *config)
{
    struct statvfs fs;
    if (access(config->home, W_OK) != 0 || statvfs(config->home, &fs) != 0) {
        add(doctor, DOCTOR_MISSING, "FIRN_HOME", xasprintf("cannot write to %s", config->home),
            "set FIRN_HOME to a directory of yours");
        return;
    }
    if (!make_can_name(config->home)) {
        add(doctor, DOCTOR_MISSING, "FIRN_HOME",
            xasprintf("MicroPython's makefiles cannot work in %s", config->home),
            "set FIRN_HOME to a path of letters, digits and /._+-@, alone");
        return;
    }
    uint64_t bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    bool enough = bytes >= HOME_MIN_BYTES;
    struct buf text = BUF_INIT;
    buf_addf(&text, "%s, ", config->home);
    text_add_size(&text, bytes);
    buf_adds(&text, " free");
    add(doctor, enough ? DOCTOR_OK : DOCTOR_MISSING, "FIRN_HOME", buf_detach(&text, NULL),
        enough ? NULL : "free some space on that file system, or set FIRN_HOME to another");
}

static void look_at_config(struct doctor *doctor, const struct config *config)
{
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < config->file_count; i++)
        buf_addf(&text, "%s%s", i ? ", " : "", config->files[i]);
    add(doctor, DOCTOR_OK, "config.yaml",
        text.len ? buf_detach(&text, NULL) : xstrdup("none was read"), NULL);
}

/* ---- toolchains ---- */

static void add_toolchain(struct doctor *doctor, const char *label, const struct toolchain *t)
{
    add(doctor, DOCTOR_OK, label,
        xasprintf("%s, %s%s", t->version, t->compiler, t->root ? ", downloaded" : ""), NULL);
}

/* Its first error says enough; the others follow from it. */
static void add_first(struct doctor *doctor, enum doctor_state state, const char *label,
                      struct diags *diags)
{
    struct err *first = diags->errors[0];
    diags->errors[0] = NULL; /* err_free(NULL) is nothing */
    add_error(doctor, state, label, first);
}

static void look_at_toolchain(struct doctor *doctor, const struct config *config, const char *label,
                              const char *name, const struct manifest *manifest,
                              enum doctor_state without)
{
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    _cleanup_(toolchain_release) struct toolchain toolchain = TOOLCHAIN_INIT;
    if (toolchain_find(config, name, manifest, NULL, &toolchain, &diags))
        add_toolchain(doctor, label, &toolchain);
    else
        add_first(doctor, without, label, &diags);
}

static void look_at_toolchains(struct doctor *doctor, const struct config *config)
{
    _cleanup_free_ char *dir = path_join(config->data, "toolchains");
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    struct err *err = NULL;
    if (!toolchain_definition_names(dir, &names, &err)) {
        add_error(doctor, DOCTOR_MISSING, "toolchains", err);
        return;
    }
    for (size_t i = 0; i < names.count; i++) {
        _cleanup_free_ char *label = xasprintf("toolchain %s", names.items[i]);
        bool needed = !strcmp(names.items[i], "host");
        look_at_toolchain(doctor, config, label, names.items[i], NULL,
                          needed ? DOCTOR_MISSING : DOCTOR_OPTIONAL);
    }
}

void doctor_look(struct doctor *doctor, const struct config *config)
{
    look_for_program(doctor, "make", "make", DOCTOR_MISSING);
    look_for_program(doctor, "python3", "python3-minimal", DOCTOR_MISSING);
    add(doctor, DOCTOR_OK, "git", git_library_version(), NULL);
    look_at_toolchains(doctor, config);
    look_at_sandbox(doctor, config);
    look_for_program(doctor, "ccache", "ccache", DOCTOR_OPTIONAL);
    look_for_program(doctor, "qemu-system-arm", "qemu-system-arm", DOCTOR_OPTIONAL);
    look_for_program(doctor, "qemu-system-riscv32", "qemu-system-misc", DOCTOR_OPTIONAL);
    look_at_home(doctor, config);
    look_at_config(doctor, config);
}

/* ---- a manifest ---- */

static void look_at_sources(struct doctor *doctor, const struct config *config,
                            const struct manifest *m, const char *label)
{
    static const char later[] = "the first build fetches them; for --offline, build once before";
    const struct source_options options = {.offline = true};
    _cleanup_(source_release) struct source source = SOURCE_INIT;
    _cleanup_err_ struct err *err = NULL;
    if (m->firmware.path) {
        add(doctor, DOCTOR_OK, label, xasprintf("the directory %s", m->firmware.path), NULL);
        return;
    }
    _cleanup_free_ char *unpacked =
        m->firmware.archive ? archive_source_find(config, m->firmware.archive, m->firmware.sha256)
                            : NULL;
    if (unpacked)
        add(doctor, DOCTOR_OK, label, xstrdup(unpacked), NULL);
    else if (m->firmware.git && source_resolve(config, m->firmware.git, m->firmware.ref, &options,
                                               NULL, &source, &err))
        add(doctor, DOCTOR_OK, label, xasprintf("%s, %.10s", source.describe, source.commit), NULL);
    else
        add(doctor, DOCTOR_OPTIONAL, label, xstrdup("not here yet"), later);
}

/* The manifest's own, or its board's; NULL when only the sources will tell. The caller frees. */
static char *toolchain_name(const struct manifest *m, const struct config *config,
                            struct diags *diags)
{
    struct board_choice board = BOARD_CHOICE_INIT;
    if (m->toolchain.name)
        return xstrdup(m->toolchain.name);
    struct interpreter *interpreter =
        interpreter_load(config->data, m->firmware.interpreter, diags);
    char *name = interpreter && board_choose(&board, m, interpreter, NULL, diags) && board.port
                     ? xstrdup(board.target->toolchain)
                     : NULL;
    board_choice_release(&board);
    interpreter_free(interpreter);
    return name;
}

void doctor_look_at_manifest(struct doctor *doctor, const struct config *config, const char *path,
                             struct diags *diags)
{
    _cleanup_(manifest_free_ptr) struct manifest *m = manifest_load(path, diags);
    if (!m || !manifest_check_names(m, config, diags)) {
        add(doctor, DOCTOR_MISSING, path, xstrdup("the manifest has errors"), NULL);
        return;
    }
    _cleanup_free_ char *name = toolchain_name(m, config, diags);
    _cleanup_free_ char *toolchain = xasprintf("%s: toolchain %s", path, name ? name : "");
    _cleanup_free_ char *sources = xasprintf("%s: sources", path);
    if (name)
        look_at_toolchain(doctor, config, toolchain, name, m, DOCTOR_MISSING);
    else
        add(doctor, DOCTOR_OPTIONAL, toolchain, xstrdup("the board's: its sources tell which"),
            NULL);
    look_at_sources(doctor, config, m, sources);
}

bool doctor_is_well(const struct doctor *doctor)
{
    for (size_t i = 0; i < doctor->count; i++)
        if (doctor->checks[i].state == DOCTOR_MISSING)
            return false;
    return true;
}

const char *doctor_state_name(enum doctor_state state)
{
    static const char *const names[] = {"ok", "optional", "missing"};
    return names[state];
}

void doctor_release(struct doctor *doctor)
{
    for (size_t i = 0; i < doctor->count; i++) {
        free(doctor->checks[i].name);
        free(doctor->checks[i].detail);
        free(doctor->checks[i].advice);
    }
    free(doctor->checks);
    *doctor = (struct doctor)DOCTOR_INIT;
}
