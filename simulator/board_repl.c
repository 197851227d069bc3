#include "simulator/board_repl.h"

#include <ctype.h>
#include <string.h>

#include "simulator/board_python.h"

#define CTRL_A 1
#define CTRL_B 2
#define CTRL_C 3
#define CTRL_D 4
#define CTRL_E 5
#define BANNER                                                                                     \
    "MicroPython v1.25.0 on 2025-04-15; firn simulated board\r\n"                                  \
    "Type \"help()\" for more information.\r\n"
#define PROMPT ">>> "
#define RAW_BANNER "raw REPL; CTRL-B to exit\r\n>"
#define SOFT_REBOOT "MPY: soft reboot\r\n"
#define PASTE_PROMPT "=== "

const char *const board_program_names[] = {"repl",    "loop",    "busy", "silent",
                                           "garbage", "flashed", NULL};

static void say(struct board_repl *repl, const char *text)
{
    if (repl->out.len + strlen(text) <= BOARD_REPL_OUT_MAX)
        buf_adds(&repl->out, text);
}

void board_repl_init(struct board_repl *repl)
{
    *repl = (struct board_repl){.line = BUF_INIT, .out = BUF_INIT};
}

void board_repl_release(struct board_repl *repl)
{
    buf_release(&repl->line);
    buf_release(&repl->out);
}

static bool at_prompt(const struct board_repl *repl)
{
    return repl->program == BOARD_PROGRAM_REPL ||
           (repl->program == BOARD_PROGRAM_LOOP && repl->interrupted);
}

static void start_over(struct board_repl *repl)
{
    repl->raw = repl->paste = repl->interrupted = false;
    buf_clear(&repl->line);
    if (at_prompt(repl))
        say(repl, BANNER PROMPT);
}

void board_repl_boot(struct board_repl *repl)
{
    buf_clear(&repl->out);
    repl->ticks = 0;
    start_over(repl);
}

/* Neither UTF-8 nor anything else, and not the same twice; no byte is 0x04 or '>'. */
static void add_garbage(struct board_repl *repl)
{
    for (unsigned i = 0; i < 24 && repl->out.len < BOARD_REPL_OUT_MAX; i++)
        buf_addc(&repl->out, (char)(0x80 | ((repl->ticks * 24 + i) * 37 % 127)));
}

void board_repl_tick(struct board_repl *repl)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    repl->ticks++;
    if (repl->program == BOARD_PROGRAM_GARBAGE) {
        add_garbage(repl);
    } else if (!at_prompt(repl) && repl->program != BOARD_PROGRAM_SILENT) {
        buf_addf(&text, "tick %u\r\n", repl->ticks);
        say(repl, text.data);
    }
}

/* ---- raw mode ------------------------------------------------------------------------------- */

/* "OK", what was printed, an end, the exception, an end, the prompt. */
static enum board_request run_raw(struct board_repl *repl)
{
    _cleanup_(buf_release) struct buf printed = BUF_INIT;
    _cleanup_(buf_release) struct buf raised = BUF_INIT;
    say(repl, "OK");
    if (repl->line.len == 0) { /* Ctrl-D alone */
        say(repl, "\r\n" SOFT_REBOOT RAW_BANNER);
        return BOARD_GOES_ON;
    }
    enum board_request request = board_python_run(repl->line.data, false, &printed, &raised);
    buf_clear(&repl->line);
    say(repl, printed.data);
    if (request != BOARD_GOES_ON)
        return request;
    say(repl, "\004");
    say(repl, raised.data);
    say(repl, "\004>");
    return BOARD_GOES_ON;
}

static enum board_request raw_byte(struct board_repl *repl, char c)
{
    switch (c) {
    case CTRL_A:
        say(repl, RAW_BANNER);
        break;
    case CTRL_B:
        repl->raw = false;
        say(repl, "\r\n" BANNER PROMPT);
        break;
    case CTRL_C:
        break;
    case CTRL_D:
        return run_raw(repl);
    default:
        if (repl->line.len < BOARD_REPL_LINE_MAX)
            buf_addc(&repl->line, c);
        return BOARD_GOES_ON;
    }
    buf_clear(&repl->line);
    return BOARD_GOES_ON;
}

