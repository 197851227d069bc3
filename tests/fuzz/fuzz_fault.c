/* The simulator's fault texts, and which transfers they act on. */
#include "tests/fuzz/fuzz.h"

#include "simulator/fault.h"

/* A fault acts `count` times after it let `after` matching transfers pass. */
static void check_counts(const struct fault *fault)
{
    static const uint8_t out[5] = {0x21};
    struct usb_setup setup = {.request_type = 0x21, .request = 1, .value = fault->block};
    struct faults faults = {0};
    struct fault taken;
    struct err *err = NULL;
    uint64_t acted = 0, limit = 200;
    CHECK(fault_classify(&setup, out, true) <= FAULT_ON_ANY);
    CHECK(fault_classify(&setup, out, false) <= FAULT_ON_ANY);
    CHECK(faults_add(&faults, fault, &err));
    for (uint64_t i = 0; i < limit; i++)
        acted += faults_take(&faults, fault->on, &setup, &taken);
    uint64_t left = fault->after < limit ? limit - fault->after : 0;
    CHECK(acted == (fault->forever || left < fault->count ? left : fault->count));
    CHECK(faults.count == (fault->forever || left < fault->count));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = xstrndup((const char *)data, size);
    struct fault fault;
    struct err *err = NULL;
    bool ok = fault_parse(text, &fault, &err);
    if (!fuzz_check_result(ok, &err))
        return 0;
    CHECK(fault.on <= FAULT_ON_ANY && fault.action <= FAULT_IGNORE);
    CHECK(fault.forever == (fault.count == 0));
    CHECK(fault.action != FAULT_STATUS || (fault.status >= 1 && fault.status <= 15));
    CHECK(fault.ms <= 3600000);
    check_counts(&fault);
    return 0;
}
