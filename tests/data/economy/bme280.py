"""Compensation of a BME280's temperature, as in its data sheet, 4.2.3."""
import struct
from micropython import const

ADDRESS = const(0x76)
_REG_CALIB = const(0x88)
_REG_DATA = const(0xF7)
_CTRL_MEAS = const(0xF4)


class BME280:
    def __init__(self, i2c, address=ADDRESS):
        self._i2c = i2c
        self._address = address
        self._t1, self._t2, self._t3 = struct.unpack("<Hhh", i2c.readfrom_mem(address, _REG_CALIB, 6))
        i2c.writeto_mem(address, _CTRL_MEAS, b"\x27")

    def temperature(self):
        raw = self._i2c.readfrom_mem(self._address, _REG_DATA + 3, 3)
        adc = (raw[0] << 12) | (raw[1] << 4) | (raw[2] >> 4)
        var1 = ((adc >> 3) - (self._t1 << 1)) * self._t2 >> 11
        var2 = (adc >> 4) - self._t1
        var2 = ((var2 * var2 >> 12) * self._t3) >> 14
        return ((var1 + var2) * 5 + 128) >> 8
