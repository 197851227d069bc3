# Counts.


def firn(winters, snowfall=120):
    """Centimetres of firn that so many winters of snowfall (in cm) leave behind."""
    depth = 0
    for _ in range(winters):
        depth = (depth + snowfall) * 2 // 3
    return depth
