#!/bin/bash
# Image files between firn and the tools of others, both ways: dfu-suffix, dfu-util on a simulated board,
# MicroPython's pydfu.py, dfu.py and mboot_pack_dfu.py.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit 1
export FIRN_HOME=$T/home # rescue files: all tests have boards of one port and serial
export FIRN
python=/usr/bin/python3
git --git-dir "$TOP/build/mirror/micropython.git" archive v1.25.0 tools/pydfu.py tools/dfu.py \
    ports/stm32/mboot/mboot_pack_dfu.py | tar -x

# N bytes, the same at every run, none of them 0xFF.
bytes() { perl -e 'print chr($_ * 7 % 251) for 1 .. $ARGV[0]' "$1"; }
# flip FILE OFFSET OUT: OUT is FILE with one bit of that byte turned; an offset below 0 is from the end
flip() {
    perl -e 'my ($in, $at, $out) = @ARGV; local $/; open my $f, "<:raw", $in or die; my $data = <$f>;
        substr($data, $at, 1) ^= "\x01"; open my $g, ">:raw", $out or die; print $g $data' "$@"
}
bytes 5001 >fw.bin
bytes 16000 >first.bin
bytes 70001 >second.bin

# ---- dfu-suffix accepts what firn writes ---------------------------------------------------------
"$FIRN" -q image fw.bin --format dfu --usb 1d50:6017 --device 0102 -o plain.dfu
"$FIRN" -q image fw.bin --address 0x08000000 --usb 0483:df11 -o dfuse.dfu
exits 0 "dfu-suffix checks a plain file of firn's" dfu-suffix -c plain.dfu
like "$OUT" 'BCD device:	0x0102' "its device"
like "$OUT" 'Product ID:	0x6017' "its product"
like "$OUT" 'Vendor ID:	0x1D50' "its vendor"
like "$OUT" 'BCD DFU:	0x0100' "its kind"
like "$OUT" 'Length:		16' "its length"
exits 0 "and a DfuSe file" dfu-suffix -c dfuse.dfu
like "$OUT" 'BCD device:	0xFFFF' "for any device"
like "$OUT" 'BCD DFU:	0x011A' "as DfuSe"
cp plain.dfu stripped.bin
exits 0 "dfu-suffix removes the suffix" dfu-suffix -D stripped.bin
same stripped.bin fw.bin "which leaves the bytes"
cp fw.bin theirs.dfu
dfu-suffix -a theirs.dfu -v 0x1d50 -p 0x6017 -d 0x0102 >/dev/null
same plain.dfu theirs.dfu "dfu-suffix and firn make the same file"

# ---- firn accepts what dfu-suffix writes ---------------------------------------------------------
exits 0 "firn reads a file of dfu-suffix's" "$FIRN" image theirs.dfu
like "$OUT" '^  usb      1d50:6017$' "its ids"
like "$OUT" '^  suffix   bcdDFU 0100, bcdDevice 0102, CRC 0x[0-9a-f]{8} \(right\)$' "its suffix"
ok "firn writes its bytes" "$FIRN" image theirs.dfu -o theirs.bin
same theirs.bin fw.bin "which are those before the suffix"
cp fw.bin any.dfu
dfu-suffix -a any.dfu >/dev/null
exits 0 "a suffix for any board" "$FIRN" image any.dfu
like "$OUT" 'bcdDevice ffff \(any\)' "is one"
unlike "$OUT" '^  usb' "without ids"
# dfu-suffix does not write this one.
perl -MCompress::Raw::Zlib -e '
    my $all = join "", <STDIN>, pack "vvvva3C", 0x0200, 0x6017, 0x1d50, 0x0110, "UFD", 16;
    print $all, pack "V", ~crc32($all) & 0xFFFFFFFF' <fw.bin >spec.dfu
