# The pyboard's own accelerometer (MMA7660).
from math import atan2, degrees

import pyb

_accel = None


def angles():
    """Pitch and roll in degrees."""
    global _accel
    if _accel is None:
        _accel = pyb.Accel()
    x, y, z = _accel.filtered_xyz()
    return degrees(atan2(x, z)), degrees(atan2(y, z))
