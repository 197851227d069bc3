#define MICROPY_HW_ENABLE_USB       (0) // no connector
