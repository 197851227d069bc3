#include "simulator/endpoint.h"

#include <errno.h>

#include "tests/unit/fake_clock.h"
#include "tests/unit/unit.h"

static struct fake_clock fake;
static struct usb_reply answer; /* what the device says next */
static unsigned seen;           /* how many transfers the device saw */
static unsigned done;           /* how many ended */
static enum usb_event event;
static struct endpoint endpoint;
static struct transfer transfers[3];

static void control(void *data, const struct usb_setup *setup, const uint8_t *out, uint8_t *in,
                    struct usb_reply *reply)
{
    (void)data, (void)setup, (void)out;
    seen++;
    memcpy(in, "answer", 6);
    *reply = answer;
}

static void on_event(void *data, enum usb_event happened, uint32_t event_ms)
{
    (void)data, (void)event_ms;
    event = happened;
    if (happened == USB_UNPLUGGED)
        endpoint_disconnect(&endpoint);
}

static const struct usb_device device = {.control = control, .event = on_event};

static void on_done(struct transfer *transfer)
{
    (void)transfer;
    done++;
}

static int setup(void **state)
{
    (void)state;
    fake_clock_init(&fake);
    endpoint = (struct endpoint){.device = &device, .clock = &fake.clock};
    answer = (struct usb_reply){.length = 6};
    seen = done = 0;
    event = USB_STAYS;
    return 0;
}

static struct transfer *submit(unsigned i)
{
    transfers[i] = (struct transfer){.setup = {USB_DIR_IN, 0, 0, 0, 6}, .done = on_done};
    endpoint_submit(&endpoint, &transfers[i]);
    return &transfers[i];
}

static void an_answer_without_delay_comes_at_once(void **state)
{
    (void)state;
    const struct transfer *transfer = submit(0);
    assert_int_equal(done, 1);
    assert_int_equal(transfer->status, 0);
    assert_int_equal(transfer->actual, 6);
    assert_memory_equal(transfer->data, "answer", 6);
}

static void a_delay_is_waited_for(void **state)
{
    (void)state;
    answer.delay_us = 1000;
    submit(0);
    fake_clock_advance(&fake, 999);
    assert_int_equal(done, 0);
    fake_clock_advance(&fake, 1);
    assert_int_equal(done, 1);
}

static void one_after_the_other(void **state)
{
    (void)state;
    answer.delay_us = 1000;
    submit(0);
    submit(1);
    assert_int_equal(seen, 1);
    fake_clock_advance(&fake, 1000);
    assert_int_equal(done, 1);
    assert_int_equal(seen, 2);
    fake_clock_advance(&fake, 1000);
    assert_int_equal(done, 2);
}

static void failures_have_the_kernels_numbers(void **state)
{
    (void)state;
    answer.outcome = USB_STALL;
    assert_int_equal(submit(0)->status, -EPIPE);
    assert_int_equal(transfers[0].actual, 0);
    answer.outcome = USB_BROKEN;
    assert_int_equal(submit(1)->status, -EPROTO);
}

static void a_silent_device_is_cancelled(void **state)
{
    (void)state;
    answer.outcome = USB_SILENT;
    struct transfer *transfer = submit(0);
    submit(1);
    fake_clock_advance(&fake, 1000000000);
    assert_int_equal(done, 0);
    answer.outcome = USB_DONE;
    endpoint_cancel(&endpoint, transfer, -ENOENT);
    assert_int_equal(transfer->status, -ENOENT);
    assert_int_equal(transfers[1].status, 0); /* the next one's turn */
    assert_int_equal(done, 2);
}

static void a_cancelled_delay_does_not_come_back(void **state)
{
    (void)state;
    answer.delay_us = 1000;
    endpoint_cancel(&endpoint, submit(0), -ENOENT);
    assert_int_equal(fake.count, 0);
    assert_int_equal(done, 1);
}

static void events_follow_the_answer(void **state)
{
    (void)state;
    answer.event = USB_LEAVES;
    answer.delay_us = 10;
    submit(0);
    assert_int_equal(event, USB_STAYS);
    fake_clock_advance(&fake, 10);
    assert_int_equal(done, 1);
    assert_int_equal(event, USB_LEAVES);
}

static void a_pulled_cable_ends_everything(void **state)
{
    (void)state;
    answer.delay_us = 1000;
    submit(0);
    submit(1);
    answer = (struct usb_reply){.outcome = USB_SILENT, .event = USB_UNPLUGGED};
    fake_clock_advance(&fake, 1000);
    assert_int_equal(done, 2);
    assert_int_equal(transfers[0].status, 0);
    assert_int_equal(transfers[1].status, -ESHUTDOWN);
    assert_int_equal(submit(2)->status, -ESHUTDOWN);
    assert_int_equal(seen, 2);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_answer_without_delay_comes_at_once),
        TEST(a_delay_is_waited_for),
        TEST(one_after_the_other),
        TEST(failures_have_the_kernels_numbers),
        TEST(a_silent_device_is_cancelled),
        TEST(a_cancelled_delay_does_not_come_back),
        TEST(events_follow_the_answer),
        TEST(a_pulled_cable_ends_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
