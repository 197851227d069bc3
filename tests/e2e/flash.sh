#!/bin/bash
# firn devices and firn flash over libusb, against simulated boards; Debian's dfu-util as the judge.
# What firn says when something goes wrong is compared with tests/data/flash/*.expected.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit 1
export FIRN_HOME=$T/home # rescue files: all tests have boards of one port and serial
export FIRN
expected=$TOP/tests/data/flash

# dfuse_file OUT VENDOR PRODUCT ADDRESS=FILE...: a DfuSe file (UM0391), made without firn
dfuse_file() {
    perl -MCompress::Raw::Zlib -e '
        my ($out, $vendor, $product, @elements) = @ARGV;
        my $body = "";
        for (@elements) {
            my ($address, $file) = split /=/;
            open my $f, "<:raw", $file or die; local $/; my $data = <$f>;
            $body .= pack("VV", hex $address, length $data) . $data;
        }
        my $target = pack("a6CVa255VV", "Target", 0, 1, "test", length $body, scalar @elements);
        my $all = pack("a5CVC", "DfuSe", 1, 11 + length($target . $body), 1) . $target . $body;
        $all .= pack("vvvva3C", 0xFFFF, hex $product, hex $vendor, 0x011A, "UFD", 16);
        open my $f, ">:raw", $out or die;
        print $f $all, pack("V", ~crc32($all) & 0xFFFFFFFF);' "$@"
}
# The same bytes at every run, so that messages are, too: N bytes, none of them 0xFF.
bytes() { perl -e 'print chr($_ * 7 % 251) for 1 .. $ARGV[0]' "$1"; }

bytes 100000 >image.bin
bytes 16000 >first.bin
bytes 70000 >second.bin
# A flash with another program, as large as image.bin.
{ head -c 100000 /dev/zero; head -c $((1048576 - 100000)) /dev/zero | tr '\0' '\377'; } >old.flash
dfuse_file image.dfu 0483 df11 0x08000000=image.bin
dfuse_file parts.dfu 0483 df11 0x08000000=first.bin 0x08020000=second.bin
dfuse_file other.dfu 1209 beef 0x08000000=first.bin

sim() { timeout 100 "$FIRN" sim "$@"; }
# says STATUS NAME EXPECTED SIM-OPTIONS... -- COMMAND...: exit status, and standard error byte for byte
# but for tenths of seconds
says() {
    local status=$1 name=$2 file=$3 got=0
    shift 3
    sim "$@" >stdout 2>stderr || got=$?
    sed -i -E 's/after ([0-9]+)\.[0-9] s/after \1.N s/' stderr
    is "$got" "$status" "$name: exit status"
    same stderr "$expected/$file.expected" "$name: what it says"
}

# ---- devices -------------------------------------------------------------------------------------
exits 0 "devices" sim -n 2 -b stm32f205 -- "$FIRN" devices
printf '%s\n' "$OUT" >list
same list "$expected/devices.expected" "the table"
exits 0 "devices, none there" sim -- sh -c '"$FIRN" sim control "unplug 0" && "$FIRN" devices'
like "$OUT" 'no DFU devices' "says so"
like "$OUT" 'put the board into its bootloader' "and what to do"
exits 0 "devices --json" sim -- "$FIRN" devices --json
like "$OUT" '^\{"devices":\[\{"dialect":"ST DfuSe ROM","in_use":false,"mode":"DFU","name":"STM32  BOOTLOADER","path":"1-1","product":"df11"' "fields"
like "$OUT" '"state":"dfuIDLE","status":"OK","targets"' "state and status"
like "$OUT" '"incomplete":false,"name":"Internal Flash","sectors":12,"size":1048576' "the layout"
exits 2 "devices with an argument" "$FIRN" devices 1-1

# ---- flash ---------------------------------------------------------------------------------------
exits 0 "flash" sim -d one -- "$FIRN" flash image.dfu
like "$OUT" 'flashed and verified 97\.7 KiB on 1-1 in ' "its result"
like "$OUT" '^  digest  sha256 [0-9a-f]{64}$' "and the digest of what was written"
ok "the bytes are in the flash" cmp -n 100000 image.bin one/board-0.flash
is "$(tail -c +100001 one/board-0.flash | tr -d '\377' | wc -c)" 0 "and nothing else is"
exits 0 "flash again: nothing has to change" sim -d one -- "$FIRN" flash image.dfu --json
result=$(tail -1 <<<"$OUT")
like "$result" '"bytes_kept":0,"bytes_unchanged":100000,"bytes_written":0,.*"left":true,.*"sectors_erased":0,.*"verified":true' "says so"
is "$(grep -o '"phase":"[a-z]*","state":"begin"' <<<"$OUT" | cut -d'"' -f4 | tr '\n' ' ')" \
    "find plan leave return " "and only compares"
