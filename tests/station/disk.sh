#!/bin/bash
# firnd on a disk that is full or broken (disk.py).
# usage: disk.sh [ROUNDS]
. "$(dirname "$0")/../tap.sh"
. "$TOP/tests/home.sh"
own_home "$T/home" bases
export T IO_FAULT=${FIRN%/*}/tests/faults/io_fault.so
python3 "$TOP/tests/station/disk.py" "${1:-10}" || tap_failed=1
exit $tap_failed
