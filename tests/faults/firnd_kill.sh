#!/bin/bash
# firnd is killed at random moments under load; tests/faults/firnd_kill.py does it and says what it compares.
# The boards are simulated: with one that has several ports, flashes run beside each other.
# usage: firnd_kill.sh [ROUNDS [SEED]]
set -eu
: "${FIRN:?set by make}" "${FIRND:?set by make}" "${FIRN_TEST_DIR:?set by make}"
TOP=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$FIRN_TEST_DIR"
T=$(mktemp -d "$FIRN_TEST_DIR/firnd-kill.XXXXXX")
export T
. "$TOP/tests/home.sh"
own_home "$T/home" bases
status=0
BOARDS=1-1,1-2 "$FIRN" sim -n 2 -d "$T/boards" -- python3 "$TOP/tests/faults/firnd_kill.py" "${1:-1000}" "${2:-}" || status=$?
if [ $status = 0 ]; then rm -rf "$T"; else echo "# kept: $T"; fi
exit $status
