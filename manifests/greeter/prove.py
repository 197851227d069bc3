# Runs on the board (firn sim boot FLASH --exec manifests/greeter/prove.py): the frozen modules show
# that they work, then MicroPython lists the qstrs that ended up in RAM.
#
# Everything is in one function, with names that the firmware holds anyway and strings of more than
# ten characters: a name or a short string of this script's own would be listed too.
def main():
    import greet, hello, micropython, snow

    print("hello.py, frozen as source:", hello.hello())
    print("snow, a package of bytecode:", snow.firn(10), "centimetres of firn after ten winters")
    print("yeti.mpy, compiled elsewhere, as the card of greet.py shows it:")
    greet.main()
    print("micropython.qstr_info(1):")
    micropython.qstr_info(1)


main()
