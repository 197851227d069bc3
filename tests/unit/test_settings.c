/* settings.h: what firnd.yaml says, and what holds without it. Wrong ones: tests/data/firnd-bad. */
#include "base/fs.h"
#include "station/settings.h"
#include "unit.h"

#define MIB (1024ull * 1024)

struct fixture {
    char *dir;
    struct settings settings;
};

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    struct err *err = NULL;
    assert_ok(fs_temp_dir_anywhere(&f->dir, &err), &err);
    setenv("FIRN_HOME", f->dir, 1);
    unsetenv("FIRND_CONFIG");
    unsetenv("RUNTIME_DIRECTORY");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    settings_release(&f->settings);
    assert_ok(fs_remove_tree(f->dir, &err), &err);
    free(f->dir);
    free(f);
    return 0;
}

static void load(struct fixture *f, const char *text)
{
    _cleanup_free_ char *path = path_join(f->dir, "firnd.yaml");
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    struct err *err = NULL;
    assert_ok(fs_write_scratch(path, text, strlen(text), &err), &err);
    bool ok = settings_load(&f->settings, path, &diags);
    if (!ok) {
        _cleanup_(buf_release) struct buf said = BUF_INIT;
        diags_format_errors(&diags, &said);
        fail_msg("%s", said.data);
    }
}

static void without_a_key_it_is_closed(void **state)
{
    struct fixture *f = *state;
    load(f, "name: bench-1\n");
    const struct settings *s = &f->settings;
    assert_null(s->http.address); /* no TCP */
    assert_null(s->http.reverse_proxy);
    assert_int_equal(s->user_count, 0);
    assert_string_equal(s->home, f->dir);
    _cleanup_free_ char *store = xasprintf("sqlite:%s/firn.db", f->dir);
    _cleanup_free_ char *manifests = xasprintf("%s/manifests", f->dir);
    assert_string_equal(s->store, store);
    assert_string_equal(s->manifests, manifests);
    assert_true(s->disk_floor == 1024 * MIB && s->queue_max == 10000 && s->lease_ms == 30000);
    assert_int_equal(s->follow_minute, 180);
    assert_int_equal(s->http.body_max, 8 * MIB);
}

static void every_key_is_read(void **state)
{
    struct fixture *f = *state;
    load(f, "name: b\n"
            "home: data\n"
            "manifests: /srv/manifests\n"
            "store: postgresql://firn@db/firn\n"
            "lease: 1m\n"
            "firn: /opt/firn\n"
            "listen:\n"
            "  socket: run/s\n"
            "  group: bench\n"
            "  users: {alice: engineer, \"*\": view}\n"
            "  http: 127.0.0.1:8350\n"
            "  hosts: [firn.example.org, firn]\n"
            "  tls: {certificate: cert.pem, key: /etc/key.pem}\n"
            "  reverse_proxy: https://firn.example.org\n"
            "  timeout: 10s\n"
            "builds: {jobs: 3, memory: 2G, cores: 4}\n"
            "flashes: {jobs: 12}\n"
            "queue: 77\n"
            "disk: {floor: 5M, logs: 6M, images: 7M}\n"
            "follow_at: \"23:59\"\n");
    const struct settings *s = &f->settings;
    _cleanup_free_ char *home = path_join(f->dir, "data"), *socket = path_join(f->dir, "run/s"),
                        *certificate = path_join(f->dir, "cert.pem");
    assert_string_equal(s->name, "b");
    assert_string_equal(s->home, home); /* paths are relative to the file */
    assert_string_equal(s->manifests, "/srv/manifests");
    assert_string_equal(s->store, "postgresql://firn@db/firn");
    assert_string_equal(s->firn, "/opt/firn");
    assert_string_equal(s->http.socket, socket);
    assert_string_equal(s->http.socket_group, "bench");
    assert_int_equal(s->user_count, 2);
    assert_string_equal(s->users[0].name, "alice");
    assert_int_equal(s->users[0].role, ROLE_ENGINEER);
    assert_int_equal(s->users[1].role, ROLE_VIEW);
    assert_string_equal(s->http.address, "127.0.0.1:8350");
    assert_string_equal(s->http.hosts[0], "firn.example.org");
    assert_string_equal(s->http.hosts[1], "firn");
    assert_null(s->http.hosts[2]);
    assert_string_equal(s->http.tls_certificate, certificate);
    assert_string_equal(s->http.tls_key, "/etc/key.pem");
    assert_string_equal(s->http.reverse_proxy, "https://firn.example.org");
    assert_true(s->http.header_timeout_s == 10 && s->lease_ms == 60000);
    assert_true(s->build_jobs == 3 && s->build_memory == 2048 * MIB && s->build_cores == 4);
    assert_true(s->flash_jobs == 12 && s->queue_max == 77);
    assert_true(s->disk_floor == 5 * MIB && s->logs_quota == 6 * MIB && s->images_quota == 7 * MIB);
    assert_int_equal(s->follow_minute, 23 * 60 + 59);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_key_it_is_closed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_key_is_read, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
