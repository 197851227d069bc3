HEAD = "<!doctype html><html><head><title>" + "Station" + "</title></head><body>"
TAIL = "</body></html>"


def row(name, value):
    return "<tr><td>" + name + "</td><td>" + str(value) + "</td></tr>"


def page(values):
    text = HEAD + "<table>"
    for name in sorted(values):
        text = text + row(name, values[name])
    return text + "</table>" + TAIL
