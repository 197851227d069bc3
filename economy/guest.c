#include "economy/guest.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json_get.h"
#include "base/text.h"
#include "economy/file_server.h"
#include "economy/guest_files.h"
#include "simulator/emulator.h"

#define BOOT_TIMEOUT_MS 20000
/* Booting takes a tenth of a second. Now and then QEMU's main loop starves beside a firmware that
 * polls its UART (MPS2's); then it is started again. */
#define BOOT_TRIES 4
#define BOOT_TRY_MS 3000
#define RESTART_TIMEOUT_MS 2000
#define NS_PER_INSN 8 /* 125 million instructions a second, as a Cortex-M of some 150 MHz */

/* ---- opening ---- */

static bool prepare(struct guest *guest, const struct build_result *product, struct err **err)
{
    guest->product = product;
    return fs_temp_dir_anywhere(&guest->dir, err);
}

bool guest_open(struct guest *guest, const struct build_result *product, struct err **err)
{
    const struct target *target = product->target;
    if (!target->emulator)
        return err_set(err, ERR_USAGE, "there is no emulator for this board");
    guest->native = !strcmp(target->emulator, "native");
    guest->elf = xasprintf("%s/%s.elf", product->dir, product->name);
    guest->sandbox = sandbox_fork(&product->sandbox);
    return prepare(guest, product, err) &&
           (guest->native ? guest_files_write(guest, err) : guest_files_place(guest, err));
}

/* What is in the flash when the product runs: a boot loader may have put it there from an image
 * that was packed. */
static bool check_flash(struct guest *guest, struct err **err)
{
    const json_t *sidecar = guest->product->sidecar, *differs;
    const json_t *program = json_object_get(sidecar, "program");
    if (!serial_board_compare(
            guest->board, json_object_get(program ? program : sidecar, "segments"), &differs, err))
        return false;
    if (!differs)
        return true;
    err_set(err, ERR_DEVICE,
            "the board does not run this image: its flash differs in the %lld bytes "
            "at %s",
            (long long)json_get_int(differs, "size"), json_get_text(differs, "address"));
    return err_hint(err, "flash it first: firn flash %s", guest->product->image_path);
}

bool guest_open_board(struct guest *guest, const struct build_result *product, const char *port,
                      int patience_ms, bool *compared, struct err **err)
{
    if (!product->target->has_image)
        return err_set(err, ERR_USAGE, "this product is a program of this machine, not a board's");
    if (!prepare(guest, product, err) || !serial_board_open(port, patience_ms, &guest->board, err))
        return false;
    *compared = serial_board_facts(guest->board)->memory;
    return (!*compared || check_flash(guest, err)) && guest_files_write(guest, err);
}

bool guest_has_files(const struct guest *guest)
{
    return guest->board ? serial_board_facts(guest->board)->files : guest->native || guest->blob;
}

static void stop(struct guest *guest)
{
    emulator_free(guest->emulator);
    guest->emulator = NULL;
}

void guest_close(struct guest *guest)
{
    _cleanup_err_ struct err *ignored = NULL;
    stop(guest);
    serial_board_close(guest->board);
    if (guest->dir)
        (void)!fs_remove_tree(guest->dir, &ignored);
    free(guest->dir);
    free(guest->elf);
    free(guest->blob);
    sandbox_release(&guest->sandbox);
    *guest = (struct guest)GUEST_INIT;
}

/* ---- starting ---- */

static bool start_qemu(struct guest *guest, struct err **err)
{
    const struct target *target = guest->product->target;
    _cleanup_(strv_release) struct strv args = STRV_INIT;
    if (target->emulator_args)
        strv_add_all(&args, target->emulator_args);
    if (guest->blob) {
        strv_add(&args, "-device");
        strv_addf(&args, "loader,addr=0x%llx,force-raw=on,file=%s",
                  (unsigned long long)guest->blob_at, guest->blob);
    }
    const struct emulator_options options = {.machine = target->machine,
                                             .file = guest->elf,
                                             .program = target->emulator,
                                             .args = (const char *const *)args.items,
                                             .ns_per_insn = target->clock.read ? NS_PER_INSN : 0,
                                             .ends_at_reset = true};
    for (int i = 0; i < BOOT_TRIES; i++) {
        _cleanup_err_ struct err *stuck = NULL;
        if (!emulator_start(&guest->emulator, &options, err))
            return false;
        if (emulator_boot(guest->emulator, BOOT_TRY_MS, &stuck))
            return true;
        if (stuck->code == ERR_INTERRUPTED)
            break;
        stop(guest);
    }
    stop(guest);
    return emulator_start(&guest->emulator, &options, err) &&
           emulator_boot(guest->emulator, BOOT_TIMEOUT_MS, err);
}

