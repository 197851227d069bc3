from micropython import const

ENABLE = const(0x01)
MODE_MASK = const(0x0E)
MODE_SHIFT = const(1)
_RESERVED = const(0xF0)


def mode(register):
    return (register & MODE_MASK) >> MODE_SHIFT


def with_mode(register, value):
    return (register & ~MODE_MASK & ~_RESERVED) | (value << MODE_SHIFT) & MODE_MASK


def is_enabled(register):
    return bool(register & ENABLE)
