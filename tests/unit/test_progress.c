#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/progress.h"

static void feed(struct progress *progress, const char *const *events)
{
    for (size_t i = 0; events[i]; i++) {
        json_t *event = json_loads(events[i], 0, NULL);
        assert_non_null(event);
        progress_sink(progress, event);
        json_decref(event);
    }
}

/* Feed JSON texts to a progress and return what it wrote before it was freed; the caller frees. */
static char *draw(enum progress_style style, bool quiet, const char *const *events)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    struct progress *progress = progress_new(out, style, quiet);
    feed(progress, events);
    fflush(out);
    char *drawn = xstrdup(text);
    progress_free(progress);
    fclose(out);
    free(text);
    return drawn;
}

static const char begin[] =
    "{\"event\":\"phase\",\"phase\":\"write\",\"title\":\"Writing\",\"state\":\"begin\"}";
static const char half[] = "{\"event\":\"progress\",\"phase\":\"write\",\"done\":1024,"
                           "\"total\":2048,\"unit\":\"bytes\"}";
static const char end[] = "{\"event\":\"phase\",\"phase\":\"write\",\"title\":\"Writing\","
                          "\"state\":\"end\",\"ok\":true,\"seconds\":1.25}";
static const char end_failed[] =
    "{\"event\":\"phase\",\"phase\":\"write\",\"title\":\"Writing\",\"state\":\"end\","
    "\"ok\":false,\"seconds\":0.5,\"detail\":\"at 0x08000000\"}";
static const char warning[] = "{\"event\":\"log\",\"level\":\"warning\",\"text\":\"mind\\n\"}";

static void plain_prints_a_line_for_each_ended_phase(void **state)
{
    (void)state;
    _cleanup_free_ char *text =
        draw(PROGRESS_PLAIN, false, (const char *[]){begin, half, end, NULL});
    assert_string_equal(text, "  write      1.25 s    Writing\n");
}

static void plain_names_the_failure(void **state)
{
    (void)state;
    _cleanup_free_ char *text =
        draw(PROGRESS_PLAIN, false, (const char *[]){begin, end_failed, NULL});
    assert_string_equal(text, "  write      0.50 s    FAILED at 0x08000000\n");
}

static void quiet_keeps_warnings(void **state)
{
    (void)state;
    _cleanup_free_ char *text =
        draw(PROGRESS_PLAIN, true, (const char *[]){begin, half, warning, end, NULL});
    assert_string_equal(text, "warning: mind\n");
}

static void terminal_draws_half_a_bar(void **state)
{
    (void)state;
    _cleanup_free_ char *text = draw(PROGRESS_TERMINAL, false, (const char *[]){begin, half, NULL});
    assert_non_null(strstr(text, "  write      ████████████            ▏ 1.0 KiB of 2.0 KiB"));
}

static void a_line_that_stays_is_drawn_over_the_block(void **state)
{
    (void)state;
    _cleanup_free_ char *text =
        draw(PROGRESS_TERMINAL, false, (const char *[]){begin, warning, NULL});
    assert_non_null(strstr(text, "\r\033[1Awarning: mind\033[K\n  write"));
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
    (void)state;
    static const char evil[] = "{\"event\":\"progress\",\"phase\":\"write\",\"done\":1,"
                               "\"total\":2,\"unit\":\"files\",\"detail\":\"\\u001b]0;x\\u0007\"}";
    _cleanup_free_ char *text = draw(PROGRESS_TERMINAL, false, (const char *[]){begin, evil, NULL});
    assert_null(strstr(text, "\033]0"));
    assert_non_null(strstr(text, "\\x1b]0;x"));
}

static void many_jobs_have_a_line_each(void **state)
{
    (void)state;
    static const char first[] = "{\"event\":\"phase\",\"phase\":\"write\",\"title\":\"W\","
                                "\"state\":\"begin\",\"job\":\"1-1\"}";
    static const char second[] = "{\"event\":\"phase\",\"phase\":\"write\",\"title\":\"W\","
                                 "\"state\":\"begin\",\"job\":\"1-2\"}";
    _cleanup_free_ char *text =
        draw(PROGRESS_TERMINAL, false, (const char *[]){first, second, NULL});
    assert_non_null(strstr(text, "  1-1 write"));
    assert_non_null(strstr(text, "  1-2 write"));
}

/* The events of a board: its own phase, and one within. */
#define BOARD(job, state, rest)                                                                    \
    "{\"event\":\"phase\",\"job\":\"" job                                                          \
    "\",\"phase\":\"board\",\"title\":\"Waiting for its turn\","                                   \
    "\"state\":\"" state "\"" rest "}"
