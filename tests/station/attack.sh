#!/bin/bash
# Attacks on a firnd that runs (attack.py).
# usage: attack.sh [SECONDS-OF-WRK]
. "$(dirname "$0")/../tap.sh"
. "$TOP/tests/home.sh"
own_home "$T/home"
export T
python3 "$TOP/tests/station/attack.py" "${1:-2}" || tap_failed=1
exit $tap_failed
