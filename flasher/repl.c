#include "flasher/repl.h"

#include <string.h>

#include "base/text.h"

#define INTERRUPT "\003\003" /* Ctrl-C; the second one for what the first one's handler starts */
#define ASK_RAW "\r\001"     /* Ctrl-A, at the beginning of a line */
#define LEAVE_RAW "\002"     /* Ctrl-B */
#define RUN "\004"           /* Ctrl-D */
#define PROMPT ">>> "
#define RAW_PROMPT "raw REPL; CTRL-B to exit\r\n>"
#define ACCEPTED "OK"
#define END_OF_DATA '\004'

#define ATTEMPT_US 300000 /* between attempts to interrupt the program */
#define ASK_US 100000     /* from an interrupt to asking for the raw REPL, if no prompt comes */
#define QUOTE_MAX 80      /* bytes of what came back that a message shows */

#define BY_HAND                                                                                    \
    "hold BOOT0 (or the DFU button) while you reset the board, then run the command again"

/* Where machine has no bootloader(), that of an older MicroPython may be in pyb. */
static const char *const commands[] = {
    "import machine\nmachine.bootloader()\n",
    "import pyb\npyb.bootloader()\n",
};

/* ---- what comes back ------------------------------------------------------------------------- */

static void keep(struct repl_parser *parser, char byte)
{
    if (parser->last_len == REPL_LAST_MAX) {
        parser->last_len = REPL_LAST_MAX / 2;
        memmove(parser->last, parser->last + REPL_LAST_MAX - parser->last_len, parser->last_len);
    }
    parser->last[parser->last_len++] = byte;
    parser->last[parser->last_len] = '\0';
}

static void begin(struct repl_parser *parser, enum repl_part part)
{
    parser->part = part;
    parser->last_len = 0;
    parser->last[0] = '\0';
}

static bool ends_with(const struct repl_parser *parser, const char *mark)
{
    size_t len = strlen(mark);
    return parser->last_len >= len && memcmp(parser->last + parser->last_len - len, mark, len) == 0;
}

void repl_parser_init(struct repl_parser *parser)
{
    begin(parser, REPL_PART_ANY);
}

void repl_parser_expect_answer(struct repl_parser *parser)
{
    begin(parser, REPL_PART_ACCEPT);
}

static enum repl_event find_prompt(struct repl_parser *parser)
{
    if (ends_with(parser, RAW_PROMPT))
        return REPL_EVENT_RAW_PROMPT;
    return ends_with(parser, PROMPT) ? REPL_EVENT_PROMPT : REPL_EVENT_NONE;
}

/* A byte of a part that \x04 ends. */
static bool is_end(struct repl_parser *parser, char byte)
{
    if (byte == END_OF_DATA)
        return true;
    keep(parser, byte);
    return false;
}

enum repl_event repl_parse(struct repl_parser *parser, char byte)
{
    switch (parser->part) {
    case REPL_PART_ANY:
        keep(parser, byte);
        return find_prompt(parser);
    case REPL_PART_ACCEPT:
        /* Not only at its beginning: a timer of the board's program may print something before. */
        keep(parser, byte);
        if (!ends_with(parser, ACCEPTED))
            return REPL_EVENT_NONE;
        begin(parser, REPL_PART_OUTPUT);
        return REPL_EVENT_ACCEPTED;
    case REPL_PART_OUTPUT:
        if (!is_end(parser, byte))
            return REPL_EVENT_NONE;
        begin(parser, REPL_PART_TRACEBACK);
        return REPL_EVENT_OUTPUT;
    case REPL_PART_TRACEBACK:
        if (!is_end(parser, byte))
            return REPL_EVENT_NONE;
        parser->part = REPL_PART_END;
        return REPL_EVENT_TRACEBACK;
    case REPL_PART_END:
        return byte == '>' ? REPL_EVENT_READY : REPL_EVENT_NONE;
    }
    return REPL_EVENT_NONE;
}

/* ---- what to send ---------------------------------------------------------------------------- */

