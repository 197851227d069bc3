#include "simulator/claims.h"

#include <errno.h>

#include "tests/unit/unit.h"

/* Two interfaces; the second has endpoint 0x81 and a second alternate setting with 0x02. */
static const uint8_t descriptors[] = {
    18, 1,    0,    2,  0, 0, 0, 64, 1, 2, 3, 4, 0, 0, 0, 0, 0, 1, 9, 2,  59, 0, 2,
    1,  0,    0x80, 50, 9, 4, 0, 0,  0, 1, 1, 1, 0, 9, 4, 1, 0, 1, 2, 2,  2,  0, 7,
    5,  0x81, 2,    64, 0, 0, 9, 4,  1, 1, 1, 2, 2, 2, 0, 7, 5, 2, 2, 64, 0,  0,
};

static struct usb_setup told; /* the last request that the device got */
static unsigned requests;
static enum usb_outcome outcome; /* of the next */
static unsigned chosen;          /* the last alternate setting that was */

static void control(void *data, const struct usb_setup *setup, const uint8_t *out, uint8_t *in,
                    struct usb_reply *reply)
{
    (void)data, (void)out, (void)in;
    told = *setup;
    requests++;
    *reply = (struct usb_reply){.outcome = outcome};
}

static const struct usb_device device = {
    .control = control, .descriptors = descriptors, .descriptors_len = sizeof(descriptors)};
static const int us, them;
static struct claims claims;

static void on_chosen(void *data, unsigned interface, unsigned alt)
{
    assert_ptr_equal(data, &claims);
    assert_int_equal(interface, 1);
    chosen = alt;
}

static int setup(void **state)
{
    (void)state;
    claims = (struct claims){
        .device = &device, .configured = true, .chosen = on_chosen, .data = &claims};
    requests = 0;
    outcome = USB_DONE;
    chosen = 77;
    return 0;
}

static void an_interface_has_one_owner(void **state)
{
    (void)state;
    assert_int_equal(claims_take(&claims, &us, 0), 0);
    assert_int_equal(claims_take(&claims, &us, 0), 0);
    assert_int_equal(claims_take(&claims, &them, 0), -EBUSY);
    assert_int_equal(claims_take(&claims, &them, 1), 0);
    assert_int_equal(claims_take(&claims, &us, 2), -ENOENT);
    assert_int_equal(claims_take(&claims, &us, 63), -ENOENT);
    assert_int_equal(claims_take(&claims, &us, 64), -EINVAL);
    assert_int_equal(claims_release(&claims, &them, 0), -EINVAL);
    assert_int_equal(claims_release(&claims, &us, 2), -ENOENT);
    assert_int_equal(claims_release(&claims, &us, 64), -EINVAL);
    assert_int_equal(claims_release(&claims, &us, 0), 0);
    assert_int_equal(claims_release(&claims, &us, 0), -EINVAL);
    assert_true(claims_any(&claims));
    claims_release_all(&claims, &us);
    assert_true(claims_any(&claims));
    claims_release_all(&claims, NULL);
    assert_false(claims_any(&claims));
    assert_int_equal(requests, 0);
}

static void a_release_resets_the_alternate_setting(void **state)
{
    (void)state;
    assert_int_equal(claims_take(&claims, &us, 1), 0);
    claims_choose(&claims, 1, 0); /* it is */
    assert_int_equal(chosen, 77);
    claims_choose(&claims, 1, 1);
    assert_int_equal(chosen, 1);
    assert_true(claims_expel(&claims, 1));
    assert_false(claims_expel(&claims, 1));
    assert_int_equal(requests, 1);
    assert_int_equal(told.request_type, USB_RECIPIENT_INTERFACE);
    assert_int_equal(told.request, USB_SET_INTERFACE);
    assert_int_equal(told.value, 0);
    assert_int_equal(told.index, 1);
    assert_int_equal(claims.alt[1], 0);
    assert_int_equal(chosen, 0);
}

static void a_device_may_not_go_back(void **state)
{
    (void)state;
    assert_int_equal(claims_take(&claims, &us, 1), 0);
    claims_choose(&claims, 1, 1);
    outcome = USB_STALL;
    assert_int_equal(claims_release(&claims, &us, 1), 0);
    assert_int_equal(claims.alt[1], 1);
    assert_int_equal(chosen, 1);
}

static int check(const void *owner, uint8_t type, uint16_t index)
{
    const struct usb_setup request = {type, 0, 0, index, 0};
    return claims_check(&claims, owner, &request);
}

