_handlers = {}


def on(topic):
    def register(handler):
        _handlers.setdefault(topic, []).append(handler)
        return handler

    return register


def emit(topic, *args, **kwargs):
    for handler in _handlers.get(topic, ()):
        handler(*args, **kwargs)


@on("boot")
def _booted():
    print("bus is up")
