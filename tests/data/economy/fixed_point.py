from micropython import const

_SHIFT = const(16)
ONE = const(1 << 16)


class Fixed:
    def __init__(self, raw):
        self.raw = raw

    @classmethod
    def of(cls, number):
        return cls(int(number * ONE))

    def __add__(self, other):
        return Fixed(self.raw + other.raw)

    def __mul__(self, other):
        return Fixed((self.raw * other.raw) >> _SHIFT)

    def __float__(self):
        return self.raw / ONE

    def __repr__(self):
        return "Fixed({:.4f})".format(float(self))
