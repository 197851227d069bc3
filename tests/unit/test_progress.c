#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/progress.h"

/* Feed JSON texts to a progress and return what it wrote before it was freed; the caller frees. */
static char *draw(enum progress_style style, bool quiet, const char *const *events)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    struct progress *progress = progress_new(out, style, quiet);
    for (size_t i = 0; events[i]; i++) {
        json_t *event = json_loads(events[i], 0, NULL);
        assert_non_null(event);
        progress_sink(progress, event);
        json_decref(event);
    }
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

static void terminal_clears_the_block_before_a_line_that_stays(void **state)
{
    (void)state;
    _cleanup_free_ char *text =
        draw(PROGRESS_TERMINAL, false, (const char *[]){begin, warning, NULL});
    assert_non_null(strstr(text, "\033[1A\033[Jwarning: mind\n  write"));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_prints_a_line_for_each_ended_phase),
        cmocka_unit_test(plain_names_the_failure),
        cmocka_unit_test(quiet_keeps_warnings),
        cmocka_unit_test(terminal_draws_half_a_bar),
        cmocka_unit_test(terminal_clears_the_block_before_a_line_that_stays),
        cmocka_unit_test(control_characters_do_not_reach_the_terminal),
        cmocka_unit_test(many_jobs_have_a_line_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
