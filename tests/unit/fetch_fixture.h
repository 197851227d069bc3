/* Downloads from tests/http-server, which does to an answer what happens to answers. A test program
 * includes this once: a server, a $FIRN_HOME, and a file of SIZE bytes. */
#ifndef FIRN_TESTS_UNIT_FETCH_FIXTURE_H
#define FIRN_TESTS_UNIT_FETCH_FIXTURE_H

#include "base/fs.h"
#include "base/proc.h"
#include "builder/fetch.h"
#include "tests/unit/http_fixture.h"

#define SIZE 300000
static char root[64], home[80], hex[HASH_HEX_SIZE];
static struct server server;
static struct config config;

/* Bytes that say where they are: a file glued together wrongly has another hash. */
static inline void write_big(const char *name, unsigned seed)
{
    struct err *err = NULL;
    _cleanup_(buf_release) struct buf data = BUF_INIT;
    _cleanup_free_ char *path = path_join(root, name);
    for (unsigned i = 0; data.len < SIZE; i++)
        buf_add_le32(&data, i * 2654435761u + seed);
    assert_ok(fs_write(path, data.data, data.len, 0644, &err), &err);
    hash_bytes(data.data, data.len, hex);
}

static inline int setup(void **state)
{
    (void)state;
    strcpy(root, "/tmp/firn-test-fetch.XXXXXX");
    if (!mkdtemp(root))
        return -1;
    snprintf(home, sizeof(home), "%s/home", root);
    unsetenv("http_proxy");
    server_start(&server, (const char *const[]){"http-server", root, NULL});
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    struct err *err = NULL;
    server_stop(&server);
    return fs_remove_tree(root, &err) ? 0 : -1;
}

/* An empty home, a new file and no requests yet. */
static inline int afresh(void **state)
{
    (void)state;
    struct err *err = NULL;
    _cleanup_free_ char *requests = path_join(root, "requests");
    config = (struct config){.home = home};
    write_big("big", 1);
    return fs_remove_tree(home, &err) && fs_remove_tree(requests, &err) && fs_mkdirs(home, &err)
               ? 0
               : -1;
}

static inline struct fetch request(const char *url, const char *sha256)
{
    return (struct fetch){.config = &config,
                          .name = "the file",
                          .phase = "fetch",
                          .url = url,
                          .sha256 = sha256,
                          .patience = {5, 2, 1, 3}};
}

static inline char *url_of(const char *path)
{
    return xasprintf("%s%s", server.url, path);
}

static inline bool get(const char *path, const char *sha256, struct fetched *got, struct err **err)
{
    _cleanup_free_ char *url = url_of(path);
    const struct fetch what = request(url, sha256);
    fetched_release(got);
    return fetch_get(&what, NULL, got, err);
}

static inline void assert_gets(const char *path, const char *sha256)
{
    _cleanup_(fetched_release) struct fetched got = FETCHED_INIT;
    struct err *err = NULL;
    char actual[HASH_HEX_SIZE];
    assert_ok(get(path, sha256, &got, &err), &err);
    assert_string_equal(got.sha256, hex);
    assert_string_equal(path_basename(got.path), hex);
    assert_ok(hash_file(got.path, actual, &err), &err);
    assert_string_equal(actual, hex);
}

static inline void assert_fails(const char *path, const char *sha256, const char *part)
{
    _cleanup_(fetched_release) struct fetched got = FETCHED_INIT;
    struct err *err = NULL;
    assert_false(get(path, sha256, &got, &err));
    assert_error(&err, ERR_FETCH, part);
}

/* What the server was asked, a line a request. The caller frees. */
static inline char *requests(void)
{
    struct err *err = NULL;
    struct buf text = BUF_INIT;
    _cleanup_free_ char *path = path_join(root, "requests");
    if (fs_exists(path))
        assert_ok(fs_read(path, 100000, &text, &err), &err);
    return buf_detach(&text, NULL);
}

static inline size_t count_requests(void)
{
    _cleanup_free_ char *text = requests();
    size_t count = 0;
    for (const char *p = text; *p; p++)
        count += *p == '\n';
    return count;
}

static inline void assert_requested(const char *line)
{
    _cleanup_free_ char *text = requests();
    assert_contains(text, line);
}

/* No part, no record, no lock that is held: what downloads/ holds but for lock files and pins. */
static inline size_t count_kept(const char *suffix)
{
    struct err *err = NULL;
    _cleanup_free_ char *dir = path_join(home, "downloads");
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    size_t count = 0;
    assert_ok(fs_list(dir, &names, &err), &err);
    for (size_t i = 0; i < names.count; i++) {
        size_t len = strlen(names.items[i]), end = strlen(suffix);
        count += len >= end && !strcmp(names.items[i] + len - end, suffix);
    }
    return count;
}

#endif
