#!/bin/bash
# firn advise: every example of MicroPython's documentation ("MicroPython on microcontrollers",
# docs/reference/constrained.rst): it is found, its rewritten form is clean, and what the findings claim
# is what the emulator measures, within a tenth. Then silencing, fixing, and what is no fault.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../home.sh"
own_home "$T/home" bases
mkdir -p "$T/p/m"
cd "$T/p" || exit 1

# ---- the examples: before_X.py and after_X.py ----
{
    echo 'from micropython import const'
    for i in $(seq 40); do echo "ROWS_$i = const($i)"; done
    echo 'a = ROWS_1'
} >m/before_const.py
sed 's/ROWS_/_COLS_/' m/before_const.py >m/after_const.py
echo 'var = "The quick brown fox " + "jumps over the lazy dog"' >m/before_concat.py
echo 'var = "The quick brown fox " "jumps over the lazy dog"' >m/after_concat.py
echo "data = [$(seq -s, 0 99)]" >m/before_data.py
python3 -c 'print("data =", bytes(range(100)))' >m/after_data.py
cat >m/before_buffers.py <<'END'
def run(spi, times):
    while times:
        times -= 1
        var = spi.read(100)
        print(var[0])
END
cat >m/after_buffers.py <<'END'
def run(spi, times):
    buf = bytearray(100)
    while times:
        times -= 1
        spi.readinto(buf)
        print(buf[0])
END
cat >m/before_ints.py <<'END'
def foo(bar):
    for x in bar:
        print(x)


def run(spi, times):
    while times:
        times -= 1
        foo([1, 2, 0xff])
END
sed "s/\[1, 2, 0xff\]/b'\\\\1\\\\2\\\\xff'/" m/before_ints.py >m/after_ints.py
cat >m/before_tuple.py <<'END'
LONG = 100000


def run(spi, times):
    while times:
        times -= 1
        print((1, 2, 3, 4, 5, 6, LONG)[0])
END
sed 's/LONG = 100000/from micropython import const\nLONG = const(100000)  # firn: ignore[const-public]/' \
    m/before_tuple.py >m/after_tuple.py
echo 'def run(code): return eval(code)' >m/before_eval.py
echo 'def run(code): return int(code)' >m/after_eval.py
echo 'import pickle' >m/before_pickle.py
echo 'import json' >m/after_pickle.py
cat >m/before_work.py <<'END'
squares = bytearray(32)
for i in range(32):
    squares[i] = i * i & 255
END
cat >m/after_work.py <<'END'
def make_squares():
    squares = bytearray(32)
    for i in range(32):
        squares[i] = i * i & 255
    return squares
END

# finds NAME RULE COUNT [LINE]: in before_NAME.py, and nothing in after_NAME.py
finds() {
    exits 1 "$1: found" "$FIRN" advise --check "m/before_$1.py"
    is "$(grep -c "\[$2\]\$" <<<"$OUT")" "$3" "$1: $3 times $2"
    like "$OUT" "^warning: m/before_$1.py:${4:-1}:[0-9]+: " "$1: in its line"
    exits 0 "$1: the rewritten form is clean" "$FIRN" advise --check "m/after_$1.py"
    like "$OUT" '^m/after_.*: 0 findings in 1 module$' "$1: nothing is said of it"
}
finds const const-public 40 2
finds concat string-concat 1
finds data import-object 1
finds buffers buffer-in-loop 1 4
finds ints int-list 1 9
finds tuple variable-tuple 1 7
finds eval runtime-compiler 1
finds pickle runtime-compiler 1
finds work import-work 1 2

# ---- what they claim, and what is measured ----
# Two modules that are frozen in another way, which a manifest says.
mkdir s o
cp "$TOP/tests/data/economy/scheduler.py" s/before_source.py
cp s/before_source.py m/after_source.py
cat >m/before_asserts.py <<'END'
def scale(value, low, high):
    assert low < high, "the range is empty"
    assert isinstance(value, int)
    return (value - low) * 100 // (high - low)


def clamp(value, low, high):
    assert low <= high, "low is above high"
    assert value is not None and value == value, "no number"
    return min(max(value, low), high)
