#!/bin/bash
# firn flash through simulated mboots: one that is flashed as ST's ROM is, and one that was built
# with keys and takes packed images only.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit 1
export FIRN_HOME=$T/home # rescue files: all tests have boards of one port and serial
export FIRN

# The same bytes at every run: N bytes, none of them 0xFF.
bytes() { perl -e 'print chr($_ * 7 % 251) for 1 .. $ARGV[0]' "$1"; }
# pack IN OUT ADDRESS [wrong]: what MicroPython's mboot_pack_dfu.py makes, with the stand-ins for
# signatures that the simulated board takes (docs/simulator.md); "wrong": the last one is another's
pack() {
    perl -MDigest::SHA=sha256_hex -MCompress::Raw::Zlib -e '
        my ($in, $out, $address, $wrong) = @ARGV;
        open my $f, "<:raw", $in or die; local $/; my $all = <$f>;
        sub chunk {
            my ($format, $at, $data) = @_;
            my $chunk = pack("CCvVV", 1, $format, 0, $at, length $data) . $data;
            $chunk .= sha256_hex($chunk);
            $chunk .= "\0" x (-length($chunk) % 8);
            return pack("VV", $at, length $chunk) . $chunk;
        }
        my ($at, @chunks) = hex $address;
        for (my $i = 0; $i < length $all; $i += 16384, $at += 16384) {
            push @chunks, chunk(2, $at, "\0" x 36 . substr $all, $i, 16384);
        }
        my $signature = sha256_hex($wrong ? "another" : $all);
        push @chunks, chunk(1, $at, pack("VV", hex $address, length $all) . $signature);
        my $body = join "", @chunks;
        my $target = pack("a6CVa255VV", "Target", 0, 0, "", length $body, scalar @chunks);
        my $file = pack("a5CVC", "DfuSe", 1, 11 + length($target . $body), 1) . $target . $body;
        $file .= pack("vvvva3C", 0xFFFF, 0xDF11, 0x0483, 0x011A, "UFD", 16);
        open $f, ">:raw", $out or die;
        print $f $file, pack("V", ~crc32($file) & 0xFFFFFFFF);' "$@"
}
bytes 50000 >app.bin # mboot writes whole words only
pack app.bin app.pack.dfu 0x08008000
pack app.bin wrong.pack.dfu 0x08008000 wrong
sim() { timeout 100 "$FIRN" sim "$@"; }
at_application() { cmp -n 50000 -i 0:32768 app.bin "$1/board-0.flash"; }

# ---- an mboot without keys -----------------------------------------------------------------------
exits 0 "mboot" sim -b mboot -d mboot -- "$FIRN" flash app.bin --address 0x08008000
like "$OUT" '^flashed and verified 48\.8 KiB' "is verified"
ok "the bytes are in the flash" at_application mboot
exits 0 "again" sim -b mboot -d mboot -- "$FIRN" -q flash app.bin --address 0x08008000
exits 4 "where mboot itself is" sim -b mboot -- "$FIRN" -q flash app.bin --address 0x08000000
like "$OUT" "status errADDRESS, the board says: Can.t overwrite mboot" "is refused by mboot"
exits 0 "devices" sim -b mboot -- "$FIRN" devices
like "$OUT" '^1-1 +0483:df11 +DFU +mboot ' "names it"
exits 4 "a packed image" sim -b mboot -d plain -- "$FIRN" -q flash app.pack.dfu
like "$OUT" "this board's bootloader \(mboot\) cannot unpack it" "is refused"
like "$OUT" 'flash the firmware as it was before it was packed' "with the next step"
is "$(tr -d '\377' <plain/board-0.flash | wc -c)" 0 "and nothing is written"
exits 4 "a packed image for ST's ROM" sim -d plain -- "$FIRN" -q flash app.pack.dfu
like "$OUT" "this board's bootloader \(ST DfuSe ROM\) cannot unpack it" "is refused"

# ---- an mboot with keys --------------------------------------------------------------------------
exits 0 "a packed image" sim -b mboot-packed -d packed -- "$FIRN" flash app.pack.dfu
like "$OUT" '^  plan .* send 5 chunks, 49\.4 KiB, .* 48\.8 KiB of firmware of, from 0x08008000 on$' "the plan"
like "$OUT" '^warning: not read back: .* it has checked the signature of the whole firmware itself' "the warning"
like "$OUT" '^flashed, NOT verified: ' "is not called verified"
ok "the board unpacked it" at_application packed
is "$(tail -c +$((32768 + 50001)) packed/board-0.flash | tr -d '\377' | wc -c)" 0 "and wrote nothing else"
exits 0 "over an old program" sim -b mboot-packed -d packed -- "$FIRN" -q flash app.pack.dfu
ok "the board unpacked it" at_application packed
exits 0 "--dry-run" sim -b mboot-packed -d dry -- "$FIRN" flash app.pack.dfu --dry-run
is "$(tr -d '\377' <dry/board-0.flash | wc -c)" 0 "changes nothing"
exits 4 "an image that is not packed" sim -b mboot-packed -d dry -- "$FIRN" -q flash app.bin --address 0x08008000
like "$OUT" "this board's mboot takes packed images only" "is refused"
like "$OUT" 'flash firmware.pack.dfu' "with the next step"
is "$(tr -d '\377' <dry/board-0.flash | wc -c)" 0 "and nothing is written"
exits 2 "--erase" sim -b mboot-packed -- "$FIRN" -q flash app.pack.dfu --erase all
like "$OUT" "the board's mboot erases itself what it is about to write" "is refused"

exits 4 "another one's signature" sim -b mboot-packed -d wrong -- sh -c \
    '"$FIRN" -q flash wrong.pack.dfu; status=$?; "$FIRN" sim control status; exit $status'
like "$OUT" 'chunk 5 of 5: .* \(state dfuERROR, status errVERIFY' "is named"
like "$OUT" 'packed with other keys than this board.s mboot was built with' "and explained"
like "$OUT" '"plugged":true,"running":false' "the board stays in its bootloader"
is "$(tail -c +32769 wrong/board-0.flash | head -c 8 | tr -d '\377' | wc -c)" 0 "and has no program to start"

# fault FAULT PATTERN NAME: an error, and the next run mends the board
fault() {
    rm -rf board
    exits 4 "$3" sim -b mboot-packed -d board -f "0 $1" -- "$FIRN" -q flash app.pack.dfu
    like "$OUT" "$2" "... is named"
    exits 0 "... again" sim -b mboot-packed -d board -- "$FIRN" -q flash app.pack.dfu
    ok "... is mended" at_application board
}
fault "on=dnload,after=8,do=unplug" 'chunk [0-9] of 5: .*the board is gone' "unplugged"
fault "on=dnload,after=8,do=stall" 'chunk [0-9] of 5: .*refuses DNLOAD' "a block is refused"
fault "on=dnload,after=8,do=status,code=6" 'chunk [0-9] of 5: .*errPROG' "a block fails"
fault "on=dnload,after=8,do=corrupt" 'chunk [0-9] of 5: .*errVERIFY' "a block arrives with other bytes"
done_testing
