/* identity.h: which user of the machine has which role, and what a token is worth. */
#include "station/identity.h"

#include <unistd.h>

#include "base/fs.h"
#include "station/station.h"
#include "tests/unit/unit.h"

#define NOBODY 65534 /* Debian's */
#define DAY_MS (24ll * 3600 * 1000)

struct fixture {
    char *dir;
    struct settings settings;
    struct station station;
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    struct err *err = NULL;
    assert_ok(fs_temp_dir("/tmp", &f->dir, &err), &err);
    _cleanup_free_ char *url = xasprintf("sqlite:%s/firn.db", f->dir);
    f->settings.name = "bench";
    f->station.settings = &f->settings;
    f->station.store = store_open(url, "bench", &err);
    assert_ok(f->station.store != NULL, &err);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    store_close(f->station.store);
    assert_ok(fs_remove_tree(f->dir, &err), &err);
    free(f->dir);
    free(f);
    return 0;
}

static enum role role_of(struct fixture *f, unsigned uid)
{
    const struct principal *who = identity_of_peer(&f->station, uid, 0, 1);
    assert_int_equal(who->via, VIA_SOCKET);
    return who->role;
}

static void users(void **state)
{
    struct fixture *f = *state;
    /* who may open the socket is in its group */
    assert_int_equal(role_of(f, NOBODY), ROLE_OPERATE);
    assert_string_equal(identity_of_peer(&f->station, NOBODY, 0, 1)->name, "nobody");
    assert_string_equal(identity_of_peer(&f->station, 0, 0, 1)->name, "root");

    f->settings.users = xcalloc(3, sizeof(*f->settings.users));
    f->settings.users[0].name = "*";
    f->settings.users[0].role = ROLE_VIEW;
    f->settings.users[1].name = "nobody";
    f->settings.users[1].role = ROLE_ENGINEER;
    f->settings.user_count = 2;
    assert_int_equal(role_of(f, NOBODY), ROLE_ENGINEER);
    assert_int_equal(role_of(f, 1), ROLE_VIEW);
    /* a list without "*" is closed to all who are not in it */
    f->settings.users++;
    f->settings.user_count = 1;
    assert_int_equal(role_of(f, 1), ROLE_NONE);
    /* but to root and to our own user, who could do everything without us */
    f->settings.users[0].name = "root";
    f->settings.users[0].role = ROLE_VIEW;
    assert_int_equal(role_of(f, 0), ROLE_ENGINEER);
    assert_int_equal(role_of(f, geteuid()), ROLE_ENGINEER);
    free(f->settings.users - 1);
}

static void users_without_a_name(void **state)
{
    struct fixture *f = *state;
    const struct principal *who = identity_of_peer(&f->station, 3999999, 0, 1);
    assert_string_equal(who->name, "uid 3999999");
    assert_int_equal(who->role, ROLE_OPERATE);
}

/* A token in the store; its text. */
static void add(struct fixture *f, enum role role, int64_t expires_ms, char text[TOKEN_SIZE])
{
    struct token token;
    static char name[] = "ci";
    struct token_row row = {.name = name, .role = role, .created_ms = 1, .expires_ms = expires_ms};
    struct err *err = NULL;
    json_t *body = json_pack("{s:s}", "id", "x");
    struct record_new record = {"token", body};
    token_make(&token, text);
    memcpy(row.id, token.id, sizeof(row.id));
    token_hash(&token, row.hash);
    assert_ok(store_token_add(f->station.store, &row, &record, &err), &err);
    json_decref(body);
}

static void tokens(void **state)
{
    struct fixture *f = *state;
    struct principal who = {.name = "before"};
    char text[TOKEN_SIZE], other[TOKEN_SIZE];
    struct token token;
    add(f, ROLE_VIEW, 0, text);
    assert_true(identity_of_token(&f->station, text, &who));
    assert_string_equal(who.name, "token ci");
    assert_int_equal(who.role, ROLE_VIEW);

    who = (struct principal){.name = "before"};
    token_make(&token, other);
    assert_false(identity_of_token(&f->station, other, &who)); /* nobody's */
    memcpy(other, text, sizeof(other));
    other[strlen(other) - 1] = other[strlen(other) - 1] == '0' ? '1' : '0';
    assert_false(identity_of_token(&f->station, other, &who)); /* the last digit of the secret */
    text[strlen(text) - 1] = '\0';
    assert_false(identity_of_token(&f->station, text, &who)); /* cut short */
    assert_false(identity_of_token(&f->station, "", &who));
    assert_string_equal(who.name, "before");
    assert_int_equal(who.role, ROLE_NONE);
    assert_null(f->station.store_fault); /* a wrong one is nothing that failed */
}

static void tokens_that_expire(void **state)
{
    struct fixture *f = *state;
    struct principal who = {0};
    char text[TOKEN_SIZE];
    add(f, ROLE_OPERATE, now_ms() + DAY_MS, text);
    assert_true(identity_of_token(&f->station, text, &who));
    add(f, ROLE_OPERATE, now_ms() - 1, text);
    assert_false(identity_of_token(&f->station, text, &who));
}

static void its_last_use(void **state)
{
    struct fixture *f = *state;
    struct principal who = {0};
    struct token token;
    struct token_row row;
    struct err *err = NULL;
    char text[TOKEN_SIZE];
    int64_t before = now_ms(), used;
    add(f, ROLE_VIEW, 0, text);
    assert_true(token_parse(text, &token));
    assert_true(identity_of_token(&f->station, text, &who));
    assert_ok(store_token_get(f->station.store, token.id, &row, &err), &err);
    used = row.used_ms;
    token_row_release(&row);
    assert_true(used >= before);
    /* not written at each request */
    assert_true(identity_of_token(&f->station, text, &who));
    assert_ok(store_token_get(f->station.store, token.id, &row, &err), &err);
    assert_int_equal(row.used_ms, used);
    token_row_release(&row);
    /* one that is removed is worth nothing from then on */
    json_t *body = json_pack("{s:s}", "id", token.id);
    struct record_new record = {"token", body};
    assert_ok(store_token_remove(f->station.store, token.id, &record, &err), &err);
    json_decref(body);
    assert_false(identity_of_token(&f->station, text, &who));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(users, setup, teardown),
        cmocka_unit_test_setup_teardown(users_without_a_name, setup, teardown),
        cmocka_unit_test_setup_teardown(tokens, setup, teardown),
        cmocka_unit_test_setup_teardown(tokens_that_expire, setup, teardown),
        cmocka_unit_test_setup_teardown(its_last_use, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
