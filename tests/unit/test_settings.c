/* settings.h: each key, what is so without it, and that everything else is refused at its place. */
#include "station/settings.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/machine.h"
#include "tests/unit/unit.h"

#define MIB (1024ull * 1024)
#define GIB (1024 * MIB)

static char *dir;

static int setup(void **state)
{
    struct err *err = NULL;
    (void)state;
    assert_ok(fs_temp_dir("/tmp", &dir, &err), &err);
    unsetenv("RUNTIME_DIRECTORY");
    unsetenv("XDG_RUNTIME_DIR");
    unsetenv("FIRND_CONFIG");
    setenv("FIRN_HOME", dir, 1);
    setenv("HOME", dir, 1);
    return 0;
}

static int teardown(void **state)
{
    struct err *err = NULL;
    (void)state;
    assert_ok(fs_remove_tree(dir, &err), &err);
    free(dir);
    return 0;
}

static bool load(struct settings *settings, const char *text, struct diags *diags)
{
    struct err *err = NULL;
    _cleanup_free_ char *path = path_join(dir, "firnd.yaml");
    assert_ok(fs_write(path, text, strlen(text), 0644, &err), &err);
    return settings_load(settings, path, diags);
}

static void load_good(struct settings *settings, const char *text)
{
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    _cleanup_(buf_release) struct buf said = BUF_INIT;
    bool ok = load(settings, text, &diags);
    diags_format_errors(&diags, &said);
    if (!ok || diags.error_count)
        fail_msg("%s", said.data);
}

/* It is refused with this at its place, "LINE:COLUMN: ...". */
static void refused(const char *text, const char *part)
{
    struct settings settings;
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    _cleanup_(buf_release) struct buf said = BUF_INIT;
    _cleanup_free_ char *placed = xasprintf("firnd.yaml:%s", part);
    assert_false(load(&settings, text, &diags));
    assert_int_equal(diags.error_count, 1);
    diags_format_errors(&diags, &said);
    assert_contains(said.data, placed);
    settings_release(&settings);
}

/* The path below the directory of the file. */
static void assert_below(const char *got, const char *name)
{
    _cleanup_free_ char *path = path_join(dir, name);
    assert_string_equal(got, path);
}

static void every_key(void **state)
{
    struct settings s;
    (void)state;
    load_good(&s, "name: bench-1\n"
                  "home: state\n"
                  "manifests: ../srv/manifests\n"
                  "store: postgresql://firn@db.example.org/firn\n"
                  "firn: /bin/true\n"
                  "listen:\n"
                  "  socket: run/firnd.sock\n"
                  "  group: firn\n"
                  "  users: {alice: engineer, bob: operate, \"*\": view}\n"
                  "  http: 0.0.0.0:8350\n"
                  "  hosts: [firn.example.org, bench]\n"
                  "  tls: {certificate: cert.pem, key: /etc/firn/key.pem}\n"
                  "  reverse_proxy: https://firn.example.org\n"
                  "builds: {jobs: 3, memory: 1.5G, cores: 2}\n"
                  "flashes: {jobs: 5}\n"
                  "queue: 77\n"
                  "disk: {floor: 500M, logs: 2G, images: 3G}\n"
                  "follow_at: \"23:59\"\n");
    assert_string_equal(s.name, "bench-1");
    assert_below(s.home, "state");
    assert_string_equal(s.manifests, "/tmp/srv/manifests");
    assert_string_equal(s.store, "postgresql://firn@db.example.org/firn");
    assert_string_equal(s.firn, "/bin/true");
    assert_below(s.http.socket, "run/firnd.sock");
    assert_string_equal(s.http.socket_group, "firn");
    assert_int_equal(s.user_count, 3);
    assert_string_equal(s.users[0].name, "alice");
    assert_int_equal(s.users[0].role, ROLE_ENGINEER);
    assert_int_equal(s.users[1].role, ROLE_OPERATE);
    assert_string_equal(s.users[2].name, "*");
    assert_int_equal(s.users[2].role, ROLE_VIEW);
    assert_string_equal(s.http.address, "0.0.0.0:8350");
    assert_string_equal(s.http.hosts[1], "bench");
    assert_null(s.http.hosts[2]);
    assert_below(s.http.tls_certificate, "cert.pem");
    assert_string_equal(s.http.tls_key, "/etc/firn/key.pem");
    assert_string_equal(s.http.reverse_proxy, "https://firn.example.org");
    assert_int_equal(s.build_jobs, 3);
    assert_int_equal(s.build_memory, GIB + GIB / 2);
    assert_int_equal(s.build_cores, 2);
    assert_int_equal(s.flash_jobs, 5);
    assert_int_equal(s.queue_max, 77);
    assert_int_equal(s.disk_floor, 500 * MIB);
    assert_int_equal(s.logs_quota, 2 * GIB);
    assert_int_equal(s.images_quota, 3 * GIB);
    assert_int_equal(s.follow_minute, 23 * 60 + 59);
    settings_release(&s);
}

static void assert_closed(const struct settings *s)
{
    assert_null(s->http.address);
    assert_null(s->http.reverse_proxy);
    assert_null(s->http.socket_group);
    assert_int_equal(s->user_count, 0);
    assert_true(!s->http.hosts || !s->http.hosts[0]);
    assert_null(s->http.tls_certificate);
}