exits 0 "dfu-suffix reads a suffix of DFU 1.1" dfu-suffix -c spec.dfu
exits 0 "and firn, too" "$FIRN" image spec.dfu
like "$OUT" '^  suffix   bcdDFU 0110, bcdDevice 0200,' "the same one"
cp fw.bin liar.dfu
dfu-suffix -a liar.dfu -S 0x011a >/dev/null
exits 1 "a suffix of DfuSe behind what is not DfuSe" "$FIRN" image liar.dfu
like "$OUT" "that of a DfuSe file .bcdDFU 0x011a., but the file does not start with 'DfuSe'" "is said"
exits 0 "a file without a suffix" "$FIRN" image fw.bin -o none.dfu --format bin
exits 65 "is none to dfu-suffix" dfu-suffix -c none.dfu
exits 0 "and one with a note to firn" "$FIRN" image none.dfu
like "$OUT" "^  note: 'none.dfu' has no DFU suffix: it can be flashed, but" "which is no warning"

# ---- one wrong bit -------------------------------------------------------------------------------
# refused FILE OFFSET: both refuse FILE with that byte changed
refused() {
    local firn=0 theirs=0
    flip "$1" "$2" wrong.dfu
    "$FIRN" -q image wrong.dfu >/dev/null 2>&1 || firn=$?
    dfu-suffix -c wrong.dfu >/dev/null 2>&1 || theirs=$?
    [ $firn = 1 ] && [ $theirs != 0 ]
}
wrong=
for at in 0 1 2500 5000 -16 -15 -14 -13 -12 -11 -10 -9 -5 -4 -3 -2 -1; do
    refused plain.dfu $at || wrong+=" $at"
done
is "$wrong" '' "both refuse a plain file with a wrong bit"
wrong=
for at in 0 5 6 10 11 17 18 100 277 281 285 289 293 5000 -{16..1}; do
    refused dfuse.dfu $at || wrong+=" $at"
done
is "$wrong" '' "both refuse a DfuSe file with a wrong bit"
# Without its signature there is no suffix to believe.
flip plain.dfu -8 unsigned.dfu
exits 65 "a plain file without the suffix's signature is none to dfu-suffix" dfu-suffix -c unsigned.dfu
exits 0 "and one without a suffix to firn" "$FIRN" image unsigned.dfu
like "$OUT" 'has no DFU suffix' "which it says"

# ---- MicroPython's pydfu.py and dfu.py -----------------------------------------------------------
# pydfu FILE: address, size and SHA-256 of each element, as pydfu.py reads them. It wants pyusb for
# the rest of it.
cat >pydfu <<'SCRIPT'
import hashlib, sys, types
for name in ("usb", "usb.core", "usb.util"):
    sys.modules[name] = types.ModuleType(name)
usb = sys.modules["usb"]
usb.core, usb.util = sys.modules["usb.core"], sys.modules["usb.util"]
usb.util.get_string = lambda device, index: None
sys.path.insert(0, "tools")
import pydfu
for e in pydfu.read_dfu_file(sys.argv[1]) or sys.exit("pydfu refuses it"):
    print("element 0x%08x %d %s" % (e["addr"], e["size"], hashlib.sha256(e["data"]).hexdigest()))
SCRIPT
pydfu() { "$python" -B pydfu "$1"; }
sha() { sha256sum "$1" | cut -d' ' -f1; }
expected="element 0x08000000 16000 $(sha first.bin)
element 0x08020000 70001 $(sha second.bin)"

"$FIRN" -q image first.bin --address 0x08000000 -o first.hex
"$FIRN" -q image second.bin --address 0x08020000 -o second.hex
{ grep -v '^:00000001FF' first.hex; cat second.hex; } >parts.hex
"$FIRN" -q image parts.hex --usb 0483:df11 -o parts.dfu
exits 0 "pydfu reads a file of firn's with two elements" pydfu parts.dfu
is "$(grep ^element <<<"$OUT")" "$expected" "the same elements"
like "$OUT" 'DfuSe.* v1, image size: 86302, targets: 1$' "its prefix"
like "$OUT" '^    usb: 0483:df11, device: 0xffff, dfu: 0x011a, b.UFD., 16, 0x[0-9a-f]{8}$' "its suffix"
flip parts.dfu 40000 wrong.dfu
exits 1 "pydfu refuses it with a wrong bit" pydfu wrong.dfu
like "$OUT" 'CRC ERROR: computed crc32 is' "for its CRC"
computed=$(grep -o 'computed crc32 is.*' <<<"$OUT" | cut -d' ' -f4)
exits 1 "firn, too" "$FIRN" image wrong.dfu
like "$OUT" "the content has $computed\$" "and computes the same one"

