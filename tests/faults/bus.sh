#!/bin/bash
# What goes wrong on the bus while the real firn flashes over the real libusb: boards that are
# unplugged at each transfer, lie, stall, hang, and come back elsewhere or not at all.
# bus.sh all (make check-faults): every transfer; without an argument a sample, in make check.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit 1
export FIRN_HOME=$T/home # rescue files: all tests have boards of one port and serial
export FIRN
series=$TOP/tests/faults/series.sh
[ "${1:-}" = all ] && all=1 || all=
SECONDS=0 total=0

# compose OUT SIZE FILE=OFFSET...: erased flash with these files in it
compose() {
    local out=$1 part
    head -c "$2" /dev/zero | tr '\0' '\377' >"$out"
    shift 2
    for part; do dd if="${part%=*}" of="$out" bs=1 seek="${part#*=}" conv=notrunc status=none; done
}
# N bytes, none of them 0xFF, other ones for another SEED
bytes() { perl -e 'print chr(($_ * 7 + $ARGV[1]) % 251) for 1 .. $ARGV[0]' "$1" "${2:-0}"; }
M=1048576
bytes 7000 >first.bin
bytes 3000 3 >second.bin
bytes 20000 5 >other.bin
"$FIRN" -q image second.bin --address 0x08004000 -o second.hex
"$FIRN" -q image first.bin --address 0x08000000 -o first.hex
{ sed '/:00000001FF/d' first.hex && cat second.hex; } | tr -d '\r' >parts.hex

# scenario NAME: the board's model, before.NAME and after.NAME, the arguments
compose whole.before $M other.bin=0
compose whole.after $M other.bin=0 first.bin=0 second.bin=16384
cp whole.after difference.after
compose difference.before $M other.bin=0 first.bin=0
cp whole.before mboot.before
bytes 5000 9 >app.bin
compose mboot.after $M other.bin=0 app.bin=65536
declare -A model=([whole]=stm32f405 [difference]=stm32f405 [mboot]=mboot
    [tolerant]=dfu-tolerant [detach]=dfu-detach)
declare -A arguments=([whole]=parts.hex [difference]=parts.hex
    [mboot]="app.bin --address 0x08010000" [tolerant]=first.bin [detach]=first.bin)

# A plain device's flash has its own size: what a flash without a fault leaves is expected, once it is
# the image and nothing else.
plain() {
    "$FIRN" sim -b "${model[$1]}" -d "$1" -- true
    cp "$1/board-0.flash" "$1.before"
    compose "$1.after" "$(stat -c %s "$1.before")" first.bin=0
}
plain tolerant
plain detach

# try SCENARIO ON DO FIRST STEP LIMIT
try() {
    local name=$1 out last
    mkdir -p "$name"
    cp "$name.before" "$name/board-0.flash"
    out=$(cd "$name" && timeout 3000 "$FIRN" sim -b "${model[$name]}" -d . -- \
        "$series" "../$name.before" "../$name.after" board-0.flash "$2" "$3" "$4" "$5" "$6" \
        ${arguments[$name]/#/../} --return 1 2>&1)
    last=$(tail -1 <<<"$out")
    total=$((total + ${last% *}))
    # shellcheck disable=SC2086
    if [ "$(wc -l <<<"$out")" = 1 ] && [ "${last% *}" -gt 0 ]; then
        pass "$name, on=$2,do=$3: ${last% *} points, ${last#* } errors"
    else
        fail "$name, on=$2,do=$3" "$out"
    fi
}

# ---- at every transfer ---------------------------------------------------------------------------
for name in whole tolerant mboot ${all:+difference detach}; do
    try $name any unplug 0 $((all ? 1 : 43)) 9999
    try $name any unplug,replug=30 $((all ? 0 : 17)) $((all ? 1 : 61)) 9999
    [ "$all" ] || continue
    try $name any stall 0 5 9999
    try $name any protocol 2 5 9999
    for code in {1..15}; do try $name any status,code=$code $code 37 9999; done
    try $name any hang 3 37 2
    [ $name = detach ] && continue # cannot be read back: firn says so, and cannot know
    try $name dnload corrupt 0 3 9999
    try $name upload short 0 5 9999
done
[ ! "$all" ] || try whole erase busy 0 1 1 # 35 s

# ---- it comes back elsewhere, or not at all ------------------------------------------------------
sim() { timeout 60 "$FIRN" sim "$@"; }
# where_after_leave WHERE TEXT: what is written and verified is a success; where the board is, is said
where_after_leave() {
    rm -rf leave
    exits 0 "after leave: $1" sim -d leave --setup "after-leave 0 $1" -- \
        "$FIRN" flash parts.hex --return 1
    like "$OUT" "^  return .* $2" "... says so"
    ok "... and the image is there" cmp -n 7000 leave/board-0.flash first.bin
}
where_after_leave 1-7 'a device with its serial is on port 1-7 now'
where_after_leave lost 'not back yet'
where_after_leave bootloader 'it is in its bootloader again'

cat >while.sh <<'SCRIPT'
"$FIRN" -q flash parts.hex --enter "$1" & pid=$!
sleep 1
"$FIRN" sim control "$2"
wait $pid
SCRIPT
# entering NAME WAY LINE TEXT SIM-OPTIONS...: firn enters the bootloader, LINE happens, it says TEXT
entering() {
    local name=$1 way=$2 line=$3 text=$4
    shift 4
    exits 4 "$name" sim --running "$@" -- bash while.sh "$way" "$line"
    like "$OUT" "$text" "... and the message names the port"
}
entering "unplugged while it is asked at the REPL" repl "unplug 0" 'board on 1-1' \
    --setup "program 0 busy"
entering "moved while it is asked at the REPL" repl "move 0 1-5" 'board on 1-1' \
    --setup "program 0 busy"
if [ "$all" ]; then # each waits 10 s for the board
    entering "gone at DETACH" detach "status" 'on port 1-1, but nothing is plugged in there' \
        --runtime dfu --fault "0 on=any,do=unplug"
    entering "elsewhere after DETACH" detach "move 0 1-5" 'on port 1-1, but nothing is plugged in' \
        --runtime dfu --fault "0 on=any,do=unplug"
    mkdir runs && cp whole.before runs/board-0.flash # something to run
    entering "back after DETACH, and it runs" detach "reset 0" 'port 1-1, but what is there is not' \
        --runtime dfu -d runs --fault "0 on=any,do=unplug"
fi

# ---- a transfer is pending and Ctrl-C comes twice ------------------------------------------------
cat >twice.sh <<'SCRIPT'
set -m # a background job of a shell without it ignores SIGINT
"$FIRN" -q flash parts.hex & pid=$!
sleep 1
kill -INT $pid
sleep 0.3
kill -INT $pid
wait $pid || echo "status $?"
"$FIRN" -q flash parts.hex && echo mended
SCRIPT
begin=$SECONDS
exits 0 "Ctrl-C twice while the board does not answer" sim -f "0 on=upload,after=3,do=hang" -- \
    bash twice.sh
like "$OUT" '^status 130$' "... ends at once"
like "$OUT" '^mended$' "... and the next run flashes"
ok "... without waiting for the transfer" test $((SECONDS - begin)) -lt 5
echo "# $total points, $SECONDS s"
done_testing
