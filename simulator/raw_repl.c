#include "simulator/raw_repl.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/proc.h"
#include "base/text.h"

#define READ_SIZE 4096
#define POLL_SLICE_MS 100             /* how long a signal can go unnoticed */
#define STRAY_MAX ((size_t)64 * 1024) /* bytes kept while waiting for a mark */
#define FIRST_RETRY_MS 20             /* grows by half with each attempt to enter ... */
#define LAST_RETRY_MS 500             /* ... up to this */
#define QUOTE_MAX 160                 /* bytes of unexpected output shown in a message */
#define INTERRUPT_AND_ENTER "\r\003\003\001"
#define LEAVE "\r\002"
#define RAW_PROMPT "raw REPL; CTRL-B to exit\r\n>"
#define FRIENDLY_PROMPT ">>> "
#define ACCEPTED "OK"
#define END_OF_DATA '\004'
#define ENTER_PASTE "\005A\001"
#define PASTE_KNOWN "R\001"
#define PASTE_WINDOW '\001' /* the board takes as many bytes more as it said at first */
#define PASTE_ASK_MS 1000   /* how long a board may take to say that it knows the mode */
#define PIECE_SIZE ((size_t)256)
#define PIECE_PAUSE_MS 10

enum outcome { FAILED, TIMED_OUT, DONE };

static void consume(struct raw_repl *repl, size_t len)
{
    memmove(repl->pending.data, repl->pending.data + len, repl->pending.len - len);
    buf_truncate(&repl->pending, repl->pending.len - len);
}

/* Wait until the board sent something or, if wanted, takes something. */
static enum outcome wait_ready(const struct raw_repl *repl, bool want_write, long long deadline_ms,
                               bool *can_read, bool *can_write, struct err **err)
{
    for (;;) {
        long long left = deadline_ms - clock_ms();
        if (interrupt_requested()) {
            err_set(err, ERR_INTERRUPTED, "interrupted while talking to the board");
            return FAILED;
        }
        if (left <= 0)
            return TIMED_OUT;
        struct pollfd fds[2] = {{.fd = repl->in, .events = POLLIN},
                                {.fd = want_write ? repl->out : -1, .events = POLLOUT}};
        int n = poll(fds, 2, left < POLL_SLICE_MS ? (int)left : POLL_SLICE_MS);
        if (n < 0 && errno != EINTR) {
            err_set_errno(err, ERR_DEVICE, errno, "cannot wait for the board");
            return FAILED;
        }
        *can_read = n > 0 && fds[0].revents;
        *can_write = n > 0 && fds[1].revents;
        if (n > 0)
            return DONE;
    }
}

static bool receive(struct raw_repl *repl, struct err **err)
{
    char chunk[READ_SIZE];
    ssize_t n = read(repl->in, chunk, sizeof(chunk));
    if (n > 0)
        buf_add(&repl->pending, chunk, (size_t)n);
    if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
        return true;
    if (n == 0 || errno == EIO) /* EIO: a terminal whose other side is gone */
        return err_set(err, ERR_DEVICE, "the board hung up");
    return err_set_errno(err, ERR_DEVICE, errno, "cannot read from the board");
}

/* Wait for more in pending; what is already there is kept up to STRAY_MAX, the latest of it. */
static enum outcome receive_more(struct raw_repl *repl, long long deadline_ms, struct err **err)
{
    bool can_read, can_write;
    enum outcome outcome = wait_ready(repl, false, deadline_ms, &can_read, &can_write, err);
    if (outcome == DONE && !receive(repl, err))
        return FAILED;
    if (repl->pending.len > STRAY_MAX)
        consume(repl, repl->pending.len - STRAY_MAX / 2);
    return outcome;
}

/* Complete *err, or make one for a deadline that passed, with what the board said last: the best
 * clue to what is the matter. Returns false. */
static bool explain(const struct raw_repl *repl, const char *doing, struct err **err)
{
    size_t shown = repl->pending.len < QUOTE_MAX ? repl->pending.len : QUOTE_MAX;
    _cleanup_(buf_release) struct buf quote = BUF_INIT;
    text_add_printable(&quote, repl->pending.data + repl->pending.len - shown, shown);
    if (!*err)
        err_set(err, ERR_DEVICE, "the board did not answer in time");
    else if ((*err)->code == ERR_INTERRUPTED)
        return false;
    return shown ? err_wrap(err, "%s, after '%s'", doing, quote.data) : err_wrap(err, "%s", doing);
}

static bool send_all(struct raw_repl *repl, const char *data, size_t len, long long deadline_ms,
                     struct err **err)
{
    while (len) {
        bool can_read, can_write;
        if (wait_ready(repl, true, deadline_ms, &can_read, &can_write, err) != DONE)
            return explain(repl, "cannot send to the board", err);
        /* Read too: a board that is stuck in its own output would never take ours. */
        if (can_read && receive_more(repl, deadline_ms, err) == FAILED)
            return explain(repl, "cannot send to the board", err);
        ssize_t n = can_write ? write(repl->out, data, len) : 0;
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            err_set_errno(err, ERR_DEVICE, errno, "writing failed");
            return explain(repl, "cannot send to the board", err);
        }
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return true;
}