ok "MicroPython's dfu.py makes a file" "$python" -B tools/dfu.py -b 0x08000000:first.bin \
    -b 0x08020000:second.bin -D 0x0483:0xdf11 upy.dfu
exits 0 "which firn reads" "$FIRN" image upy.dfu
like "$OUT" "^  target   alt 0, 'ST...', 2 elements$" "its target"
like "$OUT" '^    0  0x08020000-0x08031177 ' "its second element, padded to 8 bytes"
ok "firn writes it again" "$FIRN" image upy.dfu -o again.dfu
is "$(cmp -l again.dfu upy.dfu | wc -l)" 0 "byte for byte"
"$FIRN" -q image upy.dfu -o upy.bin
ok "its bytes with the hole filled" cmp upy.bin <(
    cat first.bin
    head -c $((0x20000 - 16000)) /dev/zero | tr '\0' '\377'
    cat second.bin
    head -c 7 /dev/zero
)

# Several targets, as no tool here makes them: firn's own of two files, under one prefix.
cat >merge.pl <<'SCRIPT'
use Compress::Raw::Zlib;
my ($out, @files) = @ARGV;
my $body = "";
for my $alt (0 .. $#files) {
    open my $f, "<:raw", $files[$alt] or die; local $/; my $data = <$f>;
    my $target = substr $data, 11, length($data) - 11 - 16;
    substr($target, 6, 1) = chr $alt;
    substr($target, 7, 4 + 255) = pack "Va255", 1, "target $alt";
    $body .= $target;
}
my $all = pack("a5CVC", "DfuSe", 1, 11 + length $body, scalar @files) . $body;
$all .= pack "vvvva3C", 0xFFFF, 0xDF11, 0x0483, 0x011A, "UFD", 16;
open my $f, ">:raw", $out or die;
print $f $all, pack "V", ~crc32($all) & 0xFFFFFFFF;
SCRIPT
perl merge.pl two.dfu parts.dfu dfuse.dfu
ok "dfu-suffix checks two targets" dfu-suffix -c two.dfu
exits 0 "firn reads them" "$FIRN" image two.dfu
like "$OUT" "^  target   alt 0, 'target 0', 2 elements$" "the first one"
like "$OUT" "^  target   alt 1, 'target 1', 1 element$" "the second one"
ok "and writes them" "$FIRN" image two.dfu -o two-again.dfu
same two-again.dfu two.dfu "byte for byte"
exits 1 "but to no format that has one memory only" "$FIRN" image two.dfu -o two.hex
like "$OUT" 'data for alternate setting 1, which Intel HEX cannot hold' "as it says"

# Elements without bytes, one over the other, and a suffix that does not say DfuSe.
cat >elements.pl <<'SCRIPT'
use Compress::Raw::Zlib;
my ($bcd_dfu, @elements) = @ARGV;
my $body = join "", map { my ($address, $data) = split /=/; pack("VV", hex $address, length $data) . $data } @elements;
my $target = pack("a6CVa255VV", "Target", 0, 0, "", length $body, scalar @elements) . $body;
my $all = pack("a5CVC", "DfuSe", 1, 11 + length $target, 1) . $target;
$all .= pack "vvvva3C", 0xFFFF, 0xDF11, 0x0483, hex $bcd_dfu, "UFD", 16;
print $all, pack "V", ~crc32($all) & 0xFFFFFFFF;
SCRIPT
perl elements.pl 011a 08000000=abcdefgh 08004000= >empty.dfu
perl elements.pl 011a 08000000=abcdefgh 08000004=ijkl >overlap.dfu
perl elements.pl 0100 08000000=abcdefgh >bcd.dfu
exits 0 "pydfu reads an empty element" pydfu empty.dfu
exits 0 "firn, too" "$FIRN" image empty.dfu
like "$OUT" "^  target   alt 0, no name, 2 elements, 1 of them empty$" "and counts it"
like "$OUT" '^  1 segment, 8 bytes' "as nothing"
exits 1 "firn refuses elements that overlap" "$FIRN" image overlap.dfu
like "$OUT" '0x08000004-0x08000007 overlaps 0x08000000-0x08000007' "and names both"
exits 0 "firn reads what says DfuSe everywhere but in its suffix" "$FIRN" image bcd.dfu
like "$OUT" 'DfuSe file$' "as DfuSe"

