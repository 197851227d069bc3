#include "simulator/port.h"

#include "tests/unit/fake_clock.h"
#include "tests/unit/unit.h"

static struct fake_clock fake;
static struct port port;
static struct usb_reply reply;
static uint8_t in[USB_CONTROL_MAX];

static int setup(void **state)
{
    (void)state;
    struct err *err = NULL;
    fake_clock_init(&fake);
    port_init(&port, 4, board_model_find("stm32f405"), BOARD_TIMING_ZERO, &fake.clock);
    assert_ok(port_open(&port, NULL, &err), &err);
    port_power_on(&port);
    memcpy(port.board.memory[0].bytes, "abcdefgh", 8);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    port_release(&port);
    return 0;
}

static void fault(const char *text)
{
    struct err *err = NULL;
    struct fault parsed;
    assert_ok(fault_parse(text, &parsed, &err) && faults_add(&port.faults, &parsed, &err), &err);
}

static enum usb_outcome control(uint8_t type, uint8_t request, uint16_t value, const void *out,
                                uint16_t length)
{
    const struct usb_setup packet = {type, request, value, 0, length};
    port.device.control(port.device.data, &packet, out, in, &reply);
    fake_clock_advance(&fake, reply.delay_us);
    return reply.outcome;
}

static enum usb_outcome upload(uint16_t length)
{
    return control(0xA1, DFU_UPLOAD, 2, NULL, length);
}

static enum usb_outcome download(const char *data)
{
    return control(0x21, DFU_DNLOAD, 3, data, (uint16_t)strlen(data));
}

static void check_status(enum dfu_state state, unsigned status)
{
    assert_int_equal(control(0xA1, DFU_GETSTATUS, 0, NULL, 6), USB_DONE);
    assert_int_equal(in[4], state);
    assert_int_equal(in[0], status);
}

static void without_faults_it_is_the_bootloader(void **state)
{
    (void)state;
    assert_int_equal(upload(8), USB_DONE);
    assert_memory_equal(in, "abcdefgh", 8);
    assert_int_equal(port.transfers, 1);
}

/* Of iInterface 4; what a kernel reads is not what a program sends. */
static void the_kernel_asks_for_strings(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    fault("on=any,do=stall");
    assert_true(port.device.string(port.device.data, 4, &text));
    assert_string_equal(text.data, "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg");
    assert_false(port.device.string(port.device.data, 9, &text));
    assert_int_equal(port.transfers, 0);
    assert_int_equal(port.faults.count, 1);
    port.dfu.crashed = true;
    assert_false(port.device.string(port.device.data, 4, &text));
}

static void transfers_can_fail(void **state)
{
    (void)state;
    fault("on=upload,do=stall");
    fault("on=upload,do=protocol");
    fault("on=upload,do=hang");
    fault("on=upload,do=unplug,replug=70");
    assert_int_equal(upload(8), USB_STALL);
    check_status(DFU_STATE_IDLE, DFU_STATUS_OK); /* the bootloader did not see it */
    assert_int_equal(upload(8), USB_BROKEN);
    assert_int_equal(upload(8), USB_SILENT);
    assert_int_equal(reply.event, USB_STAYS);
    assert_int_equal(upload(8), USB_SILENT);
    assert_int_equal(reply.event, USB_UNPLUGGED);
    assert_int_equal(reply.event_ms, 70);
    assert_int_equal(upload(8), USB_DONE);
    assert_int_equal(port.transfers, 6);
}

static void answers_can_be_wrong(void **state)
{
    (void)state;
    fault("on=upload,do=corrupt");
    fault("on=upload,do=short");
    fault("on=upload,do=delay,ms=30");
    assert_int_equal(upload(8), USB_DONE);
    assert_memory_equal(in,
                        "abcd\x30"
                        "fgh",
                        8);
    assert_int_equal(upload(8), USB_DONE);
    assert_int_equal(reply.length, 4);
    assert_int_equal(upload(8), USB_DONE);
    assert_int_equal(reply.delay_us, 30000);
    assert_memory_equal(in, "abcdefgh", 8);
}

static void work_can_go_wrong(void **state)
{
    (void)state;
    const uint8_t *flash = port.board.memory[0].bytes + 2048;
    fault("on=dnload,do=ignore");
    assert_int_equal(download("xy"), USB_DONE);
    check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK);
    check_status(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    assert_int_equal(flash[0], 0xFF);
    fault("on=dnload,do=corrupt");
    assert_int_equal(download("xy"), USB_DONE);
    check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK);
    check_status(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    assert_memory_equal(flash, "x\x2C", 2);
    fault("on=dnload,do=busy,count=0");
    assert_int_equal(download("xy"), USB_DONE);
    for (int i = 0; i < 3; i++)
        check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK);
}

