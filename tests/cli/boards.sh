#!/bin/bash
# firn boards, on a small source that is a working copy: what it lists, finds and says of one board.
# tests/e2e/boards.sh does the same on MicroPython's own.
. "$(dirname "$0")/../tap.sh"
export FIRN_HOME=$T/home FIRN_CONFIG=$T/config.yaml
echo "mirrors: {}" >"$FIRN_CONFIG"
cp -r "$TOP/tests/data/boards" "$T/p"
cd "$T/p" || exit 1
expected=$TOP/tests/data/boards

# shows NAME ARGUMENTS...: prints what is in NAME.expected
shows() {
    local name=$1
    shift
    "$FIRN" -q boards --source product.yaml "$@" >"$T/out" 2>&1
    is $? 0 "$name: exit status 0"
    same "$T/out" "$expected/$name.expected" "$name: the text"
}
shows table --port stm32
shows all --all
shows search dfu-less
shows page ACME_ONE
shows long ACME_TWO
shows unbuilt --all pico

is "$(awk 'length > 100' "$expected"/{table,all,search}.expected | wc -l)" 0 'within 100 columns'

# What is in a board.json drives no terminal.
unlike "$("$FIRN" -q boards --source product.yaml --all)" $'\x1b' 'no escape sequence reaches the terminal'

# Another product's view: a port, a name in another case, with its port.
exits 0 'a name in lower case' "$FIRN" boards --source product.yaml acme_one
like "$OUT" '^ACME_ONE: ' 'a name in lower case: a page'
exits 0 'a name with its port' "$FIRN" boards --source product.yaml stm32/ACME_ONE
like "$OUT" 'board: \{port: stm32, name: ACME_ONE\}' 'a name with its port: the lines for a manifest'

exits 2 'nothing found' "$FIRN" boards --source product.yaml ACME_ONN
like "$OUT" "no board has 'ACME_ONN'" 'nothing found: says so'
like "$OUT" "did you mean 'ACME_ONE'\?" 'nothing found: suggests'
exits 2 'an unknown port' "$FIRN" boards --source product.yaml --port stm23
like "$OUT" "did you mean 'stm32'\?" 'an unknown port: suggests'
exits 2 'a port that firn cannot build for' "$FIRN" boards --source product.yaml --port rp2
like "$OUT" "'--all' lists" 'a port that firn cannot build for: --all lists it'
exits 0 'with --all' "$FIRN" boards --source product.yaml --port rp2 --all
exits 2 'two texts' "$FIRN" boards a b
exits 2 'a source and a ref' "$FIRN" boards --source product.yaml --ref v1
exits 2 'an unknown option' "$FIRN" boards --every
exits 2 'an option without its value' "$FIRN" boards --port
exits 2 'no such manifest' "$FIRN" boards --source none.yaml
exits 3 'nothing to look at, and not to be fetched' "$FIRN" boards --offline

# A board.json that is none is a warning, at its place.
echo '{"mcu": "x",' >src/ports/stm32/boards/PLAIN/board.json
exits 0 'a bad board.json' "$FIRN" boards --source product.yaml
like "$OUT" 'warning: ports/stm32/boards/PLAIN/board.json:2:[0-9]+: it is not JSON' 'a bad board.json: a warning'
like "$OUT" '^PLAIN ' 'a bad board.json: the board is listed'
echo '{"vendor": ["x"]}' >src/ports/stm32/boards/PLAIN/board.json

# Events. result EXPRESSION: of the result r and its boards by name b.
"$FIRN" boards --source product.yaml --json >"$T/events" 2>/dev/null
result() {
    python3 -c 'import json, sys
r = json.loads(open(sys.argv[1]).read().splitlines()[-1])
b = {board["name"]: board for board in r["boards"]}
print(eval(sys.argv[2]))' "$T/events" "$1"
}
like "$(cat "$T/events")" '"event":"log".*"level":"warning"' 'events: the warning'
is "$(result '" ".join(n for n in b if b[n]["dfu"])')" 'STM32F405 NETDUINO2 ACME_ONE ACME_TWO' \
    'events: boards that are flashed over DFU'
is "$(result 'sorted(b["ACME_ONE"].items())')" "[('buildable', True), ('dfu', True), \
('emulator', None), ('features', ['USB-C', 'WiFi']), ('mcu', 'stm32f4'), ('name', 'ACME_ONE'), \
('path', 'ports/stm32/boards/ACME_ONE'), ('port', 'stm32'), ('product', 'Acme One'), \
('toolchain', 'arm-none-eabi'), ('url', 'https://acme.example/one'), \
('usb', {'product': 'df11', 'vendor': '0483'}), \
('variants', {'DP': 'Double-precision float', 'THREAD': ''}), ('vendor', 'Acme')]" \
    'events: all of a board'
is "$(result 'r["source"]')" "{'archive': None, 'commit': None, 'git': None, 'path': 'src', 'ref': None}" \
    'events: the source'
done_testing