#define PHASE(job, phase, state, rest)                                                             \
    "{\"event\":\"phase\",\"job\":\"" job "\",\"phase\":\"" phase                                  \
    "\",\"title\":\"T\",\"state\":\"" state "\"" rest "}"
#define END ",\"ok\":true,\"seconds\":1.25,\"detail\":\"done\""

static void of_a_board_only_the_end_is_said(void **state)
{
    (void)state;
    _cleanup_free_ char *text = draw(
        PROGRESS_PLAIN, false,
        (const char *[]){BOARD("1-1.4", "begin", ""), PHASE("1-1.4", "write", "begin", ""),
                         PHASE("1-1.4", "write", "end", END), BOARD("1-1.4", "end", END), NULL});
    assert_string_equal(text, "  1-1.4 1.25 s    done\n");
}

/* The last block that was drawn. */
static const char *last_block(const char *text)
{
    const char *at = text, *next;
    while ((next = strstr(at, "A  ")))
        at = next + 1;
    return at;
}

static void boards_keep_their_place_while_phases_change(void **state)
{
    (void)state;
    _cleanup_free_ char *text =
        draw(PROGRESS_TERMINAL, false,
             (const char *[]){BOARD("1-1", "begin", ""), BOARD("1-2", "begin", ""),
                              BOARD("1-3", "begin", ""), PHASE("1-1", "write", "begin", ""),
                              PHASE("1-2", "write", "begin", ""), PHASE("1-1", "write", "end", END),
                              PHASE("1-1", "verify", "begin", ""), NULL});
    const char *block = last_block(text);
    const char *first = strstr(block, "1-1 verify"), *second = strstr(block, "1-2 write"),
               *third = strstr(block, "1-3 ");
    assert_true(first && second && third);
    assert_true(first < second && second < third);
    assert_non_null(strstr(third, "Waiting for its turn"));
    assert_null(strstr(block, "more"));
}

/* 24 rows, as nothing else is known: 21 boards and a line that counts the others. */
static void what_does_not_fit_is_counted(void **state)
{
    (void)state;
    char events[2][30][200];
    const char *all[61] = {NULL};
    for (int i = 0; i < 30; i++) {
        snprintf(events[0][i], sizeof(events[0][i]), BOARD("2-%d", "begin", ""), i);
        snprintf(events[1][i], sizeof(events[1][i]), PHASE("2-%d", "write", "begin", ""), i);
        all[i] = events[0][i];
    }
    for (int i = 0; i < 25; i++)
        all[30 + i] = events[1][i + 5]; /* the first five wait */
    _cleanup_free_ char *text = draw(PROGRESS_TERMINAL, false, all);
    const char *block = last_block(text);
    assert_non_null(strstr(block, "  2-5  write"));
    assert_non_null(strstr(block, "  2-25 write"));
    assert_null(strstr(block, "2-26"));
    assert_null(strstr(block, "  2-0"));
    assert_non_null(strstr(block, "  and 9 more\033[K\n\033[J"));
}

/* Products under way stand above the line of them all, which has its place in any case. */
static void the_line_of_all_is_the_last(void **state)
{
    (void)state;
    static const char all[] =
        "{\"event\":\"phase\",\"phase\":\"all\",\"title\":\"Building\",\"state\":\"begin\"}";
    static const char some[] =
        "{\"event\":\"progress\",\"phase\":\"all\",\"done\":37,\"total\":100,"
        "\"unit\":\"products\",\"detail\":\"2 failed, 12.0 s\"}";
    char events[2][30][200];
    const char *feed[64] = {all, some};
    for (int i = 0; i < 30; i++) {
        snprintf(events[0][i], sizeof(events[0][i]), PHASE("p-%d", "product", "begin", ""), i);
        snprintf(events[1][i], sizeof(events[1][i]), PHASE("p-%d", "compile", "begin", ""), i);
        feed[2 + 2 * i] = events[0][i];
        feed[3 + 2 * i] = events[1][i];
    }
    _cleanup_free_ char *text = draw(PROGRESS_TERMINAL, false, feed);
    const char *block = last_block(text);
    assert_non_null(strstr(block, "  p-0  compile"));
    assert_non_null(strstr(block, "  p-19 compile"));
    assert_null(strstr(block, "p-20"));
    const char *more = strstr(block, "  and 10 more\033[K\n"), *line = strstr(block, "  all ");
    assert_true(more && line && line > more);
    assert_non_null(strstr(line, "37/100 products  2 failed, 12.0 s\033[K\n\033[J"));
}

static const char begin_of_job[] =
    "{\"event\":\"phase\",\"job\":\"Ger\u00e4te/regal.yaml\",\"phase\":\"write\","
    "\"title\":\"Writing\",\"state\":\"begin\"}";