/* ---- friendly mode -------------------------------------------------------------------------- */

static enum board_request run_friendly(struct board_repl *repl)
{
    _cleanup_(buf_release) struct buf printed = BUF_INIT;
    _cleanup_(buf_release) struct buf raised = BUF_INIT;
    enum board_request request = board_python_run(repl->line.data, true, &printed, &raised);
    buf_clear(&repl->line);
    repl->paste = false;
    say(repl, printed.data);
    if (request != BOARD_GOES_ON)
        return request;
    say(repl, raised.data);
    say(repl, PROMPT);
    return BOARD_GOES_ON;
}

/* Between Ctrl-E and Ctrl-D: several lines at once. */
static enum board_request paste_byte(struct board_repl *repl, char c)
{
    const char echo[2] = {c, '\0'};
    if (c == CTRL_C) {
        repl->paste = false;
        buf_clear(&repl->line);
        say(repl, "\r\n" PROMPT);
    } else if (c == CTRL_D) {
        say(repl, "\r\n");
        return run_friendly(repl);
    } else if (repl->line.len < BOARD_REPL_LINE_MAX) {
        buf_addc(&repl->line, c == '\r' ? '\n' : c);
        say(repl, c == '\r' ? "\r\n" PASTE_PROMPT : echo);
    }
    return BOARD_GOES_ON;
}

static void enter_mode(struct board_repl *repl, char c)
{
    buf_clear(&repl->line);
    say(repl, "\r\n");
    if (c == CTRL_A) {
        repl->raw = true;
        say(repl, RAW_BANNER);
    } else if (c == CTRL_B) {
        say(repl, BANNER PROMPT);
    } else if (c == CTRL_D) {
        say(repl, SOFT_REBOOT);
        start_over(repl);
    } else if (c == CTRL_E) {
        repl->paste = true;
        say(repl, "paste mode; Ctrl-C to cancel, Ctrl-D to finish\r\n" PASTE_PROMPT);
    } else {
        say(repl, PROMPT);
    }
}

static void backspace(struct board_repl *repl)
{
    if (repl->line.len == 0)
        return;
    buf_truncate(&repl->line, repl->line.len - 1);
    say(repl, "\b\033[K");
}

static enum board_request friendly_byte(struct board_repl *repl, char c)
{
    const char echo[2] = {c, '\0'};
    if (c >= CTRL_A && c <= CTRL_E && (repl->line.len == 0 || c == CTRL_C)) {
        enter_mode(repl, c);
    } else if (c == '\r') {
        say(repl, "\r\n");
        return run_friendly(repl);
    } else if (c == '\b' || c == 0x7F) {
        backspace(repl);
    } else if (isprint((unsigned char)c) && repl->line.len < BOARD_REPL_LINE_MAX) {
        buf_addc(&repl->line, c);
        say(repl, echo);
    }
    return BOARD_GOES_ON;
}

/* ---- what runs ------------------------------------------------------------------------------ */

/* A program runs and nobody reads what is typed, but Ctrl-C. */
static void running_byte(struct board_repl *repl, char c)
{
    if (repl->program == BOARD_PROGRAM_GARBAGE) {
        add_garbage(repl);
    } else if (repl->program == BOARD_PROGRAM_LOOP && c == CTRL_C) {
        say(repl, "Traceback (most recent call last):\r\n"
                  "  File \"main.py\", line 4, in <module>\r\nKeyboardInterrupt: \r\n");
        say(repl, BANNER PROMPT);
        repl->interrupted = true;
    }
}

enum board_request board_repl_input(struct board_repl *repl, const uint8_t *bytes, size_t len)
{
    enum board_request request = BOARD_GOES_ON;
    for (size_t i = 0; i < len && request == BOARD_GOES_ON; i++) {
        char c = (char)bytes[i];
        if (!at_prompt(repl))
            running_byte(repl, c);
        else if (repl->raw)
            request = raw_byte(repl, c);
        else
            request = repl->paste ? paste_byte(repl, c) : friendly_byte(repl, c);
    }
    return request;
}