static void polls_can_be_long(void **state)
{
    (void)state;
    fault("on=set-address,do=poll,ms=300");
    assert_int_equal(control(0x21, DFU_DNLOAD, 0, "\x21\x00\x00\x00\x08", 5), USB_DONE);
    check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK);
    assert_int_equal(in[1] | in[2] << 8, 300);
    check_status(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
}

static void a_status_is_the_end_of_work_or_at_once(void **state)
{
    (void)state;
    fault("on=dnload,do=status,code=6");
    assert_int_equal(download("xy"), USB_DONE);
    check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK);
    check_status(DFU_STATE_ERROR, 6);
    control(0x21, DFU_CLRSTATUS, 0, NULL, 0);
    fault("on=upload,do=status,code=11");
    assert_int_equal(upload(8), USB_STALL);
    check_status(DFU_STATE_ERROR, 11);
    control(0x21, DFU_CLRSTATUS, 0, NULL, 0);
    fault("on=getstatus,do=status,code=14");
    check_status(DFU_STATE_ERROR, 14);
}

static void status_as_json(void **state)
{
    (void)state;
    fault("on=upload,after=1,do=stall");
    port.plugged = true;
    upload(8);
    json_t *status = port_status(&port);
    char *text = json_dumps(status, JSON_COMPACT);
    assert_string_equal(
        text, "{\"board\":4,\"model\":\"stm32f405\",\"serial\":\"356900043437\","
              "\"path\":\"usb0\",\"plugged\":true,\"running\":false,\"state\":\"dfuUPLOAD-IDLE\","
              "\"status\":0,\"protected\":false,\"transfers\":1,\"downloaded_bytes\":0,"
              "\"uploaded_bytes\":8,\"erases\":0,\"overwritten_bytes\":0,\"faults\":1,"
              "\"counters\":{\"commands\":0,\"blocks\":0,\"uploads\":1,\"getstatus\":0,"
              "\"others\":0,\"early_polls\":0,\"bus_us\":0,\"erase_us\":0,"
              "\"program_us\":0,\"mass_erases\":0,\"erased_sectors\":{}}}");
    free(text);
    json_decref(status);
}

static json_int_t counter(const char *name)
{
    json_t *status = port_status(&port);
    json_t *counters = json_object_get(status, "counters");
    const json_t *sectors = json_object_get(counters, "erased_sectors");
    const json_t *value = json_object_get(counters, name);
    json_int_t number = json_integer_value(value ? value : json_object_get(sectors, name));
    json_decref(status);
    return number;
}

/* What a benchmark computes the floor of a run from. */
static void a_run_is_counted(void **state)
{
    (void)state;
    port_release(&port);
    port_init(&port, 0, board_model_find("stm32f405"), BOARD_TIMING_X8, &fake.clock);
    struct err *err = NULL;
    assert_ok(port_open(&port, NULL, &err), &err);
    port_power_on(&port);
    sim_board_set_bus(&port.board, BUS_TIMING_FRAME);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(control(0x21, DFU_DNLOAD, 0, "\x41\x00\x00\x00\x08", 5), USB_DONE);
        check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK);
        fake_clock_advance(&fake, 100000);
        check_status(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK); /* waits for the flash */
    }
    assert_int_equal(fake.now_us, 2 * (2000 + 400000 + 1000));
    assert_int_equal(download("12345678"), USB_DONE);
    check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK);
    check_status(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK); /* announced: 1 ms */
    control(0x21, DFU_ABORT, 0, NULL, 0);
    assert_int_equal(upload(8), USB_DONE);
    assert_int_equal(counter("commands"), 2);
    assert_int_equal(counter("blocks"), 1);
    assert_int_equal(counter("uploads"), 1);
    assert_int_equal(counter("getstatus"), 6);
    assert_int_equal(counter("others"), 1);
    assert_int_equal(counter("early_polls"), 1);
    assert_int_equal(counter("bus_us"), 11000);
    assert_int_equal(counter("erase_us"), 800000);
    assert_int_equal(counter("program_us"), 8 * 16);
    assert_int_equal(counter("16384"), 2);
    port_reset_counters(&port);
    assert_int_equal(counter("getstatus") + counter("erase_us") + counter("16384"), 0);
    assert_int_equal(port.transfers, 0);
}

static void power_brings_back_the_bootloader(void **state)
{
    (void)state;
    download("xy");
    port.running = true;
    port_power_on(&port);
    assert_false(port.running);
    check_status(DFU_STATE_IDLE, DFU_STATUS_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_faults_it_is_the_bootloader),
        TEST(the_kernel_asks_for_strings),
        TEST(transfers_can_fail),
        TEST(answers_can_be_wrong),
        TEST(work_can_go_wrong),
        TEST(polls_can_be_long),
        TEST(a_status_is_the_end_of_work_or_at_once),
        TEST(status_as_json),
        TEST(a_run_is_counted),
        TEST(power_brings_back_the_bootloader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
