#!/bin/bash
# firn check: modules that work and modules that do not, on QEMU and on the unix port; what freezing
# saves; the heap; the budget.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../home.sh"
own_home "$T/home" bases
mkdir "$T/p"
cd "$T/p" || exit 1

cat >good.py <<'END'
VALUES = [1, 2, 3]
print("good is here")


def twice(number):
    return 2 * number
END
mkdir pack
echo 'from pack import part' >pack/__init__.py
echo 'WORD = "part of the pack"' >pack/part.py
echo 'import nothing_of_that_name' >raises.py
printf 'while True:\n    pass\n' >hangs.py
printf 'import machine\nmachine.reset()\n' >resets.py
printf 'hog = []\nwhile True:\n    hog.append(bytearray(1000))\n' >hog.py
printf 'print("\\x04\\x04>")\n' >breaks.py
printf 'print("\\x00\\x01")\n' >garbage.py
printf 'while True:\n    print("all work and no play" * 10)\n' >floods.py
printf 'import sys\nsys.exit(3)\n' >leaves.py
printf 'print("the end, not quite: @@firn after 1 2 3 1")\n' >mimics.py

# manifest NAME BOARD MODULES [LINES]
manifest() {
    local name
    cat >"$1.yaml" <<END
firn: 1
product: $1
version: 1.0
firmware: {git: "https://github.com/micropython/micropython.git", ref: v1.25.0}
board: $2
frozen:
  - package: pack
END
    for name in $3; do echo "  - module: $name.py" >>"$1.yaml"; done
    echo "${4:-}" >>"$1.yaml"
}
netduino='{port: qemu, name: NETDUINO2}' unix='{port: unix, name: standard}'
bad='breaks floods garbage hangs hog leaves mimics raises'

# ---- all is well ----
manifest well "$netduino" good 'check: {expect: good is here}'
exits 0 'a product that works' "$FIRN" check well.yaml
like "$OUT" '^good +works +[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+ +0\.[0-9]+$' 'its module'
like "$OUT" '^pack.part +works ' 'a module of a package'
like "$OUT" "^  expect   'good is here' was printed$" 'what was expected'
like "$OUT" '^  heap     [0-9.]+ (B|KiB) used, 7[0-9]\.[0-9] KiB free; the largest free block' 'the heap'
like "$OUT" '^           █' 'a map of it'
cp well.yaml unexpected.yaml
sed -i 's/^check:.*/check: {expect: something else}/; s/^product:.*/product: unexpected/' unexpected.yaml
exits 1 'something else was expected' "$FIRN" check unexpected.yaml --no-compare
like "$OUT" "expect   'something else' WAS NOT PRINTED" 'it says so'
exits 0 'as data' "$FIRN" check well.yaml --json
tail -1 <<<"$OUT" >report
query() { python3 -c 'import json,sys; r = json.load(open("report"))["checks"][0]; print(eval(sys.argv[1]))' "$1"; }
is "$(query '[m["name"] for m in r["modules"]]')" "['good', 'pack', 'pack.part']" 'its modules'
is "$(query '[m["outcome"] for m in r["modules"]]')" "['works', 'works', 'works']" 'all work'
is "$(query 'r["modules"][0]["output"]')" 'good is here' 'what a module prints'
is "$(query 'sorted(r["modules"][1]["imports"])')" "['pack', 'pack.part']" 'what it imports'
is "$(query 'all(m["ram"] < min(m["mpy"]["ram"], m["source"]["ram"]) for m in r["modules"])')" True \
    'frozen takes less RAM than files of either kind'
is "$(query 'r["product"]["heap"]["free"] + r["product"]["heap"]["used"] == r["product"]["heap"]["total"]')" \
    True 'the heap adds up'
times='sum(m["ms"] for m in r["modules"])'
first=$(query '[(m["ram"], m["qstrs"]) for m in r["modules"]]') ms=$(query "$times")
"$FIRN" check well.yaml --json | tail -1 >report
is "$(query '[(m["ram"], m["qstrs"]) for m in r["modules"]]')" "$first" 'the same numbers the next time'
ok 'the same time, but for a tick or two' awk -v a="$ms" -v b="$(query "$times")" \
    'BEGIN { exit !(a > 0 && (a - b) * (a - b) < 0.001 * 0.001) }'

# ---- what is wrong ----
# wrong PRODUCT: each bad module is told from the others
wrong() {
    local module title
    exits 1 "$1: modules that fail" "$FIRN" check "$1.yaml" --timeout 1 --no-compare
    while read -r module title; do
        like "$OUT" "^$module +$title( |\$)" "$1: $module: $title"
    done <<END
good works
floods FLOODS
garbage GARBAGE
hangs HANGS
hog NO MEMORY
leaves FAILS
mimics works
pack works
raises FAILS
END
    like "$OUT" "^    ImportError: no module named 'nothing_of_that_name'$" "$1: a traceback"
    unlike "$OUT" 'in _1$' "$1: ... without our own frame"
    like "$OUT" '^    MemoryError: memory allocation failed' "$1: no memory"
    like "$OUT" '^    it did not end within 1 s$' "$1: a hang"
    like "$OUT" 'check: \{skip: \[hangs\]\}' "$1: ... and what if it is meant to"
    like "$OUT" '^    SystemExit: 3$' "$1: one that leaves"
    like "$OUT" '^    it printed more than 65536 bytes$' "$1: one that prints without end"
    like "$OUT" "error: $1.yaml does not pass its check" "$1: an error at the end"
}
manifest qemu "$netduino" "good $bad resets" 'check: {imports: [good]}'
wrong qemu
like "$OUT" '^resets +RESETS ' 'qemu: resets'
like "$OUT" '^breaks +GARBAGE ' "qemu: one that prints the REPL's end marks"
manifest native "$unix" "good $bad" 'check: {imports: [good]}'
wrong native
manifest skipped "$netduino" 'good hangs' 'check: {skip: [hangs]}'
exits 0 'what is skipped is not imported' "$FIRN" check skipped.yaml --no-compare
unlike "$OUT" '^hangs' 'nor shown'
manifest together "$netduino" 'good raises' 'check: {imports: [good, raises], skip: [raises]}'
exits 1 'the imports together fail' "$FIRN" check together.yaml --no-compare
like "$OUT" '^all together: 2 imports FAILS' 'it says so'

