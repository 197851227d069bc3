/* What a board's serial port says while it is told to enter its bootloader. The input is a series
 * of a delay in milliseconds, a length and as many bytes; the length 255 unplugs the board. */
#include "tests/fuzz/fuzz.h"

#include "flasher/repl.h"

#define HANG_UP 255
#define TICK_US 50000
#define LIMIT_US ((REPL_CALL_MS + 2 * REPL_ANSWER_MS) * 1000LL)
/* Some bytes for each attempt to interrupt, and two commands. */
#define SENT_MAX (8 * (REPL_CALL_MS / 300 + 2) + 200)

/* The host's end, and what a person would have seen. */
struct talk {
    struct repl repl;
    long long now_us;
    struct buf sent;     /* to the board */
    struct buf received; /* since the last command was sent */
};

static void check(const struct talk *t)
{
    const struct repl_parser *parser = &t->repl.parser;
    CHECK(parser->last_len <= REPL_LAST_MAX && parser->last[parser->last_len] == 0);
    CHECK(t->now_us <= LIMIT_US + 256 * 1000 && t->sent.len <= SENT_MAX);
    if (t->repl.step != REPL_TOLD)
        return;
    /* It was told, if it is gone after that or has taken the command. */
    CHECK(t->repl.sent && (t->repl.gone || memmem(t->received.data, t->received.len, "OK", 2)));
}

/* Byte by byte: whatever stands in one read may come in several. */
static void feed(struct talk *t, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len && t->repl.step == REPL_GOES_ON; i++) {
        size_t before = t->sent.len;
        buf_addc(&t->received, bytes[i]);
        repl_advance(&t->repl, bytes + i, 1, t->now_us, &t->sent);
        if (memchr(t->sent.data + before, 4, t->sent.len - before))
            buf_clear(&t->received);
        check(t);
    }
}

static void play(struct talk *t, struct fuzz_input *input)
{
    while (input->left && t->repl.step == REPL_GOES_ON) {
        t->now_us += fuzz_u8(input) * 1000LL;
        size_t len = fuzz_u8(input);
        if (len == HANG_UP) {
            repl_hang_up(&t->repl);
            return;
        }
        repl_advance(&t->repl, NULL, 0, t->now_us, &t->sent);
        len = len < input->left ? len : input->left;
        feed(t, (const char *)input->at, len);
        input->at += len;
        input->left -= len;
    }
    while (t->repl.step == REPL_GOES_ON) {
        t->now_us += TICK_US;
        repl_advance(&t->repl, NULL, 0, t->now_us, &t->sent);
        check(t);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct talk talk = {.sent = BUF_INIT, .received = BUF_INIT};
    struct err *err = NULL;
    repl_init(&talk.repl, 0);
    play(&talk, &input);
    check(&talk);
    if (talk.repl.step == REPL_FAILED)
        CHECK(!fuzz_check_result(repl_explain(&talk.repl, &err), &err));
    size_t sent = talk.sent.len;
    CHECK(repl_advance(&talk.repl, "OK\004\004>", 5, talk.now_us, &talk.sent) == talk.repl.step);
    CHECK(talk.sent.len == sent);
    buf_release(&talk.sent);
    buf_release(&talk.received);
    return 0;
}
