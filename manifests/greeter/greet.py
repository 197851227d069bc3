# Frozen as bytecode: brings the others together.
import hello
import snow
import yeti


def card(guest):
    """A greeting card, as text."""
    return "\n".join(
        (
            hello.hello(guest),
            snow.flake(2),
            yeti.say("Welcome to the glacier."),
        )
    )


def main(guest="traveller"):
    print(card(guest))
