import re

_TOKEN = re.compile("\\s*(?:([0-9]+)|(.))")


def tokens(text):
    while text.strip():
        match = _TOKEN.match(text)
        number, operator = match.group(1), match.group(2)
        yield int(number) if number else operator
        text = text[len(match.group(0)):]


def evaluate(text):
    """Sums and differences only."""
    total, sign = 0, 1
    for token in tokens(text):
        if token == "+":
            sign = 1
        elif token == "-":
            sign = -1
        else:
            total += sign * token
    return total


def quick(text):
    return eval(text)
