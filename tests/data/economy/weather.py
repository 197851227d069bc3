"""A station: sensors, a store and a report."""
import average
import clock_text
from logger import Logger

log = Logger("weather")
readings = []


def record(temperature, pressure):
    readings.append((temperature, pressure))
    log.info("recorded %d readings", len(readings))
    if len(readings) > 96:
        del readings[0]


def report(seconds):
    if not readings:
        return "no readings at " + clock_text.clock(seconds)
    return "Temperature {:5.2f} Pressure {:06.1f} at {}\n".format(
        average.mean([t for t, _ in readings]), average.mean([p for _, p in readings]),
        clock_text.clock(seconds))
