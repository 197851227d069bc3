#!/bin/bash
# firn sim: arguments, exit statuses, what it leaves behind.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit 1
export FIRN

# ---- exit status ---------------------------------------------------------------------------------
exits 0 "a command that succeeds" "$FIRN" sim -- true
exits 7 "the command's exit status" "$FIRN" sim -- sh -c 'exit 7'
exits 137 "a command that is killed" "$FIRN" sim -- sh -c 'kill -9 $$'
exits 127 "a command that does not exist" "$FIRN" sim -- ./nothing-here
like "$OUT" "cannot run './nothing-here': No such file" "is named"
exits 3 "arguments go to the command" "$FIRN" sim -n 2 -- sh -c 'exit $#' sh -n --json "a b"
is "$("$FIRN" sim --json -- sh -c 'exit 4')" '{"event":"result","exit":4,"ok":false}' "the result as an event"

# ---- arguments -----------------------------------------------------------------------------------
# wrong REGEX ARGS...
wrong() {
    local regex=$1
    shift
    exits 2 "refused: $*" "$FIRN" sim "$@"
    like "$OUT" "$regex" "... with its reason"
}
wrong "unknown option '--board-s=3'" --board-s=3 -- true
wrong "boards=0 is not a number from 1 to 128" --boards=0 -- true
wrong "boards=129 is not a number from 1 to 128" -n 129 -- true
wrong "-n needs a value" -n
wrong "no simulated board 'stm32f40'" -b stm32f40 -- true
like "$OUT" "did you mean 'stm32f405'" "... and a suggestion"
wrong "timing=fast is not zero, x8, x32 or quick" -t fast -- true
wrong "hubs 'four': 'four' is not the number of a hub's ports" --hubs four -- true
wrong "bus=2ms is not reads, none, 1ms or rom" --bus=2ms -- true
wrong "there is no setting 'protectd'" -s "0 protectd" -- true
like "$OUT" "did you mean 'protected'" "... and a suggestion"
wrong "mboot knows no read protection" -b mboot -s "0 protected" -- true
wrong "runtime=usb is not cdc, dfu, both or none" --runtime usb -- true
wrong "boot-ms=soon is not a number" --boot-ms soon -- true
wrong "there is no command 'explode'" --setup "explode 0" -- true
wrong "put -- before the command" dfu-util -l
wrong "there is no command 'on=dnload,do=stall'|there is no board 'on=dnload,do=stall'" -f on=dnload,do=stall -- true
wrong "there is no action 'explode'" -f "0 on=dnload,do=explode" -- true
wrong "no command is given and there is no terminal" </dev/null
head -c 100 /dev/zero >board-0.flash
wrong "flash file '\./board-0.flash' has 100 bytes, the board's flash has 1048576" -d . -- true
exits 1 "a directory that cannot be made" "$FIRN" sim -d /dev/null/boards -- true
like "$OUT" "/dev/null" "is named"

if [ ! -e /sys/devices/platform/vhci_hcd.0 ]; then
    exits 1 "refused: --kernel without vhci-hcd" "$FIRN" sim --kernel -- true
    like "$OUT" "no host controller for simulated boards.*vhci_hcd" "... with its reason"
    like "$OUT" "modprobe vhci-hcd" "... and the next step"
fi

# ---- control -------------------------------------------------------------------------------------
exits 2 "control without a simulator" env -u FIRN_SIM_CONTROL "$FIRN" sim control status
like "$OUT" "FIRN_SIM_CONTROL is not set" "says so"
exits 1 "control of one that has ended" env FIRN_SIM_CONTROL="$T/gone" "$FIRN" sim control status
like "$OUT" "cannot reach the simulator: cannot connect to '$T/gone'" "says so"
exits 2 "a command that is not known" "$FIRN" sim -- "$FIRN" sim control "explode 0"
like "$OUT" "there is no command 'explode'" "is an error line"
exits 2 "no line" "$FIRN" sim -- "$FIRN" sim control
is "$("$FIRN" sim -n 2 -- "$FIRN" sim control status | tr '}' '\n' | grep -c '"plugged":true')" 2 "status of two boards"

