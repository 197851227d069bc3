#!/bin/bash
# The simulated bus against Debian's unmodified dfu-util.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit 1

# Not random from the first byte on: of 4096 files dfu-util takes one for an LPC image with a prefix.
{ printf firn && head -c 102396 /dev/urandom; } >image.bin

# sim OPTIONS... -- COMMAND...; `dfu ...` in a SCRIPT is dfu-util without its progress bars
sim() { timeout 120 "$FIRN" sim "$@"; }
cat >dfu <<'SCRIPT'
#!/bin/bash
timeout 60 dfu-util "$@" 2>&1 | tr '\r' '\n' | sed 's/^\(Erase\|Upload\|Download\)[^%]*%[ 0-9]*bytes//' |
    grep -v '^$\|Copyright\|ABSOLUTELY\|bugs to\|DFU suffix'
exit "${PIPESTATUS[0]}"
SCRIPT
chmod +x dfu
export PATH=$T:$PATH FIRN

# dfuse_file OUT ADDRESS=FILE...: a DfuSe file (UM0391), made without firn
dfuse_file() {
    perl -MCompress::Raw::Zlib -e '
        my ($out, @elements) = @ARGV;
        my $body = "";
        for (@elements) {
            my ($address, $file) = split /=/;
            open my $f, "<:raw", $file or die; local $/; my $data = <$f>;
            $body .= pack("VV", hex $address, length $data) . $data;
        }
        my $target = pack("a6CVa255VV", "Target", 0, 1, "sim", length $body, scalar @elements);
        my $all = pack("a5CVC", "DfuSe", 1, 11 + length($target . $body), 1) . $target . $body;
        $all .= pack("vvvva3C", 0, 0xDF11, 0x0483, 0x011A, "UFD", 16);
        open my $f, ">:raw", $out or die;
        print $f $all, pack("V", ~crc32($all) & 0xFFFFFFFF);' "$@"
}

# ---- listing -------------------------------------------------------------------------------------
exits 0 "dfu-util lists three boards" sim -n 3 -b stm32f205 -b stm32f405 -- dfu -l
is "$(grep -c '^Found DFU: \[0483:df11\]' <<<"$OUT")" 12 "four alternate settings each"
like "$OUT" 'path="1-1", alt=0, name="@Internal Flash  /0x08000000/04\*016Kg,01\*064Kg,07\*128Kg", serial="356900003437"' \
    "layout, path and serial of board 0"
like "$OUT" 'path="1-3", alt=1, name="@Option Bytes  /0x1FFFC000/01\*016 e", serial="356900023437"' \
    "option bytes, path and serial of board 2"

# ---- writing and reading back --------------------------------------------------------------------
exits 0 "write, then read back" sim -d boards -- sh -c \
    'dfu -a 0 -s 0x08000000 -D image.bin && dfu -a 0 -s 0x08000000:102400 -U back.bin'
same back.bin image.bin "what was read is what was written"
ok "and it is in the flash file" cmp -n 102400 image.bin boards/board-0.flash
is "$(stat -c %s boards/board-0.flash)" 1048576 "whose size is the flash's"

cat >leave.sh <<'SCRIPT'
dfu -a 0 -s 0x08004000:leave -D image.bin && sleep 0.2
dfu -l; "$FIRN" sim control status
"$FIRN" sim control "replug 0"; dfu -l
SCRIPT
exits 0 "leave" sim -- sh leave.sh
like "$OUT" 'Submitting leave request' "dfu-util leaves"
like "$OUT" '"plugged":true,"running":true,"state":"appIDLE"' "the board runs"
is "$(grep -c '^Found DFU' <<<"$OUT")" 4 "and is back in its bootloader after a replug only"
like "$OUT" '"erases":4,"overwritten_bytes":0' "four sectors erased, none forgotten"

head -c 5000 image.bin >vectors.bin
dfuse_file image.dfu 08000000=vectors.bin 08020000=image.bin
exits 0 "a DfuSe file of two elements" sim -d two -- dfu -a 0 -s :leave -D image.dfu
ok "its first element" cmp -n 5000 vectors.bin two/board-0.flash
ok "its second element" cmp -n 102400 image.bin two/board-0.flash 0 0x20000
exits 0 "a board keeps its content" sim -d two -- dfu -a 0 -s 0x08020000:102400 -U kept.bin
same kept.bin image.bin "which is read back later"

exits 0 "mass erase" sim -d two -- dfu -a 0 -s 0x08000000:mass-erase:force -D vectors.bin
is "$(tail -c +5001 two/board-0.flash | tr -d '\377' | wc -c)" 0 "leaves only what was written then"

# ---- several boards ------------------------------------------------------------------------------
for i in 0 1 2; do { echo "board $i" && head -c $((20000 + i)) /dev/urandom; } >image-$i.bin; done
exits 0 "three boards, by path and serial" sim -n 3 -d three -- sh -c \
    'dfu -p 1-1 -a 0 -s 0x08000000 -D image-0.bin && dfu -S 356900013437 -a 0 -s 0x08000000 -D image-1.bin &&
     dfu -p 1-3 -a 0 -s 0x08000000 -D image-2.bin'
