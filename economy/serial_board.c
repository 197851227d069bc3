#include "economy/serial_board.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_get.h"
#include "base/proc.h"
#include "base/text.h"
#include "flasher/serial.h"
#include "flasher/task.h"

#define ENTER_MS SERIAL_BOARD_PATIENCE_MIN_MS
#define RESTART_MS 5000 /* boot.py runs in it */
#define FACTS_MS 10000
#define COMPARE_MS 60000
#define LEAVE_MS 1000
#define RETRY_MS 50
#define ANSWER_MAX ((size_t)16 * 1024)

struct serial_board {
    char *port;
    int patience_ms;
    struct serial *serial; /* NULL: not open */
    struct raw_repl repl;
    bool ready; /* the raw REPL's prompt is there */
    struct board_facts facts;
};

/* ---- the way to its prompt ---- */

static void disconnect(struct serial_board *board)
{
    board->ready = false;
    serial_close(board->serial);
    board->serial = NULL;
}

static bool connect_once(struct serial_board *board, struct err **err)
{
    disconnect(board);
    if (!serial_open(board->port, SERIAL_BOARD_BAUD, &board->serial, err))
        return false;
    board->repl.in = board->repl.out = serial_fd(board->serial);
    if (!raw_repl_enter(&board->repl, clock_ms() + ENTER_MS, err))
        return false;
    board->ready = true;
    return true;
}

static bool name_board(const struct serial_board *board, struct err **err)
{
    if ((*err)->code == ERR_INTERRUPTED || strstr((*err)->message, board->port))
        return false;
    err_wrap(err, "the board at %s does not answer", board->port);
    return err_hint(err, "does it run MicroPython, with the REPL on this port? Press its reset "
                         "button, or unplug it and plug it in again; then run the command again");
}

/* A reset takes its port away for some seconds; others keep it, and are deaf meanwhile. */
static bool reconnect(struct serial_board *board, struct err **err)
{
    long long deadline_ms = clock_ms() + board->patience_ms;
    for (;;) {
        _cleanup_err_ struct err *failed = NULL;
        if (connect_once(board, &failed))
            return true;
        if (failed->code == ERR_INTERRUPTED || interrupt_requested() || clock_ms() >= deadline_ms) {
            *err = failed;
            failed = NULL;
            return name_board(board, err);
        }
        task_sleep_ms(RETRY_MS);
    }
}

bool serial_board_refresh(struct serial_board *board, struct err **err)
{
    _cleanup_err_ struct err *failed = NULL;
    if (board->ready && raw_repl_restart(&board->repl, clock_ms() + RESTART_MS, &failed))
        return true;
    if (failed && failed->code == ERR_INTERRUPTED) {
        *err = failed;
        failed = NULL;
        return false;
    }
    if (!reconnect(board, err))
        return false;
    if (raw_repl_restart(&board->repl, clock_ms() + RESTART_MS, err))
        return true;
    board->ready = false;
    return name_board(board, err);
}

bool serial_board_run(struct serial_board *board, const char *source, size_t len, size_t text_max,
                      int timeout_ms, struct raw_repl_output *output, struct err **err)
{
    board->ready =
        raw_repl_exec(&board->repl, source, len, text_max, clock_ms() + timeout_ms, output, err);
    return board->ready;
}

void serial_board_set_answer(struct serial_board *board, raw_repl_answer_fn answer, void *data)
{
    board->repl.answer = answer;
    board->repl.answer_data = data;
}

/* ---- what it is ---- */

static const char facts_program[] =
    "import sys\n"
    "def _1(_2,*_3):\n"
    " try:_2=__import__(_2)\n"
    " except ImportError:return False\n"
    " return all([hasattr(_2,_4)for _4 in _3])\n"
    "def _5():\n"
    " try:_2=bytearray(2);_2[:1]=b'_'\n"
    " except Exception:return False\n"
    " return _1('os','mount')and _1('io','IOBase')and _1('sys','stdin')and "
    "_1('binascii','unhexlify')\n"
    "print(int(_1('time','ticks_us')))\n"
    "print(int(_1('uctypes','bytearray_at')and _1('hashlib','sha256')))\n"
    "print(int(_5()))\n"
    "print(getattr(sys.implementation,'_machine',sys.platform))\n";

/* Run a program of ours: it must end well. */
static bool ask(struct serial_board *board, const char *program, int timeout_ms, struct buf *said,
                struct err **err)
{
    _cleanup_(raw_repl_output_release) struct raw_repl_output output = RAW_REPL_OUTPUT_INIT;
    if (!serial_board_run(board, program, strlen(program), ANSWER_MAX, timeout_ms, &output, err))
        return name_board(board, err);
    buf_add(said, output.text.data, output.text.len);
    if (!output.traceback.len)
        return true;
    _cleanup_(buf_release) struct buf shown = BUF_INIT;
    text_add_printable(&shown, output.traceback.data, output.traceback.len);
    return err_set(err, ERR_DEVICE, "the board at %s cannot run what firn asks of it: %s",
                   board->port, shown.data);
}