END
cp m/before_asserts.py o/after_asserts.py
cat >p.yaml <<'END'
firn: 1
product: advice
version: 1.0
firmware: {git: "https://github.com/micropython/micropython.git", ref: v1.25.0}
board: {port: qemu, name: NETDUINO2}
frozen: [{freeze_as_mpy: m}, {freeze_as_str: s}, {module: after_asserts.py, base_path: o, opt: 1}]
check: {skip: [before_pickle]}
END
exits 0 'the examples as a product' "$FIRN" -q check p.yaml --no-compare
"$FIRN" check p.yaml --no-compare --json | tail -1 >check
"$FIRN" advise m/*.py --json | tail -1 >advice
claim() { python3 -c 'import json, sys
findings = json.load(open("advice"))["advice"][0]["findings"]
print(sum(f["saving"]["bytes"] for f in findings if f["module"] == "before_" + sys.argv[1]))' "$1"; }
imported() { python3 -c 'import json, sys
modules = {m["name"]: m["ram"] for m in json.load(open("check"))["checks"][0]["modules"]}
print(modules["before_" + sys.argv[1]] - modules["after_" + sys.argv[1]])' "$1"; }
# What is allocated on one pass, as the difference of many and few.
cat >passes.py <<'END'
import gc
class SPI:
    def __init__(self): self.data = bytes(100)
    def read(self, n): return bytearray(n)
    def readinto(self, buf): pass
def quiet(*args): pass
import builtins
def measure(name):
    run = __import__(name).run
    spi = SPI()
    totals = []
    for times in (10, 60):
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()
        run(spi, times)
        totals.append(gc.mem_alloc() - before)
        gc.enable()
    return (totals[1] - totals[0]) // 50
END
for name in buffers ints tuple; do
    echo "import before_$name, after_$name; before_$name.print = after_$name.print = quiet"
    echo "print('$name', measure('before_$name') - measure('after_$name'))"
done >>passes.py
exits 0 'the passes are measured' "$FIRN" sim boot -q -e passes.py out/advice/advice-1.0.bin
passes=$OUT
# near NAME MEASURED [PART]: what is claimed differs by that part of what was measured at most
near() {
    local claimed part=${3:-tenth}
    claimed=$(claim "$1")
    ok "$1: $claimed bytes claimed, $2 measured: within a $part" python3 -c 'import sys
claimed, measured, part = float(sys.argv[1]), float(sys.argv[2]), {"tenth": 10, "third": 3}[sys.argv[3]]
sys.exit(not (measured > 0 and abs(claimed - measured) * part <= measured))' "$claimed" "$2" "$part"
}
for name in const concat data; do near $name "$(imported $name)"; done
# Of these two not each byte is known.
"$FIRN" advise p.yaml --json | tail -1 >advice
# flash OPTION: of an image with the module of assertions alone
flash() {
    sed "s/^frozen:.*/frozen: [{module: before_asserts.py, base_path: m${1:-}}]/; /^check/d" p.yaml >asserts.yaml
    "$FIRN" size asserts.yaml --json | tail -1 | python3 -c 'import json; print(json.loads(input())["size"]["flash"])'
}
near source "$(imported source)" third
near asserts $(($(flash) - $(flash ", opt: 1"))) third
exits 0 'both are said' "$FIRN" advise p.yaml
like "$OUT" '^warning: s/before_source.py:.* the module is frozen as source \[frozen-source\]$' 'frozen as source'
like "$OUT" '^warning: m/before_asserts.py:2:5: 4 assertions are compiled in \[opt\]$' 'assertions'
unlike "$OUT" 'after_asserts' 'not where they are left out'
for name in buffers ints tuple; do near $name "$(sed -n "s/^$name //p" <<<"$passes")"; done

# ---- silenced ----
sed 's/$/  # firn: ignore[string-concat]/' m/before_concat.py >silent.py
exits 0 'silenced by rule' "$FIRN" advise --check silent.py
sed 's/$/  # firn: ignore/' m/before_concat.py >silent.py
exits 0 'silenced altogether' "$FIRN" advise --check silent.py
sed 's/$/  # firn: ignore[int-list]/' m/before_concat.py >silent.py
exits 1 'another rule is silenced' "$FIRN" advise --check silent.py
{ echo '# firn: ignore-file[const-public]' && cat m/before_const.py; } >silent.py
exits 0 'silenced for the file' "$FIRN" advise --check silent.py

# ---- fixed ----
cat >fix.py <<'END'
# Grüße
def run(x):
    for i in [1, 2, 0xff]:
        print("größer" + " als", i)
    if x in ["a", "b"]: return bytes([1, 2, 3])
    for s in ["x", ["y"]]: pass
END
cp fix.py fixed.py && chmod 755 fixed.py
exits 0 'rewriting' "$FIRN" advise --fix fixed.py
like "$OUT" 'fixed.py: 4 places rewritten' 'it says how many'
is "$(cat fixed.py)" '# Grüße
def run(x):
    for i in b"\x01\x02\xff":
        print("größer" " als", i)
    if x in ("a", "b"): return bytes(b"\x01\x02\x03")
    for s in ["x", ["y"]]: pass' 'what means the same'
is "$(stat -c %a fixed.py)" 755 'the mode stays'
exits 0 'nothing is left' "$FIRN" advise --check fixed.py

# ---- no faults ----
cat >m/user.py <<'END'
from api import RATE
import api


def run():
    return RATE, api.LIMIT
END
cat >m/api.py <<'END'
from micropython import const

RATE = const(10)
LIMIT = const(20)
_HIDDEN = const(30)
NAMES = ("a", "b")
EMPTY = []


def keep(port, chunks):
    for _ in range(3):
        chunk = port.read(100)
        chunks.append(chunk)
    for _ in range(3):
        line = port.read(100)
        if line:
            return line
    return "a" "b" + str(len(chunks))


def changes(values):
    values.append(1)


changes([1, 2, 3])
if __name__ == "__main__":
    for i in range(3):
        print(i)
END
exits 0 'what other modules use, keep or change' "$FIRN" advise --check m/user.py m/api.py
echo 'def broken(:' >broken.py
exits 0 'what cannot be read' "$FIRN" advise broken.py
like "$OUT" 'warning: broken.py: not looked at: ' 'is said'
exits 0 'a manifest' "$FIRN" advise p.yaml
like "$OUT" '^warning: m/before_data.py:1:8: ' 'its modules'
like "$OUT" '^p.yaml: [0-9]+ findings in [0-9]+ modules$' 'how many'
exits 2 'no file' "$FIRN" advise nothing.py
exits 2 'nothing' "$FIRN" advise
done_testing
