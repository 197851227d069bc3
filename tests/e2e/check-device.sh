#!/bin/bash
# firn check --on-device: a simulated board that runs, in QEMU, what was flashed onto it; modules that
# work and modules that do not; a board with another image, without MicroPython, or lost.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../home.sh"
own_home "$T/home" bases
mkdir "$T/p"
cd "$T/p" || exit 1

printf 'VALUES = [1, 2, 3]\nprint("good is here")\n\n\ndef twice(number):\n    return 2 * number\n' >good.py
mkdir pack
echo 'from pack import part' >pack/__init__.py
for i in $(seq 60); do echo "N$i = 'the text number $i'"; done >pack/part.py
echo 'import nothing_of_that_name' >raises.py
printf 'while True:\n    pass\n' >hangs.py
printf 'import machine\nmachine.reset()\n' >resets.py
printf 'print("\\x04\\x04>")\n' >breaks.py
printf 'while True:\n    print("all work and no play" * 10)\n' >floods.py

# manifest NAME MODULES [LINES]
manifest() {
    local name
    cat >"$1.yaml" <<END
firn: 1
product: $1
version: 1.0
firmware: {git: "https://github.com/micropython/micropython.git", ref: v1.25.0}
board: {port: qemu, name: NETDUINO2}
frozen:
  - package: pack
END
    for name in $2; do echo "  - module: $name.py"; done >>"$1.yaml"
    echo "${3:-}" >>"$1.yaml"
}
# on_board PROGRAM COMMAND: with a simulated board in its bootloader, which runs PROGRAM when it runs
on_board() { timeout 100 "$FIRN" sim -b stm32f205 --setup "program 0 $1" -- bash -c "$2"; }
export FIRN
port=/dev/ttyACM0

# ---- all is well ----
manifest well good 'check: {expect: good is here}'
check="\$FIRN check well.yaml --on-device $port"
prompt="stty -F $port raw -echo && exec 3<>$port; while sleep 0.2; do printf '\\r'; done >&3 & timeout 10 grep -a -m 1 '>>>' <&3; kill \$!"
exits 0 'flashed, then checked on the board' \
    on_board flashed "\$FIRN flash well.yaml && $check --no-compare && $check --json >report; status=\$?; $prompt; exit \$status"
like "$OUT" '>>>' 'and left at its own prompt'
like "$OUT" '^good +works +[0-9]+ +- +- +- +[0-9]+ +[0-9.]+$' 'a module'
like "$OUT" '^all together: 3 imports work' 'all together'
like "$OUT" "^  expect   'good is here' was printed$" 'what was expected'
like "$OUT" "^on the board at $port: netduino2 with STM32" 'the board says what it is'
"$FIRN" check well.yaml --json | tail -1 >emulated
cat >same.py <<'END'
import json


def read(path):
    check = json.loads(open(path).read().splitlines()[-1])["checks"][0]
    return [(m["name"], m["ram"], m["mpy"]["ram"], m["source"]["ram"]) for m in check["modules"]], check


board, report = read("report")
emulated, _ = read("emulated")
assert report["board"]["compared"] and len(board) == 3
assert board == emulated, (board, emulated)
END
ok 'the same RAM as in the emulator: frozen, compiled and as source' python3 same.py

# ---- what is wrong ----
# The qemu port looks for Ctrl-C only where it waits for input; most ports do always, and so does this.
hook='do { extern int uart_rx_chr(void), mp_interrupt_char; if (uart_rx_chr() == mp_interrupt_char) mp_sched_keyboard_interrupt(); } while (0);'
manifest bad 'breaks floods good hangs raises resets' "check: {imports: [good]}
config:
  defines:
    MICROPY_KBD_EXCEPTION: 1
    MICROPY_VM_HOOK_LOOP: $hook"
exits 1 'modules that fail' \
    on_board flashed "\$FIRN flash bad.yaml && \$FIRN check bad.yaml --on-device $port --no-compare --timeout 1"
while read -r module title; do
    like "$OUT" "^$module +$title( |\$)" "$module: $title"
done <<'END'
breaks GARBAGE
floods FLOODS
good works
hangs HANGS
raises FAILS
resets RESETS
END
like "$OUT" "^    ImportError: no module named 'nothing_of_that_name'$" 'a traceback'
like "$OUT" '^all together: 1 import works?' 'the board is back each time'

manifest lost 'good hangs raises'
exits 1 'a board that does not come back' \
    on_board flashed "\$FIRN flash lost.yaml && \$FIRN check lost.yaml --on-device $port --no-compare --timeout 1"
like "$OUT" '^good +works ' 'what was tried before'
like "$OUT" '^hangs +HANGS ' 'what it was'
like "$OUT" '^raises +NOT TRIED ' 'what was not tried'
like "$OUT" "^the board at $port does not answer" 'why'

# ---- the wrong board ----
manifest other good
exits 4 'a board that runs another image' \
    on_board flashed "\$FIRN flash well.yaml && \$FIRN check other.yaml --on-device $port"
like "$OUT" 'the board does not run this image: its flash differs in the [0-9]+ bytes at 0x08000000' 'it says so'
like "$OUT" 'flash it first: firn flash .*other-1.0.dfu' 'and what to do'
exits 4 'a terminal of something else' on_board silent "\$FIRN flash well.yaml && $check --timeout 1"
like "$OUT" "the board at $port does not answer" 'it says so'
exits 4 'no such port' "$FIRN" check well.yaml --on-device /dev/ttyNONE
like "$OUT" 'cannot open the serial port /dev/ttyNONE' 'it says so'
exits 2 'a model that QEMU does not have' "$FIRN" sim -b stm32h743 --setup 'program 0 flashed' -- true
like "$OUT" "QEMU has no machine for 'stm32h743'" 'it says so'
exits 2 'two products' "$FIRN" check well.yaml other.yaml --on-device $port
sed 's/port: qemu, name: NETDUINO2/port: unix, name: standard/' well.yaml >program.yaml
exits 2 'no image for a board' "$FIRN" check program.yaml --on-device $port
like "$OUT" 'this product is a program of this machine' 'it says so'
done_testing
