#!/bin/bash
# What users of today's tools complain about most, reproduced on simulated boards: what dfu-util says,
# what firn says, and both exit statuses, byte for byte but for times (tests/data/complaints/).
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit 1
export FIRN
expected=$TOP/tests/data/complaints

bytes() { perl -e 'print chr($_ * 7 % 251) for 1 .. $ARGV[0]' "$1"; }
bytes 30000 >image.bin
"$FIRN" -q image image.bin --address 0x08000000 --usb 0483:df11 -o image.dfu
"$FIRN" -q image image.bin --address 0x08000000 --usb 1209:beef -o other.dfu

# A command as it would be typed, its output, its exit status. Of dfu-util only what it warns of, how it
# ends and what it reports as an error; times are replaced.
cat >say.sh <<'SCRIPT'
as= # a command to run it with
say() {
    echo "\$ $*"
    status=0
    if [ "$1" = firn ]; then
        shift
        $as "$FIRN" "$@" >said 2>&1 || status=$?
    else
        $as "$@" >all 2>&1 || status=$?
        tr '\r' '\n' <all | sed 's/dfu-util: /\ndfu-util: /' |
            grep -E '^dfu-util: |^File downloaded|^Done parsing|^Transitioning|does not match|ERROR|cannot' >said
    fi
    sed -E 's/ [0-9.]+ (ms|s)\b */ N /g; s/ +$//; s/devnum [0-9]+/devnum N/' said
    echo "exit $status"
}
SCRIPT

# complaint NAME TITLE SIM-OPTIONS... < script: each in a directory and with a board of its own, all at
# the same time, as they mostly wait
names=() titles=() pids=()
complaint() {
    local name=$1
    names+=("$name") titles+=("$2")
    shift 2
    mkdir "$name"
    cp image.bin image.dfu other.dfu "$name"
    { echo '. ../say.sh'; cat; } >"$name/script.sh"
    (cd "$name" && FIRN_HOME=$T/$name/home exec timeout 120 "$FIRN" sim -d board "$@" -- bash script.sh) \
        >"$name.said" 2>&1 &
    pids+=($!)
}

complaint permission "permissions, without a hint" <<'SCRIPT'
[ "$(id -u)" != 0 ] || as="setpriv --bounding-set=-dac_override,-dac_read_search"
chmod 0 "$UMOCKDEV_DIR"/dev/bus/usb/001/002
say dfu-util -a 0 -s 0x08000000 -D image.bin
say firn flash image.dfu --path 1-1
SCRIPT

complaint lost "Lost device after RESET?, of a board that takes a while" \
    --running --runtime=both --boot-ms=6500 <<'SCRIPT'
say firn flash image.dfu --enter=detach --return 20
say dfu-util -a 0 -s 0x08000000 -D image.bin
SCRIPT

complaint leave "a false failure on leave: Lost device after RESET, error during download get_status" \
    -f "0 on=leave,do=unplug" <<'SCRIPT'
say dfu-util -a 0 -s 0x08000000:leave -D image.bin
"$FIRN" sim control "replug 0" >/dev/null
"$FIRN" sim control "fault 0 on=leave,do=unplug" >/dev/null
say firn flash image.dfu --erase all --return 0
SCRIPT

complaint completion "Error sending completion packet" -b dfu-detach -f "0 on=leave,do=protocol" <<'SCRIPT'
say dfu-util -D image.bin
"$FIRN" sim control "replug 0" >/dev/null
"$FIRN" sim control "fault 0 on=leave,do=protocol" >/dev/null
say firn flash image.bin --return 0
say firn flash image.bin --return 0
SCRIPT

complaint several "More than one DFU capable device, when it is two settings of one" <<'SCRIPT'
say dfu-util -s 0x08000000 -D image.bin
say firn flash image.dfu --return 0
SCRIPT

complaint suffix "a warning about the suffix that reads like an error" <<'SCRIPT'
say dfu-util -a 0 -s 0x08000000 -D image.bin
say firn flash image.bin --address 0x08000000 --return 0
SCRIPT

complaint mismatch "ids that do not match, without the way out" <<'SCRIPT'
say dfu-util -d 0483:df11 -a 0 -D other.dfu
say firn flash other.dfu
say firn flash other.dfu --usb 0483:df11 --return 0
SCRIPT

complaint silent "written wrong, reported as done" -f "0 on=dnload,after=3,do=corrupt" <<'SCRIPT'
say dfu-util -a 0 -s 0x08000000 -D image.bin
cmp image.bin board/board-0.flash
"$FIRN" sim control "fault 0 on=dnload,after=3,do=corrupt" >/dev/null
say firn flash image.dfu --erase all
say firn flash image.dfu --return 0
cmp -n 30000 image.bin board/board-0.flash && echo "the same bytes"
SCRIPT

complaint protected-sector "a write-protected sector, reported as written" -s "0 write-protected=1" <<'SCRIPT'
say dfu-util -a 0 -s 0x08000000 -D image.bin
say firn flash image.dfu
SCRIPT

complaint stall "an erase that hangs" -f "0 on=erase,after=1,do=busy" <<'SCRIPT'
say timeout 10 dfu-util -a 0 -s 0x08000000 -D image.bin
"$FIRN" sim control "replug 0" >/dev/null
dd if=/dev/zero of=board/board-0.flash bs=1 count=30000 conv=notrunc 2>/dev/null
"$FIRN" sim control "fault 0 on=erase,after=1,do=busy" >/dev/null
say firn flash image.dfu
SCRIPT

complaint protection "read protection, reported as something else" -s "0 protected" <<'SCRIPT'
say dfu-util -a 0 -s 0x08000000:1024 -U back.bin
say firn flash image.dfu
say firn unprotect
say firn unprotect --yes
say firn flash image.dfu --return 0
SCRIPT

complaint stays "parts that stay in DFU after the first flash until a power cycle" --setup "after-leave 0 bootloader" <<'SCRIPT'
say dfu-util -a 0 -s 0x08000000:leave -D image.bin
say firn flash image.dfu --wait=5 --return 1
SCRIPT

complaint gone "unplugged in the middle: what now?" -f "0 on=dnload,after=5,do=unplug" <<'SCRIPT'
say dfu-util -a 0 -s 0x08000000 -D image.bin
"$FIRN" sim control "replug 0" >/dev/null
"$FIRN" sim control "fault 0 on=dnload,after=5,do=unplug" >/dev/null
say firn flash image.dfu --erase all
"$FIRN" sim control "replug 0" >/dev/null
say firn flash image.dfu --return 0
SCRIPT

for ((i = 0; i < ${#names[@]}; i++)); do
    wait "${pids[i]}"
    same "${names[i]}.said" "$expected/${names[i]}.expected" "${titles[i]}"
done
done_testing
