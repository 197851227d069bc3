/* A source with a few boards of a few ports, in the directory of a manifest fixture. */
#ifndef FIRN_TESTS_UNIT_SOURCE_FIXTURE_H
#define FIRN_TESTS_UNIT_SOURCE_FIXTURE_H

#include "tests/unit/manifest_fixture.h"

#include "builder/board_list.h"

#define BOARDS "ports/stm32/boards/"

static struct interpreter *interpreter;

static inline int load_interpreter(void **state)
{
    struct diags diags = DIAGS_INIT;

    (void)state;
    interpreter = interpreter_load(FIRN_SOURCE_DIR, "micropython", &diags);
    return interpreter ? 0 : -1;
}

static inline int free_interpreter(void **state)
{
    (void)state;
    interpreter_free(interpreter);
    return 0;
}

static inline int source_setup(void **state)
{
    fixture_setup(state);
    struct fixture *f = *state;

    fixture_write(f, BOARDS "deploy.md", "ST-Link. Boards with USB support: the DFU bootloader.");
    fixture_write(f, BOARDS "common/common.ld", "");
    fixture_write(f, BOARDS "USB_ONE/mpconfigboard.h", "#define MICROPY_HW_ENABLE_USB       (1)\n");
    fixture_write(f, BOARDS "USB_ONE/mpconfigvariant_DP.mk", "");
    fixture_write(f, BOARDS "USB_ONE/mpconfigvariant_THREAD.mk", "");
    fixture_write(f, BOARDS "USB_ONE/board.json",
                  "{\"deploy\": [\"../deploy.md\"], \"mcu\": \"stm32f4\", \"product\": \"One\","
                  " \"vendor\": \"Acme\", \"features\": [\"WiFi\", \"USB-C\"],"
                  " \"variants\": {\"DP\": \"Double precision\", \"GONE\": \"No file\"}}");
    fixture_write(f, BOARDS "PLAIN/mpconfigboard.h", "");
    fixture_write(f, BOARDS "PLAIN/board.json",
                  "{\"deploy\": [\"../deploy.md\"], \"mcu\": \"stm32f0\", \"vendor\": \"ST\"}");
    fixture_write(
        f, "ports/rp2/boards/PICO/board.json",
        "{\"product\": \"Pico W\", \"features\": [\"WiFi\"], \"variants\": {\"X\": \"Y\"}}");
    fixture_write(f, "ports/rp2/boards/none.txt", "");
    fixture_write(f, "ports/qemu/boards/NETDUINO2/mpconfigboard.mk", "");
    return 0;
}

#define SOURCE_TEST(name) cmocka_unit_test_setup_teardown(name, source_setup, fixture_teardown)

#endif
