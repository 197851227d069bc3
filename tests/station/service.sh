#!/bin/bash
# firnd as it is used, with builds of MicroPython and simulated boards (service.py).
. "$(dirname "$0")/../tap.sh"
. "$TOP/tests/home.sh"
own_home "$T/home" bases
export T
"$FIRN" sim -n 2 -t x32 -- python3 "$TOP/tests/station/service.py" || tap_failed=1
exit $tap_failed
