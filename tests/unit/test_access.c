#include "station/access.h"

#include "tests/unit/unit.h"

#include "base/hash.h"
#include "base/secret.h"

static void roles(void **state)
{
    enum role role = ROLE_NONE;
    (void)state;
    assert_true(ROLE_VIEW < ROLE_OPERATE && ROLE_OPERATE < ROLE_ENGINEER);
    for (int i = ROLE_VIEW; i <= ROLE_ENGINEER; i++) {
        assert_true(role_parse(role_name((enum role)i), &role));
        assert_int_equal(role, i);
    }
    assert_false(role_parse("none", &role));
    assert_false(role_parse("Engineer", &role));
    assert_false(role_parse("", &role));
}

static void made_and_parsed(void **state)
{
    char text[TOKEN_SIZE], other_text[TOKEN_SIZE], hash[TOKEN_SECRET_SIZE];
    struct token token, parsed, other;
    (void)state;
    token_make(&token, text);
    token_make(&other, other_text);
    assert_int_equal(strlen(text), TOKEN_SIZE - 1);
    assert_int_equal(strlen(text), 5 + 16 + 1 + 64);
    assert_true(token_parse(text, &parsed));
    assert_string_equal(parsed.id, token.id);
    assert_string_equal(parsed.secret, token.secret);
    assert_string_not_equal(text, other_text);
    token_hash(&token, hash);
    assert_true(hash_is_hex(hash));
    assert_null(strstr(hash, token.secret));
    assert_true(token_matches(&parsed, hash));
    assert_false(token_matches(&other, hash));
}

/* A prefix of the right hash, or one that is longer, is not it (CVE-2025-57808). */
static void the_whole_hash_counts(void **state)
{
    char text[TOKEN_SIZE], hash[TOKEN_SECRET_SIZE + 1] = "";
    struct token token;
    (void)state;
    token_make(&token, text);
    token_hash(&token, hash);
    for (size_t i = 0; i < 64; i++) {
        char changed = hash[i];
        hash[i] = changed == 'a' ? 'b' : 'a';
        assert_false(token_matches(&token, hash));
        hash[i] = '\0';
        assert_false(token_matches(&token, hash));
        hash[i] = changed;
    }
    assert_true(token_matches(&token, hash));
    hash[64] = '0';
    assert_false(token_matches(&token, hash));
}

static void what_is_no_token(void **state)
{
    char text[TOKEN_SIZE], changed[TOKEN_SIZE + 1] = "";
    struct token token;
    (void)state;
    token_make(&token, text);
    for (size_t i = 0; i < TOKEN_SIZE - 1; i++) {
        memcpy(changed, text, TOKEN_SIZE);
        changed[i] = 'F';
        assert_false(token_parse(changed, &token));
        changed[i] = '\0';
        assert_false(token_parse(changed, &token));
    }
    memcpy(changed, text, TOKEN_SIZE);
    changed[TOKEN_SIZE - 1] = '0';
    assert_false(token_parse(changed, &token));
    assert_false(token_parse("", &token));
    assert_false(token_parse("firn_", &token));
}

static void secrets(void **state)
{
    char a[33], b[33];
    (void)state;
    secret_random_hex(a, 16);
    secret_random_hex(b, 16);
    assert_int_equal(strspn(a, "0123456789abcdef"), 32);
    assert_int_equal(strlen(a), 32);
    assert_false(secret_equal(a, b, 32));
    assert_true(secret_equal(a, a, 32));
    assert_true(secret_equal(a, b, 0));
    secret_random_hex(a, 0);
    assert_string_equal(a, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles),
        cmocka_unit_test(made_and_parsed),
        cmocka_unit_test(the_whole_hash_counts),
        cmocka_unit_test(what_is_no_token),
        cmocka_unit_test(secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
