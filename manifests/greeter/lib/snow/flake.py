# Draws.


def flake(size):
    """A snow flake of 2 * size + 1 lines, as text."""
    assert size >= 0, "a flake has no negative size"
    lines = []
    for y in range(-size, size + 1):
        arms = ("*" if x == y or x == -y or not x or not y else " " for x in range(-size, size + 1))
        lines.append(" ".join(arms).rstrip())
    return "\n".join(lines)
