#define MICROPY_HW_ENABLE_USB       (1)
