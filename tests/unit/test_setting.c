#include "simulator/setting.h"

#include "tests/unit/unit.h"

static struct sim_board board;

static int setup_model(const char *model)
{
    struct err *err = NULL;
    sim_board_init(&board, board_model_find(model), BOARD_TIMING_X8, 0);
    assert_ok(sim_board_open(&board, NULL, &err), &err);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    return setup_model("stm32f405");
}

static int setup_mboot(void **state)
{
    (void)state;
    return setup_model("mboot");
}

static int teardown(void **state)
{
    (void)state;
    sim_board_release(&board);
    return 0;
}

static void set(const char *text)
{
    struct err *err = NULL;
    assert_ok(setting_apply(&board, text, &err), &err);
}

static void wrong(const char *text, const char *part)
{
    struct err *err = NULL;
    const struct sim_board before = board;
    assert_false(setting_apply(&board, text, &err));
    assert_error(&err, ERR_USAGE, part);
    assert_memory_equal(&before, &board, sizeof(board));
}

static void quirks_go_on_and_off(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned quirk;
    } quirks[] = {
        {"stalls-early-polls", BOARD_STALLS_EARLY_POLLS},
        {"stalls-clrstatus", BOARD_STALLS_CLRSTATUS},
        {"starts-in-error", BOARD_STARTS_IN_ERROR},
        {"leaves-at-once", BOARD_LEAVES_AT_ONCE},
        {"wedges", BOARD_WEDGES},
        {"measures-blocks", BOARD_MEASURES_BLOCKS},
        {"cuts-strings", BOARD_CUTS_STRINGS},
    };
    for (size_t i = 0; i < ARRAY_SIZE(quirks); i++) {
        _cleanup_free_ char *on = xasprintf("%s=on", quirks[i].name);
        _cleanup_free_ char *off = xasprintf("%s=off", quirks[i].name);
        board.quirks = BOARD_UTF8_SERIAL; /* stays as it is */
        set(quirks[i].name);
        assert_int_equal(board.quirks, BOARD_UTF8_SERIAL | quirks[i].quirk);
        set(off);
        assert_int_equal(board.quirks, BOARD_UTF8_SERIAL);
        set(on);
        assert_int_equal(board.quirks, BOARD_UTF8_SERIAL | quirks[i].quirk);
    }
}

static void protection(void **state)
{
    (void)state;
    set("protected");
    assert_true(board.read_protected);
    sim_board_power_on(&board); /* the option bytes hold it */
    assert_true(board.read_protected);
    set("write-protected=11");
    assert_true(sim_board_is_write_protected(&board, 0xFFFFF));
    assert_false(sim_board_is_write_protected(&board, 0xDFFFF));
}

static void the_bus(void **state)
{
    (void)state;
    assert_int_equal(sim_board_bus_us(&board, true, 1000), 4883);
    assert_int_equal(sim_board_bus_us(&board, false, 1000), 0);
    set("bus=none");
    assert_int_equal(sim_board_bus_us(&board, true, 1000), 0);
    set("bus=1ms");
    assert_int_equal(sim_board_bus_us(&board, true, 2048), 1000);
    assert_int_equal(sim_board_bus_us(&board, false, 0), 1000);
    set("bus=rom");
    assert_int_equal(sim_board_bus_us(&board, true, 1024), 5000);
    assert_int_equal(sim_board_bus_us(&board, false, 1024), 5000);
    set("bus=reads");
    assert_int_equal(sim_board_bus_us(&board, true, 1000), 4883);
}

static void what_makes_no_sense(void **state)
{
    (void)state;
    wrong("", "no setting ''");
    wrong("wedge", "did you mean 'wedges'");
    wrong("wedges=maybe", "neither on nor off");
    wrong("protected=on", "takes no value");
    wrong("write-protected=12", "no sector of stm32f405");
    wrong("write-protected", "no sector");
    wrong("bus=2ms", "not reads, none, 1ms or rom");
}

static void what_a_model_does_not_have(void **state)
{
    (void)state;
    wrong("protected", "mboot knows no read protection");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(quirks_go_on_and_off, setup, teardown),
        cmocka_unit_test_setup_teardown(protection, setup, teardown),
        cmocka_unit_test_setup_teardown(the_bus, setup, teardown),
        cmocka_unit_test_setup_teardown(what_makes_no_sense, setup, teardown),
        cmocka_unit_test_setup_teardown(what_a_model_does_not_have, setup_mboot, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
