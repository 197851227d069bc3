def blink(led, times):
    for _ in range(times):
        led(1)
        yield
        led(0)
        yield


def breathe(led):
    for level in [0, 1, 4, 9, 16, 25, 36, 49, 64, 81, 100, 121, 144, 169, 196, 225]:
        led(level)
        yield


PATTERNS = {"blink": blink, "breathe": breathe}
