#include "cli/client_problem.h"

#include "tests/unit/unit.h"

static struct err *problem(long status, const char *body)
{
    struct err *err = NULL;

    assert_false(client_problem(status, body, strlen(body), "/run/x.sock", &err));
    assert_non_null(err);
    return err;
}

static void detail_and_action(void **state)
{
    (void)state;
    struct err *err = problem(409, "{\"type\":\"urn:firn:problem:ended\",\"title\":\"Conflict\","
                                   "\"status\":409,\"detail\":\"job 42 has ended\","
                                   "\"action\":\"look at `firn jobs 42`\"}");

    assert_string_equal(err->message, "job 42 has ended");
    assert_string_equal(err->hint, "look at `firn jobs 42`");
    assert_error(&err, ERR_USAGE, "job 42 has ended");
}

static void codes_by_status(void **state)
{
    (void)state;
    static const struct {
        long status;
        enum err_code code;
        int exit_status;
    } cases[] = {
        {400, ERR_USAGE, 2},  {401, ERR_USAGE, 2},  {403, ERR_USAGE, 2},  {404, ERR_NOT_FOUND, 1},
        {409, ERR_USAGE, 2},  {412, ERR_USAGE, 2},  {415, ERR_USAGE, 2},  {422, ERR_USAGE, 2},
        {413, ERR_FAILED, 1}, {429, ERR_FAILED, 1}, {500, ERR_FAILED, 1}, {507, ERR_FAILED, 1},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct err *err = problem(cases[i].status, "{\"detail\":\"so\"}");

        assert_int_equal(err_exit_status(err), cases[i].exit_status);
        assert_error(&err, cases[i].code, "so");
    }
}

static void a_token_is_asked_for(void **state)
{
    (void)state;
    struct err *none = problem(401, "{\"detail\":\"no token\"}");
    struct err *small = problem(403, "{\"detail\":\"view may not\",\"action\":null}");

    assert_contains(none->hint, "--token-file");
    assert_contains(small->hint, "greater role");
    err_free(none);
    err_free(small);
}

static void what_is_no_problem(void **state)
{
    (void)state;
    static const char *const bodies[] = {"", "<html>502 Bad Gateway</html>", "[1]",
                                         "{\"detail\":1}", "{\"detail\":"};

    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        struct err *err = problem(500, bodies[i]);

        assert_contains(err->hint, "is it a firnd?");
        assert_error(&err, ERR_FAILED, "/run/x.sock answered 500");
    }
    struct err *err = problem(405, "{\"title\":\"Method Not Allowed\"}");
    assert_error(&err, ERR_FAILED, "answered 405 (Method Not Allowed)");
}

static void texts_drive_no_terminal(void **state)
{
    (void)state;
    struct err *err = problem(400, "{\"detail\":\"\\u001b]0;x\\u0007\",\"action\":\"\\u001b[2J\"}");
    _cleanup_(buf_release) struct buf text = BUF_INIT;

    err_format(err, &text);
    assert_null(strchr(text.data, '\x1b'));
    assert_null(strchr(text.data, '\a'));
    err_free(err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(detail_and_action),       cmocka_unit_test(codes_by_status),
        cmocka_unit_test(a_token_is_asked_for),    cmocka_unit_test(what_is_no_problem),
        cmocka_unit_test(texts_drive_no_terminal),
    };

    return cmocka_run_group_tests_name("client_problem", tests, NULL, NULL);
}
