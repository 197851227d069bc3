/* TLS, with libcurl and openssl as clients. The server runs in a child. */
#include <curl/curl.h>
#include <sys/wait.h>

#include "tests/unit/http_server_fixture.h"

#define BIG ((size_t)3 << 20)

static char *certificate, *key;

static void get_open(void *app, const struct http_request *request, struct http_response *r)
{
    (void)app;
    http_json(r, 200, json_pack("{s:s}", "path", request->path));
    http_set_session(request, r, VIEWER);
}

static void get_file(void *app, const struct http_request *request, struct http_response *r)
{
    const struct site *site = app;
    http_file(request, r, open(site->file, O_RDONLY | O_CLOEXEC), "text/plain", NULL);
}

static void add_chunk(void *data, struct buf *out, bool *end)
{
    int *left = data;
    buf_fill(out, 'x', BIG / 8);
    *end = --*left == 0;
}

static void get_chunks(void *app, const struct http_request *request, struct http_response *r)
{
    int *left = xmalloc(sizeof(*left));
    (void)app;
    (void)request;
    *left = 8;
    http_chunks(r, "text/plain", add_chunk, free, left);
}

static const struct http_route routes[] = {
    {"GET", "/open", ROLE_NONE, get_open, ROUTE_OPEN},
    {"POST", "/open", ROLE_NONE, get_open, ROUTE_OPEN},
    {"GET", "/file", ROLE_NONE, get_file, ROUTE_OPEN},
    {"GET", "/chunks", ROLE_NONE, get_chunks, ROUTE_OPEN},
    {.method = NULL},
};

struct tls_site {
    struct site site;
    pid_t child;
    unsigned port;
};

/* A certificate of our own for localhost. */
static void make_certificate(const char *dir, const char *cert_name, const char *key_name)
{
    certificate = path_join(dir, cert_name);
    key = path_join(dir, key_name);
    const char *argv[] = {"openssl",
                          "req",
                          "-x509",
                          "-newkey",
                          "ec",
                          "-pkeyopt",
                          "ec_paramgen_curve:prime256v1",
                          "-nodes",
                          "-days",
                          "2",
                          "-subj",
                          "/CN=localhost",
                          "-addext",
                          "subjectAltName=DNS:localhost,IP:127.0.0.1",
                          "-keyout",
                          key,
                          "-out",
                          certificate,
                          NULL};
    const struct proc proc = {.argv = argv, .timeout_ms = 10000};
    struct proc_result result;
    struct err *err = NULL;
    assert_ok(proc_run(&proc, &result, &err), &err);
    assert_int_equal(result.exit_status, 0);
}

static int prepare(void **state)
{
    struct tls_site *tls = xcalloc(1, sizeof(*tls));
    site_init(&tls->site);
    make_certificate(tls->site.dir, "cert.pem", "key.pem");
    tls->site.settings.socket = NULL;
    tls->site.settings.header_timeout_s = 2;
    tls->site.settings.tls_certificate = certificate;
    tls->site.settings.tls_key = key;
    *state = tls;
    return 0;
}

/* An event loop serves the process that made it only. */
static void serve(struct site *site, int port_fd)
{
    assert_true(sd_event_new(&site->loop) >= 0);
    site_start(site, routes);
    unsigned port = http_server_port(site->server);
    assert_int_equal(write(port_fd, &port, sizeof(port)), sizeof(port));
    while (sd_event_run(site->loop, UINT64_MAX) >= 0)
        ;
    _exit(1);
}

static int begin(void **state)
{
    struct err *err = NULL;
    int fds[2];
    prepare(state);
    struct tls_site *tls = *state;
    _cleanup_free_ char *data = xmalloc(BIG);
    memset(data, 'x', BIG);
    assert_ok(fs_write_scratch(tls->site.file, data, BIG, &err), &err);
    assert_int_equal(pipe(fds), 0);
    tls->child = fork();
    if (tls->child == 0)
        serve(&tls->site, fds[1]);
    close(fds[1]);
    assert_int_equal(read(fds[0], &tls->port, sizeof(tls->port)), sizeof(tls->port));
    close(fds[0]);
    return 0;
}

static int end(void **state)
{
    struct tls_site *tls = *state;
    int status;
    if (tls->child) {
        kill(tls->child, SIGKILL);
        assert_int_equal(waitpid(tls->child, &status, 0), tls->child);
    }
    site_end(&tls->site);
    free(certificate);
    free(key);
    free(tls);
    return 0;
}

static size_t take(char *data, size_t size, size_t count, void *out)
{
    buf_add(out, data, size * count);
    return size * count;
}

/* The status; 0: there was no answer. Head and body come together. */
static long ask_tls(const struct tls_site *tls, const char *method, const char *path, long version,
                    const char *field, struct buf *heard)
{
    _cleanup_free_ char *url = xasprintf("https://localhost:%u%s", tls->port, path);
    CURL *curl = curl_easy_init();
    struct curl_slist *fields = field ? curl_slist_append(NULL, field) : NULL;
    long status = 0;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_CAINFO, certificate);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, version);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fields);
    curl_easy_setopt(curl, CURLOPT_HEADER, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, heard);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 10L);
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(fields);
    curl_easy_cleanup(curl);
    return status;
}

