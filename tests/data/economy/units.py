FACTORS = {"mm": 0.001, "cm": 0.01, "m": 1.0, "km": 1000.0, "in": 0.0254, "ft": 0.3048}


class Length:
    def __init__(self, value, unit="m"):
        self.metres = value * FACTORS[unit]

    @property
    def feet(self):
        return self.metres / FACTORS["ft"]

    def __add__(self, other):
        return Length(self.metres + other.metres)

    def __lt__(self, other):
        return self.metres < other.metres

    def __repr__(self):
        return "Length({!r})".format(self.metres)
