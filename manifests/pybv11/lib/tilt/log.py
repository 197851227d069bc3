# Lines of comma-separated numbers; the file is closed after each, so that pulling the plug is safe.


class Log:
    def __init__(self, path):
        self.path = path

    def add(self, time_ms, pitch, roll):
        with open(self.path, "a") as file:
            file.write("{},{:.1f},{:.1f}\n".format(time_ms, pitch, roll))
