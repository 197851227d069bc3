#include "flasher/dfu_status.h"

#include "base/mem.h"

const char *dfu_state_label(uint8_t state)
{
    static const char *const names[] = {
        "appIDLE",          "appDETACH",   "dfuIDLE",
        "dfuDNLOAD-SYNC",   "dfuDNBUSY",   "dfuDNLOAD-IDLE",
        "dfuMANIFEST-SYNC", "dfuMANIFEST", "dfuMANIFEST-WAIT-RESET",
        "dfuUPLOAD-IDLE",   "dfuERROR",
    };
    return state < ARRAY_SIZE(names) ? names[state] : "an unknown state";
}

struct status_text {
    const char *name;
    const char *meaning;
};

static const struct status_text *status_text(uint8_t status)
{
    static const struct status_text texts[] = {
        {"OK", "no error"},
        {"errTARGET", "the address or the file is not for this board"},
        {"errFILE", "the file does not pass the board's own check"},
        {"errWRITE", "the memory could not be written"},
        {"errERASE", "the memory could not be erased"},
        {"errCHECK_ERASED", "the memory is not empty after erasing"},
        {"errPROG", "the memory could not be programmed"},
        {"errVERIFY", "the memory does not hold what was written"},
        {"errADDRESS", "the address is out of range or protected"},
        {"errNOTDONE", "data is missing"},
        {"errFIRMWARE", "the firmware in the board is corrupt"},
        {"errVENDOR", "the memory is read-protected"},
        {"errUSBR", "unexpected USB reset"},
        {"errPOR", "unexpected power-on reset"},
        {"errUNKNOWN", "something went wrong, the board does not know what"},
        {"errSTALLEDPKT", "the board refused a request that it did not expect"},
    };
    static const struct status_text unknown = {"an unknown status", "no meaning is defined for it"};
    return status < ARRAY_SIZE(texts) ? &texts[status] : &unknown;
}

const char *dfu_status_label(uint8_t status)
{
    return status_text(status)->name;
}

const char *dfu_status_meaning(uint8_t status)
{
    return status_text(status)->meaning;
}

void dfu_status_parse(const uint8_t bytes[DFU_STATUS_SIZE], struct dfu_status *status)
{
    *status = (struct dfu_status){
        .code = bytes[0],
        .poll_timeout_ms = bytes[1] | (uint32_t)bytes[2] << 8 | (uint32_t)bytes[3] << 16,
        .state = bytes[4],
        .string = bytes[5],
    };
}
