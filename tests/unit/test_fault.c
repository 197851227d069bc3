#include "simulator/fault.h"

#include "simulator/dfu_device.h"
#include "tests/unit/unit.h"

static struct fault parsed(const char *text)
{
    struct err *err = NULL;
    struct fault fault;
    assert_ok(fault_parse(text, &fault, &err), &err);
    return fault;
}

static void refused(const char *text, const char *why)
{
    struct err *err = NULL;
    struct fault fault;
    if (fault_parse(text, &fault, &err))
        fail_msg("accepted: %s", text);
    assert_error(&err, ERR_USAGE, why);
}

static void parsing(void **state)
{
    (void)state;
    struct fault fault = parsed("on=dnload,block=5,count=2,do=unplug,replug=500");
    assert_int_equal(fault.on, FAULT_ON_DNLOAD);
    assert_int_equal(fault.action, FAULT_UNPLUG);
    assert_true(fault.has_block);
    assert_int_equal(fault.block, 5);
    assert_int_equal(fault.count, 2);
    assert_int_equal(fault.ms, 500);
    assert_false(fault.forever);

    fault = parsed("do=status,code=11,on=upload,after=3");
    assert_int_equal(fault.status, 11);
    assert_int_equal(fault.after, 3);
    assert_int_equal(fault.count, 1);
    assert_false(fault.has_block);
    assert_true(parsed("on=any,do=stall,count=0").forever);
    assert_int_equal(parsed("on=erase,do=poll,ms=70000").ms, 70000);
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    refused("", "on= is missing");
    refused("on=dnload", "do= is missing");
    refused("dnload", "'dnload' is not of the form key=value");
    refused("on=dnlaod,do=stall", "did you mean 'dnload'?");
    refused("on=dnload,do=explode", "there is no action 'explode'");
    refused("on=dnload,do=stall,when=now", "there is no key 'when'");
    refused("on=dnload,on=upload,do=stall", "on= is given twice");
    refused("on=dnload,block=65536,do=stall", "block=65536 is not a number from 0 to 65535");
    refused("on=dnload,block=-1,do=stall", "block=-1 is not a number");
    refused("on=erase,block=2,do=stall", "block= applies to");
    refused("on=upload,do=delay", "ms= is missing for do=delay");
    refused("on=upload,do=stall,ms=3", "ms= does not apply to do=stall");
    refused("on=upload,do=status", "code= is missing");
    refused("on=upload,do=status,code=16", "from 0 to 15");
    refused("on=upload,do=status,code=0", "code=0 is no error");
    refused("on=upload,do=stall,replug=9", "replug= does not apply to do=stall");
    refused("on=upload,do=busy", "do=busy applies to");
    refused("on=dnload,do=short", "do=short applies to");
    refused("on=erase,do=corrupt", "do=corrupt applies to");
}

static enum fault_on classify(uint8_t request, uint16_t block, const char *data, uint16_t len)
{
    const struct usb_setup setup = {0x21, request, block, 0, len};
    return fault_classify(&setup, (const uint8_t *)data, true);
}

static void classifying(void **state)
{
    (void)state;
    assert_int_equal(classify(DFU_DNLOAD, 2, "ab", 2), FAULT_ON_DNLOAD);
    assert_int_equal(classify(DFU_DNLOAD, 0, "\x21....", 5), FAULT_ON_SET_ADDRESS);
    assert_int_equal(classify(DFU_DNLOAD, 0, "\x41....", 5), FAULT_ON_ERASE);
    assert_int_equal(classify(DFU_DNLOAD, 0, "\x41", 1), FAULT_ON_MASS_ERASE);
    assert_int_equal(classify(DFU_DNLOAD, 0, "\x92", 1), FAULT_ON_ANY);
    assert_int_equal(classify(DFU_DNLOAD, 0, NULL, 0), FAULT_ON_LEAVE);
    assert_int_equal(classify(DFU_UPLOAD, 2, NULL, 9), FAULT_ON_UPLOAD);
    assert_int_equal(classify(DFU_GETSTATUS, 0, NULL, 6), FAULT_ON_GETSTATUS);
    assert_int_equal(classify(DFU_CLRSTATUS, 0, NULL, 0), FAULT_ON_CLRSTATUS);
    assert_int_equal(classify(DFU_ABORT, 0, NULL, 0), FAULT_ON_ABORT);
    assert_int_equal(classify(DFU_GETSTATE, 0, NULL, 1), FAULT_ON_ANY);
    const struct usb_setup standard = {0x80, USB_GET_DESCRIPTOR, 0x0100, 0, 18};
    assert_int_equal(fault_classify(&standard, NULL, true), FAULT_ON_ANY);
}

static struct faults faults;

static void add(const char *text)
{
    struct err *err = NULL;
    struct fault fault = parsed(text);
    assert_ok(faults_add(&faults, &fault, &err), &err);
}

/* The action that is taken, or -1. */
static int take(enum fault_on what, uint16_t block)
{
    const struct usb_setup setup = {0x21, DFU_DNLOAD, block, 0, 2};
    struct fault fault;
    return faults_take(&faults, what, &setup, &fault) ? (int)fault.action : -1;
}

static void taking(void **state)
{
    (void)state;
    faults.count = 0;
    add("on=dnload,block=5,count=2,do=stall");
    add("on=dnload,after=2,do=hang");
    assert_int_equal(take(FAULT_ON_UPLOAD, 5), -1);
    assert_int_equal(take(FAULT_ON_DNLOAD, 4), -1);
    assert_int_equal(take(FAULT_ON_DNLOAD, 5), FAULT_STALL);
    assert_int_equal(take(FAULT_ON_DNLOAD, 4), -1);
    assert_int_equal(take(FAULT_ON_DNLOAD, 5), FAULT_STALL);
    assert_int_equal(faults.count, 1);
    assert_int_equal(take(FAULT_ON_DNLOAD, 5), FAULT_HANG);
    assert_int_equal(faults.count, 0);

    add("on=any,count=0,do=protocol");
    for (int i = 0; i < 100; i++)
        assert_int_equal(take(FAULT_ON_ABORT, 0), FAULT_PROTOCOL);
    assert_int_equal(faults.count, 1);
}

static void a_full_list_is_an_error(void **state)
{
    (void)state;
    struct err *err = NULL;
    struct fault fault = parsed("on=any,do=stall");
    faults.count = 0;
    for (int i = 0; i < FAULTS_MAX; i++)
        add("on=any,do=stall");
    assert_false(faults_add(&faults, &fault, &err));
    assert_error(&err, ERR_USAGE, "16 faults are waiting");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parsing),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(classifying),
        cmocka_unit_test(taking),
        cmocka_unit_test(a_full_list_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
