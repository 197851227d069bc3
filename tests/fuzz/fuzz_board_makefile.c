/* Makefiles of boards, and texts with variables in them. The input is the length of such a text
 * (8 bits), the text and a makefile. */
#include "tests/fuzz/fuzz.h"

#include "builder/board_makefile.h"

static const char *const NAMES[] = {"MCU_SERIES", "LD_FILES", "AF_FILE", "A", "B"};

static void check_items(const struct board_makefile *mk)
{
    CHECK(mk->count <= BOARD_MAKEFILE_MAX_ITEMS && mk->includes == 0);
    for (size_t i = 0; i < mk->count; i++) {
        const struct board_assignment *item = &mk->items[i];
        CHECK(*item->name && !strpbrk(item->name, " \t=:$()#\n"));
        CHECK(!strchr(item->value, '\n') && !strchr(" \t", *item->value) == (*item->value != '\0'));
        CHECK(board_makefile_sets(mk, item->name));
    }
}

/* What has a value for sure has no variable left in it, and does not depend on what stands for
 * those that have none. */
static void check_expansion(const struct board_makefile *mk, const char *text)
{
    _cleanup_free_ char *known = board_makefile_expand(mk, text, NULL);
    _cleanup_free_ char *with_star = board_makefile_expand(mk, text, "*");
    _cleanup_free_ char *with_nothing = board_makefile_expand(mk, text, "");
    CHECK(with_star && with_nothing && strlen(with_nothing) <= strlen(with_star));
    CHECK(!strchr(with_star, '$'));
    if (known)
        CHECK(strcmp(known, with_star) == 0 && strcmp(known, with_nothing) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(board_makefile_release) struct board_makefile mk = BOARD_MAKEFILE_INIT;
    struct fuzz_input input = {data, size};
    size_t len = fuzz_u8(&input);
    len = len < input.left ? len : input.left;
    _cleanup_free_ char *text = xstrndup((const char *)input.at, len);
    board_makefile_parse(&mk, (const char *)input.at + len, input.left - len, NULL);
    check_items(&mk);
    check_expansion(&mk, text);
    for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++) {
        _cleanup_free_ char *reference = xasprintf("$(%s)", NAMES[i]);
        _cleanup_free_ char *value = board_makefile_expand(&mk, reference, NULL);
        CHECK(!value || board_makefile_sets(&mk, NAMES[i]));
        check_expansion(&mk, reference);
    }
    board_makefile_set(&mk, "A", "sure");
    _cleanup_free_ char *sure = board_makefile_expand(&mk, "$(A)", NULL);
    CHECK(mk.incomplete || (sure && strcmp(sure, "sure") == 0));
    return 0;
}
