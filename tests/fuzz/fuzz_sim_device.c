/* The simulated bootloaders: a board, what is peculiar to it, then control transfers. */
#include "tests/fuzz/fuzz.h"
#include "tests/unit/fake_clock.h"

#include "simulator/dfu_device.h"

#define TRANSFERS_MAX 64

static struct fake_clock fake;
static struct sim_board board;
static struct dfu_device dfu;

/* One transfer. False: the device is no longer on the bus. */
static bool transfer(struct fuzz_input *input)
{
    static uint8_t out[USB_CONTROL_MAX], in[USB_CONTROL_MAX];
    struct usb_setup setup = {
        .request_type = fuzz_u8(input),
        .request = fuzz_u8(input),
        .value = fuzz_u16(input),
        .index = fuzz_u16(input),
        .length = fuzz_u16(input) % (USB_CONTROL_MAX + 1),
    };
    bool is_in = setup.request_type & USB_DIR_IN;
    struct usb_reply reply = {0};
    size_t given = is_in ? 0 : setup.length < input->left ? setup.length : input->left;
    memset(out, 0xa5, sizeof(out));
    memcpy(out, input->at, given);
    input->at += given;
    input->left -= given;
    dfu_device_control(&dfu, &setup, out, in, &reply);
    CHECK(reply.outcome <= USB_SILENT && reply.event <= USB_DETACHES);
    CHECK(reply.length <= setup.length);
    CHECK(dfu.state <= DFU_STATE_ERROR && dfu.status <= DFU_STATUS_MAX);
    fake_clock_advance(&fake, reply.delay_us);
    return reply.event == USB_STAYS;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct err *err = NULL;
    size_t models = 0;
    while (board_model_names[models])
        models++;
    const struct board_model *model = board_model_find(board_model_names[fuzz_u8(&input) % models]);
    fake_clock_init(&fake);
    sim_board_init(&board, model, (enum board_timing_kind)(fuzz_u8(&input) % 4), 0);
    board.quirks ^= fuzz_u16(&input);
    CHECK(sim_board_open(&board, NULL, &err));
    sim_board_power_on(&board);
    dfu_device_init(&dfu, &board, &fake.clock);
    for (int n = 0; n < TRANSFERS_MAX && input.left && transfer(&input); n++)
        ;
    dfu_device_release(&dfu);
    sim_board_release(&board);
    return 0;
}
