/* Descriptors as bytes, for tests: USB 2.0, 9.6 and DFU 1.1, 4.1.3. */
#ifndef FIRN_TESTS_UNIT_DESCRIPTORS_H
#define FIRN_TESTS_UNIT_DESCRIPTORS_H

#define DEVICE 18, 1, 0, 2, 0, 0, 0, 64, 0x83, 0x04, 0x11, 0xdf, 0x00, 0x22, 1, 2, 3, 1
#define DEVICE_SIZE 18
/* total: bytes of the configuration, this descriptor included */
#define CONFIGURATION(total) 9, 2, (total)&0xff, (total) >> 8, 1, 1, 0, 0xc0, 50
#define CONFIGURATION_SIZE 9
#define INTERFACE(number, alt, class, protocol, string)                                            \
    9, 4, number, alt, 0, class, 1, protocol, string
#define INTERFACE_SIZE 9
#define FUNCTIONAL(attributes, size_low, size_high)                                                \
    9, 0x21, attributes, 0xff, 0, size_low, size_high, 0x1a, 0x01
#define FUNCTIONAL_SIZE 9

#endif