/* The program sees its own file and the modules, and nothing else of this machine. */
static bool start_native(struct guest *guest, enum guest_modules from, struct err **err)
{
    _cleanup_(sandbox_release) struct sandbox box = sandbox_fork(&guest->sandbox);
    _cleanup_(strv_release) struct strv wrapper = STRV_INIT;
    _cleanup_free_ char *files = guest_files_dir(guest, from);
    (void)sandbox_bind(&box, guest->product->dir, guest->product->dir, SANDBOX_READ);
    if (files)
        (void)sandbox_bind(&box, files, files, SANDBOX_READ);
    sandbox_command(&box, &wrapper);
    const struct emulator_options options = {.machine = "native",
                                             .file = guest->elf,
                                             .wrapper = (const char *const *)wrapper.items,
                                             .path = files};
    return emulator_start(&guest->emulator, &options, err);
}

/* A fresh interpreter, by the shortest way. */
static bool refresh(struct guest *guest, enum guest_modules from, struct err **err)
{
    _cleanup_err_ struct err *stuck = NULL;
    if (guest->board)
        return serial_board_refresh(guest->board, err);
    if (guest->emulator && !guest->native &&
        emulator_restart(guest->emulator, RESTART_TIMEOUT_MS, &stuck))
        return true;
    if (stuck && stuck->code == ERR_INTERRUPTED) {
        *err = stuck;
        stuck = NULL;
        return false;
    }
    stop(guest);
    return guest->native ? start_native(guest, from, err) : start_qemu(guest, err);
}

/* ---- probing ---- */

/* A mark that no module prints by chance. */
static char *make_mark(void)
{
    unsigned long long number = 0;
    if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
        number = (unsigned long long)getpid() << 32;
    return xasprintf("@@firn%016llx", number);
}

static void add_preloaded(const struct guest *guest, struct buf *out)
{
    for (size_t i = 0; guest->preloaded && i < guest->preloaded->count; i++)
        buf_addf(out, "import %s\n", guest->preloaded->items[i]);
}

/* That of any board whose interpreter has it: microseconds, going round at the largest small
 * integer's end (MicroPython's documentation, time.ticks_us()). */
static const struct clock_def board_clock = {
    .setup = "from time import ticks_us as _17", .read = "_17()", .bits = 30, .hz = 1000000};

static const struct clock_def *clock_of(const struct guest *guest)
{
    const bool has_time = guest->board && serial_board_facts(guest->board)->clock;
    return has_time ? &board_clock : &guest->product->target->clock;
}

static void add_setup(const struct guest *guest, enum guest_modules from, const char *mark,
                      struct buf *out)
{
    const struct clock_def *clock = clock_of(guest);
    add_preloaded(guest, out);
    if (guest->board && from != GUEST_FROZEN) {
        probe_program(PROBE_FILES_HOST, out);
        buf_addf(out, "_15('%s')\n", mark);
    } else if (guest->blob) {
        buf_addf(out, "import uctypes;exec(uctypes.bytearray_at(%llu,%llu))\n",
                 (unsigned long long)guest->program_at, (unsigned long long)guest->program_size);
        if (from != GUEST_FROZEN)
            buf_addf(out, "exec(uctypes.bytearray_at(%llu,%llu))\n",
                     (unsigned long long)guest->tables_at[from],
                     (unsigned long long)guest->tables_size[from]);
    } else {
        probe_program(PROBE_FILES_NONE, out);
    }
    if (clock->read && *clock->setup)
        buf_addf(out, "%s\n", clock->setup);
}

