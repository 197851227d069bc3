#!/bin/bash
# The tests of the store again, on a PostgreSQL server of Debian's package (tests/postgresql).
. "$(dirname "$0")/../tap.sh"
units=${FIRN%/*}/tests/unit
n=0 failed=0
# Each program's TAP becomes a part of ours.
run() {
    local program
    for program in store_job store_rest store_shared; do
        CMOCKA_MESSAGE_OUTPUT=tap "$units/test_$program" 2>&1
        echo "status $? $program"
    done
}
export units
export -f run
while IFS= read -r line; do
    case $line in
    'ok '*) n=$((n + 1)) && echo "ok $n - postgresql: ${line#ok * - }" ;;
    'not ok '*) n=$((n + 1)) failed=1 && echo "not ok $n - postgresql: ${line#not ok * - }" ;;
    'status 0 '*) ;;
    'status '*) n=$((n + 1)) failed=1 && echo "not ok $n - ${line#status * } ends well" ;;
    1..*) ;;
    *) echo "# $line" ;;
    esac
done < <("$TOP/tests/postgresql" bash -c run)
[ $n -gt 20 ] || { n=$((n + 1)) failed=1 && echo "not ok $n - the tests were run"; }
tap_failed=$failed
echo "1..$n"
exit $failed
