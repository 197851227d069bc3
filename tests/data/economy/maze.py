MAZE = """\
#########
#.......#
#.###.#.#
#.#...#.#
#.#.###.#
#...#...#
#########"""


def path(start, goal, maze=MAZE):
    rows = maze.split("\n")
    queue, seen = [(start, ())], {start}
    while queue:
        (x, y), way = queue.pop(0)
        if (x, y) == goal:
            return way
        for step, dx, dy in (("n", 0, -1), ("s", 0, 1), ("w", -1, 0), ("e", 1, 0)):
            place = x + dx, y + dy
            if rows[place[1]][place[0]] == "." and place not in seen:
                seen.add(place)
                queue.append((place, way + (step,)))
    return None
