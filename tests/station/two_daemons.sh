#!/bin/bash
# Two daemons on one PostgreSQL, one of them killed (two_daemons.py): a short one here, 500 jobs by
# `make check-firnd`.
# usage: two_daemons.sh [JOBS]
. "$(dirname "$0")/../tap.sh"
. "$TOP/tests/home.sh"
own_home "$T/home" bases
export T
"$TOP/tests/postgresql" python3 "$TOP/tests/station/two_daemons.py" "${1:-40}" || tap_failed=1
exit $tap_failed
