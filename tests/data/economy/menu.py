class Menu:
    def __init__(self, title, *entries):
        self.title = title
        self.entries = entries
        self.position = 0

    def up(self):
        self.position = (self.position - 1) % len(self.entries)

    def down(self):
        self.position = (self.position + 1) % len(self.entries)

    def select(self):
        label, action = self.entries[self.position]
        return action()

    def lines(self):
        yield self.title
        for i, (label, _) in enumerate(self.entries):
            yield ("> " if i == self.position else "  ") + label


main_menu = Menu("Main", ("Status", lambda: "all is well"), ("Reset", lambda: "reset"),
                 ("About", lambda: "firmware" + " " + "1.0"))
