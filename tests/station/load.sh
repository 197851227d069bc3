#!/bin/bash
# Jobs in the queue and clients of /v1/events (load.py): a short one here, the whole of it by
# `make bench-firnd`.
# usage: load.sh [JOBS CLIENTS EVENTS]
. "$(dirname "$0")/../tap.sh"
. "$TOP/tests/home.sh"
own_home "$T/home"
export T TOP
[ $# -gt 0 ] || set -- 400 20 200
python3 "$TOP/tests/station/load.py" "$@" || tap_failed=1
exit $tap_failed
