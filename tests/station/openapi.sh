#!/bin/bash
# firnd's answers held against its own description (openapi.py).
. "$(dirname "$0")/../tap.sh"
. "$TOP/tests/home.sh"
own_home "$T/home" bases
export T
"$FIRN" sim -n 1 -- /usr/bin/python3 "$TOP/tests/station/openapi.py" || tap_failed=1
exit $tap_failed
