_TABLE = bytearray(256)
for _i in range(256):
    _c = _i
    for _ in range(8):
        _c = (_c << 1) ^ 0x07 if _c & 0x80 else _c << 1
    _TABLE[_i] = _c & 0xFF


def crc8(data, crc=0):
    for byte in data:
        crc = _TABLE[crc ^ byte]
    return crc


def crc16(data, crc=0xFFFF):
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc
