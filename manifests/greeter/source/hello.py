# Frozen as source: readable on the board, and compiled when it is imported.


class Book:
    """The guest book: an attribute for each guest, so each guest's name is a qstr."""


book = Book()
for guest in ("snow-leopard", "yeti of the glacier"):
    setattr(book, guest, 0)


def hello(guest="snow-leopard"):
    visits = getattr(book, guest, 0) + 1
    setattr(book, guest, visits)
    return "Hello, {}! Visit number {}.".format(guest, visits)
