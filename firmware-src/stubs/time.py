# Time that passes with each look at it.
import _firn_stub

_now = 0


def ticks_us():
    global _now
    _now = (_now + 1) & 0x3FFFFFFF
    return _now


ticks_ms = ticks_cpu = ticks_us


def ticks_diff(end, start):
    return ((end - start + 0x20000000) & 0x3FFFFFFF) - 0x20000000


def ticks_add(start, ticks):
    return (start + ticks) & 0x3FFFFFFF


def time():
    return 0


def sleep(seconds):
    pass


sleep_ms = sleep_us = sleep


def __getattr__(name):
    return _firn_stub.attribute("time", name)
