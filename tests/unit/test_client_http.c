/* Where a client may go; what it says there is tested by tests/cli/client.sh. */
#include "cli/client_http.h"

#include "tests/unit/unit.h"

static void good_addresses(void **state)
{
    (void)state;
    static const char *const urls[][2] = {
        {"https://firn.example.org", "https://firn.example.org"},
        {"https://firn.example.org/", "https://firn.example.org"},
        {"https://firn.example.org:8443", "https://firn.example.org:8443"},
        {"HTTPS://Firn.Example.org", "https://Firn.Example.org"},
        {"http://127.0.0.1:8350", "http://127.0.0.1:8350"},
        {"http://127.1.2.3", "http://127.1.2.3"},
        {"http://localhost:8350", "http://localhost:8350"},
        {"http://[::1]:8350", "http://[::1]:8350"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
        const struct client_address address = {.url = urls[i][0], .token = "x"};
        struct err *err = NULL;
        struct client *client = client_new(&address, &err);

        assert_ok(client != NULL, &err);
        assert_string_equal(client_name(client), urls[i][1]);
        client_free(client);
    }
}

static void bad_addresses(void **state)
{
    (void)state;
    static const char *const urls[][2] = {
        {"http://firn.example.org", "plain http to firn.example.org is refused"},
        {"http://127.0.0.1.example.org", "plain http"},
        {"http://localhost.example.org", "plain http"},
        {"http://192.168.1.2:8350", "plain http"},
        {"http://[fe80::1]", "plain http"},
        {"https://me@firn.example.org", "a user's name"},
        {"https://me:secret@firn.example.org", "a user's name"},
        {"http://127.0.0.1@evil.example.org", "a user's name"},
        {"ftp://127.0.0.1", "no address of a server"},
        {"file:///etc/passwd", "no address of a server"},
        {"https://firn.example.org/page", "no address of a server"},
        {"https://firn.example.org/?x=1", "no address of a server"},
        {"firn.example.org", "no address of a server"},
        {"", "no address of a server"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
        const struct client_address address = {.url = urls[i][0]};
        struct err *err = NULL;

        assert_null(client_new(&address, &err));
        assert_null(strstr(err->message, "secret"));
        assert_error(&err, ERR_USAGE, urls[i][1]);
    }
}

static void sockets(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf path = BUF_INIT;
    struct err *err = NULL;
    json_t *answer = NULL;

    buf_fill(&path, 'a', 108);
    struct client_address address = {.socket = path.data};
    assert_null(client_new(&address, &err));
    assert_error(&err, ERR_USAGE, "path of a socket");
    address.socket = "/nonexistent/firnd.sock";
    _cleanup_(client_free_ptr) struct client *client = client_new(&address, &err);
    assert_non_null(client);
    assert_false(client_get(client, "/v1/status", &answer, &err));
    assert_true(client_is_away(client));
    assert_error(&err, ERR_FAILED, "no firnd answers at /nonexistent/firnd.sock: ");
}

static void escaping(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf out = BUF_INIT;

    client_add_escaped(&out, "a-Z.0_~ /?&=%\xc3\xa9\r\n");
    assert_string_equal(out.data, "a-Z.0_~%20%2F%3F%26%3D%25%C3%A9%0D%0A");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_addresses),
        cmocka_unit_test(bad_addresses),
        cmocka_unit_test(sockets),
        cmocka_unit_test(escaping),
    };

    return cmocka_run_group_tests_name("client_http", tests, NULL, NULL);
}
