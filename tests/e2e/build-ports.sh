#!/bin/bash
# firn build for the other ports: unix, minimal for this machine and for the STM32F405, and stm32
# where its submodules are at hand (FIRN_TEST_STM32_MIRRORS=config.yaml, whose mirrors: hold them).
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../home.sh"
own_home "$T/home"
cd "$T" || exit 1
mkdir modules
echo 'def answer(): return 42' >modules/frozen_one.py

# manifest FILE BOARD [LINES]: a product of that board
manifest() {
    cat >"$1.yaml" <<END
firn: 1
product: $1
version: 1.2.3
firmware: {git: "https://github.com/micropython/micropython.git", ref: v1.25.0}
board: $2
qstrs: [temperature, two words of it]
${3:-}
END
}
frozen='frozen: [{package: modules}]'
# adds_up NAME PREFIX: its size, held against binutils and the map
adds_up() {
    is "$("$TOP/tests/e2e/size_check" "out/$1-1.2.3" "$2" 2>&1)" '' "$1: the parts of its size add up"
}

# ---- unix: the program runs here ----
manifest unix '{port: unix, name: standard}' "frozen: [{module: frozen_one.py, base_path: modules}]
config: {defines: {MICROPY_PY_SYS_PLATFORM: '\"acme\"'}}"
exits 0 'unix builds' "$FIRN" build unix.yaml -o out
like "$OUT" 'image   out/unix-1.2.3.elf' 'unix: the program is the result'
ok 'unix: no image for a flash' bash -c '! ls out/*.dfu 2>/dev/null'
exits 0 'unix: it runs' env MICROPYPATH=.frozen out/unix-1.2.3.elf -c '
import sys, micropython, frozen_one
print(sys.platform, sys.version.split("; ")[-1], frozen_one.answer())
micropython.qstr_info(1)'
like "$OUT" '^acme unix 1.2.3 42$' 'unix: frozen module, config and banner'
unlike "$OUT" 'temperature|two words' 'unix: the qstrs are not in RAM'
adds_up unix ''

# ---- minimal: no frozen modules, qstrs by QSTR_DEFS ----
manifest minimal '{port: minimal, name: host}'
exits 0 'minimal builds for this machine' "$FIRN" build minimal.yaml -o out
OUT=$(printf 'print(6*7)\r\n\004' | out/minimal-1.2.3.elf)
like "$OUT" 'minimal 1.2.3; minimal with' 'minimal: the banner names the product'
like "$OUT" '^42' 'minimal: it computes'
manifest m405 '{port: minimal, name: STM32F405}'
exits 0 'minimal builds for the STM32F405' "$FIRN" build m405.yaml -o out
adds_up minimal ''
adds_up m405 arm-none-eabi-
ok 'minimal: an image for dfu-util' dfu-suffix -c out/m405-1.2.3.dfu
like "$(cat out/m405-1.2.3.json)" '"address": "0x08000000"' 'minimal: it goes to the start of flash'
ok 'minimal: the extra qstr is in the flash' grep -q 'two words of it' out/m405-1.2.3.bin
manifest frozen_minimal '{port: minimal, name: host}' "$frozen"
exits 2 'minimal refuses frozen modules' "$FIRN" build frozen_minimal.yaml -o out
like "$OUT" "frozen_minimal.yaml:7:[0-9]+: port 'minimal' cannot freeze modules" \
    'minimal refuses frozen modules: at their line'

manifest control '{port: minimal, name: host}' && sed -i '/^qstrs:/d' control.yaml
echo 'qstrs: ["a\nb"]' >>control.yaml
exits 2 'minimal refuses a qstr with a control character' "$FIRN" build control.yaml -o out
like "$OUT" "cannot be a qstr of port 'minimal'" 'minimal refuses it: says why'

# ---- several at once ----
exits 1 'a bad one and a good one' "$FIRN" build frozen_minimal.yaml minimal.yaml -o out
like "$OUT" '^minimal +1\.2\.3 +host .* unchanged$' 'a bad one and a good one: the good one is built'

# ---- stm32 ----
manifest stm32 PYBV11 'frozen: [board, {module: frozen_one.py, base_path: modules}]'
if [ -z "${FIRN_TEST_STM32_MIRRORS:-}" ]; then
    skip 'stm32: FIRN_TEST_STM32_MIRRORS names no configuration with stm32lib and micropython-lib'
else
    FIRN_CONFIG=$FIRN_TEST_STM32_MIRRORS
    exits 0 'stm32 builds' "$FIRN" build stm32.yaml -o out
    like "$(cat out/stm32-1.2.3.json)" '"path": "lib/stm32lib"' 'stm32: the sidecar names submodules'
    like "$(cat out/stm32-1.2.3.json)" '"target": "dht.py"' "stm32: the board's own modules are frozen"
    adds_up stm32 arm-none-eabi-
    ok 'stm32: an image for dfu-util' dfu-suffix -c out/stm32-1.2.3.dfu
fi
done_testing
