#!/bin/bash
# From a manifest to the REPL of the board that was flashed: every kind of frozen module runs, and
# the manifest's qstrs are out of RAM. The same without the qstr list shows them, so the check can
# fail.
. "$(dirname "$0")/../tap.sh"

# board MANIFEST NAME: build it, flash the image to a simulated board in $T/NAME
board() {
    mkdir -p "$T/$2"
    exits 0 "$2: firn build" "$FIRN" build "$1" -o "$T/$2"
    exits 0 "$2: firn flash" "$FIRN" sim --board stm32f205 --dir "$T/$2" -- \
        "$FIRN" flash "$T/$2/greeter-1.4.0.dfu"
}

# prove NAME: run prove.py on the board's flash; its output goes to $T/NAME/repl.txt
prove() {
    "$FIRN" sim boot "$T/$1/board-0.flash" --exec "$TOP/manifests/greeter/prove.py" \
        >"$T/$1/repl.txt" 2>"$T/$1/log"
    is "$?" 0 "$1: firn sim boot"
}

# The names in the manifest's list: the Q(...) lines of its file, and the inline ones.
listed() {
    sed -n 's/^Q(\(.*\))$/\1/p' "$TOP/manifests/greeter/qstrs.txt"
    sed -n '/^qstrs:/,/^[a-z]/ s/^  - \([^:]*\)$/\1/p' "$TOP/manifests/greeter.yaml"
}

board "$TOP/manifests/greeter.yaml" greeter
prove greeter
same "$T/greeter/repl.txt" "$TOP/tests/data/repl/greeter.txt" 'greeter: the modules run as expected'
size=$(stat -c %s "$T/greeter/greeter-1.4.0.bin")
ok 'greeter: the flash holds the image' \
    cmp -n "$size" "$T/greeter/board-0.flash" "$T/greeter/greeter-1.4.0.bin"
is "$(tail -c "+$((size + 1))" "$T/greeter/board-0.flash" | tr -d '\377' | wc -c)" 0 \
    'greeter: the rest of the flash is erased'

# The same product with its list left out.
cp -r "$TOP/manifests/greeter" "$T/"
sed '/^qstrs:/,/^$/d' "$TOP/manifests/greeter.yaml" >"$T/without.yaml"
unlike "$(cat "$T/without.yaml")" 'qstrs|snow-leopard' 'without: the list is left out'
board "$T/without.yaml" without
prove without
same "$T/without/repl.txt" "$TOP/tests/data/repl/greeter-without-list.txt" \
    'without: the modules run as expected, with their names in RAM'

is "$(listed | wc -l)" 9 'the manifest lists nine qstrs'
while read -r name; do
    ok "without the list '$name' is in RAM" grep -qxF "Q($name)" "$T/without/repl.txt"
    if grep -qxF "Q($name)" "$T/greeter/repl.txt"; then
        fail "with the list '$name' is out of RAM"
    else
        pass "with the list '$name' is out of RAM"
    fi
done < <(listed)

# What a program at the REPL may do.
exits 1 'a traceback' "$FIRN" sim boot -q "$T/greeter/board-0.flash" -c 'import snow; snow.flake(1, 2)'
like "$OUT" 'TypeError: function takes 1 positional arguments but 2 were given' '... is shown'
exits 4 'a program without end' "$FIRN" sim boot -q "$T/greeter/board-0.flash" --timeout 1 \
    -c 'print("before"); exec("while True: pass")'
like "$OUT" '^before$' '... has its output shown'
like "$OUT" 'the program did not end in time' '... and is ended'
exits 0 'the firmware calls the host' "$FIRN" sim boot -q "$T/greeter/board-0.flash" \
    --exec "$TOP/tests/data/repl/escape.py"
is "$OUT" $'open 1\nsystem 18' '... and nobody answers'
done_testing