static void without_a_file(void **state)
{
    struct settings s;
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    (void)state;
    if (fs_exists("/etc/firn/firnd.yaml")) {
        print_message("/etc/firn/firnd.yaml is there: defaults are not tested\n");
        skip();
    }
    assert_true(settings_load(&s, NULL, &diags));
    assert_null(s.file);
    assert_closed(&s);
    assert_string_equal(s.home, dir);
    assert_below(s.manifests, "manifests");
    _cleanup_free_ char *store = xasprintf("sqlite:%s/firn.db", dir);
    assert_string_equal(s.store, store);
    assert_int_equal(s.build_jobs, machine_processors());
    assert_int_equal(s.build_memory, 768 * MIB);
    assert_int_equal(s.build_cores, 1);
    assert_int_equal(s.flash_jobs, 8);
    assert_int_equal(s.queue_max, 10000);
    assert_int_equal(s.disk_floor, GIB);
    assert_int_equal(s.logs_quota, GIB);
    assert_int_equal(s.images_quota, 10 * GIB);
    assert_int_equal(s.follow_minute, 180);
    assert_true(*s.name != '\0');
    settings_release(&s);
}

static void places(void **state)
{
    struct settings s;
    (void)state;
    load_good(&s, "queue: 1\n");
    assert_closed(&s);
    assert_string_equal(s.http.socket, "/run/firn/firnd.sock");
    settings_release(&s);

    setenv("RUNTIME_DIRECTORY", "/run/of-systemd", 1);
    load_good(&s, "listen: {group: firn}\n");
    assert_string_equal(s.http.socket, "/run/of-systemd/firnd.sock");
    settings_release(&s);

    load_good(&s, "home: elsewhere\nstore: sqlite\n");
    _cleanup_free_ char *store = xasprintf("sqlite:%s/elsewhere/firn.db", dir);
    assert_string_equal(s.store, store);
    assert_below(s.manifests, "elsewhere/manifests");
    settings_release(&s);

    _cleanup_free_ char *path = path_join(dir, "firnd.yaml");
    setenv("FIRND_CONFIG", path, 1);
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    assert_true(settings_load(&s, NULL, &diags));
    assert_string_equal(s.file, path);
    settings_release(&s);
}

static void unknown_keys(void **state)
{
    (void)state;
    refused("home: x\nnme: y\n", "2:1: unknown key 'nme'");
    refused("listen:\n  htpp: x\n", "2:3: unknown key 'htpp'");
    refused("listen: {tls: {certificate: a, key: b, cipher: c}}\n", "1:40: unknown key 'cipher'");
    refused("builds: {job: 1}\n", "1:10: unknown key 'job'");
    refused("flashes: {memory: 1G}\n", "1:11: unknown key 'memory'");
    refused("disk: {quota: 1G}\n", "1:8: unknown key 'quota'");
    refused("builds: 1\n", "1:9: expected a mapping");
    refused("- name\n", "1:1: expected a mapping");
}

static void wrong_values(void **state)
{
    (void)state;
    refused("name: a/b\n", "1:7: 'a/b' is no name of a station");
    refused("name: [a]\n", "1:7: 'name' must be a string");
    refused("home: \"\"\n", "1:7: '' is no path");
    refused("store: mysql://x\n", "1:8: 'mysql://x' is no store");
    refused("firn: /no/firn\n", "1:7: '/no/firn' is no program");
    refused("queue: 0\n", "1:8: 'queue' must lie between 1 and 1000000");
    refused("queue: many\n", "1:8: ");
    refused("builds: {cores: 257}\n", "1:17: 'cores' must lie between 1 and 256");
    refused("builds: {memory: 1X}\n", "1:18: '1X' is no amount of bytes");
    refused("disk: {floor: 1G, logs: x}\n", "1:25: 'x' is no amount");
    refused("follow_at: 24:00\n", "1:12: '24:00' is no time");
    refused("follow_at: 3:00:00\n", "1:12: '3:00:00' is no time");
}

static void open_doors(void **state)
{
    (void)state;
    refused("listen: {http: 0.0.0.0:80}\n", "1:16: 0.0.0.0:80 can be reached");
    refused("listen: {http: 192.0.2.1:80}\n", "1:16: 192.0.2.1:80 can be reached");
    refused("listen: {http: \"[::]:80\"}\n", "1:16: [::]:80 can be reached");
    refused("listen: {http: localhost}\n", "1:16: 'localhost' is not an address");
    refused("listen: {tls: {key: a}}\n", "1:10: TLS needs a certificate and its key");
    refused("listen: {tls: {certificate: a}}\n", "1:10: TLS needs a certificate and its key");
    refused("listen: {users: {bob: admin}}\n", "1:23: 'admin' is no role");
    refused("listen: {users: {bob: none}}\n", "1:23: 'none' is no role");
    refused("listen: {users: bob}\n", "1:17: 'bob' is no mapping of users");
    refused("listen: {reverse_proxy: http://x}\n", "1:25: 'http://x' is no origin");
    refused("listen: {reverse_proxy: https://x/y}\n", "1:25: 'https://x/y' is no origin");
    refused("listen: {hosts: x}\n", "1:17: 'hosts' must be a list");
    struct settings s;
    load_good(&s, "listen: {http: \"[::1]:80\"}\n");
    settings_release(&s);
    load_good(&s, "listen: {http: 0.0.0.0:80, reverse_proxy: https://x}\n");
    settings_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_key, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_file, setup, teardown),
        cmocka_unit_test_setup_teardown(places, setup, teardown),
        cmocka_unit_test_setup_teardown(unknown_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_values, setup, teardown),
        cmocka_unit_test_setup_teardown(open_doors, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
