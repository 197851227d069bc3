#!/bin/bash
# mboot: a boot loader beside the program, on a port made here: two makefiles, each of which compiles
# one file; and, where its submodules are at hand (FIRN_TEST_STM32_MIRRORS, see build-ports.sh),
# MicroPython's own.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../home.sh"
own_home "$T/home"
cd "$T" || exit 1

# ---- a port with a boot loader ------------------------------------------------------------------
mkdir -p src/port/mboot src/port/boards/{GOOD,NONE,TALL,LOST,SIGNED} src/cross keys
fake_port
cat >>"$FIRN_DATA/firmware-src/fake.yaml" <<'END'
    usb: "0483:df11"
    bootloader:
      name: mboot
      dir: port/mboot
      elf: loader.elf
      make: {USE_MBOOT: 1}
      address_var: LOADER
      program_address_var: TEXT0
      usb_vendor_var: VID
      usb_product_var: PID
      version_section: .version
      packing_var: PACKING
      keys_var: KEYS
      chunk_size_var: CHUNK
      storage_start_symbol: storage_start
      storage_end_symbol: storage_end
    known_boards: [GOOD, NONE, TALL, LOST, SIGNED]
END
echo '/* nothing */' >src/port/config.h
# Boards: one that has room for it, one that was not made for it, one whose program is linked into
# it, one whose program is elsewhere than it says, and one that takes only what is signed.
echo 'TEXT0 = $(if $(filter 1,$(USE_MBOOT)),0x08008000,0x08000000)' >src/port/boards/GOOD/board.mk
echo 'TEXT0 = 0x08000000' >src/port/boards/NONE/board.mk
printf 'TEXT0 = 0x08000040\n' >src/port/boards/TALL/board.mk
printf 'TEXT0 = 0x08008000\nLINK = 0x08010000\n' >src/port/boards/LOST/board.mk
printf 'TEXT0 = 0x08008000\nPACKING = 1\n' >src/port/boards/SIGNED/board.mk
cat >src/port/Makefile <<'END'
CROSS_COMPILE ?= arm-none-eabi-
include $(if $(BOARD_DIR),$(BOARD_DIR),boards/$(BOARD))/board.mk
LINK ?= $(TEXT0)
$(BUILD)/firmware.elf: main.c config.h
	@echo "CC main.c"
	@$(CROSS_COMPILE)gcc -mcpu=cortex-m4 -mthumb -Os -nostdlib -I. $(CFLAGS_EXTRA) -DSIZE=20001 -Wl,-Ttext=$(LINK),--build-id=none,-e,vectors $(STORAGE) -o $@ $<
END
cat >src/port/main.c <<'END'
#include MP_CONFIGFILE
__attribute__((section(".text"))) const unsigned char vectors[SIZE] = {1, 2, 3, [SIZE - 1] = 9};
const char name[] __attribute__((used)) = FIRN_PRODUCT;
END
cat >src/port/mboot/Makefile <<'END'
CROSS_COMPILE ?= arm-none-eabi-
LOADER = 0x08000000
VID = 0x1209
PID = 0xB007
CHUNK ?= 4096
include $(if $(BOARD_DIR),$(BOARD_DIR),../boards/$(BOARD))/board.mk
ifeq ($(PACKING),1)
FLAGS = -DKEYS='"$(KEYS)"'
endif
$(BUILD)/loader.elf: loader.c
	@echo "CC loader.c"
	@test "$(USE_MBOOT)" = 1
	@$(CROSS_COMPILE)gcc -mcpu=cortex-m4 -mthumb -Os -nostdlib -I.. $(CFLAGS_EXTRA) $(FLAGS) -Wl,-Ttext=$(LOADER),--section-start=.version=0x08007fc0,--build-id=none,-e,vectors -o $@ $<
END
cat >src/port/mboot/loader.c <<'END'
#include MP_CONFIGFILE
#ifdef KEYS
#include KEYS
#endif
__attribute__((section(".text"))) const unsigned char vectors[256] = {7};
const char version[] __attribute__((used, section(".version"))) = "loader-1.2";
END
git -C src init -q && git -C src add -A
git -C src -c user.name=A -c user.email=a@localhost commit -qm first
ref=$(git -C src rev-parse HEAD)

