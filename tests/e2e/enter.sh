#!/bin/bash
# firn flash on boards that run their program: DETACH, MicroPython's REPL, the 1200-baud touch, and
# boards that cannot be told.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit 1
export FIRN_HOME=$T/home # rescue files: all tests have boards of one port and serial
export FIRN
expected=$TOP/tests/data/flash

perl -e 'print chr($_ * 7 % 251) for 1 .. 50000' >image.bin
sim() { timeout 100 "$FIRN" sim "$@"; }
# enters WAY NAME SIM-OPTIONS... -- FLASH-OPTIONS...: the board is told that way, flashed, and runs again
enters() {
    local way=$1 name=$2 options=()
    shift 2
    while [ "$1" != -- ]; do options+=("$1") && shift; done
    shift
    rm -rf flash
    exits 0 "$name" sim --running -d flash "${options[@]}" -- \
        "$FIRN" flash image.bin --address 0x08000000 "$@"
    like "$OUT" "enter .* $way\$" "... told by $way"
    like "$OUT" 'return .* it runs$' "... and it runs again"
    ok "... with the image in its flash" cmp -n 50000 image.bin flash/board-0.flash
}
flash="\"\$FIRN\" flash image.bin --address 0x08000000"

# ---- the ways ------------------------------------------------------------------------------------
enters repl "at the prompt" --
enters repl "a program that prints" --setup "program 0 loop" --
enters touch1200 "the touch" -- --enter=touch1200
enters detach "DETACH and a reset" --runtime=dfu -- --path=1-1
enters detach "DETACH alone" --runtime=dfu --will-detach -- --usb=0483:5f11
enters detach "both: DETACH first" --runtime=both --
enters repl "both: the REPL if it is asked for" --runtime=both -- --enter=repl

exits 0 "again, from its program" sim --running -- \
    sh -c "$flash -q && $flash"
like "$OUT" 'enter .* repl$' "enters again"
like "$OUT" 'unchanged' "and finds that nothing has to be done"

exits 0 "several boards" sim -n 8 --running -- "$FIRN" flash image.bin --address 0x08000000 --all
like "$OUT" '^8 of 8 boards' "all of them"

# ---- boards that are left alone ------------------------------------------------------------------
exits 4 "--enter=none" sim --running -- "$FIRN" flash image.bin --address 0x08000000 --enter=none
like "$OUT" 'no board found' "says so"
exits 0 "--dry-run stops no program" sim --running -- \
    sh -c "$flash --dry-run; \"\$FIRN\" sim control status"
like "$OUT" 'no board found' "says that there is nothing in DFU mode"
like "$OUT" '"running":true' "it is as it was"
exits 0 "... unless it was told to" sim --running -- sh -c "$flash --dry-run --enter=repl"
like "$OUT" 'nothing was changed' "then it plans"
exits 4 "a DFU interface that nobody asked for" sim --running --runtime=dfu -- sh -c "$flash"
like "$OUT" '1-1  0483:5f11  simulated device in runtime mode .*runs its program' "names it"
exits 0 "... and is not told" sim --running --runtime=dfu -- \
    sh -c "$flash -q; \"\$FIRN\" sim control status"
like "$OUT" '"state":"appIDLE"' "it is as it was"
exits 4 "a way that it has not got" sim --running -- \
    "$FIRN" flash image.bin --address 0x08000000 --enter=detach
like "$OUT" 'no board found' "names none"

# ---- boards that do not answer -------------------------------------------------------------------
SECONDS=0
exits 4 "one that answers among others" sim -n 4 --running --setup "program 1 busy" \
    --setup "program 2 silent" --setup "program 3 garbage" -- \
    "$FIRN" flash image.bin --address 0x08000000 --all
ok "their 5 s are the same 5 s" test "$SECONDS" -lt 12
like "$OUT" '3 of 4 boards failed' "three failed"
like "$OUT" '1-1.*flashed and verified' "one did not"
like "$OUT" "board on 1-2: .* in 5 s, what came back ends in '\.\.\..*tick [0-9]+ '\$" "busy: its output"
like "$OUT" 'board on 1-4: .* what came back ends in ' "garbage: printable"

exits 4 "silent" sim --running --setup "program 0 silent" -- sh -c "$flash"
sed -n '/^error/,$p' <<<"$OUT" | sed -E 's/sent [0-9]+ times/sent N times/' >said
same said "$expected/enter-silent.expected" "what was tried, and the next step"

exits 4 "a port in use" sim --running -- \
    sh -c "exec 9<>/dev/ttyACM0 && flock 9 && $flash 9>&-; exit \$?"
like "$OUT" 'repl on /dev/ttyACM0: the serial port /dev/ttyACM0 is in use by ' "says so"

# ---- boards that come back elsewhere -------------------------------------------------------------
exits 4 "on another port" sim --running --boot-ms=1000 -- \
    sh -c "{ sleep 0.5; \"\$FIRN\" sim control 'move 0 1-5'; } & $flash"
like "$OUT" 'for the board to come back in DFU mode on port 1-1, but nothing is plugged in there now; since then a device in DFU mode has appeared on port 1-5 \(0483:df11 ' "is found there"
like "$OUT" '^  if that is the board, run the command again with --path 1-5$' "and the next step said"

done_testing
