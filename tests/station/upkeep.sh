#!/bin/bash
# What firnd keeps and removes, what it does by the clock, with which settings it does not start (upkeep.py).
. "$(dirname "$0")/../tap.sh"
. "$TOP/tests/home.sh"
own_home "$T/home" bases
rm "$FIRN_HOME/git" # one of its own: a mirror of a repository that moves
mkdir "$FIRN_HOME/git"
export T
python3 "$TOP/tests/station/upkeep.py" || tap_failed=1
exit $tap_failed