void repl_init(struct repl *repl, long long now_us)
{
    *repl = (struct repl){.step = REPL_GOES_ON,
                          .attempt_us = now_us - ATTEMPT_US,
                          .deadline_us = now_us + REPL_CALL_MS * 1000LL};
    repl_parser_init(&repl->parser);
}

static void send_command(struct repl *repl, long long now_us, struct buf *out)
{
    buf_adds(out, commands[repl->command]);
    buf_adds(out, RUN);
    repl_parser_expect_answer(&repl->parser);
    repl->sent = true;
    repl->deadline_us = now_us + REPL_ANSWER_MS * 1000LL;
}

/* The board stays as stopped as its program is, but at its usual prompt. */
static void fail(struct repl *repl, struct buf *out)
{
    buf_adds(out, LEAVE_RAW);
    repl->step = REPL_FAILED;
}

/* Is there no such function in this port? */
static bool is_missing(const struct repl *repl)
{
    const struct repl_parser *parser = &repl->parser;
    return memmem(parser->last, parser->last_len, "AttributeError", 14) ||
           memmem(parser->last, parser->last_len, "ImportError", 11);
}

static void take_traceback(struct repl *repl, struct buf *out)
{
    if (!repl->parser.last_len)
        repl->step = REPL_TOLD;
    else if (repl->command + 1 == ARRAY_SIZE(commands) || !is_missing(repl))
        fail(repl, out);
}

static void ask(struct repl *repl, struct buf *out)
{
    if (repl->asked)
        return;
    buf_adds(out, ASK_RAW);
    repl->asked = true;
}

static void take_event(struct repl *repl, enum repl_event event, long long now_us, struct buf *out)
{
    switch (event) {
    case REPL_EVENT_PROMPT:
        ask(repl, out);
        break;
    case REPL_EVENT_RAW_PROMPT:
        send_command(repl, now_us, out);
        break;
    case REPL_EVENT_TRACEBACK:
        take_traceback(repl, out);
        break;
    case REPL_EVENT_READY:
        repl->command++;
        send_command(repl, now_us, out);
        break;
    case REPL_EVENT_NONE:
    case REPL_EVENT_ACCEPTED:
    case REPL_EVENT_OUTPUT:
        break;
    }
}

/* The time for an answer is over. A command that was accepted and has not failed is on its way,
 * even if the disconnect cannot be seen from here. */
static void time_out(struct repl *repl, struct buf *out)
{
    const struct repl_parser *parser = &repl->parser;
    if (parser->part == REPL_PART_OUTPUT ||
        (parser->part == REPL_PART_TRACEBACK && !parser->last_len))
        repl->step = REPL_TOLD;
    else
        fail(repl, out);
}

static void call_again(struct repl *repl, long long now_us, struct buf *out)
{
    if (now_us - repl->attempt_us >= ATTEMPT_US) {
        buf_adds(out, INTERRUPT);
        repl->attempts++;
        repl->attempt_us = now_us;
        repl->asked = false;
    } else if (now_us - repl->attempt_us >= ASK_US) {
        ask(repl, out);
    }
}

enum repl_step repl_advance(struct repl *repl, const char *bytes, size_t len, long long now_us,
                            struct buf *out)
{
    repl->any |= len > 0;
    for (size_t i = 0; i < len && repl->step == REPL_GOES_ON; i++)
        take_event(repl, repl_parse(&repl->parser, bytes[i]), now_us, out);
    if (repl->step != REPL_GOES_ON)
        return repl->step;
    if (now_us >= repl->deadline_us)
        time_out(repl, out);
    else if (repl->parser.part == REPL_PART_ANY)
        call_again(repl, now_us, out);
    return repl->step;
}

enum repl_step repl_hang_up(struct repl *repl)
{
    repl->gone = true;
    if (repl->step == REPL_GOES_ON)
        repl->step = repl->sent ? REPL_TOLD : REPL_FAILED;
    return repl->step;
}