static const char half_of_job[] =
    "{\"event\":\"progress\",\"job\":\"Ger\u00e4te/regal.yaml\",\"phase\":\"write\",\"done\":1024,"
    "\"total\":2048,\"unit\":\"bytes\",\"detail\":\"0x08000000 and what else there is to tell\"}";

/* What a terminal of so many columns is told about a job with a long name. */
static char *draw_on_terminal(unsigned short columns)
{
    int master, slave;
    char text[4096];
    ssize_t len;
    size_t all = 0;
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
    FILE *out = fdopen(slave, "w");
    struct progress *progress = progress_new(out, PROGRESS_TERMINAL, false);
    feed(progress, (const char *[]){begin_of_job, half_of_job, NULL});
    progress_free(progress);
    fclose(out);
    while ((len = read(master, text + all, sizeof(text) - 1 - all)) > 0)
        all += (size_t)len;
    close(master);
    text[all] = 0;
    return xstrdup(text);
}

static size_t widest_line(unsigned short columns)
{
    _cleanup_free_ char *text = draw_on_terminal(columns);
    size_t widest = 0, used = 0;
    for (const char *c = text; *c; c++) {
        if (*c == '\033') /* a sequence of the terminal takes no column */
            c += strcspn(c, "AJKm");
        else if (*c == '\n' || *c == '\r')
            used = 0;
        else if (((unsigned char)*c & 0xc0) != 0x80 && ++used > widest)
            widest = used;
    }
    return widest;
}

static void no_line_is_wider_than_the_terminal(void **state)
{
    (void)state;
    assert_int_equal(widest_line(80), 79);
    assert_int_equal(widest_line(60), 59);
    assert_int_equal(widest_line(30), 29);
    assert_in_range(widest_line(2), 0, 2);
}

/* Of an unbuffered stream such as stderr; else the terminal shows the moment between. */
static void a_change_is_written_in_one_piece(void **state)
{
    (void)state;
    int ends[2];
    char text[4096];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    FILE *out = fdopen(ends[1], "w");
    setvbuf(out, NULL, _IONBF, 0);
    struct progress *progress = progress_new(out, PROGRESS_TERMINAL, false);
    feed(progress, (const char *[]){begin, half, NULL});
    assert_true(read(ends[0], text, sizeof(text)) > 0);
    ssize_t len = read(ends[0], text, sizeof(text) - 1);
    assert_true(len > 0);
    text[len] = 0;
    assert_non_null(strstr(text, "\033[1A"));
    assert_non_null(strstr(text, "1.0 KiB of 2.0 KiB"));
    progress_free(progress);
    fclose(out);
    close(ends[0]);
}

static void phases_of_a_job_stand_in_one_column(void **state)
{
    (void)state;
    _cleanup_free_ char *text = draw(
        PROGRESS_PLAIN, false,
        (const char *[]){"{\"event\":\"phase\",\"job\":\"a/long.yaml\",\"phase\":\"toolchain\","
                         "\"title\":\"Finding\",\"state\":\"begin\"}",
                         "{\"event\":\"phase\",\"job\":\"a/long.yaml\",\"phase\":\"toolchain\","
                         "\"title\":\"Finding\",\"state\":\"end\",\"ok\":true,\"seconds\":1.25}",
                         "{\"event\":\"phase\",\"job\":\"a/long.yaml\",\"phase\":\"image\","
                         "\"title\":\"Making\",\"state\":\"begin\"}",
                         "{\"event\":\"phase\",\"job\":\"a/long.yaml\",\"phase\":\"image\","
                         "\"title\":\"Making\",\"state\":\"end\",\"ok\":true,\"seconds\":1.25}",
                         NULL});
    assert_string_equal(text, "  a/long.yaml toolchain  1.25 s    Finding\n"
                              "  a/long.yaml image      1.25 s    Making\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_prints_a_line_for_each_ended_phase),
        cmocka_unit_test(plain_names_the_failure),
        cmocka_unit_test(quiet_keeps_warnings),
        cmocka_unit_test(terminal_draws_half_a_bar),
        cmocka_unit_test(a_line_that_stays_is_drawn_over_the_block),
        cmocka_unit_test(control_characters_do_not_reach_the_terminal),
        cmocka_unit_test(many_jobs_have_a_line_each),
        cmocka_unit_test(of_a_board_only_the_end_is_said),
        cmocka_unit_test(boards_keep_their_place_while_phases_change),
        cmocka_unit_test(what_does_not_fit_is_counted),
        cmocka_unit_test(the_line_of_all_is_the_last),
        cmocka_unit_test(no_line_is_wider_than_the_terminal),
        cmocka_unit_test(a_change_is_written_in_one_piece),
        cmocka_unit_test(phases_of_a_job_stand_in_one_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
