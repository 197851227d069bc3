def melt(depth):
    return depth *
