#!/bin/bash
# firn flash against simulated plain DFU devices: those that come back and can be read, those that
# wait for a reset, detach, or cannot be read; dfu-util as the judge.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit 1
export FIRN_HOME=$T/home # rescue files: all tests have boards of one port and serial
export FIRN

# The same bytes at every run: N bytes, none of them 0xFF.
bytes() { perl -e 'print chr($_ * 7 % 251) for 1 .. $ARGV[0]' "$1"; }
bytes 50001 >image.bin
sim() { timeout 100 "$FIRN" sim "$@"; }
"$FIRN" -q image image.bin --format dfu --usb 1209:0001 -o image.dfu
"$FIRN" -q image image.bin --format dfu --usb 1209:beef -o other.dfu

# ---- each kind of device -------------------------------------------------------------------------
exits 0 "a device that can be read back" sim -b dfu-tolerant -d tolerant -- "$FIRN" flash image.bin
like "$OUT" '^  plan .* send 49 blocks of up to 1024 bytes, 48\.8 KiB; then read it back$' "the plan"
like "$OUT" '^  manifest .* the device says that it is done$' "it puts the image in place"
like "$OUT" '^  return .* it runs$' "it is back"
like "$OUT" '^flashed and verified 48\.8 KiB on 1-1 in ' "and is verified"
unlike "$OUT" 'not verified' "without a warning"
ok "the bytes are in the device" cmp -n 50001 image.bin tolerant/board-0.flash
is "$(tail -c +50002 tolerant/board-0.flash | tr -d '\377' | wc -c)" 0 "and nothing else is"
exits 0 "dfu-util reads the same" sim -b dfu-tolerant -d tolerant -- dfu-util -U back.bin
ok "... from the beginning" cmp -n 50001 image.bin back.bin

exits 0 "a device that waits for a reset" sim -b dfu-reset -d reset -- "$FIRN" flash image.bin --json
like "$OUT" '"level":"warning","text":"sent, not verified: this device cannot be read back once it has left' "warns"
like "$(tail -1 <<<"$OUT")" '"left":true,"ok":true,.*"verified":false' "is not called verified"
ok "has the bytes" cmp -n 50001 image.bin reset/board-0.flash
exits 0 "it got its reset" sim -b dfu-reset -- sh -c '"$FIRN" -q flash image.bin && "$FIRN" sim control status'
like "$OUT" '"plugged":true,"running":true,"state":"appIDLE"' "and runs"
exits 0 "a device that detaches" sim -b dfu-detach -d detach -- "$FIRN" flash image.bin
like "$OUT" '^flashed, NOT verified: 48\.8 KiB' "says so"
ok "has the bytes" cmp -n 50001 image.bin detach/board-0.flash
exits 0 "a DFU 1.0 device that cannot be read" sim -b dfu-no-upload -d blind -- "$FIRN" flash image.bin
like "$OUT" '^  plan .* send 782 blocks of up to 64 bytes' "small blocks"
like "$OUT" '^warning: sent, not verified: this device cannot be read back; that it reports success' "warns"
ok "has the bytes" cmp -n 50001 image.bin blind/board-0.flash

# ---- files and options ---------------------------------------------------------------------------
exits 0 "a plain file, its suffix is not sent" sim -b dfu-tolerant -d file -- "$FIRN" flash image.dfu
ok "the bytes" cmp -n 50001 image.bin file/board-0.flash
is "$(tail -c +50002 file/board-0.flash | tr -d '\377' | wc -c)" 0 "and nothing behind them"
exits 4 "a file for another device" sim -b dfu-tolerant -d file -- "$FIRN" -q flash other.dfu
like "$OUT" '1209:beef' "is refused"
cp file/board-0.flash before
exits 0 "--dry-run" sim -b dfu-tolerant -d file -- "$FIRN" flash other.dfu --usb 1209:0001 --dry-run
like "$OUT" '^send 49 blocks of up to 1024 bytes, 48\.8 KiB; then read it back$' "says what it would do"
like "$OUT" '^nothing was changed' "and that it did not"
ok "and does nothing" cmp before file/board-0.flash
exits 0 "... as JSON" sim -b dfu-tolerant -- "$FIRN" flash image.bin --dry-run --json
like "$OUT" '"plan":\{"sends":"send 49 blocks of up to 1024 bytes' "the same"
exits 0 "--no-verify" sim -b dfu-tolerant -- "$FIRN" flash image.bin --no-verify
like "$OUT" '^warning: not verified, as --no-verify asks' "is said aloud"
exits 0 "--no-leave" sim -b dfu-tolerant -- sh -c \
    '"$FIRN" -q flash image.bin --no-leave && "$FIRN" sim control status'