/* A board that was reset, but kept its port, ends in the prompt of an interpreter that was greeted
 * by name. */
static bool was_reset(const struct buf *text)
{
    static const char greeting[] = "\nMicroPython v", prompt[] = "\n>>> ";
    return memmem(text->data, text->len, greeting, strlen(greeting)) &&
           text_ends_with(text->data, prompt);
}

/* What an error of the emulator means for what ran in it. */
static enum probe_outcome judge(const struct err *failed, const struct buf *text)
{
    if (strstr(failed->message, "in time"))
        return was_reset(text) ? PROBE_RESET : PROBE_HUNG;
    if (strstr(failed->message, "is longer than"))
        return PROBE_FLOOD;
    if (strstr(failed->message, "no prompt after"))
        return PROBE_GARBAGE;
    return PROBE_RESET;
}

static bool run_program(struct guest *guest, const char *source, size_t len, int timeout_ms,
                        struct raw_repl_output *output, struct err **err)
{
    return guest->board ? serial_board_run(guest->board, source, len, PROBE_OUTPUT_MAX, timeout_ms,
                                           output, err)
                        : emulator_run(guest->emulator, source, len, PROBE_OUTPUT_MAX, timeout_ms,
                                       output, err);
}

static bool run(struct guest *guest, const struct buf *source, const char *mark, int timeout_ms,
                struct probe *probe, struct err **err)
{
    _cleanup_(raw_repl_output_release) struct raw_repl_output output = RAW_REPL_OUTPUT_INIT;
    _cleanup_err_ struct err *failed = NULL;
    if (run_program(guest, source->data, source->len, timeout_ms, &output, &failed)) {
        probe_read(probe, mark, output.text.data, output.text.len);
        if (probe->outcome == PROBE_GARBAGE && !probe->traceback.len)
            buf_add(&probe->traceback, output.traceback.data, output.traceback.len);
        return true;
    }
    if (failed->code == ERR_INTERRUPTED) {
        *err = failed;
        failed = NULL;
        return false;
    }
    stop(guest);
    probe->outcome = judge(failed, &output.text);
    buf_adds(&probe->traceback, failed->message);
    return true;
}

bool guest_probe(struct guest *guest, enum guest_modules from, const char *const *modules,
                 bool heap, int timeout_ms, struct probe *probe, struct err **err)
{
    _cleanup_free_ char *mark = make_mark();
    _cleanup_(buf_release) struct buf source = BUF_INIT;
    if (!refresh(guest, from, err))
        return false;
    _cleanup_free_ char *files = guest_files_dir(guest, from);
    _cleanup_(file_server_release) struct file_server server = FILE_SERVER_INIT(files, mark);
    if (guest->board)
        serial_board_set_answer(guest->board, files ? file_server_answer : NULL, &server);
    add_setup(guest, from, mark, &source);
    probe_call(modules, mark, clock_of(guest)->read, heap, &source);
    bool ok = run(guest, &source, mark, timeout_ms, probe, err);
    if (guest->board)
        serial_board_set_answer(guest->board, NULL, NULL);
    return ok;
}

bool guest_idle(struct guest *guest, uint64_t *bytes, struct err **err)
{
    static const char source[] = "import gc;gc.collect();print(gc.mem_alloc())";
    _cleanup_(raw_repl_output_release) struct raw_repl_output output = RAW_REPL_OUTPUT_INIT;
    char *end;
    if (!refresh(guest, GUEST_FROZEN, err) ||
        !run_program(guest, source, strlen(source), BOOT_TIMEOUT_MS, &output, err))
        return false;
    *bytes = strtoull(output.text.data, &end, 10);
    return end != output.text.data ||
           err_set(err, ERR_FAILED, "the interpreter does not say what its heap holds");
}

double guest_seconds(const struct guest *guest, uint64_t ticks)
{
    const struct clock_def *clock = clock_of(guest);
    if (!clock->read)
        return -1;
    return (double)(ticks & ((UINT64_C(1) << clock->bits) - 1)) / (double)clock->hz;
}