/* Wait for a mark and consume everything up to its end. */
static enum outcome await_mark(struct raw_repl *repl, const char *mark, long long deadline_ms,
                               struct err **err)
{
    size_t mark_len = strlen(mark);
    for (;;) {
        char *at = memmem(repl->pending.data, repl->pending.len, mark, mark_len);
        if (at) {
            consume(repl, (size_t)(at - repl->pending.data) + mark_len);
            return DONE;
        }
        enum outcome outcome = receive_more(repl, deadline_ms, err);
        if (outcome != DONE)
            return outcome;
    }
}

static bool expect(struct raw_repl *repl, const char *mark, const char *doing,
                   long long deadline_ms, struct err **err)
{
    if (await_mark(repl, mark, deadline_ms, err) == DONE)
        return true;
    return explain(repl, doing, err);
}

bool raw_repl_enter(struct raw_repl *repl, long long deadline_ms, struct err **err)
{
    buf_clear(&repl->pending);
    /* A board that is still starting drops what it is sent, so ask again. One that was only slow
     * then gives its prompt more than once; raw_repl_exec() skips what stands before its "OK". */
    for (long long interval = FIRST_RETRY_MS;; interval += interval / 2) {
        if (interval > LAST_RETRY_MS)
            interval = LAST_RETRY_MS;
        if (!send_all(repl, INTERRUPT_AND_ENTER, strlen(INTERRUPT_AND_ENTER), deadline_ms, err))
            return false;
        long long until = clock_ms() + interval;
        bool last = until >= deadline_ms;
        enum outcome outcome = await_mark(repl, RAW_PROMPT, last ? deadline_ms : until, err);
        if (outcome == DONE)
            return true;
        if (outcome == FAILED || last)
            return explain(repl, "no raw REPL", err);
    }
}

/* Move pending bytes to out with \r\n made \n. A \r that ends pending waits for its \n. */
static size_t move_text(struct buf *out, const char *data, size_t len, bool more_follows)
{
    size_t i = 0;
    for (; i < len; i++) {
        bool last = i + 1 == len;
        if (data[i] == '\r' && last && more_follows)
            break;
        if (data[i] == '\r' && !last && data[i + 1] == '\n')
            continue;
        buf_addc(out, data[i]);
    }
    return i;
}

/* Let the host answer what the program asks. */
static bool answer(struct raw_repl *repl, struct buf *text, long long deadline_ms, struct err **err)
{
    _cleanup_(buf_release) struct buf reply = BUF_INIT;
    if (!repl->answer)
        return true;
    repl->answer(repl->answer_data, text, &reply);
    return send_all(repl, reply.data, reply.len, deadline_ms, err);
}

/* What the board sends up to the next end mark; text is empty at first. */
static bool collect_text(struct raw_repl *repl, struct buf *text, size_t max, const char *what,
                         long long deadline_ms, struct err **err)
{
    for (;;) {
        char *end = memchr(repl->pending.data, END_OF_DATA, repl->pending.len);
        size_t len = end ? (size_t)(end - repl->pending.data) : repl->pending.len;
        consume(repl, move_text(text, repl->pending.data, len, !end));
        if (text->len > max) {
            buf_truncate(text, max);
            return err_set(err, ERR_DEVICE, "the %s is longer than %zu bytes", what, max);
        }
        if (end) {
            consume(repl, 1);
            return true;
        }
        size_t kept = repl->pending.len;
        if (!answer(repl, text, deadline_ms, err))
            return false;
        if (repl->pending.len > kept) /* sending reads, too */
            continue;
        enum outcome outcome = receive_more(repl, deadline_ms, err);
        if (outcome == TIMED_OUT)
            return err_set(err, ERR_DEVICE, "the program did not end in time");
        if (outcome == FAILED)
            return (*err)->code == ERR_INTERRUPTED ? false
                                                   : err_wrap(err, "the program did not end");
    }
}

static bool collect(struct raw_repl *repl, struct buf *out, size_t max, const char *what,
                    long long deadline_ms, struct err **err)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    bool ok = collect_text(repl, &text, max, what, deadline_ms, err);
    buf_add(out, text.data, text.len);
    return ok;
}

static bool check_source(const char *source, size_t len, struct err **err)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)source[i];
        if (c < ' ' && c != '\t' && c != '\n' && c != '\r')
            return err_set(err, ERR_USAGE,
                           "the program holds the control character \\x%02x at byte %zu, which "
                           "the REPL would take for a command",
                           c, i);
    }
    return true;
}

/* ---- sending a program ---- */