# ---- images packed for mboot ---------------------------------------------------------------------
# libhydrogen is not there; what stands in for it is what the simulated board takes (docs/simulator.md).
cat >pyhy.py <<'SCRIPT'
import hashlib, types

def hydro_sign_keygen():
    return types.SimpleNamespace(sk=bytes(64), pk=bytes(32))

def hydro_secretbox_keygen():
    return bytes(32)

def hydro_secretbox_encrypt(data, number, context, key):
    return bytes(36) + data

def hydro_secretbox_decrypt(data, number, context, key):
    return data[36:]

def hydro_sign_create(data, context, key):
    return hashlib.sha256(data).hexdigest().encode()

def hydro_sign_verify(signature, data, context, key):
    return signature[:64] == hydro_sign_create(data, context, key)

class hydro_sign:
    def __init__(self, context):
        self.data = b""

    def update(self, data):
        self.data += data

    def final_verify(self, signature, key):
        return hydro_sign_verify(signature, self.data, None, key)
SCRIPT
pack() { PYTHONPATH=. "$python" -B ports/stm32/mboot/mboot_pack_dfu.py -k keys.h "$@"; }
bytes 70000 >app.bin # mboot writes whole words only
"$FIRN" -q image app.bin --address 0x08008000 --usb 0483:df11 -o app.dfu
pack generate-keys
ok "MicroPython packs a file of firn's" pack pack-dfu 16384 app.dfu app.pack.dfu
ok "and with compression" pack pack-dfu --gzip 4096 app.dfu gzip.pack.dfu
exits 0 "firn recognises it" "$FIRN" image app.pack.dfu
like "$OUT" '^  packed   for mboot: encrypted and signed, 5 chunks of firmware$' "its chunks"
like "$OUT" '^           the whole of 0x08008000-0x0801916f is signed$' "its range"
like "$OUT" '^    0  0x0800c000               16.1 KiB' "a chunk that overlaps the next one"
like "$OUT" '^  6 chunks, ' "with the signature"
exits 0 "and compressed" "$FIRN" image gzip.pack.dfu
like "$OUT" '^  packed   for mboot: encrypted and signed, compressed, 18 chunks of firmware$' "its chunks"
"$FIRN" image app.pack.dfu --json >json
is "$("$python" -c 'import json; print(json.load(open("json"))["packed"])')" \
    "{'chunks': 5, 'compressed': False, 'regions': [{'address': '0x08008000', 'size': 70000}]}" "as data"
for format in bin hex dfu; do
    exits 1 "it is not written as $format" "$FIRN" image app.pack.dfu -o packed.out --format $format
    like "$OUT" 'the image is packed for mboot: encrypted, so that only a board with its key' "which says why"
done
ok "but as DfuSe with other ids" "$FIRN" image app.pack.dfu --usb 0483:df11 --device 0200 -o other.pack.dfu
ok "MicroPython unpacks that" pack unpack-dfu other.pack.dfu unpacked.dfu
"$FIRN" -q image unpacked.dfu -o unpacked.bin
ok "to the same bytes" cmp -n 70000 app.bin unpacked.bin
head -c 300 /dev/zero | cat app.pack.dfu - >wrong.dfu
exits 1 "with something behind it, it is refused" "$FIRN" image wrong.dfu

