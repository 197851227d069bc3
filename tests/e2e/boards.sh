#!/bin/bash
# Boards on MicroPython's own source: firn boards, variants, and boards that are kept outside it.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../home.sh"
own_home "$T/home"
cd "$T" || exit 1

# ---- firn boards ----
exits 0 'all boards' "$FIRN" -q boards
printf '%s\n' "$OUT" >all
is "$(awk 'length > 100' all | wc -l)" 0 'all boards: within 100 columns'
for port in minimal qemu stm32 unix; do
    like "$OUT" "^[A-Za-z0-9_]+ +$port " "all boards: those of $port"
done
unlike "$OUT" '^common_isr' 'all boards: a directory of linker scripts is none'
exits 0 'with ports that firn cannot build for' "$FIRN" -q boards --all
like "$OUT" '^RPI_PICO +\(rp2\) ' 'with other ports: marked'
is "$(awk 'length > 100' <<<"$OUT" | wc -l)" 0 'with other ports: within 100 columns'
exits 0 'one board' "$FIRN" -q boards PYBV11
sed -E 's/\([0-9a-f]{10}\)/(@COMMIT@)/' <<<"$OUT" >PYBV11
same PYBV11 "$TOP/tests/data/boards/PYBV11.expected" 'one board: its page'
exits 0 'its manifest' "$FIRN" boards --source "$TOP/manifests/greeter.yaml" --offline netduino2
like "$OUT" 'emulator +qemu-system-arm, machine netduino2' 'a manifest: its source is looked at'
exits 3 'a ref that is none' "$FIRN" boards --offline --ref v9.99.0

# A Nucleo with no USB connector, one with one, and one whose header is another's.
for board in NUCLEO_F401RE:- NUCLEO_F767ZI:0483:df11 NUCLEO_H743ZI2:0483:df11 ARDUINO_GIGA:2341:0366; do
    is "$(awk -v board="${board%%:*}" '$1 == board { print $4 }' all)" "${board#*:}" "DFU: $board"
done

# ---- variants ----
manifest() { # FILE BOARD
    printf 'firn: 1\nproduct: p-%s\nversion: 1.0\nfirmware: {git: "%s", ref: v1.25.0}\nboard: %s\n' \
        "${1,,}" https://github.com/micropython/micropython.git "$2" >"$1.yaml"
}
manifest dpx '{port: stm32, name: PYBV11, variant: DPX}'
for command in validate build; do
    exits 2 "an unknown variant: $command" "$FIRN" $command dpx.yaml
    like "$OUT" "dpx.yaml:5:45: board 'PYBV11' has no variant 'DPX'" "an unknown variant: $command says where"
    like "$OUT" "did you mean 'DP'\?" "an unknown variant: $command suggests"
done
manifest dp '{port: stm32, name: PYBV11, variant: DP_THREAD}'
exits 0 'a variant that there is' "$FIRN" validate dp.yaml
manifest none '{port: stm32, name: NUCLEO_F401RE, variant: DP}'
exits 2 'a board without variants' "$FIRN" validate none.yaml
like "$OUT" 'it has none' 'a board without variants: says so'
manifest scripts '{port: stm32, name: common_isr_rom}'
exits 2 'a directory of linker scripts' "$FIRN" validate scripts.yaml

# ---- boards outside the source ----
# Every board of the source is complete, wherever it is kept.
# Of the repository, not what another test unpacked.
boards=$(echo "$FIRN_HOME"/src/*/tree/ports/stm32/boards | tr ' ' '\n' | grep -v -- -archive/ | head -1)
mkdir own
count=0 incomplete=
for board in "$boards"/*/mpconfigboard.h; do
    name=$(basename "$(dirname "$board")")
    cp -r "$boards/$name" own/
    manifest "$name" "{port: stm32, dir: own/$name}"
    "$FIRN" -q validate "$name.yaml" >"$name.out" 2>&1 || incomplete="$incomplete $name"
    count=$((count + 1))
done
is "$incomplete" '' "all $count boards of stm32 are complete"
ok 'that is not none' test "$count" -gt 50

rm own/PYBV11/pins.csv
sed -i 's,boards/stm32f405.ld,boards/stm32f406.ld,; s,stm32f405_af,stm32f405_ag,' own/PYBV11/mpconfigboard.mk
exits 2 'an incomplete board' "$FIRN" validate PYBV11.yaml
for part in 'it lacks pins.csv$' "names 'boards/stm32f406.ld', which is not there" \
    "did you mean 'boards/stm32f405.ld'\?" "AF_FILE in its mpconfigboard.mk names 'boards/stm32f405_ag.csv'"; do
    like "$OUT" "$part" "an incomplete board: $part"
done
exits 2 'an incomplete board: build' "$FIRN" build PYBV11.yaml
like "$OUT" 'it lacks pins.csv$' 'an incomplete board: build says the same'
cp "$boards/PYBV11/pins.csv" own/PYBV11/
exits 2 'one that names files that are not there: build' "$FIRN" build PYBV11.yaml
like "$OUT" "names 'boards/stm32f406.ld'" 'one that names files that are not there: build says which'
ok 'an incomplete board: nothing was compiled' test ! -e "$FIRN_HOME/build"

# Made complete again it is no longer refused, and what is refused now is another matter.
cp "$boards/PYBV11/mpconfigboard.mk" own/PYBV11/
exits 0 'complete again' "$FIRN" validate PYBV11.yaml

# The same for a port that can be built here, from the manifest to the image.
cp -r "$boards/../../qemu/boards/NETDUINO2" own/
manifest netduino '{port: qemu, dir: own/NETDUINO2}'
sed -i 's,stm32.ld,stm33.ld,' own/NETDUINO2/mpconfigboard.mk
exits 2 'qemu: an incomplete board' "$FIRN" build netduino.yaml
like "$OUT" "LDSCRIPT in its mpconfigboard.mk names 'mcu/arm/stm33.ld'" 'qemu: says what'
sed -i 's,stm33.ld,stm32.ld,' own/NETDUINO2/mpconfigboard.mk
exits 0 'qemu: a complete one is built' "$FIRN" build netduino.yaml -o out
done_testing
