def mean(values):
    return sum(values) / len(values)


def moving(values, width):
    window = []
    for value in values:
        window.append(value)
        if len(window) > width:
            window.pop(0)
        yield mean(window)