static void answers(void **state)
{
    static const long versions[] = {CURL_SSLVERSION_TLSv1_2 | CURL_SSLVERSION_MAX_TLSv1_2,
                                    CURL_SSLVERSION_TLSv1_3};
    for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
        _cleanup_(buf_release) struct buf heard = BUF_INIT;
        assert_int_equal(ask_tls(*state, "GET", "/open", versions[i], NULL, &heard), 200);
        assert_contains(heard.data, "{\"path\":\"/open\"}");
        assert_contains(heard.data, "; HttpOnly; SameSite=Strict; Secure\r\n");
    }
}

static void hosts_and_origins(void **state)
{
    const struct tls_site *tls = *state;
    _cleanup_(buf_release) struct buf heard = BUF_INIT;
    _cleanup_free_ char *own = xasprintf("Origin: https://localhost:%u", tls->port);
    _cleanup_free_ char *plain = xasprintf("Origin: http://localhost:%u", tls->port);
    assert_int_equal(ask_tls(tls, "GET", "/open", 0, "Host: evil.example", &heard), 421);
    assert_int_equal(ask_tls(tls, "POST", "/open", 0, own, &heard), 200);
    assert_int_equal(ask_tls(tls, "POST", "/open", 0, plain, &heard), 403);
}

static void large_answers(void **state)
{
    static const char *const paths[] = {"/file", "/chunks"};
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        _cleanup_(buf_release) struct buf heard = BUF_INIT;
        assert_int_equal(ask_tls(*state, "GET", paths[i], 0, NULL, &heard), 200);
        assert_int_equal(strspn(body_of(heard.data), "x"), BIG);
        assert_int_equal(strlen(body_of(heard.data)), BIG);
    }
    _cleanup_(buf_release) struct buf heard = BUF_INIT;
    assert_int_equal(ask_tls(*state, "GET", "/file", 0, "Range: bytes=3145720-", &heard), 206);
    assert_string_equal(body_of(heard.data), "xxxxxxxx");
}

/* What openssl's client says of a handshake with that version only; the caller frees. */
static char *shake_hands(const struct tls_site *tls, const char *version)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    _cleanup_free_ char *address = xasprintf("127.0.0.1:%u", tls->port);
    const char *argv[] = {"openssl", "s_client", "-connect",        address,
                          version,   "-cipher",  "ALL:@SECLEVEL=0", NULL};
    const struct proc proc = {.argv = argv, .timeout_ms = 10000, .out = &out};
    struct proc_result result;
    struct err *err = NULL;
    size_t len;
    assert_ok(proc_run(&proc, &result, &err), &err);
    return buf_detach(&out, &len);
}

/* The client would: it sends its hello, and the server hangs up. */
static void old_versions(void **state)
{
    _cleanup_free_ char *right = shake_hands(*state, "-tls1_2");
    _cleanup_free_ char *wrong = shake_hands(*state, "-tls1_1");
    assert_contains(right, "New, TLSv1.2, Cipher is ECDHE");
    assert_contains(wrong, "unexpected eof");
    assert_contains(wrong, "SSL handshake has read 0 bytes and written 1");
    assert_contains(wrong, "New, (NONE), Cipher is (NONE)");
}

/* A client that speaks no TLS, or begins to and goes on slowly: nothing but the end. */
static void no_tls(void **state)
{
    static const char *const starts[] = {"GET /open HTTP/1.1\r\nHost: localhost\r\n\r\n",
                                         "\x16\x03\x01\x02\x01\x01\x01\xfc\x03\x03"};
    const struct tls_site *tls = *state;
    for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
        char piece[4096] = "";
        struct timeval wait = {.tv_sec = 8};
        ssize_t n;
        int fd = dial_port(tls->port);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
        says(fd, starts[i]);
        while ((n = recv(fd, piece, sizeof(piece) - 1, 0)) > 0)
            assert_null(memmem(piece, (size_t)n, "HTTP", 4));
        assert_true(n == 0 || errno == ECONNRESET);
        close(fd);
    }
}

static void wrong_files(void **state)
{
    struct tls_site *tls = *state;
    struct http_settings *settings = &tls->site.settings;
    struct err *err = NULL;
    settings->tls_key = NULL;
    assert_null(http_server_new(tls->site.loop, settings, routes, tls, &err));
    assert_error(&err, ERR_USAGE, "TLS needs a certificate and a key");
    settings->tls_key = certificate;
    assert_null(http_server_new(tls->site.loop, settings, routes, tls, &err));
    assert_error(&err, ERR_USAGE, "they must be a certificate and its key, in PEM");
    settings->tls_key = "/no-such-key";
    assert_null(http_server_new(tls->site.loop, settings, routes, tls, &err));
    assert_error(&err, ERR_NOT_FOUND, "/no-such-key");
    settings->tls_key = key;
    settings->address = "0.0.0.0:0";
    site_start(&tls->site, routes);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers),       TEST(hosts_and_origins),
        TEST(large_answers), TEST(old_versions),
        TEST(no_tls),        cmocka_unit_test_setup_teardown(wrong_files, prepare, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
