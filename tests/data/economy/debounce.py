def debounced(read, count=3):
    """A function that reads a pin until it said the same several times."""

    def wrapper():
        last, same = read(), 1
        while same < count:
            value = read()
            same = same + 1 if value == last else 1
            last = value
        return last

    return wrapper
