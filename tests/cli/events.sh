#!/bin/bash
# docs/events.md is a contract: the streams of real commands, and the examples in it, are held
# against the rules and the fields that it lists.
. "$(dirname "$0")/../tap.sh"
cp "$TOP/docs/events.md" "$T/events.md"
cd "$T" || exit 1

# check.py FILE EXIT [--part]: prints what is wrong with a stream. --part: only the lines, no order.
cat >check.py <<'PY'
import json, re, sys

path, status, part = sys.argv[1], int(sys.argv[2]), "--part" in sys.argv
tables, section = {}, None
for line in open("events.md", encoding="utf-8"):
    if line.startswith("## "):
        section = line[3:].strip()
    row = re.match(r"\| ((?:`\w+`(?:, )?)+) \|", line)
    if row:
        tables.setdefault(section, set()).update(re.findall(r"`(\w+)`", row[1]))
    row = re.match(r"\| `([a-z -]+)[^|]*\| (.*) \|$", line)
    if row and section == "result":
        tables[section].update(re.findall(r"`(\w+)`", row[2]))
required = {"phase": {"phase", "title", "state"}, "progress": {"phase", "done", "total"},
            "log": {"level", "text"}, "watch": {"state"}, "result": {"ok", "exit"}}
raw = open(path, "rb").read()
running, result = set(), None
if raw and not raw.endswith(b"\n"):
    print("the last line has no end")
for number, line in enumerate(raw.decode("utf-8").split("\n")[:-1], 1):
    def wrong(text):
        print(f"{path}:{number}: {text}: {line[:200]}")
    event = json.loads(line)
    kind = event.get("event")
    if kind not in required:
        wrong("an event that is not documented")
        continue
    keys = set(event)
    if list(event) != sorted(event):
        wrong("keys are not sorted")
    if not required[kind] <= keys:
        wrong(f"without {required[kind] - keys}")
    unknown = keys - tables["Any event"] - tables[kind]
    if unknown:
        wrong(f"fields that are not documented: {unknown}")
    if part:
        continue
    if result:
        wrong("an event after the result")
    key = (event.get("job"), event.get("phase"))
    if kind == "phase" and event["state"] == "begin":
        if key in running:
            wrong("begins twice")
        running.add(key)
    elif kind == "phase":
        if key not in running or not {"ok", "seconds"} <= keys:
            wrong("an end without its begin, or without its fields")
        running.discard(key)
    elif kind == "progress" and key not in running:
        wrong("progress outside of its phase")
    elif kind == "result":
        result = event
        if event["exit"] != status or event["ok"] != (status == 0) or running:
            wrong(f"not the exit status {status}, or before the end of {running}")
if not part and not result:
    print("no result")
PY
check() { is "$(/usr/bin/python3 check.py "$1" "$2" "${@:4}" 2>&1)" '' "$3"; }

sed -n '/^```json$/,/^```$/p' events.md | grep '^{' >examples
like "$(wc -l <examples)" '^1[0-9]$' 'the document has examples'
check examples 0 'the examples follow the document' --part

# The checker can fail.
echo '{"event":"log","level":"info","text":"x","nonsense":1}' >bad
like "$(/usr/bin/python3 check.py bad 0)" 'not documented' 'a field that is not documented is noticed'
like "$(/usr/bin/python3 check.py bad 0)" 'no result' 'a missing result is noticed'

# stream NAME STATUS COMMAND...: --json and --events carry the same, by the rules, and nothing else is
# on standard output.
stream() {
    local name=$1 want=$2 status=0
    shift 2
    "$@" --json >stream 2>err || status=$?
    is "$status" "$want" "$name: exit status"
    check stream "$want" "$name: by the rules"
    is "$(cat err)" '' "$name: nothing on standard error"
    "$@" --events=3 3>stream3 >/dev/null 2>&1
    is "$(grep -v '"seconds"' stream3)" "$(grep -v '"seconds"' stream)" "$name: the same with --events"
}

printf 'abc' >fw.bin
stream 'image' 0 "$FIRN" image fw.bin --address 0x08000000
stream 'image -o' 0 "$FIRN" image fw.bin --address 0x08000000 --usb 0483:df11 -o fw.dfu
stream 'image of nothing' 2 "$FIRN" image none.dfu
stream 'a wrong command line' 2 "$FIRN" image
fresh_init() { rm -f init.yaml main.py && "$FIRN" init -o init.yaml "$@"; }
stream 'init' 0 fresh_init
on_a_board() { "$FIRN" sim -- "$FIRN" flash fw.bin --address 0x08000000 "$@"; }
stream 'flash' 0 on_a_board
like "$(cat stream)" '"phase":"verify","seconds":[0-9.e-]+,"state":"end"' 'flash: phases'
no_board() { "$FIRN" sim -n 1 -- "$FIRN" flash fw.bin --address 0x08000000 --usb 1209:0001 "$@"; }
stream 'flash, no such board' 4 no_board
printf 'firn: 1\nbaord: x\n' >bad.yaml
stream 'validate' 2 "$FIRN" validate bad.yaml
like "$(cat stream)" '"file":"bad.yaml","hint":"did you mean .board..","level":"error","line":2,' \
    'validate: the place and the hint are fields'

printf 'firn: 1\nproduct: x y\n' >worse.yaml
stream 'build of many' 1 "$FIRN" build bad.yaml worse.yaml
like "$(grep -c '"phase":"all"' stream)" '^[3-9]$' 'build of many: the phase of all'
like "$(cat stream)" '"job":"worse",.*"level":"error"' 'build of many: whose error it is'

# ---- the descriptor ----
exits 2 'a descriptor that is not open' "$FIRN" image fw.bin --address 0 --events=9
like "$OUT" 'descriptor 9 is not open for writing' '... is said'
exits 2 'a descriptor for reading' bash -c '"$0" image fw.bin --address 0 --events=3 3<fw.bin' "$FIRN"
exits 2 'no number' "$FIRN" image fw.bin --address 0 --events=x
exits 0 'a reader that has gone' bash -c 'exec 3> >(:); sleep 0.2; "$0" image fw.bin --address 0 --events=3' "$FIRN"
like "$OUT" 'fw.bin: raw binary' '... does not matter'
exits 2 'no command, but events are asked for' "$FIRN" --json
like "$OUT" 'which command' 'says what is missing'
done_testing
