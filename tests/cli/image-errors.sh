#!/bin/bash
# What firn image says of files that are damaged, hostile or not what was asked for: standard error is
# compared with tests/data/image/NAME.expected, byte for byte.
. "$(dirname "$0")/../tap.sh"
expected=$TOP/tests/data/image
cd "$T" || exit 1

# Every bad file under its name. They are whole but for the one thing: checksums are right.
cat >make.pl <<'SCRIPT'
use strict;
use warnings;
use Compress::Raw::Zlib;

sub element { my ($address, $data, $size) = @_; pack("VV", $address, $size // length $data) . $data }
sub target {
    my ($alt, $name, $elements, %lie) = @_;
    my $body = join "", @$elements;
    pack("a6CVa255VV", "Target", $alt, $name ne "", $name, $lie{size} // length $body,
        $lie{count} // scalar @$elements) . $body;
}
sub suffix { my ($data, $bcd, $length) = @_;
    my $all = $data . "." x ($length > 16 ? $length - 16 : 0);
    $all .= pack "vvvva3C", 0xFFFF, 0xDF11, 0x0483, $bcd, "UFD", $length;
    $all . pack "V", ~crc32($all) & 0xFFFFFFFF;
}
sub dfuse {
    my ($targets, %lie) = @_;
    my $body = join "", @$targets;
    suffix(pack("a5CVC", "DfuSe", $lie{version} // 1, $lie{size} // 11 + length $body,
        $lie{count} // scalar @$targets) . $body, 0x011a, $lie{suffix} // 16);
}
sub chunk {
    my ($format, $address, $payload) = @_;
    element($address, pack("CCvVV", 1, $format, 0, $address, length $payload) . $payload . "s" x 64);
}

my $one = element(0x08000000, "a" x 256);
my $two = element(0x08020000, "b" x 100);
my $good = dfuse([target(0, "good", [$one, $two])]);
my $signature = chunk(1, 0x08021000, pack("VV", 0x08020000, 0x1000) . "S" x 64);
my %files = (
    "good.dfu" => $good,
    "overlap.dfu" => dfuse([target(0, "", [$one, $two, element(0x080000ff, "c" x 10)])]),
    "overlap-targets.dfu" => dfuse([target(0, "a", [$one]), target(0, "b", [element(0x08000010, "c")])]),
    "past-the-end.dfu" => dfuse([target(0, "", [element(0xfffffff0, "a" x 17)])]),
    "element-too-long.dfu" => dfuse([target(0, "", [element(0x08000000, "a" x 256, 257)])]),
    "elements-missing.dfu" => dfuse([target(0, "", [$one, $two], count => 3)]),
    "elements-too-many.dfu" => dfuse([target(0, "", [$one, $two], count => 1)]),
    "target-too-long.dfu" => dfuse([target(0, "", [$one], size => 0xffffffff)]),
    "target-missing.dfu" => dfuse([target(0, "", [$one])], count => 2),
    "targets-too-many.dfu" => dfuse([target(0, "", [$one]), target(1, "", [$two])], count => 1),
    "no-targets.dfu" => dfuse([]),
    "no-bytes.dfu" => dfuse([target(0, "", [element(0x08000000, "")])]),
    "prefix-size.dfu" => dfuse([target(0, "", [$one])], size => 1),
    "version.dfu" => dfuse([target(0, "", [$one])], version => 2),
    "suffix-short.dfu" => dfuse([target(0, "", [$one])], suffix => 15),
    "suffix-long.dfu" => suffix("abc", 0x0100, 20) =~ s/^.*?(?=.{16}$)//sr,
    "cut.dfu" => substr($good, 0, 500),
    "crc.dfu" => substr($good, 0, -1) . chr(ord(substr $good, -1) ^ 1),
    "plain-crc.bin" => "A" . substr(suffix("abc", 0x0100, 16), 1),
    "plain-dfuse.dfu" => suffix("abc", 0x011a, 16),
    "plain-empty.dfu" => suffix("", 0x0100, 16),
    "plain.dfu" => suffix("abc", 0x0110, 16),
    "no-suffix.dfu" => "abc",
    "packed.dfu" => dfuse([target(0, "", [chunk(2, 0x08020000, "e" x 100), $signature])]),
    "packed-unsigned.dfu" => dfuse([target(0, "", [chunk(2, 0x08020000, "e" x 100)])]),
    "packed-mixed.dfu" => dfuse([target(0, "", [chunk(2, 0x08020000, "e" x 100), $one, $signature])]),
    "two-alts.dfu" => dfuse([target(0, "", [$one]), target(1, "", [$two])]),
    "far.dfu" => dfuse([target(0, "", [$one, element(0x90000000, "b")])]),
    "damaged.hex" => ":020000040800F2\n:01?0000041BE\n:00000001FF\n",
    "no.hex" => "firmware", "no.elf" => "firmware", "empty.bin" => "",
    "x.json" => "{}", "x.yaml" => "firn: 1\n", "x.py" => "print()\n", "x.mpy" => "M\6", "x.map" => "map\n",
    "fw.bin" => "abc",
    "name.dfu" => dfuse([target(0, "\e[31m\xff", [$one])]),
);
for my $name (keys %files) {
    open my $f, ">:raw", $name or die;
    print $f $files{$name};
}
SCRIPT
perl make.pl

# says STATUS EXPECTED ARGUMENTS...: firn image with these ends like that and says what the file holds
says() {
    local status=$1 file=$2 got=0
    shift 2
    "$FIRN" image "$@" >stdout 2>stderr || got=$?
    is "$got" "$status" "$file: exit status"
    same stderr "$expected/$file.expected" "$file: what it says"
}

# ---- files that are not what they say ------------------------------------------------------------
for file in overlap overlap-targets past-the-end element-too-long elements-missing elements-too-many \
    target-too-long target-missing targets-too-many no-targets no-bytes prefix-size version suffix-short \
    suffix-long cut crc plain-dfuse plain-empty packed-unsigned packed-mixed; do
    says 1 $file $file.dfu
done
says 1 plain-crc plain-crc.bin
says 1 damaged-hex damaged.hex
says 1 no-hex no.hex
says 1 no-elf no.elf
says 1 empty empty.bin
says 1 directory .
says 1 sidecar x.json
says 1 manifest x.yaml
says 1 python x.py
says 1 mpy x.mpy
says 1 map x.map
says 2 missing nothing.dfu

# ---- files that are good, which must not look like an error ----------------------------------------
says 0 good good.dfu
says 0 no-suffix no-suffix.dfu
says 0 no-address fw.bin

# A name is somebody else's text: no terminal and no JSON reader gets it as it is.
exits 0 'a name with control characters' "$FIRN" image name.dfu
like "$OUT" "^  target   alt 0, '.x1b.31m.xff', 1 element$" '... is shown without them'
exits 0 '... as JSON' "$FIRN" image name.dfu --json
like "$OUT" '"name":"..x1b.31m..xff"' '... too'

# ---- conversions without a meaning -----------------------------------------------------------------
says 2 bin-to-dfu fw.bin -o out.dfu
says 2 bin-to-dfuse fw.bin -o out.dfu --format dfuse
says 2 plain-to-hex plain.dfu -o out.hex
says 1 two-segments good.dfu -o out.dfu --format dfu
says 1 two-alts-to-hex two-alts.dfu -o out.hex
says 1 two-alts-to-bin two-alts.dfu -o out.bin
says 1 far-to-bin far.dfu -o out.bin
says 1 packed-to-bin packed.dfu -o out.bin
says 1 packed-to-hex packed.dfu -o out.hex
says 1 packed-to-dfu packed.dfu -o out.dfu --format dfu
says 1 nowhere good.dfu -o nowhere/out.hex
is "$(ls out.* 2>/dev/null)" '' 'nothing was written'

# ---- the command line ------------------------------------------------------------------------------
says 2 usage-none
says 2 usage-two good.dfu fw.bin
says 2 usage-output good.dfu -o out.elf
says 2 usage-format good.dfu -o out.dfu --format elf
says 2 usage-format-alone good.dfu --format dfu
says 2 usage-address fw.bin --address here
says 2 usage-address-known good.dfu --address 0x08000000
says 2 usage-usb good.dfu -o out.dfu --usb 0483
says 2 usage-usb-hex good.dfu -o out.hex --usb 0483:df11
says 2 usage-device good.dfu -o out.dfu --device 12345
says 2 usage-device-alone good.dfu --device 0200
says 2 usage-value good.dfu -o
done_testing