like "$OUT" '"plugged":true,"running":false,"state":"dfuIDLE"' "stays in DFU mode"
"$FIRN" -q image image.bin --address 0x1000 -o one.hex
head -c 100 image.bin >small.bin
"$FIRN" -q image small.bin --address 0x10000 -o two.hex
grep -v ':00000001FF' one.hex | cat - two.hex >parts.hex
exits 0 "an image with an address, of one part" sim -b dfu-tolerant -d hex -- "$FIRN" flash two.hex
ok "goes to the beginning" cmp -n 100 image.bin hex/board-0.flash
exits 1 "an image of two parts" sim -b dfu-tolerant -- "$FIRN" -q flash parts.hex
like "$OUT" 'the image has 2 segments, which plain DFU has no addresses to tell apart by' "is refused"
exits 2 "--erase mass" sim -b dfu-tolerant -- "$FIRN" -q flash image.bin --erase mass
like "$OUT" 'a plain DFU device cannot be told to erase' "is refused"
bytes 300000 >large.bin
exits 4 "an image that is too large" sim -b dfu-tolerant -- "$FIRN" -q flash large.bin
like "$OUT" 'cannot send block 241 of 293 \(bytes 245760 to 246783\): .* errADDRESS' "ends where the device is full"
exits 0 "four devices at once" sim -b dfu-tolerant -n 4 -d four -- "$FIRN" flash image.bin --all
for i in 0 1 2 3; do
    ok "number $i" cmp -n 50001 image.bin "four/board-$i.flash"
done

# ---- faults: an error, and the next run mends the device -----------------------------------------
# fault FAULT PATTERN NAME
fault() {
    rm -rf board
    exits 4 "$3" sim -b dfu-tolerant -d board -f "0 $1" -- "$FIRN" -q flash image.bin
    like "$OUT" "$2" "... is named"
    like "$OUT" '^  [a-z-]' "... with a next step"
    exits 0 "... again" sim -b dfu-tolerant -d board -- "$FIRN" -q flash image.bin
    ok "... is mended" cmp -n 50001 image.bin board/board-0.flash
}
fault "on=dnload,after=8,do=unplug" 'cannot send block [0-9]+ of 49 \(bytes .*: the board is gone' "unplugged while sending"
fault "on=dnload,after=3,do=stall" 'cannot send block 4 of 49 .*refuses DNLOAD' "a block is refused"
fault "on=dnload,after=3,do=status,code=6" 'cannot send block .* \(state dfuERROR, status errPROG\)' "a block fails"
fault "on=upload,after=5,do=unplug" 'cannot read back from byte [0-9]+ of 50001: the board is gone' "unplugged while reading back"
fault "on=upload,after=5,do=corrupt" 'verification failed at byte [0-9]+ of 50001' "wrong bytes are read back"
fault "on=dnload,after=5,do=corrupt" 'verification failed at byte [0-9]+ of 50001' "wrong bytes are written"
fault "on=dnload,after=5,do=ignore" 'verification failed at byte [0-9]+ of 50001' "a block is lost"
fault "on=upload,after=5,do=short" 'verification failed: the device holds' "a short read"
fault "on=dnload,after=3,do=poll,ms=60000" 'asks to wait 60\.0 s, more than the 35\.0 s allowed' "it asks to wait for a minute"
exits 0 "left in dfuERROR by dfu-util" sim -b dfu-tolerant -d error -f "0 on=dnload,after=3,do=status,code=3" -- \
    sh -c '! dfu-util -D image.dfu && "$FIRN" -q flash image.bin'
ok "is mended" cmp -n 50001 image.bin error/board-0.flash

cat >interrupt.sh <<'SCRIPT'
rm -f events
"$FIRN" -q --events=3 flash image.bin 3>events & pid=$!
until grep -qs '"phase":"write"' events && grep -qs '"done":[1-9]' events; do sleep 0.02; done
kill -INT $pid
wait $pid
SCRIPT
exits 130 "Ctrl-C while sending" sim -b dfu-tolerant -t x8 -d stopped -- bash interrupt.sh
like "$OUT" 'interrupted after block [0-9]+ of 49; the device has a part of the image' "says how far it was"
like "$OUT" 'run the same command again' "and the next step"
exits 0 "the next run" sim -b dfu-tolerant -d stopped -- "$FIRN" -q flash image.bin
ok "mends it" cmp -n 50001 image.bin stopped/board-0.flash
done_testing
