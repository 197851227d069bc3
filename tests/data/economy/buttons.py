"""Buttons that are pressed, held and released."""

PRESSED, HELD, RELEASED = "pressed", "held", "released"


class Button:
    HOLD_TICKS = 50

    def __init__(self, read, on_event):
        self.read = read
        self.on_event = on_event
        self.ticks = 0

    def tick(self):
        if self.read():
            self.ticks += 1
            if self.ticks == 1:
                self.on_event(PRESSED)
            elif self.ticks == self.HOLD_TICKS:
                self.on_event(HELD)
        elif self.ticks:
            self.ticks = 0
            self.on_event(RELEASED)
