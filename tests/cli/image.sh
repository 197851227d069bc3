#!/bin/bash
# firn image: what it shows, conversions in all directions, and what the tools of others say of our
# files: dfu-suffix of the .dfu, objcopy of the .hex.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit 1

# 5000 bytes of every value, without a gap.
awk 'BEGIN { srand(7); for (i = 0; i < 5000; i++) printf "%c", (i * 7 + int(i / 251)) % 128 }' >fw.bin

exits 0 'a raw binary without an address' "$FIRN" image fw.bin
like "$OUT" '^    0  none                      4.9 KiB' '... has none'
like "$OUT" '^  address  none: .* give --address 0x08000000$' '... which it says'
exits 0 'a raw binary' "$FIRN" image fw.bin --address 0x08004000
like "$OUT" '^fw.bin: raw binary$' '... is named'
like "$OUT" '^    0  0x08004000-0x08005387     4.9 KiB  [0-9a-f]{16}\.\.\.$' '... has one segment'
like "$OUT" "sha256 $(sha256sum fw.bin | cut -d' ' -f1)" '... and the sum that sha256sum prints'

ok 'bin to dfu' "$FIRN" image fw.bin --address 0x08004000 --usb 0483:df11 -o a.dfu
ok 'dfu to hex' "$FIRN" image a.dfu -o a.hex
ok 'hex to bin' "$FIRN" image a.hex -o a.bin
ok 'bin to hex' "$FIRN" image fw.bin --address 0x08004000 -o b.hex
ok 'hex to dfu' "$FIRN" image b.hex --usb 0483:df11 -o b.dfu
ok 'dfu to bin' "$FIRN" image b.dfu -o b.bin
ok 'dfu to dfu' "$FIRN" image b.dfu -o c.dfu
ok 'the same bytes after dfu, hex, bin' cmp fw.bin a.bin
ok 'the same bytes after hex, dfu, bin' cmp fw.bin b.bin
ok 'the same image is the same .hex' cmp a.hex b.hex
ok 'the same image is the same .dfu' cmp a.dfu b.dfu
ok 'its ids are kept' cmp b.dfu c.dfu

# ---- plain DFU files, without addresses ----
ok 'bin to plain dfu' "$FIRN" image fw.bin --format dfu --usb 1d50:6017 --device 0x0200 -o plain.dfu
ok 'dfuse to plain dfu' "$FIRN" image a.dfu --format dfu --usb 1d50:6017 --device 0200 -o plain2.dfu
ok 'the same payload is the same file' cmp plain.dfu plain2.dfu
ok 'plain dfu to bin' "$FIRN" image plain.dfu -o plain.bin
ok 'the same bytes' cmp fw.bin plain.bin
ok 'plain dfu stays plain' "$FIRN" image plain.dfu -o plain3.dfu
ok 'the same file' cmp plain.dfu plain3.dfu
ok 'with an address it becomes DfuSe' "$FIRN" image plain.dfu --address 0x08004000 --usb 0483:df11 \
    --device ffff -o plain4.dfu
ok 'the same image' cmp a.dfu plain4.dfu
ok 'or Intel HEX' "$FIRN" image plain.dfu --address 0x08004000 -o plain.hex
ok 'the same bytes there' cmp a.hex plain.hex
ok 'a name without a meaning, and a format' "$FIRN" image a.dfu --format bin -o plain.rom
ok 'is that format' cmp fw.bin plain.rom

exits 0 'dfu-suffix accepts the .dfu' dfu-suffix -c a.dfu
like "$OUT" 'Product ID:	0xDF11' 'dfu-suffix: the product id'
like "$OUT" 'Vendor ID:	0x0483' 'dfu-suffix: the vendor id'
like "$OUT" 'BCD DFU:	0x011A' 'dfu-suffix: a DfuSe file'
ok 'objcopy reads the .hex' objcopy -I ihex -O binary a.hex objcopy.bin
ok 'objcopy: the same bytes' cmp fw.bin objcopy.bin
ok 'objcopy writes a .hex' objcopy -I binary -O ihex --change-addresses 0x08004000 fw.bin objcopy.hex
ok 'which firn reads' "$FIRN" image objcopy.hex -o objcopy.dfu --usb 0483:df11
ok 'as the same image' cmp a.dfu objcopy.dfu