for i in 0 1 2; do ok "board $i has its image" cmp -n 20000 image-$i.bin three/board-$i.flash; done

cat >together.sh <<'SCRIPT'
for i in 0 1 2; do
    dfu -p 1-$((i + 1)) -a 0 -s 0x08000000:leave -D image.bin >log-$i || echo "board $i failed" &
done
wait
SCRIPT
exits 0 "three programs at the same time" sim -n 3 -d together -- sh together.sh
is "$OUT" "" "none failed"
for i in 0 1 2; do ok "board $i has the image" cmp -n 102400 image.bin together/board-$i.flash; done

# ---- what the device refuses ---------------------------------------------------------------------
exits 74 "an address out of range" sim -- dfu -a 0 -s 0x09000000:force -D image.bin
like "$OUT" 'SET_ADDRESS not correctly executed' "is reported"
exits 0 "and read from the next session" sim -- sh -c \
    'dfu -a 0 -s 0x09000000:force -D image.bin; dfu -a 0 -s 0x08000000:16 -U 16.bin'
like "$OUT" 'DFU state\(10\) = dfuERROR, status\(1\)' "as errTARGET"
like "$OUT" 'Clearing status' "that is cleared"

# ---- faults --------------------------------------------------------------------------------------
# fault NAME STATUS FAULT REGEX: a download under this fault
fault() {
    exits "$2" "$1" sim -f "0 $3" -d fault -- dfu -a 0 -s 0x08000000 -D image.bin
    like "$OUT" "$4" "$1 is seen"
    rm -rf fault
}
fault "a stall" 74 on=dnload,after=5,do=stall 'Error during download'
fault "a garbled transfer" 74 on=dnload,after=5,do=protocol 'Error during download'
fault "a status" 74 on=dnload,after=5,do=status,code=6 'status\(6\) = Program memory function failed'
fault "an unplugged cable" 74 on=dnload,after=5,do=unplug 'Error during download'
fault "a cable that is plugged in again" 74 on=erase,after=2,do=unplug,replug=20 'Error during special command'
fault "a hanging GETSTATUS" 74 on=getstatus,after=5,do=hang 'Error during special command'
fault "an ignored write" 0 on=dnload,after=5,do=ignore 'File downloaded successfully'
fault "a wrong write" 0 on=dnload,after=5,do=corrupt 'File downloaded successfully'
fault "a delay" 0 on=dnload,after=5,do=delay,ms=50 'File downloaded successfully'
fault "a long poll" 0 on=dnload,after=5,do=poll,ms=50 'File downloaded successfully'

exits 0 "a wrong read-back" sim -d two -f "0 on=upload,block=3,do=corrupt" -- dfu -a 0 -s 0x08000000:5000 -U wrong.bin
is "$(cmp -l wrong.bin vectors.bin | wc -l)" 1 "is one wrong byte"
exits 0 "a short read-back" sim -d two -f "0 on=upload,block=3,do=short" -- dfu -a 0 -s 0x08000000:5000 -U short.bin
is "$(stat -c %s short.bin)" 3072 "ends the upload"

cat >busy.sh <<'SCRIPT'
"$FIRN" sim control "fault 0 on=set-address,do=busy"
timeout 30 dfu-util -a 0 -s 0x08000000 -D image.bin >/dev/null 2>&1; echo "ended with $?"
"$FIRN" sim control status
"$FIRN" sim control "replug 0"; dfu -a 0 -s 0x08000000 -D image.bin
SCRIPT
exits 0 "a device that is busy for ever" sim -- sh busy.sh
like "$OUT" 'ended with 74' "makes dfu-util give up"
like "$OUT" '"state":"dfuDNBUSY"' "leaves it as it is"
like "$OUT" 'File downloaded successfully' "and the simulator goes on"

cat >unplug.sh <<'SCRIPT'
"$FIRN" sim control "fault 0 on=upload,after=20,do=hang"
timeout 30 dfu-util -a 0 -s 0x08000000:1048576 -U hung.bin >log 2>&1 &
sleep 0.5; "$FIRN" sim control "unplug 0"; wait $!; echo "ended with $?"
SCRIPT
exits 0 "a cable pulled while a transfer hangs" sim -- sh unplug.sh
like "$OUT" 'ended with 0|ended with 74' "ends the program"

# ---- time ----------------------------------------------------------------------------------------
head -c 4096 image.bin >small.bin
start=$(date +%s%N)
exits 0 "x8 timing" sim -t x8 -- dfu -a 0 -s 0x08000000 -D small.bin
ms=$((($(date +%s%N) - start) / 1000000))
[ "$ms" -ge 465 ] && pass "takes the erase and the writes" || fail "takes the erase and the writes" "$ms ms"

done_testing
