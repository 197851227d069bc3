/* What a board's serial port says to the raw REPL's host (simulator/raw_repl.h), and what its
 * program asks for (economy/file_server.h). The input is cut into packets: a byte for the length,
 * the bytes. */
#include "tests/fuzz/fuzz.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"
#include "economy/file_server.h"
#include "simulator/raw_repl.h"
#include "tests/fuzz/fuzz_dir.h"

#define MARK "@@firn0"
#define SOURCE "print(1)\n"
#define TEXT_MAX 4096
#define DEADLINE_MS 50

/* files/a.py and files/p/b.py are the board's; `secret`, of bytes that they do not have, is not. */
static const char *make_files(void)
{
    static char *files;
    struct err *err = NULL;
    const char *dir = fuzz_dir();
    if (files)
        return files;
    signal(SIGPIPE, SIG_IGN);
    files = xasprintf("%s/files", dir);
    CHECK(fs_write_scratch_below(dir, "files/a.py", "import b\n", 9, &err));
    CHECK(fs_write_scratch_below(dir, "files/p/b.py", "x = 1\n", 6, &err));
    CHECK(fs_write_scratch_below(dir, "secret", "\xee\xee\xee\xee", 4, &err));
    return files;
}

static void board_says(int board, struct fuzz_input *input)
{
    while (input->left) {
        size_t len = fuzz_u8(input);
        len = len < input->left ? len : input->left;
        if (len && write(board, input->at, len) != (ssize_t)len)
            return;
        input->at += len;
        input->left -= len;
    }
}

/* Our own words, and answers: digits. */
static void check_heard(int board)
{
    char chunk[4096];
    ssize_t n;
    while ((n = read(board, chunk, sizeof(chunk))) > 0) {
        CHECK(!memmem(chunk, (size_t)n, "eeee", 4));
        for (ssize_t i = 0; i < n; i++)
            CHECK(strchr("0123456789abcdef\r\001\002\003\004\005A" SOURCE, chunk[i]));
    }
}

static bool exec(struct raw_repl *repl, struct raw_repl_output *output, struct err **err)
{
    size_t before = output->text.len;
    bool ok = raw_repl_exec(repl, SOURCE, strlen(SOURCE), TEXT_MAX, clock_ms() + DEADLINE_MS,
                            output, err);
    CHECK(output->text.len - before <= TEXT_MAX);
    CHECK(output->traceback.len <= 2 * RAW_REPL_TRACEBACK_MAX);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct file_server server = FILE_SERVER_INIT(make_files(), MARK);
    struct raw_repl_output output = RAW_REPL_OUTPUT_INIT;
    struct err *err = NULL;
    int fds[2];
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds) == 0);
    struct raw_repl repl = RAW_REPL_INIT(fds[0], fds[0]);
    repl.sending = (enum raw_repl_sending)(fuzz_u8(&input) % 2); /* pieces have pauses */
    repl.answer = file_server_answer;
    repl.answer_data = &server;
    board_says(fds[1], &input);
    shutdown(fds[1], SHUT_WR);
    bool ok = raw_repl_enter(&repl, clock_ms() + DEADLINE_MS, &err) &&
              raw_repl_restart(&repl, clock_ms() + DEADLINE_MS, &err) &&
              exec(&repl, &output, &err) && exec(&repl, &output, &err) &&
              raw_repl_leave(&repl, clock_ms() + DEADLINE_MS, &err);
    (void)fuzz_check_result(ok, &err);
    check_heard(fds[1]);
    close(fds[0]);
    close(fds[1]);
    raw_repl_release(&repl);
    raw_repl_output_release(&output);
    file_server_release(&server);
    return 0;
}
