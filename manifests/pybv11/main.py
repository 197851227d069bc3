# Runs when the board starts: one line a second, the green LED on while a line is written.
import pyb

from tilt.log import Log
from tilt.sensor import angles


def main():
    log = Log("/flash/tilt.csv")
    led = pyb.LED(2)
    while True:
        led.on()
        log.add(pyb.millis(), *angles())
        led.off()
        pyb.delay(1000)


main()
