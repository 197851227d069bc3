# The twin's own machine, and stubs for what it lacks.
from umachine import *
import _firn_stub


def __getattr__(name):
    return _firn_stub.attribute("machine", name)