cp old.flash one/board-0.flash
exits 0 "flash over another program" sim -d one -- "$FIRN" flash image.dfu --json
result=$(tail -1 <<<"$OUT")
like "$result" '"bytes_kept":0,.*"digest":"[0-9a-f]{64}","dry_run":false,"event":"result","exit":0,"failed":0,"left":true,"ok":true,"path":"1-1"' "the result event"
like "$result" '"seconds":[0-9.]+,"sectors_erased":5,"serial":"356900003437","verified":true' "... all of it"
is "$(grep -o '"phase":"[a-z]*","state":"begin"' <<<"$OUT" | cut -d'"' -f4 | tr '\n' ' ')" \
    "find plan write verify leave return " "the phases"
cp old.flash one/board-0.flash
exits 0 "nothing was programmed over old bytes" sim -d one -- sh -c '"$FIRN" -q flash image.dfu && "$FIRN" sim control status'
like "$OUT" '"overwritten_bytes":0' "... by the simulator's count"
like "$OUT" '"running":true' "and the board runs"
exits 0 "--no-leave" sim -- sh -c '"$FIRN" -q flash image.dfu --no-leave && "$FIRN" sim control status'
like "$OUT" '"plugged":true,"running":false,"state":"dfuIDLE"' "stays in the bootloader"
exits 0 "flash a raw binary" sim -d raw -- "$FIRN" flash image.bin --address 0x08004000
ok "at its address" cmp -n 100000 -i 0:16384 image.bin raw/board-0.flash
exits 0 "slow flash" sim -t x32 -b stm32f205 -- "$FIRN" flash parts.dfu

cat >both.sh <<'SCRIPT'
"$FIRN" -q flash image.dfu --path 1-1 & one=$!
"$FIRN" -q flash parts.dfu --path 1-2 & two=$!
wait $one && wait $two
SCRIPT
exits 0 "two firn, a board each" sim -n 2 -t x32 -d both -- sh both.sh
ok "the first one's image" cmp -n 100000 image.bin both/board-0.flash
ok "the second one's image" cmp -n 70000 -i 0:131072 second.bin both/board-1.flash

cat >busy.sh <<'SCRIPT'
rm -f events
"$FIRN" -q --events=3 flash image.dfu 3>events & pid=$!
until grep -qs '"phase":"write","state":"begin"' events; do sleep 0.05; done
"$FIRN" devices >busy.devices
"$FIRN" -q flash parts.dfu
status=$?
wait $pid && exit $status
SCRIPT
says 4 "a board that somebody else is flashing" busy -t x8 -d busy -- sh busy.sh
ok "is not disturbed" cmp -n 100000 image.bin busy/board-0.flash
same busy.devices "$expected/devices-busy.expected" "and listed with the one name that the kernel keeps"

# ---- what is not the image's is kept -------------------------------------------------------------
mkdir kept
bytes 1048576 >kept/board-0.flash
cp kept/board-0.flash before
exits 0 "flash two parts into a full flash" sim -d kept -- "$FIRN" flash parts.dfu --json
like "$OUT" '"bytes_kept":61456,' "says how much it kept"
{
    cat first.bin
    tail -c +16001 before | head -c $((131072 - 16000))
    cat second.bin
    tail -c +$((131072 + 70001)) before
} >after
ok "nothing but the parts has changed" cmp after kept/board-0.flash
{ head -c 3000 /dev/zero; tail -c +3001 after; } >kept/board-0.flash # its program is another one
cp kept/board-0.flash before
exits 0 "--dry-run" sim -d kept -- "$FIRN" -q flash parts.dfu --dry-run --path 1-1
exits 0 "... prints the plan" sim -d kept -- "$FIRN" flash parts.dfu --dry-run
sed 's/about .*;/about N s;/' <<<"$OUT" | grep -v '^  ' >plan
same plan "$expected/plan.expected" "erase, write, the vector table last"
exits 0 "... as JSON" sim -d kept -- "$FIRN" flash parts.dfu --dry-run --json
like "$OUT" '"plan":\{"erase":\[\{"address":"0x08000000","alt":0,"keeps_data":true,"size":16384\}' "..."
ok "... and changes nothing" cmp before kept/board-0.flash

