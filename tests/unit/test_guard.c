#include "station/guard.h"

#include "tests/unit/unit.h"

static const char *const hosts[] = {"bench.example", NULL};
static const struct guard_site tcp = {.address = "192.0.2.1", .hosts = hosts, .body_max = 100};
static const struct guard_site tls = {.tls = true, .address = "192.0.2.1", .body_max = 100};
static const struct guard_site unix_socket = {.by_socket = true, .body_max = 100};
static const struct guard_site proxied = {
    .address = "127.0.0.1", .reverse_proxy = "https://firn.example", .body_max = 100};

/* The status, 0 if it may pass. fields: name, value, name, ..., NULL. */
static int ask(const struct guard_site *site, const char *method, const char *const *fields)
{
    struct guard_field all[GUARD_FIELDS_MAX + 1];
    struct guard_request request = {method, all, 0};
    struct guard_refusal refusal = {.status = 0};
    for (; fields[2 * request.field_count]; request.field_count++) {
        const char *const *field = &fields[2 * request.field_count];
        all[request.field_count] = (struct guard_field){field[0], field[1]};
    }
    bool passed = guard_check(site, &request, &refusal);
    assert_int_equal(passed, refusal.status == 0);
    return refusal.status;
}

#define ASK(site, method, ...) ask(&(site), method, (const char *const[]){__VA_ARGS__, NULL})

static void hosts_by_site(void **state)
{
    (void)state;
    assert_int_equal(ASK(tcp, "GET", "Host", "localhost"), 0);
    assert_int_equal(ASK(tcp, "GET", "host", "192.0.2.1:8350"), 0);
    assert_int_equal(ASK(tcp, "GET", "Host", "BENCH.example"), 0);
    assert_int_equal(ASK(tcp, "GET", "Host", "192.0.2.2"), 421);
    assert_int_equal(ASK(tcp, "GET", "Host", "firn.example"), 421);
    assert_int_equal(ASK(tcp, "GET", "Host", "bench.example."), 421);
    assert_int_equal(ASK(tcp, "GET", "X", "y"), 400);
    assert_int_equal(ASK(proxied, "GET", "Host", "firn.example"), 0);
    assert_int_equal(ASK(proxied, "GET", "Host", "firn.example.evil"), 421);
    assert_int_equal(ASK(unix_socket, "GET", "Host", "evil.example"), 0);
    assert_int_equal(ASK(unix_socket, "GET", "X", "y"), 0);
}

static void origins_by_site(void **state)
{
    (void)state;
    assert_int_equal(ASK(tcp, "POST", "Host", "localhost:1", "Origin", "http://localhost:1"), 0);
    assert_int_equal(ASK(tcp, "POST", "Host", "localhost:1", "Origin", "http://localhost:2"), 403);
    assert_int_equal(ASK(tcp, "POST", "Host", "localhost:1", "Origin", "http://127.0.0.1:1"), 403);
    assert_int_equal(ASK(tls, "POST", "Host", "localhost:1", "Origin", "http://localhost:1"), 403);
    assert_int_equal(ASK(tls, "POST", "Host", "localhost:1", "Origin", "https://localhost:1"), 0);
    assert_int_equal(ASK(proxied, "PUT", "Host", "localhost", "Origin", "https://firn.example"), 0);
    assert_int_equal(ASK(proxied, "PUT", "Host", "localhost", "Origin", "http://firn.example"),
                     403);
    assert_int_equal(ASK(unix_socket, "POST", "Origin", "http://localhost"), 403);
    assert_int_equal(ASK(unix_socket, "POST", "Host", "e", "Origin", "http://e"), 403);
    assert_int_equal(ASK(unix_socket, "POST", "Host", "[::1]:2", "Origin", "http://[::1]:2"), 0);
    /* reading is not refused: other sites do not see the answer */
    assert_int_equal(ASK(tcp, "GET", "Host", "localhost", "Origin", "http://evil.example"), 0);
    assert_int_equal(ASK(tcp, "HEAD", "Host", "localhost", "Sec-Fetch-Site", "cross-site"), 0);
    assert_int_equal(ASK(tcp, "DELETE", "Host", "localhost", "Sec-Fetch-Site", "cross-site"), 403);
    assert_int_equal(ASK(tcp, "DELETE", "Host", "localhost", "Sec-Fetch-Site", "none"), 0);
}

static void lengths(void **state)
{
    (void)state;
    assert_int_equal(ASK(tcp, "POST", "Host", "localhost", "Content-Length", "100", "Content-Type",
                         "application/json"),
                     0);
    assert_int_equal(ASK(tcp, "POST", "Host", "localhost", "Content-Length", "101", "Content-Type",
                         "application/json"),
                     413);
    assert_int_equal(ASK(tcp, "POST", "Host", "localhost", "Content-Length", "1"), 415);
    assert_int_equal(ASK(tcp, "POST", "Host", "localhost", "Content-Length", "0"), 0);
    assert_int_equal(ASK(tcp, "GET", "Host", "localhost", "Content-Length", "1"), 400);
    assert_int_equal(ASK(tcp, "POST", "Host", "localhost", "Transfer-Encoding", "x"), 411);
    assert_int_equal(ASK(unix_socket, "POST", "Content-Length", "1 "), 400);
}

static void words(void **state)
{
    (void)state;
    assert_int_equal(ASK(tcp, "G T", "Host", "localhost"), 400);
    assert_int_equal(ASK(tcp, "", "Host", "localhost"), 400);
    assert_int_equal(ASK(tcp, "ABCDEFGHIJKLMNOPQ", "Host", "localhost"), 400);
    assert_int_equal(ASK(tcp, "GET", "Host", "localhost", "", "x"), 400);
    assert_int_equal(ASK(tcp, "GET", "Host", "localhost", "A B", "x"), 400);
    assert_int_equal(ASK(tcp, "GET", "Host", "localhost", "A", "x\ny"), 400);
    assert_int_equal(ASK(tcp, "GET", "Host", "localhost", "A", "x\ty"), 0);
    assert_int_equal(ASK(tcp, "GET", "Host", "localhost", "hOST", "localhost"), 400);
    assert_int_equal(ASK(tcp, "GET", "Host", "localhost", "Accept", "a", "Accept", "b"), 0);
}

static void cookies_need_an_origin(void **state)
{
    static const struct guard_field none[] = {{"Host", "localhost"}};
    static const struct guard_field origin[] = {{"Origin", "http://localhost"}};
    struct guard_refusal refusal;
    (void)state;
    assert_false(guard_check_cookie(&(struct guard_request){"POST", none, 1}, &refusal));
    assert_int_equal(refusal.status, 403);
    assert_true(guard_check_cookie(&(struct guard_request){"GET", none, 1}, &refusal));
    assert_true(guard_check_cookie(&(struct guard_request){"POST", origin, 1}, &refusal));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_by_site),
        cmocka_unit_test(origins_by_site),
        cmocka_unit_test(lengths),
        cmocka_unit_test(words),
        cmocka_unit_test(cookies_need_an_origin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
