import json


class Config:
    DEFAULTS = {"name": "device", "interval": 60, "threshold": 21.5, "verbose": False}

    def __init__(self, text="{}"):
        self._values = dict(self.DEFAULTS)
        self._values.update(json.loads(text))

    def __getattr__(self, name):
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(name)

    def dumps(self):
        return json.dumps(self._values)
