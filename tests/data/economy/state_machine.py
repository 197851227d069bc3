from collections import namedtuple

Transition = namedtuple("Transition", ("source", "event", "target"))

TABLE = [
    Transition("locked", "coin", "unlocked"),
    Transition("locked", "push", "locked"),
    Transition("unlocked", "push", "locked"),
    Transition("unlocked", "coin", "unlocked"),
]


class Turnstile:
    def __init__(self):
        self.state = "locked"

    def feed(self, event):
        for t in TABLE:
            if t.source == self.state and t.event == event:
                self.state = t.target
                return self.state
        raise ValueError(event)
