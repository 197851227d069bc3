import micropython


@micropython.native
def twice(x):
    return 2 * x