# ---- dfu-util ------------------------------------------------------------------------------------
exits 0 "dfu-util reads what firn wrote" sim -- sh -c \
    '"$FIRN" -q flash image.dfu --no-leave && dfu-util -a 0 -s 0x08000000:100000 -U back.bin'
ok "the same bytes" cmp image.bin back.bin
exits 0 "dfu-util writes, firn flashes after it" sim -d theirs -- sh -c \
    'dfu-util -a 0 -s 0x08000000 -D image.bin && "$FIRN" flash second.bin --address 0x08020000'
ok "and keeps what dfu-util wrote" cmp -n 100000 image.bin theirs/board-0.flash
# firn reads back what dfu-util wrote: the tail of its last sector is what is kept.
exits 0 "firn reads what dfu-util wrote" sim -d read -- sh -c \
    'dfu-util -a 0 -s 0x08000000 -D image.bin && "$FIRN" flash first.bin --address 0x08010000'
{ head -c 65536 image.bin; cat first.bin; tail -c +$((65536 + 16001)) image.bin; } >merged
ok "and merges it with its own" cmp -n 100000 merged read/board-0.flash
exits 0 "out of dfuERROR, where dfu-util may leave a board" sim -f "0 on=erase,do=status,code=10" -- \
    sh -c '! dfu-util -a 0 -s 0x08000000 -D first.bin && "$FIRN" flash image.dfu'

# ---- which board ---------------------------------------------------------------------------------
says 4 "no board" none -- sh -c '"$FIRN" sim control "unplug 0" && "$FIRN" -q flash image.dfu'
says 4 "another board" other -n 2 -- "$FIRN" -q flash other.dfu
says 4 "two boards" two -n 2 -- "$FIRN" -q flash image.dfu
exits 0 "... one by its path" sim -n 2 -d two -- "$FIRN" flash image.dfu --path 1-2
ok "... it is that one" cmp -n 100000 image.bin two/board-1.flash
is "$(tr -d '\377' <two/board-0.flash | wc -c)" 0 "... and the other one is untouched"
exits 0 "... one by its serial" sim -n 2 -d two -- "$FIRN" flash image.dfu --serial 356900003437
ok "... it is that one" cmp -n 100000 image.bin two/board-0.flash
exits 0 "an image for another board, all the same" sim -- "$FIRN" flash other.dfu --usb 0483:DF11
exits 4 "a path where there is none" sim -- "$FIRN" -q flash image.dfu --path 1-9
like "$OUT" 'looked for a board 0483:df11 in DFU mode on port 1-9, which is none of these' "is named"
# ids from the sidecar of a file that has none itself
cat >first.json <<<'{"usb": {"vendor": "1209", "product": "beef"}}'
exits 4 "ids from the sidecar" sim -- "$FIRN" -q flash first.bin --address 0x08000000
like "$OUT" 'looked for a board 1209:beef in DFU mode' "count"
cat >image.json <<<'{"digest": "0000000000000000000000000000000000000000000000000000000000000000"}'
exits 5 "an image that is not its sidecar's" sim -- "$FIRN" -q flash image.dfu
like "$OUT" "error: 'image.json' describes another image than 'image.dfu'" "is refused"
rm first.json image.json

