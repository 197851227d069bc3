class Scheduler:
    """Generators that take turns."""

    def __init__(self):
        self.tasks = []

    def add(self, task):
        self.tasks.append(task)

    def run(self):
        turns = 0
        while self.tasks:
            for task in self.tasks[:]:
                turns += 1
                try:
                    next(task)
                except StopIteration:
                    self.tasks.remove(task)
        return turns


def countdown(name, number, log):
    while number:
        log.append((name, number))
        number -= 1
        yield
