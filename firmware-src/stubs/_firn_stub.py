# What stands in for modules of a board in its twin: anything can be taken from it, called, indexed and
# calculated with. What was taken is noted.
touched = []
_16 = touched  # as the measuring program knows it


class Stub:
    def __init__(self, name):
        self._firn_name = name

    def __getattr__(self, name):
        return attribute(self._firn_name, name)

    def __call__(self, *args, **kwargs):
        return Stub(self._firn_name + "()")

    def __getitem__(self, key):
        return Stub(self._firn_name + "[]")

    def __setitem__(self, key, value):
        pass

    def __iter__(self):
        return iter(())

    def __len__(self):
        return 0

    def __bool__(self):
        return True

    def __enter__(self):
        return self

    def __exit__(self, *args):
        pass

    def _firn_number(self, *args):
        return 0

    __int__ = __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _firn_number
    __floordiv__ = __truediv__ = __mod__ = __and__ = __or__ = __lshift__ = __rshift__ = _firn_number
    __neg__ = __invert__ = _firn_number

    def __lt__(self, other):
        return False

    __gt__ = __le__ = __ge__ = __lt__


def attribute(module, name):
    if name[:2] == "__":
        raise AttributeError(name)
    name = module + "." + name
    if "(" not in name and "[" not in name and name not in touched:
        touched.append(name)
    return Stub(name)
