class World:
    def __init__(self, width, height, alive=()):
        self.width, self.height = width, height
        self.alive = set(alive)

    def neighbours(self, x, y):
        return sum(
            ((x + dx) % self.width, (y + dy) % self.height) in self.alive
            for dx in (-1, 0, 1) for dy in (-1, 0, 1) if dx or dy)

    def step(self):
        self.alive = {(x, y) for x in range(self.width) for y in range(self.height)
                      if self.neighbours(x, y) == 3
                      or self.neighbours(x, y) == 2 and (x, y) in self.alive}

    def __str__(self):
        return "\n".join("".join("#" if (x, y) in self.alive else "." for x in range(self.width))
                         for y in range(self.height))