# ---- --json ----
"$FIRN" image a.dfu --json >json 2>err
is "$(cat err)" '' 'json: nothing on standard error'
is "$(wc -l <json)" 1 'json: one line'
field() { /usr/bin/python3 -c 'import json, sys
value = json.load(open("json"))
for key in sys.argv[1].split("."):
    value = value[int(key)] if isinstance(value, list) else value[key]
print(value)' "$1"; }
is "$(field event) $(field ok) $(field exit)" 'result True 0' 'json: the result'
is "$(field format) $(field size) $(field usb)" 'dfuse 5000 0483:df11' 'json: format, size, ids'
is "$(field segments.0.address)" 0x08004000 'json: a segment'
is "$(field sha256)" "$(sha256sum a.dfu | cut -d' ' -f1)" 'json: the sum of the file'
is "$(field segments.0.sha256)" "$(sha256sum fw.bin | cut -d' ' -f1)" 'json: the sum of the bytes'

sed -n '/^```python$/,/^```$/p' "$TOP/docs/image.md" | grep -v '^```' >digest.py
is "$(/usr/bin/python3 digest.py fw.bin 0x08004000)" "$(field digest)" \
    'the digest is what the program in docs/image.md computes'

# ---- the sidecar ----
digest=$(field digest)
sidecar() { cat >"$1" <<JSON
{"product": "greeter", "version": "1.4.0", "board": {"port": "stm32", "name": "PYBV11", "variant": null},
 "digest": "$2", "usb": {"vendor": "0483", "product": "df11", "enter": "repl"},
 "files": {"bin": {"size": 5000, "sha256": "$(sha256sum fw.bin | cut -d' ' -f1)"}},
 "segments": [{"alt": 0, "address": "0x08004000", "size": 5000, "sha256": "x"}]}
JSON
}
sidecar a.json "$digest"
exits 0 'with a sidecar' "$FIRN" image a.hex
like "$OUT" '^  product  greeter 1\.4\.0$' 'sidecar: the product'
like "$OUT" '^  board    PYBV11 \(stm32\)$' 'sidecar: the board'
like "$OUT" '^  usb      0483:df11$' 'sidecar: the ids, which a .hex cannot hold'
exits 0 'a .bin needs no --address with it' "$FIRN" image a.bin -o named.dfu
ok 'dfu-suffix accepts that .dfu' dfu-suffix -c named.dfu
like "$(strings -n 5 named.dfu)" '^greeter 1\.4\.0$' 'the .dfu says what it is'
cp plain.dfu b.dfu && sidecar b.json "$digest"
exits 0 'a plain DFU file of the .bin that the sidecar lists' "$FIRN" image b.dfu
like "$OUT" '^  product  greeter 1\.4\.0$' '... is the one that it describes'
sidecar a.json "${digest//[0-9]/0}"
cp a.hex other.hex && sed '2s/.*/:0100000000FF/' a.hex >changed.hex && sidecar changed.json x
exits 0 'a sidecar of another image' "$FIRN" image changed.hex
like "$OUT" "warning: 'changed.json' describes another image than 'changed.hex'" \
    '... is not believed'
unlike "$OUT" 'greeter' '... and its product not shown'
echo '{' >other.json
exits 0 'a damaged sidecar' "$FIRN" image other.hex
like "$OUT" 'warning: other.json:.*not JSON' '... is a warning'

# ---- a program that is linked elsewhere than it is flashed ----
printf 'int _start(void) { return 0; }\n' >p.c
if command -v arm-none-eabi-gcc >/dev/null; then
    arm-none-eabi-gcc -nostdlib -Wl,-Ttext=0,--build-id=none,-n -o p.elf p.c
    exits 0 'an ELF program' "$FIRN" image p.elf
    like "$OUT" '^    0  0x00000000-' '... at its load address'
    sidecar p.json x
    exits 0 'with a sidecar that says where flash is' "$FIRN" image p.elf
    like "$OUT" "warning: 'p.elf' is linked to 0x00000000, but the board's flash is at 0x08004000" '... warns'
    exits 1 'and is not converted' "$FIRN" image p.elf -o p.dfu
    like "$OUT" 'use the .dfu, .hex or .bin beside it' '... says what to use'
    [ -e p.dfu ] && fail 'and nothing is written' || pass 'and nothing is written'
else
    skip 'ELF: no arm-none-eabi-gcc'
fi

# ---- what is wrong is said ----
exits 2 'no file' "$FIRN" image
exits 2 'two files' "$FIRN" image a.dfu b.dfu
exits 2 'an unknown option' "$FIRN" image a.dfu --foo
exits 2 'an output of another kind' "$FIRN" image a.dfu -o x.elf
like "$OUT" "'x.elf' must end with .dfu, .hex or .bin" '... names those that there are'
exits 2 'no address' "$FIRN" image fw.bin --address here
exits 2 'an unknown format' "$FIRN" image fw.bin -o x.dfu --format elf
like "$OUT" "'elf' is not a format: dfuse, dfu, hex or bin" '... names those that there are'
exits 2 'a format for nothing' "$FIRN" image fw.bin --format dfu
exits 2 'no device' "$FIRN" image a.dfu -o x.dfu --device 12345
exits 2 'a device without a .dfu' "$FIRN" image a.dfu -o x.hex --device 0200
exits 2 'no ids' "$FIRN" image fw.bin --address 0 -o x.dfu --usb 0483
exits 2 'ids without a .dfu' "$FIRN" image a.dfu --usb 0483:df11 -o x.hex
exits 2 'an address for a .dfu' "$FIRN" image a.dfu --address 0x08000000
like "$OUT" 'holds its own addresses' '... has its own'
exits 2 'no such file' "$FIRN" image none.dfu
like "$OUT" "cannot open 'none.dfu': No such file" '... is named'
exits 1 'a directory' "$FIRN" image .
: >empty.dfu
exits 1 'an empty file' "$FIRN" image empty.dfu
like "$OUT" "'empty.dfu' is empty" '... is named'
head -c 300 a.dfu >cut.dfu
exits 1 'a file cut short' "$FIRN" image cut.dfu
like "$OUT" "cannot read 'cut.dfu': DfuSe file: no DFU suffix at the end" '... is refused'
exits 2 'a .bin to .dfu without an address' "$FIRN" image fw.bin -o x.dfu
{ head -c 1000 a.dfu; printf 'x'; tail -c +1002 a.dfu; } >damaged.dfu
exits 1 'a damaged file' "$FIRN" image damaged.dfu
like "$OUT" 'the file is damaged' '... is refused'
exits 1 'nowhere to write' "$FIRN" image a.dfu -o none/x.hex
like "$OUT" "cannot write 'none/x.hex': No such file" '... is named'
mkdir small
if mount -t tmpfs -o size=8k tmpfs small 2>/dev/null; then
    exits 1 'a full disk' "$FIRN" image a.dfu -o small/x.hex
    like "$OUT" 'No space left on device' '... is named'
    like "$OUT" 'free some space' '... with what to do'
    is "$(ls -A small)" '' '... and nothing half written is left'
    umount small
else
    skip 'a full disk: cannot mount a small file system here'
fi
done_testing