# manifest FILE BOARD MBOOT [LINE...]
manifest() {
    local file=$1.yaml
    printf 'firn: 1\nproduct: %s\nversion: 1.0\nfirmware: {interpreter: fake, git: "%s", ref: %s}\nboard: %s\n' \
        "$1" "$T/src" "$ref" "$2" >"$file"
    [ -z "$3" ] || echo "mboot: $3" >>"$file"
    shift 3
    [ $# = 0 ] || printf '%s\n' "$@" >>"$file"
}
json() { python3 -c 'import json, sys; print(eval(sys.argv[2], {"j": json.load(open(sys.argv[1]))}))' "$@"; }

manifest plain GOOD ''
exits 0 'without it' "$FIRN" build plain.yaml -o out
is "$(json out/plain-1.0.json '[s["address"] for s in j["segments"]], "bootloader" in j')" "(['0x08000000'], False)" \
    'without it: the program alone, where the board has it'

manifest good GOOD true
exits 0 'with it' "$FIRN" build good.yaml -o out
like "$OUT" 'bootloader .* loader-1.2' 'with it: its phase'
is "$(json out/good-1.0.json '[(s["address"], s["part"]) for s in j["segments"]]')" \
    "[('0x08000000', 'bootloader'), ('0x08007fc0', 'bootloader'), ('0x08008000', 'program')]" 'with it: the segments'
is "$(json out/good-1.0.json 'j["bootloader"]["version"], j["bootloader"]["size"], j["bootloader"]["program_address"]')" \
    "('loader-1.2', 267, '0x08008000')" 'with it: what the sidecar says of it'
is "$(json out/good-1.0.json 'j["usb"]["product"], j["program"]["usb"]["product"]')" "('df11', 'b007')" \
    'with it: the ids of the ROM for both, its own for the program'
ok 'with it: dfu-util takes both files' sh -c 'dfu-suffix -c out/good-1.0.dfu && dfu-suffix -c out/good-1.0.app.dfu'
"$FIRN" image out/good-1.0.app.dfu -o app.bin >/dev/null 2>&1
is "$(stat -c %s out/good-1.0.bin)" $((0x8000 + $(stat -c %s app.bin))) 'with it: the .bin is both'
ok 'with it: ... the program is at its address' cmp app.bin <(tail -c +$((0x8001)) out/good-1.0.bin)
exits 0 'the .app.dfu' "$FIRN" image out/good-1.0.app.dfu
like "$OUT" 'product +good 1.0' 'the .app.dfu: its sidecar is the image'"'"'s'
like "$OUT" 'usb +1209:b007' 'the .app.dfu: for the boot loader'
like "$OUT" '0x08008000-' 'the .app.dfu: holds the program'
unlike "$OUT" '0x08000000' 'the .app.dfu: and nothing else'

# Once for all products of a board; and again from nothing.
loaders() { grep -l '"bootloader"' "$FIRN_HOME"/bases/*/base.json | wc -l; }
manifest second GOOD true
exits 0 'a second product' "$FIRN" build second.yaml -o out
unlike "$OUT" 'bootloader' 'a second product: takes what is there'
is "$(loaders)" 1 'a second product: one boot loader is kept'
exits 0 'its cache entry' "$FIRN" cache bases
like "$OUT" 'mboot for fake/GOOD' 'its cache entry: says what it is'
manifest defined GOOD true 'config: {defines: {A: 1}}'
exits 0 'another macro' "$FIRN" build defined.yaml -o out
is "$(loaders)" 2 'another macro: another boot loader'

# What it costs, before it is paid; and once for two firns at the same time.
manifest planned GOOD true 'config: {defines: {B: 1}}'
exits 0 'explain, where it is missing' "$FIRN" explain planned.yaml
like "$OUT" 'for this product alone; the boot loader, mboot, is compiled, too$' 'explain: says that it is compiled, too'
sed 's/product: planned/product: beside/' planned.yaml >beside.yaml
"$FIRN" build planned.yaml -o out >planned.log 2>&1 &
other=$!
exits 0 'two that want the same' "$FIRN" build beside.yaml -o out
wait $other
is $? 0 'two that want the same: both'
is "$(cat planned.log <(echo "$OUT") | grep -c 'bootloader .*loader-1.2')" 1 'two that want the same: one compiles it'
is "$(loaders)" 3 'two that want the same: one is kept'
exits 0 'explain, where all is there' "$FIRN" explain planned.yaml
unlike "$OUT" 'boot loader' 'explain: says nothing of it then'
sed -i 's/^version: 1.0/version: 1.1/' planned.yaml
exits 0 'explain, where it alone is there' "$FIRN" explain planned.yaml
unlike "$OUT" 'boot loader' 'explain: nor where the product changed'
sed -i 's/B: 1/B: 2/' planned.yaml
exits 0 'explain, of another one' "$FIRN" explain planned.yaml
like "$OUT" 'the boot loader, mboot, is compiled, too; the last one took [0-9.]+ m?s$' 'explain: what the last one took'
"$FIRN" --json explain planned.yaml >explained.json 2>&1
like "$(cat explained.json)" '"bootloader": ?"mboot"' 'explain: for programs, too'
sed -i 's/B: 2/B: 3/' planned.yaml beside.yaml
sed -i 's/B: 1/B: 3/' beside.yaml
exits 0 'two at once, by one firn' "$FIRN" build planned.yaml beside.yaml
is "$(loaders)" 4 'two at once: one boot loader for both'

exits 0 '--twice' "$FIRN" build --twice good.yaml -o out
like "$OUT" '6 files, byte for byte the same' '--twice: every file'
exits 0 'outside the sandbox' "$FIRN" build --unsandboxed good.yaml -o unsandboxed
ok 'outside the sandbox: the same image' cmp out/good-1.0.dfu unsandboxed/good-1.0.dfu
sed -i '/^mboot:/d' good.yaml
exits 0 'without it again' "$FIRN" build good.yaml -o out
ok 'without it again: its file is gone' test ! -e out/good-1.0.app.dfu

# ---- on a board ----------------------------------------------------------------------------------
sed -i 's/^board:.*/&\nmboot: true/' good.yaml
exits 0 'both in one flash, by the ROM' "$FIRN" sim -d rom -- "$FIRN" flash good.yaml
ok 'by the ROM: the flash is the .bin' cmp -n "$(stat -c %s out/good/good-1.0.bin)" out/good/good-1.0.bin rom/board-0.flash
exits 0 'the program, by mboot' "$FIRN" sim -b mboot -d loader -- \
    "$FIRN" flash out/good/good-1.0.app.dfu --usb 0483:df11
ok 'by mboot: the program is in the flash' cmp -n 20001 -i 0:$((0x8000)) app.bin loader/board-0.flash

# ---- keys ----------------------------------------------------------------------------------------
cat >keys/mboot_keys.h <<'END'
//const uint8_t mboot_pack_sign_secret_key[] = {0xa2,0x5e,0x12,0xa4,0xee,0xb5,0x3d,0x09,0x6d,0x9a,0x2d,0x2f,0x92,0xec,0xf0,0x5e,0x44,0xd8,0x1f,0x6e,0x42,0xc6,0x1a,0x98,0x04,0x00,0x27,0x79,0xbc,0xd4,0x39,0xdf,0xec,0x6a,0x7d,0x44,0x46,0x2c,0xdb,0x3d,0x3a,0x99,0x7e,0xec,0x18,0xee,0xff,0xb9,0x74,0xdd,0x41,0xf7,0x69,0x4f,0xcc,0x53,0xec,0x2f,0x1e,0x82,0x91,0xea,0x54,0x7f};
const uint8_t mboot_pack_sign_public_key[] = {0xec,0x6a,0x7d,0x44,0x46,0x2c,0xdb,0x3d,0x3a,0x99,0x7e,0xec,0x18,0xee,0xff,0xb9,0x74,0xdd,0x41,0xf7,0x69,0x4f,0xcc,0x53,0xec,0x2f,0x1e,0x82,0x91,0xea,0x54,0x7f};
const uint8_t mboot_pack_secretbox_key[] = {0xc8,0xc7,0xc6,0xc5,0xc4,0xc3,0xc2,0xc1,0xc0,0xbf,0xbe,0xbd,0xbc,0xbb,0xba,0xb9,0xb8,0xb7,0xb6,0xb5,0xb4,0xb3,0xb2,0xb1,0xb0,0xaf,0xae,0xad,0xac,0xab,0xaa,0xa9};
END
# has FILE BYTE...: are these bytes in it?
has() { LC_ALL=C grep -qaP "$(printf '\\x%s' "${@:2}")" "$1"; }
signing=(a2 5e 12 a4 ee b5 3d 09) decrypting=(c8 c7 c6 c5 c4 c3 c2 c1)
manifest keyed SIGNED '{keys: keys/mboot_keys.h}'
exits 0 'with keys' "$FIRN" -q --events=3 build keyed.yaml -o out 3>events
ok 'with keys: a packed file, no plain one beside it' sh -c 'test -f out/keyed-1.0.pack.dfu && test ! -e out/keyed-1.0.app.dfu'
exits 0 'the packed file' "$FIRN" image out/keyed-1.0.pack.dfu
like "$OUT" 'packed +for mboot: encrypted and signed, 5 chunks of firmware' 'the packed file: chunks of the size that mboot has'
like "$OUT" 'the whole of 0x08008000-' 'the packed file: is of the program'
like "$OUT" 'product +keyed 1.0' 'the packed file: its sidecar is the image'"'"'s'
ok 'the boot loader has the key that decrypts' has out/keyed-1.0.bin "${decrypting[@]}"
ok 'so that only its owner reads the file' test "$(stat -c %a out/keyed-1.0.bin out/keyed-1.0.hex out/keyed-1.0.dfu | sort -u)" = 600
leaks=0
while read -r file; do
    ! has "$file" "${signing[@]}" || leaks=1
    ! grep -qiE '0xa2, ?0x5e, ?0x12|a25e12a4' "$file" || leaks=1
done < <(find out home/bases home/images home/logs events -type f)
is "$leaks" 0 'the key that signs is in no file, log or event'
ok 'the key that decrypts is in no sidecar, log or event' sh -c '! grep -rqiE "0xc8, ?0xc7|c8c7c6" out/keyed-1.0.json events home/logs'
is "$(json out/keyed-1.0.json 'j["inputs"]["keys/mboot_keys.h"]')" "$(sha256sum keys/mboot_keys.h | cut -d' ' -f1)" \
    'the sidecar has the hash of the keys'
exits 0 'with keys, --twice' "$FIRN" build --twice keyed.yaml -o out
like "$OUT" '6 files, byte for byte the same' 'with keys, --twice: the packed file, too'
echo '// another file' >>keys/mboot_keys.h
exits 0 'other keys' "$FIRN" build keyed.yaml -o out
like "$OUT" 'bootloader' 'other keys: another boot loader'

# ---- beside a file system ------------------------------------------------------------------------
# storage FILE START END: a product whose program has one there
storage() {
    manifest "$1" GOOD true "config: {make: {STORAGE: \"-Wl,--defsym=storage_start=$2,--defsym=storage_end=$3\"}}"
}
reasons() { json "out/$1-1.0.json" 'j["unreleasable"]'; }
storage behind 0x08020000 0x08040000
exits 0 'a file system behind both' "$FIRN" -q build behind.yaml -o out
is "$OUT$(reasons behind)" '[]' 'a file system behind both: nothing to say'
storage version 0x08004000 0x08008000
exits 0 'one over the version' "$FIRN" -q build version.yaml -o out
like "$OUT" "warning: the version of mboot, 0x08007fc0-0x08007fca, lies in the program's file system, 0x08004000-0x08007fff" \
    'one over the version: a warning'
is "$(reasons version)" '[]' 'one over the version: no reason to keep it back'
storage code 0x080000ff 0x08008000
exits 0 'one over its code' "$FIRN" -q build code.yaml -o out
like "$OUT" 'warning: a part of mboot, 0x08000000-0x080000ff, .*the board will not start any more' 'one over its code: a warning'
like "$(reasons code)" "file system overwrites the boot loader" 'one over its code: never to be released'

# ---- what cannot be ------------------------------------------------------------------------------
manifest none NONE true
exits 2 'a board that is not made for it' "$FIRN" -q build none.yaml -o out
like "$OUT" "none.yaml:6:8: board 'NONE' is not made for mboot: its program begins at 0x08000000, mboot at 0x08000000" 'a board ...: where, and why'
like "$OUT" 'has to set TEXT0 and a linker script' 'a board ...: and what to do'
manifest tall TALL true
exits 1 'a program that overlaps it' "$FIRN" -q build tall.yaml -o out
like "$OUT" 'the program and mboot overlap: 0x08000040-0x[0-9a-f]+ overlaps 0x08000000-0x080000ff' 'a program that overlaps it: both are named'
manifest lost LOST true
exits 1 'a program elsewhere' "$FIRN" -q build lost.yaml -o out
like "$OUT" 'mboot starts a program at 0x08008000, but this one begins at 0x08010000' 'a program elsewhere: says where'
manifest unsigned SIGNED true
exits 2 'a board that takes only what is signed' "$FIRN" -q build unsigned.yaml -o out
like "$OUT" "mboot of board 'SIGNED' takes only what is signed" 'a board that takes only what is signed: says so'
like "$OUT" 'mboot: \{keys: FILE\}' 'a board that takes only what is signed: and what to do'
manifest chunk GOOD '{keys: keys/mboot_keys.h}' 'config: {make: {CHUNK: 4091}}'
exits 1 'a chunk of odd size' "$FIRN" -q build chunk.yaml -o out
like "$OUT" "mboot's chunks of 4091 bytes" 'a chunk of odd size: says so'
manifest made GOOD true 'config: {make: {USE_MBOOT: 0}}'
exits 2 'a variable that is not the manifest'"'"'s' "$FIRN" -q validate made.yaml
like "$OUT" 'USE_MBOOT follows from mboot:' 'a variable that is not the manifest'"'"'s: says so'
ok 'nothing is left aside' sh -c '! ls -d home/bases/*.tmp 2>/dev/null'

# ---- MicroPython's own ---------------------------------------------------------------------------
# PYBV11 without keys: with them its mboot reaches into the file system. The H743 has room.
if [ -z "${FIRN_TEST_STM32_MIRRORS:-}" ]; then
    skip 'stm32: FIRN_TEST_STM32_MIRRORS names no configuration with stm32lib and libhydrogen'
else
    unset FIRN_DATA
    export FIRN_CONFIG=$FIRN_TEST_STM32_MIRRORS
    stm32() { # FILE BOARD MBOOT
        printf 'firn: 1\nproduct: %s\nversion: 1.0\nfirmware: {git: "%s", ref: v1.25.0}\nboard: %s\nmboot: %s\n' \
            "$1" https://github.com/micropython/micropython.git "$2" "$3" >"$1.yaml"
    }
    stm32 pyboard PYBV11 true
    exits 0 'pyboard' "$FIRN" build pyboard.yaml -o out
    like "$OUT" 'bootloader .* mboot-v1.25.0' 'pyboard: mboot says its version'
    like "$OUT" 'warning: the version of mboot.* lies in the program.s file system' 'pyboard: and that files overwrite it'
    is "$(json out/pyboard-1.0.json '[(s["address"], s["part"]) for s in j["segments"]]')" \
        "[('0x08000000', 'bootloader'), ('0x08007fc0', 'bootloader'), ('0x08020000', 'program')]" 'pyboard: the segments'
    stm32 quiet PYBV11 true
    echo 'config: {make: {MBOOT_VERSION_ALLOCATED_BYTES: 0}}' >>quiet.yaml
    exits 0 'pyboard, mboot without a version' "$FIRN" -q build quiet.yaml -o out
    is "$OUT" '' 'pyboard, mboot without a version: no warning'
    stm32 nucleo NUCLEO_F401RE true
    exits 2 'a board without mboot' "$FIRN" -q build nucleo.yaml -o out
    like "$OUT" "board 'NUCLEO_F401RE' is not made for mboot: its program begins at 0x08000000" 'a board without mboot: says so'
    stm32 h743 VCC_GND_H743VI '{keys: keys/mboot_keys.h}'
    exits 0 'H743 with keys' "$FIRN" build h743.yaml -o out
    # libhydrogen, as mboot has it, checks and decrypts what firn signed and encrypted.
    hydrogen=$(dirname "$(find -L "$FIRN_HOME/src" -path '*/lib/libhydrogen/hydrogen.c' | head -1)")
    ok 'H743: the checking program compiles' gcc -w -I"$hydrogen" -I"$T/keys" \
        -o check "$TOP/tests/e2e/mboot_check.c" "$hydrogen/hydrogen.c"
    ok 'H743: libhydrogen takes every chunk and the whole' ./check out/h743-1.0.pack.dfu checked.bin
    # Behind it come the few bytes that make whole words of it.
    size=$(json out/h743-1.0.json 'j["program"]["size"]')
    ok 'H743: ... and it is the program' cmp -n "$size" checked.bin <(tail -c +$((0x20001)) out/h743-1.0.bin)
    is $(($(stat -c %s checked.bin) / 8)) $(((size + 7) / 8)) 'H743: ... in whole words'
fi
done_testing