# ---- what does not fit ---------------------------------------------------------------------------
says 4 "beyond the flash" beyond -- "$FIRN" -q flash image.bin --address 0x080f0000
says 4 "option bytes" options -- "$FIRN" -q flash second.bin --address 0x1fffc000 --alt 1
says 4 "a setting that the board does not have" alt -- "$FIRN" -q flash image.dfu --alt 7
exits 2 "a binary without an address" sim -- "$FIRN" -q flash image.bin
like "$OUT" '--address 0x08000000' "names the option"
exits 2 "an address for a file that has its own" "$FIRN" -q flash image.dfu --address 0
exits 2 "no such image" "$FIRN" -q flash nothing.dfu
like "$OUT" "nothing.dfu" "is named"
printf 'firn: 1\nprodukt: x\n' >wrong.yaml
exits 2 "a manifest that is wrong" "$FIRN" -q flash wrong.yaml
like "$OUT" "wrong.yaml:2:1: .*produkt" "says where"
exits 2 "no image" "$FIRN" -q flash
exits 2 "two images" "$FIRN" -q flash image.dfu parts.dfu
exits 2 "a wrong id" "$FIRN" -q flash image.dfu --usb 0483
like "$OUT" "'0483' is not like 0483:df11" "is named"
exits 2 "an unknown option" "$FIRN" -q flash image.dfu --erase
exits 2 "an option without its value" "$FIRN" -q flash image.dfu --path

# ---- faults --------------------------------------------------------------------------------------
# fault EXPECTED FAULT NAME: firn fails as it should, and running it again mends the board
fault() {
    rm -rf board
    mkdir board
    cp old.flash board/board-0.flash
    says 4 "$3" "$1" -d board -f "0 $2" -- "$FIRN" -q flash image.dfu
    exits 0 "... again" sim -d board -- "$FIRN" -q flash image.dfu
    ok "... is mended" cmp -n 100000 image.bin board/board-0.flash
}
fault unplug-erase "on=erase,after=2,do=unplug" "unplugged while erasing"
fault unplug-write "on=dnload,after=8,do=unplug" "unplugged while writing"
fault unplug-verify "on=upload,after=40,do=unplug" "unplugged while reading back"
fault stall-write "on=dnload,after=3,do=stall" "a write is refused"
fault error-erase "on=erase,after=1,do=status,code=4" "an erase fails"
fault error-write "on=dnload,after=3,do=status,code=6" "a write fails"
fault protected "on=upload,do=status,code=11" "read protection"
fault corrupt-read "on=upload,after=40,do=corrupt" "wrong bytes are read back"
fault corrupt-write "on=dnload,after=10,do=corrupt" "wrong bytes are written"
fault ignored-write "on=dnload,after=10,do=ignore" "a write that does nothing"
fault short-read "on=upload,after=40,do=short" "a short read"
fault stuck "on=set-address,after=3,do=busy" "stuck busy"
fault long-poll "on=erase,do=poll,ms=60000" "it asks to wait for a minute"
exits 0 "unplugged at leave, after it was verified" sim -f "0 on=leave,do=unplug" -- "$FIRN" flash image.dfu
like "$OUT" 'flashed and verified' "is success"
exits 0 "a board that is slower than it says" sim -f "0 on=erase,do=delay,ms=700" -- "$FIRN" flash first.bin --address 0x08000000
exits 0 "--no-verify" sim -f "0 on=dnload,do=corrupt" -- "$FIRN" flash image.dfu --no-verify
like "$OUT" 'warning: not verified, as --no-verify asks' "is said aloud"
like "$OUT" 'flashed, NOT verified: 97.7 KiB' "... twice"

# ---- Ctrl-C --------------------------------------------------------------------------------------
cat >interrupt.sh <<'SCRIPT'
rm -f events
"$FIRN" -q --events=3 flash image.dfu 3>events & pid=$!
until grep -qs '"phase":"write","state":"begin"' events; do sleep 0.05; done
sleep 0.5
kill -INT $pid
wait $pid
SCRIPT
rm -rf board
says 130 "Ctrl-C while it erases" interrupt -t x8 -d board -- sh interrupt.sh
exits 0 "... again" sim -d board -- "$FIRN" -q flash image.dfu
ok "... is mended" cmp -n 100000 image.bin board/board-0.flash

# ---- permission ----------------------------------------------------------------------------------
# Without the capability that lets root open everything; other users have none.
cat >permission.sh <<'SCRIPT'
chmod 0 "$UMOCKDEV_DIR"/dev/bus/usb/001/002
as=
[ "$(id -u)" != 0 ] || as="setpriv --bounding-set=-dac_override,-dac_read_search"
$as "$FIRN" devices >permission.list
$as "$FIRN" -q flash image.dfu --path 1-1
SCRIPT
says 4 "a board that may not be opened" permission -n 2 -- sh permission.sh
same permission.list "$expected/permission-list.expected" "is listed with the rule that mends it"

done_testing