# ---- dfu-util and a simulated board --------------------------------------------------------------
sim() { timeout 100 "$FIRN" sim "$@"; }
exits 0 "dfu-util flashes a file of firn's" sim -d theirs -- dfu-util -a 0 -D parts.dfu
ok "its first element" cmp -n 16000 first.bin theirs/board-0.flash
ok "its second element" cmp -n 70001 -i 0:131072 second.bin theirs/board-0.flash
exits 0 "dfu-util reads the board" sim -d theirs -- dfu-util -a 0 -s 0x08020000:70001 -U back.bin
ok "firn takes what it read" "$FIRN" image back.bin --address 0x08020000 --usb 0483:df11 -o back.dfu
exits 0 "its bytes" "$FIRN" image back.dfu
like "$OUT" "^    0  0x08020000-0x08031170    68.4 KiB  $(sha second.bin | cut -c 1-16)" "as the same segment"
exits 0 "firn flashes a file of dfu-suffix's, told where" sim -d ours -- "$FIRN" flash theirs.dfu \
    --address 0x08004000 --usb 0483:df11 --no-leave
ok "without its suffix" cmp -n 5001 -i 0:16384 fw.bin ours/board-0.flash
is "$(tail -c +$((16384 + 5001 + 1)) ours/board-0.flash | tr -d '\377' | wc -c)" 0 "and nothing behind it"
exits 2 "not told where, it asks" sim -- "$FIRN" flash theirs.dfu --usb 0483:df11
like "$OUT" 'give the first byte.s address: --address 0x08000000' "for the address"

"$FIRN" -q image fw.bin --format dfu --usb 1209:0001 -o board.dfu
exits 0 "dfu-util flashes a plain file of firn's" sim -b dfu-tolerant -d plain -- dfu-util -D board.dfu
ok "to the board's beginning" cmp -n 5001 fw.bin plain/board-0.flash
is "$(tail -c +5002 plain/board-0.flash | tr -d '\377' | wc -c)" 0 "without its suffix"
exits 0 "dfu-util reads that board" sim -b dfu-tolerant -d plain -- dfu-util -U whole.bin
ok "firn takes what it read" "$FIRN" image whole.bin --format dfu --usb 1209:0001 -o whole.dfu
exits 0 "and dfu-util flashes it to another one" sim -b dfu-tolerant -d copy -- dfu-util -D whole.dfu
ok "the same flash" cmp plain/board-0.flash copy/board-0.flash
exits 0 "firn flashes a plain file of dfu-suffix's" sim -b dfu-tolerant -d mine -- "$FIRN" flash theirs.dfu \
    --usb 1209:0001 --no-leave
ok "the same flash" cmp plain/board-0.flash mine/board-0.flash
exits 0 "and raw bytes without an address" sim -b dfu-tolerant -d raw -- "$FIRN" flash fw.bin --no-leave
ok "as dfu-util does" cmp plain/board-0.flash raw/board-0.flash
exits 0 "dfu-util flashes a packed image that firn wrote" sim -b mboot-packed -d packed -- \
    dfu-util -a 0 -D other.pack.dfu
ok "the board unpacked it" cmp -n 70000 -i 0:32768 app.bin packed/board-0.flash
exits 0 "firn flashes what MicroPython packed" sim -b mboot-packed -d packed2 -- "$FIRN" flash app.pack.dfu --no-leave
ok "the board unpacked that, too" cmp packed/board-0.flash packed2/board-0.flash
exits 0 "dfu-util flashes an empty element" sim -d empty -- dfu-util -a 0 -D empty.dfu
exits 0 "firn, too" sim -d empty2 -- "$FIRN" flash empty.dfu --no-leave
ok "the same flash" cmp empty/board-0.flash empty2/board-0.flash
exits 0 "dfu-util writes one element over the other" sim -d overlap -- dfu-util -a 0 -D overlap.dfu
exits 1 "firn does not" sim -d overlap2 -- "$FIRN" flash overlap.dfu
exits 64 "dfu-util refuses a suffix that does not say DfuSe" sim -- dfu-util -a 0 -D bcd.dfu

done_testing