like "$("$FIRN" sim -n 2 -s "1 protected" -- "$FIRN" sim control status)" \
    '"board":0,[^{]*"protected":false.*"board":1,[^{]*"protected":true' "a setting is one board's"
wrong "no simulated board 'zzz'" -b zzz -- true
models=$(sed -n 's/.*known://p' <<<"$OUT")
is "$("$FIRN" help sim | sed -n '/^Models:/,/^$/p' | sed 's/^Models://; s/([^)]*)//g; s/[,.]//g' | xargs)" \
    "$(xargs <<<"$models")" "help lists the boards that there are"
for model in $models; do
    ok "board $model" "$FIRN" sim -b "$model" --bus=1ms -- true
    ok "... is documented" grep -q "^|.*\`$model\`.*|.*|" "$TOP/docs/simulator.md"
done

# ---- what it leaves behind -----------------------------------------------------------------------
cat >print-dirs.sh <<'SCRIPT'
echo "$UMOCKDEV_DIR" "$FIRN_SIM_CONTROL"
SCRIPT
read -r bus control <<<"$("$FIRN" sim -- sh print-dirs.sh)"
like "$bus" '/firn-sim-.*/bus$' "the command knows the bus"
ok "which is gone afterwards" test ! -e "$(dirname "$bus")"
ok "like the control socket" test ! -e "$control"
exits 1 "no UMOCKDEV_DIR outside" test -n "${UMOCKDEV_DIR:-}"

# gone PID: within 3 s
gone() {
    for _ in $(seq 60); do
        kill -0 "$1" 2>/dev/null || return 0
        sleep 0.05
    done
    return 1
}
# A command with a child in the background that ignores SIGHUP and one in the foreground.
cat >linger.sh <<'SCRIPT'
nohup sleep 300 >/dev/null 2>&1 &
echo $! >background.pid
echo "$UMOCKDEV_DIR" >bus
echo $$ >command.pid
sleep 300
SCRIPT
cat >stubborn.sh <<'SCRIPT'
trap '' TERM
. ./linger.sh
while :; do sleep 1; done
SCRIPT
# ended SIGNAL STATUS SCRIPT
ended() {
    local pid status=0
    rm -f command.pid
    "$FIRN" sim -- sh "$3" &
    pid=$!
    for _ in $(seq 100); do [ -s command.pid ] && break; sleep 0.05; done
    kill "-$1" "$pid"
    wait "$pid" || status=$?
    is "$status" "$2" "$1 ends it ($3)"
    ok "... and the command" gone "$(cat command.pid)"
    ok "... and what that left in the background" gone "$(cat background.pid)"
    ok "... and removes the bus" test ! -e "$(dirname "$(cat bus)")"
}
ended TERM 143 linger.sh
ended INT 130 linger.sh
ended HUP 129 linger.sh
ended TERM 143 stubborn.sh

"$FIRN" sim -- sh -c 'sh linger.sh & sleep 0.3'
ok "a command's end ends what it left in the background" gone "$(cat background.pid)"

# ---- on a terminal -------------------------------------------------------------------------------
if command -v script >/dev/null; then
    # Ctrl-C goes to the command and to firn; the command decides. (script's shell is bash here: dash
    # would end itself, because it got the signal too.)
    rm -f command.pid
    out=$({ for _ in $(seq 100); do [ -s command.pid ] && break; sleep 0.05; done; sleep 0.1; printf '\003'; sleep 1; } |
        SHELL=/bin/bash script -qec "'$FIRN' sim -- sh linger.sh; echo status \$?" /dev/null)
    like "$out" 'status 130' "Ctrl-C ends the command"
    ok "... and everything with it" gone "$(cat background.pid)"
    out=$({ sleep 0.5; printf 'echo bus at $UMOCKDEV_DIR\nexit 5\n'; sleep 0.5; } |
        SHELL=/bin/sh script -qec "'$FIRN' sim -n 2; echo status \$?" /dev/null)
    like "$out" "2 simulated boards on this shell's USB bus" "a shell, with a line that says what is there"
    like "$out" 'bus at /.*/bus' "... which has the bus"
    like "$out" 'status 5' "... and whose exit status counts"
else
    skip "no script(1): the terminal"
fi

done_testing
