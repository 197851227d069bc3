"""A median filter for a noisy analogue input."""


class Median:
    def __init__(self, size=5):
        self._values = [0] * size
        self._index = 0

    def add(self, value):
        self._values[self._index] = value
        self._index = (self._index + 1) % len(self._values)
        return sorted(self._values)[len(self._values) // 2]
