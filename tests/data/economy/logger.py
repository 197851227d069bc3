DEBUG, INFO, WARNING, ERROR = 10, 20, 30, 40
_NAMES = {DEBUG: "DEBUG", INFO: "INFO", WARNING: "WARNING", ERROR: "ERROR"}


class Logger:
    def __init__(self, name, level=INFO, write=print):
        self.name, self.level, self.write = name, level, write

    def log(self, level, message, *args):
        if level >= self.level:
            self.write("%s:%s:%s" % (_NAMES[level], self.name, message % args if args else message))

    def info(self, message, *args):
        self.log(INFO, message, *args)

    def error(self, message, *args):
        self.log(ERROR, message, *args)


root = Logger("root")