static bool read_facts(struct serial_board *board, struct err **err)
{
    _cleanup_(buf_release) struct buf said = BUF_INIT;
    _cleanup_(buf_release) struct buf machine = BUF_INIT;
    if (!ask(board, facts_program, FACTS_MS, &said, err))
        return false;
    const char *flags = said.data;
    if (said.len < 7 || flags[1] != '\n' || flags[3] != '\n' || flags[5] != '\n')
        return err_set(err, ERR_DEVICE, "the board at %s does not say what it is", board->port);
    board->facts.clock = flags[0] == '1';
    board->facts.memory = flags[2] == '1';
    board->facts.files = flags[4] == '1';
    text_add_printable(&machine, flags + 6, strcspn(flags + 6, "\n"));
    board->facts.machine = buf_detach(&machine, NULL);
    return true;
}

const struct board_facts *serial_board_facts(const struct serial_board *board)
{
    return &board->facts;
}

bool serial_board_open(const char *port, int patience_ms, struct serial_board **board,
                       struct err **err)
{
    struct serial_board *made = xcalloc(1, sizeof(*made));
    made->port = xstrdup(port);
    made->patience_ms =
        patience_ms < SERIAL_BOARD_PATIENCE_MIN_MS ? SERIAL_BOARD_PATIENCE_MIN_MS : patience_ms;
    made->repl = (struct raw_repl)RAW_REPL_INIT(-1, -1);
    made->repl.sending = RAW_REPL_PASTE;
    if ((connect_once(made, err) || name_board(made, err)) && serial_board_refresh(made, err) &&
        read_facts(made, err)) {
        *board = made;
        return true;
    }
    serial_board_close(made);
    return false;
}

/* ---- its flash ---- */

/* Where code lies that the processor can read as memory (ARMv7-M Architecture Reference Manual,
 * "The system address map"): not so what a boot loader knows how to reach, a flash behind SPI. */
#define CODE_END 0x20000000ULL

static unsigned long long address_of(const json_t *segment)
{
    return strtoull(json_get_text(segment, "address"), NULL, 16); /* "0x08000000" */
}

bool serial_board_compare(struct serial_board *board, const json_t *segments,
                          const json_t **differs, struct err **err)
{
    _cleanup_(buf_release) struct buf program = BUF_INIT;
    _cleanup_(buf_release) struct buf said = BUF_INIT;
    const json_t *segment;
    size_t i;
    *differs = NULL;
    buf_adds(&program, "import hashlib,uctypes\nfor _2,_3 in(");
    json_array_foreach(segments, i, segment) if (address_of(segment) < CODE_END) buf_addf(
        &program, "(%llu,%lld),", address_of(segment), (long long)json_get_int(segment, "size"));
    buf_adds(&program, "):print(''.join(['%02x'%_4 for _4 in hashlib.sha256("
                       "uctypes.bytearray_at(_2,_3)).digest()]))\n");
    if (!ask(board, program.data, COMPARE_MS, &said, err))
        return false;
    const char *at = said.data;
    json_array_foreach(segments, i, segment)
    {
        const char *digest = json_get_text(segment, "sha256");
        size_t len = strcspn(at, "\n");
        if (address_of(segment) >= CODE_END)
            continue;
        if (!*differs && (strlen(digest) != len || memcmp(at, digest, len) != 0))
            *differs = segment;
        at += len + (at[len] == '\n');
    }
    return true;
}

/* Ctrl-C for what runs, Ctrl-B for the friendly prompt, Ctrl-D there for a soft reset: also when a
 * signal ended us in the middle of an import. Closing the port at once could drop them: wait until
 * the board has begun. */
static void start_again(struct serial_board *board)
{
    static const char keys[] = "\r\003\003\002\004", begun[] = "soft reboot";
    _cleanup_(buf_release) struct buf said = BUF_INIT;
    long long deadline_us = task_now_us() + LEAVE_MS * 1000LL;
    char chunk[512];
    size_t len;
    if (serial_write(board->serial, keys, strlen(keys), deadline_us) != SERIAL_OK)
        return;
    while (said.len < ANSWER_MAX && !memmem(said.data, said.len, begun, strlen(begun)) &&
           serial_read(board->serial, chunk, sizeof(chunk), &len, deadline_us) == SERIAL_OK)
        buf_add(&said, chunk, len);
}

void serial_board_close(struct serial_board *board)
{
    if (!board)
        return;
    if (board->serial)
        start_again(board);
    disconnect(board);
    raw_repl_release(&board->repl);
    free(board->facts.machine);
    free(board->port);
    free(board);
}
