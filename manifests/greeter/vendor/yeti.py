# Compiled elsewhere and frozen as it is: only yeti.mpy goes into the image. Made from this file with
#     mpy-cross -s yeti.py -o yeti.mpy yeti.py            (MicroPython 1.25.0)


def say(text):
    """A yeti that says something, as text."""
    line = "-" * (len(text) + 2)
    return "\n".join(
        (
            "  " + line,
            " < " + text + " >",
            "  " + line,
            "   \\  (o_o)",
            "    \\ /)_(\\",
            "       ^ ^",
        )
    )