/* ---- why it failed --------------------------------------------------------------------------- */

/* Printable, with spaces for line ends. */
static void add_text(struct buf *out, const char *text, size_t len)
{
    while (len) {
        const char *end = memchr(text, '\n', len);
        size_t line = end ? (size_t)(end - text) : len;
        text_add_printable(out, text, line && end && text[line - 1] == '\r' ? line - 1 : line);
        buf_adds(out, end ? " " : "");
        line += end != NULL;
        text += line;
        len -= line;
    }
}

/* "'...tick 49 tick 50'": the latest of what came. */
static void add_last(const struct repl *repl, struct buf *out)
{
    const struct repl_parser *parser = &repl->parser;
    size_t len = parser->last_len < QUOTE_MAX ? parser->last_len : QUOTE_MAX;
    buf_adds(out, parser->last_len > len ? "'..." : "'");
    add_text(out, parser->last + parser->last_len - len, len);
    buf_addc(out, '\'');
}

static bool explain_silence(const struct repl *repl, struct err **err)
{
    _cleanup_(buf_release) struct buf came = BUF_INIT;
    if (repl->any) {
        buf_adds(&came, "what came back ends in ");
        add_last(repl, &came);
    } else {
        buf_adds(&came, "nothing came back");
    }
    err_set(err, ERR_DEVICE,
            "MicroPython's REPL does not answer: Ctrl-C and Ctrl-A were sent %u times in %d s, %s",
            repl->attempts, REPL_CALL_MS / 1000, came.data);
    return err_hint(err, "its program may have switched off Ctrl-C or the REPL, or it is no "
                         "MicroPython: " BY_HAND);
}

/* The last line of the traceback is the exception. */
static void add_exception(const struct repl *repl, struct buf *out)
{
    const struct repl_parser *parser = &repl->parser;
    size_t end = parser->last_len, start;
    while (end && (parser->last[end - 1] == '\n' || parser->last[end - 1] == '\r'))
        end--;
    for (start = end; start && parser->last[start - 1] != '\n'; start--)
        ;
    size_t len = end - start < QUOTE_MAX ? end - start : QUOTE_MAX;
    text_add_printable(out, parser->last + start, len);
}

static bool explain_traceback(const struct repl *repl, struct err **err)
{
    _cleanup_(buf_release) struct buf exception = BUF_INIT;
    add_exception(repl, &exception);
    if (is_missing(repl))
        err_set(err, ERR_DEVICE, "its MicroPython has %s: %s",
                repl->command ? "neither machine.bootloader() nor pyb.bootloader()"
                              : "no machine.bootloader()",
                exception.data);
    else
        err_set(err, ERR_DEVICE, "%s.bootloader() failed on the board: %s",
                repl->command ? "pyb" : "machine", exception.data);
    return err_hint(err, "the board's program is stopped now; " BY_HAND);
}

static bool explain_refusal(const struct repl *repl, struct err **err)
{
    _cleanup_(buf_release) struct buf last = BUF_INIT;
    add_last(repl, &last);
    err_set(err, ERR_DEVICE,
            "MicroPython's raw REPL did not take the command within %d s, what came back is %s",
            REPL_ANSWER_MS / 1000, last.data);
    return err_hint(err, "the board's program is stopped now; " BY_HAND);
}

static bool explain_disconnect(struct err **err)
{
    err_set(err, ERR_DEVICE, "the board disconnected before it could be told to go");
    return err_hint(err, "run the command again; if that does not help, " BY_HAND);
}

bool repl_explain(const struct repl *repl, struct err **err)
{
    if (repl->gone)
        return explain_disconnect(err);
    switch (repl->parser.part) {
    case REPL_PART_ANY:
        return explain_silence(repl, err);
    case REPL_PART_ACCEPT:
        return explain_refusal(repl, err);
    case REPL_PART_OUTPUT:
    case REPL_PART_TRACEBACK:
    case REPL_PART_END:
        return explain_traceback(repl, err);
    }
    return explain_silence(repl, err);
}