/* The next byte of the board's; -1: an error. */
static int take_byte(struct raw_repl *repl, long long deadline_ms, struct err **err)
{
    while (!repl->pending.len) {
        if (receive_more(repl, deadline_ms, err) == DONE)
            continue;
        explain(repl, "the board did not take the program", err);
        return -1;
    }
    int byte = (unsigned char)repl->pending.data[0];
    consume(repl, 1);
    return byte;
}

/* Does the board know raw-paste mode, and then, how many bytes does it take at first? One that does
 * not takes the question for its own line's beginning, and Ctrl-A, the question's last byte, for
 * the order to forget it. */
static bool enter_paste(struct raw_repl *repl, size_t *window, long long deadline_ms,
                        struct err **err)
{
    long long until = clock_ms() + PASTE_ASK_MS;
    if (!send_all(repl, ENTER_PASTE, strlen(ENTER_PASTE), deadline_ms, err))
        return false;
    switch (await_mark(repl, PASTE_KNOWN, until < deadline_ms ? until : deadline_ms, err)) {
    case FAILED:
        return explain(repl, "the board did not take the program", err);
    case TIMED_OUT:
        repl->sending = RAW_REPL_IN_PIECES;
        return true;
    case DONE:
        break;
    }
    int low = take_byte(repl, deadline_ms, err);
    int high = low < 0 ? -1 : take_byte(repl, deadline_ms, err);
    if (high < 0)
        return false;
    *window = (size_t)low | (size_t)high << 8;
    return *window != 0 || err_set(err, ERR_DEVICE, "the board takes no programs: a window of 0");
}

static bool paste(struct raw_repl *repl, const char *source, size_t len, size_t window,
                  long long deadline_ms, struct err **err)
{
    const char end = END_OF_DATA;
    size_t room = window;
    int byte = 0;
    while (len && byte != END_OF_DATA) {
        size_t n = len < room ? len : room;
        if (!send_all(repl, source, n, deadline_ms, err))
            return false;
        source += n;
        len -= n;
        room -= n;
        while (byte != END_OF_DATA && (repl->pending.len || (len && !room))) {
            byte = take_byte(repl, deadline_ms, err);
            if (byte < 0)
                return false;
            room += byte == PASTE_WINDOW ? window : 0;
        }
    }
    if (!send_all(repl, &end, 1, deadline_ms, err))
        return false;
    while (byte >= 0 && byte != END_OF_DATA)
        byte = take_byte(repl, deadline_ms, err);
    return byte == END_OF_DATA;
}

static bool send_in_pieces(struct raw_repl *repl, const char *source, size_t len,
                           long long deadline_ms, struct err **err)
{
    while (len) {
        size_t n = len < PIECE_SIZE ? len : PIECE_SIZE;
        if (!send_all(repl, source, n, deadline_ms, err))
            return false;
        source += n;
        len -= n;
        poll(NULL, 0, PIECE_PAUSE_MS);
    }
    return true;
}

static bool send_program(struct raw_repl *repl, const char *source, size_t len,
                         long long deadline_ms, struct err **err)
{
    const char end = END_OF_DATA;
    size_t window = 0;
    if (repl->sending == RAW_REPL_PASTE && !enter_paste(repl, &window, deadline_ms, err))
        return false;
    if (window)
        return paste(repl, source, len, window, deadline_ms, err);
    return (repl->sending == RAW_REPL_AT_ONCE
                ? send_all(repl, source, len, deadline_ms, err)
                : send_in_pieces(repl, source, len, deadline_ms, err)) &&
           send_all(repl, &end, 1, deadline_ms, err) &&
           expect(repl, ACCEPTED, "the board did not take the program", deadline_ms, err);
}

bool raw_repl_exec(struct raw_repl *repl, const char *source, size_t len, size_t text_max,
                   long long deadline_ms, struct raw_repl_output *output, struct err **err)
{
    return check_source(source, len, err) && send_program(repl, source, len, deadline_ms, err) &&
           collect(repl, &output->text, text_max, "output", deadline_ms, err) &&
           collect(repl, &output->traceback, RAW_REPL_TRACEBACK_MAX, "traceback", deadline_ms,
                   err) &&
           expect(repl, ">", "no prompt after the program", deadline_ms, err);
}

bool raw_repl_restart(struct raw_repl *repl, long long deadline_ms, struct err **err)
{
    const char end = END_OF_DATA;
    return send_all(repl, &end, 1, deadline_ms, err) &&
           expect(repl, RAW_PROMPT, "no fresh interpreter", deadline_ms, err);
}

bool raw_repl_leave(struct raw_repl *repl, long long deadline_ms, struct err **err)
{
    return send_all(repl, LEAVE, strlen(LEAVE), deadline_ms, err) &&
           expect(repl, FRIENDLY_PROMPT, "cannot leave the raw REPL", deadline_ms, err);
}

void raw_repl_release(struct raw_repl *repl)
{
    buf_release(&repl->pending);
}

void raw_repl_output_release(struct raw_repl_output *output)
{
    buf_release(&output->text);
    buf_release(&output->traceback);
}
