import struct

import crc

READ_HOLDING = 3
WRITE_SINGLE = 6


class ModbusError(Exception):
    pass


def request(unit, function, address, value):
    frame = struct.pack(">BBHH", unit, function, address, value)
    return frame + struct.pack("<H", crc.crc16(frame))


def parse(frame):
    if crc.crc16(frame[:-2]) != struct.unpack("<H", frame[-2:])[0]:
        raise ModbusError("bad CRC")
    if frame[1] & 0x80:
        raise ModbusError("exception {}".format(frame[2]))
    return frame[0], frame[1], frame[2:-2]