# ---- a board without an emulator ----
# As stm32's are: here the unix port, whose emulator is taken away, with a twin of the qemu port.
mkdir data && cp -r "$TOP/firmware-src" "$TOP/toolchains" data
python3 - data/firmware-src/micropython.yaml <<'END'
import re, sys
text = open(sys.argv[1]).read()
text, count = re.subn(r"    emulator:\n      program: native\n      clock: .*\n",
                      "    twin: {port: qemu, board: NETDUINO2, heap: MICROPY_HEAP_SIZE, heap_max: 1M,"
                      " stubs: [pyb, machine]}\n", text)
assert count == 1
open(sys.argv[1], "w").write(text)
END
cat >board_only.py <<'END'
import pyb
from pyb import LED
from machine import Servo

led = LED(1)
led.on()
servo = Servo(2)
clock = pyb.millis() + 5
END
manifest twin "$unix" 'good board_only' 'qstrs: [a name with spaces]'
export FIRN_DATA=$PWD/data
exits 0 'a board without an emulator: on its twin' "$FIRN" check twin.yaml
like "$OUT" '^board_only +works ' 'what needs the board works on stubs'
like "$OUT" '^on a twin, NETDUINO2 \(qemu\), with the board.s heap' 'it says where'
like "$OUT" '^  board_only took of stubs: pyb.LED, machine.Servo, pyb.LED\(\).on, pyb.millis$|^  board_only took of stubs: pyb.LED, machine.Servo, pyb.millis$' \
    'and what was taken of stubs'
exits 0 'as data' "$FIRN" check twin.yaml --json --no-compare
tail -1 <<<"$OUT" >report
is "$(query '(r["twin"]["board"], r["twin"]["left_out"], [m["name"] for m in r["modules"]])')" \
    "('NETDUINO2', [], ['board_only', 'good', 'pack', 'pack.part'])" 'the modules are the product'\''s, not the stubs'
sed -i 's/^    twin: {port: qemu, board: NETDUINO2, heap: .*//' data/firmware-src/micropython.yaml
exits 2 'no emulator and no twin' "$FIRN" check twin.yaml
like "$OUT" 'there is no emulator for this board' 'it says so'
unset FIRN_DATA

# ---- the budget ----
manifest kept "$netduino" good 'budget: {flash: 1M, ram_after_import: 8K, heap_free: 60K, import_ms: 50, qstrs_in_ram: 20}'
exits 0 'a budget that is kept' "$FIRN" check kept.yaml --no-compare
manifest over "$netduino" good 'budget:
  flash: 180K
  ram_after_import: 100
  heap_free: 79K
  import_ms: 0
  qstrs_in_ram: 0
  modules:
    good: {flash: 50, ram_after_import: 10}'
exits 6 'over budget: firn build' "$FIRN" build over.yaml
like "$OUT" '^error: over.yaml:[0-9]+:10: over budget: 18[0-9]+ bytes of flash, [0-9]+ too many$' 'the flash'
like "$OUT" 'the largest frozen modules: good.py [0-9]+' 'what takes it'
like "$OUT" '^error: over.yaml:[0-9]+:19: good: over budget: [0-9]+ bytes of flash, [0-9]+ too many$' "a module's flash"
ok 'over budget: the image is there' test -s out/over/over-1.0.dfu
exits 6 'over budget: firn check' "$FIRN" check over.yaml --no-compare
for what in 'bytes of RAM' 'ms to import' 'qstrs in RAM'; do
    like "$OUT" "^error: over.yaml:[0-9]+:[0-9]+: over budget: [0-9.]+ $what, [0-9.]+ too many$" "$what"
done
like "$OUT" '^error: over.yaml:[0-9]+:14: over budget: [0-9]+ bytes of heap free, [0-9]+ too few$' 'the heap'
sed -i 's/^  flash: 180K/  flash: 190K/; s/{flash: 50/{flash: 500/' over.yaml
"$FIRN" -q build over.yaml
sed -i 's/^  flash: .*/  flash: '$(($(stat -c %s out/over/over-1.0.bin) + 100))'/' over.yaml
for i in $(seq 40); do echo "word_$i = 'word number $i'"; done >>good.py
exits 6 'one that was kept before' "$FIRN" build over.yaml
like "$OUT" 'grown since it was kept: good.py [0-9]+' 'what grew'
sed -i 's/^    good:/    goood:/' over.yaml
exits 2 'a module that is not frozen' "$FIRN" build over.yaml
like "$OUT" "'goood' is none of the frozen modules" 'it says so'
like "$OUT" "did you mean 'good'\?" 'and which one may be meant'

# ---- usage ----
exits 2 'no manifest' "$FIRN" check
exits 2 'no time' "$FIRN" check well.yaml --timeout 0
manifest nowhere "$netduino" '' && sed -i '/^frozen/,$d' nowhere.yaml
exits 2 'nothing is frozen' "$FIRN" check nowhere.yaml
like "$OUT" 'there is nothing to check: no module is frozen' 'it says so'
done_testing
