from micropython import const

_SIZE = const(64)


class Ring:
    def __init__(self):
        self._data = bytearray(_SIZE)
        self._head = self._tail = 0

    def put(self, byte):
        following = (self._head + 1) % _SIZE
        if following == self._tail:
            raise OverflowError
        self._data[self._head] = byte
        self._head = following

    def get(self):
        if self._head == self._tail:
            return None
        byte = self._data[self._tail]
        self._tail = (self._tail + 1) % _SIZE
        return byte
