/*
 * The descriptors of a running board (simulator/runtime.h): those of MicroPython's STM32 port.
 */
#ifndef FIRN_SIMULATOR_RUNTIME_DESCRIPTORS_H
#define FIRN_SIMULATOR_RUNTIME_DESCRIPTORS_H

#include "simulator/runtime.h"

#define RUNTIME_ENDPOINT_OUT 0x03
#define RUNTIME_ENDPOINT_IN 0x83
#define RUNTIME_ENDPOINT_NOTIFY 0x82

/* Append the device descriptor and the configuration; nothing for RUNTIME_NONE. */
void runtime_add_descriptors(const struct board_model *model, const struct runtime_options *options,
                             struct buf *out);
/* bInterfaceNumber of the DFU interface; only if there is one. */
unsigned runtime_dfu_interface(const struct runtime_options *options);
/* Ids of a board with a serial port are MicroPython's, of others the bootloader's vendor with the
 * bootloader's product number, its highest bit turned round. */
#define RUNTIME_CDC_VENDOR 0xF055
#define RUNTIME_CDC_PRODUCT 0x9800

#endif