static void requests_claim_what_they_are_for(void **state)
{
    (void)state;
    assert_int_equal(check(&us, 0x80, 7), 0); /* to the device */
    assert_int_equal(check(&us, 0xC1, 7), 0); /* a vendor's own business */
    assert_int_equal(check(&us, 0xA3, 7), 0); /* to "other" */
    assert_false(claims_any(&claims));
    assert_int_equal(check(&us, 0xA1, 2), -ENOENT);
    assert_int_equal(check(&us, 0xE1, 2), -ENOENT);
    assert_int_equal(check(&us, 0xA1, 0xFF00), 0); /* the high byte does not count */
    assert_ptr_equal(claims.owner[0], &us);
    assert_int_equal(check(&them, 0x21, 0), -EBUSY);
}

static void so_do_requests_to_endpoints(void **state)
{
    (void)state;
    assert_int_equal(check(&us, 0x82, 0x00), 0);
    assert_int_equal(check(&us, 0x82, 0x80), 0);
    assert_int_equal(check(&us, 0x82, 0x83), -ENOENT);
    assert_int_equal(check(&us, 0x82, 0x91), -EINVAL);
    assert_false(claims_any(&claims));
    assert_int_equal(check(&us, 0x82, 0x81), 0);
    assert_ptr_equal(claims.owner[1], &us);
    assert_int_equal(claims_check_endpoint(&claims, &them, 0x02), -EBUSY);
    assert_int_equal(claims_check_endpoint(&claims, &us, 0x02), 0);
}

static void without_a_configuration_there_is_nothing(void **state)
{
    (void)state;
    claims.configured = false;
    assert_false(claims_has(&claims, 0));
    assert_int_equal(claims_take(&claims, &us, 0), -ENOENT);
    assert_int_equal(claims_release(&claims, &us, 0), -ENOENT);
}

/* Interface 1 is of the class that Linux's cdc_acm knows. */
static void the_kernels_driver_is_an_owner(void **state)
{
    (void)state;
    claims.driven = true;
    assert_null(claims_driver(&claims, 0));
    assert_string_equal(claims_driver(&claims, 1), "cdc_acm");
    assert_null(claims_driver(&claims, 2));
    assert_true(claims_any(&claims));
    assert_int_equal(claims_take(&claims, &us, 0), 0);
    assert_string_equal(claims_driver(&claims, 0), "usbfs");
    assert_int_equal(claims_take(&claims, &us, 1), -EBUSY);
    claims_release_all(&claims, NULL); /* of the programs */
    assert_string_equal(claims_driver(&claims, 1), "cdc_acm");
    assert_int_equal(claims_attach(&claims, 1), -EBUSY);
    assert_true(claims_expel(&claims, 1));
    assert_int_equal(claims_take(&claims, &us, 1), 0);
    assert_int_equal(claims_attach(&claims, 1), -EBUSY);
    assert_int_equal(claims_release(&claims, &us, 1), 0);
    assert_int_equal(claims_attach(&claims, 1), 0);
    assert_string_equal(claims_driver(&claims, 1), "cdc_acm");
}

static void taking_from_a_driver(void **state)
{
    (void)state;
    struct usbdevfs_disconnect_claim given = {.interface = 1};
    claims.driven = true;
    given.flags = USBDEVFS_DISCONNECT_CLAIM_IF_DRIVER;
    strcpy(given.driver, "usbfs");
    assert_int_equal(claims_take_from(&claims, &us, &given), -EBUSY);
    given.flags = USBDEVFS_DISCONNECT_CLAIM_EXCEPT_DRIVER;
    strcpy(given.driver, "cdc_acm");
    assert_int_equal(claims_take_from(&claims, &us, &given), -EBUSY);
    assert_true(claims.driven);
    strcpy(given.driver, "usbfs");
    assert_int_equal(claims_take_from(&claims, &us, &given), 0);
    assert_false(claims.driven);
    assert_int_equal(claims_take_from(&claims, &them, &given), -EBUSY);
    given.interface = 2;
    assert_int_equal(claims_take_from(&claims, &us, &given), -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_interface_has_one_owner),     TEST(a_release_resets_the_alternate_setting),
        TEST(a_device_may_not_go_back),       TEST(requests_claim_what_they_are_for),
        TEST(so_do_requests_to_endpoints),    TEST(without_a_configuration_there_is_nothing),
        TEST(the_kernels_driver_is_an_owner), TEST(taking_from_a_driver),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
