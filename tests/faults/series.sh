#!/bin/bash
# On the simulated bus (tests/faults/bus.sh starts it): one fault at transfer FIRST of a flash, at
# FIRST + STEP, ... until there is no such transfer, LIMIT times at most.
# usage: series.sh BEFORE AFTER FLASH ON DO FIRST STEP LIMIT ARGUMENTS-OF-FIRN-FLASH...
# At each point: BEFORE goes into the board's file FLASH, the flash runs with the fault and then,
# plugged in again, without; the file has to end as AFTER. Prints what went wrong and, as the last
# line, points and errors that firn reported.
set -u
before=$1 after=$2 flash=$3 on=$4 do=$5 first=$6 step=$7 limit=$8
shift 8
export FIRN_HOME=$PWD/home # rescue files

control() { "$FIRN" sim control "$1" >/dev/null || echo "control: $1"; }
holds_image() { cmp -s "$after" "$flash"; }
wrong() { echo "transfer $point, on=$on,do=$do: $*" && cat said; }

# Success has to be true, an error has a message that names the port; nothing else may happen.
judge() {
    case $1 in
    0) holds_image || wrong "reported a success that is not true" ;;
    4) grep -q 'board on 1-1\|no board to flash' said || wrong "its message does not name the port" ;;
    124) wrong "does not end" ;;
    *) wrong "ended with status $1" ;;
    esac
}

# A byte of other data that was programmed wrong looks as if the board had been used in between: the
# data stays in its file, and the message says how it is put back.
put_back() {
    local file
    file=$(grep -o "flash '[^']*/rescue-[^']*'" said | cut -d"'" -f2)
    [ -n "$file" ] || return
    control "replug 0"
    timeout 60 "$FIRN" -q flash "$file" --path 1-1 --no-leave >said 2>&1 && holds_image
}

# ... and a byte that nobody wrote, beside the image: then the first run's error is all there is.
only_erased_differs() { ! cmp -l "$after" "$flash" | awk '$2 != 377' | grep -q .; }

points=0 errors=0
mkdir -p home
for ((point = first; points < limit; point += step)); do
    cat "$before" 1<>"$flash" # in place: the simulator has it mapped
    control "replug 0"
    control "fault 0 on=$on,after=$point,do=$do"
    status=0
    timeout 60 "$FIRN" -q flash "$@" >said 2>&1 || status=$?
    judge $status
    "$FIRN" sim control status | grep -q '"faults":0' || break
    points=$((points + 1)) errors=$((errors + (status != 0)))
    [[ $do == *replug* ]] && sleep 0.1
    control "replug 0"
    timeout 60 "$FIRN" -q flash "$@" >said 2>&1 || wrong "not mended by running it again"
    holds_image || { [ $do = corrupt ] && { only_erased_differs || put_back; }; } ||
        wrong "mended, with other bytes than it should have"
    [ $do = corrupt ] || [ -z "$(find home -name 'rescue-*')" ] || wrong "a rescue file is left"
    rm -rf home && mkdir home
done
echo "$points $errors"
