#!/bin/bash
# firn build with many manifests: five products on two bases, one of them wrong; what cannot be built
# together; an interrupt and a kill leave nobody behind.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../home.sh"
own_home "$T/home"
mkdir "$T/p" "$T/p/other"
cd "$T/p" || exit 1

manifest() { # FILE PRODUCT [CONFIG]
    printf 'firn: 1\nproduct: %s\nversion: 1.0\nfirmware: {git: "https://github.com/micropython/micropython.git", ref: v1.25.0}\n' "$2" >"$1"
    printf 'board: {port: qemu, name: NETDUINO2}\nfrozen: [{module: %s.py}]\n%s\n' "$2" "${3:-}" >>"$1"
    echo "NAME = 'this is $2'" >"$(dirname "$1")/$2.py"
}
for name in a b c; do manifest $name.yaml $name; done
# Another base, most of which ccache can have from stale.sh.
other='config: {make: {MICROPY_HEAP_SIZE: 70000}}'
manifest d.yaml d "$other"
manifest e.yaml e "$other"
echo 'def (:' >b.py
event() { grep -c "$1" events.jsonl; }
gone() { # until no process has our directory on its command line; 20 s at most
    local i
    for i in $(seq 200); do
        pgrep -f -- "--jobs=.*$T/" >/dev/null || pgrep -f "bwrap.*$T/" >/dev/null || return 0
        sleep 0.1
    done
    return 1
}

# ---- five products, two bases that are missing, one product wrong ----
exits 1 'one of five fails' "$FIRN" build --events=3 a.yaml b.yaml c.yaml d.yaml e.yaml 3>events.jsonl
like "$OUT" '^PRODUCT +VERSION +BOARD +FLASH +TIME$' 'a table'
for name in a c d e; do
    like "$OUT" "^$name +1.0 +NETDUINO2 +[0-9.]+ KiB +.* built\$" "$name: a line"
    ok "$name: the image" test -s "out/$name/$name-1.0.dfu"
done
like "$OUT" '^error: b.py:1:1: SyntaxError' 'the error, with its place'
like "$(sed -n '/^PRODUCT/,$p' <<<"$OUT")" '^4 of 5 products, 1 failed, ' 'the sum'
like "$(grep -A1 '^4 of 5' <<<"$OUT")" '^  b.yaml: b.py:1:1: SyntaxError: invalid syntax$' 'the failure is listed behind it'
is "$(event '"phase":"base","state":"begin"')" 2 'each base is compiled once'
is "$(find "$FIRN_HOME/bases" -name base.json | wc -l)" 2 'two bases'
is "$(event '"event":"result"')" 1 'one result'
like "$(tail -n 1 events.jsonl)" '"exit":1,"failed":\[\{"exit":2,"job":"b","manifest":"b.yaml","message":"b.py:1:1: SyntaxError: invalid syntax"\}\].*"job":"e"' 'it names what failed and what was built'
for name in a b c d e; do
    is "$(event "\"job\":\"$name\".*\"phase\":\"product\".*\"state\":\"end\"")" 1 "$name: its phase ends"
done
is "$(grep '"phase":"all"' events.jsonl | grep -c '"total":5')" "$(grep '"phase":"all"' events.jsonl | grep -c progress)" 'progress counts products'

# The images are those of one build each.
rm -rf "$FIRN_HOME/images"
exits 0 'alone' "$FIRN" -q build --no-base d.yaml -o alone
ok 'the image of many is that of one' cmp alone/d-1.0.dfu out/d/d-1.0.dfu

# ---- again: nothing to do but for one ----
manifest b.yaml b
exits 0 'again' "$FIRN" build --events=3 a.yaml b.yaml c.yaml d.yaml e.yaml 3>events.jsonl
exits 0 'unchanged' "$FIRN" build --events=3 a.yaml b.yaml c.yaml d.yaml e.yaml 3>events.jsonl
is "$(grep -c ' unchanged$' <<<"$OUT")" 5 'unchanged: all are'
is "$(event '"phase":"product"')" 0 'unchanged: no process'
exits 0 'quiet' "$FIRN" -q build a.yaml d.yaml
is "$OUT" '' 'quiet: prints nothing'

# ---- what cannot be built together ----
exits 2 'twice the same' "$FIRN" build a.yaml ./a.yaml
like "$OUT" "'a.yaml' and './a.yaml' are the same manifest" 'twice the same: says so'
manifest other/a.yaml a
rm -rf out
exits 2 'two that write one file' "$FIRN" build a.yaml other/a.yaml c.yaml
like "$OUT" "'a.yaml' and 'other/a.yaml' would both write out/a/a-1.0" 'two that write one file: says so'
ok 'and nothing was built' test ! -e out
sed -i 's/version: 1.0/version: 2.0/' other/a.yaml
exits 0 'two versions of a product' "$FIRN" build --json a.yaml other/a.yaml
like "$(tail -n 1 <<<"$OUT")" '"job":"a.yaml".*"job":"other/a.yaml"' 'their labels differ'
exits 1 'one that is not there' "$FIRN" build a.yaml none.yaml
like "$OUT" "^  none.yaml: cannot open 'none.yaml'" 'one that is not there: named'
exits 2 'no number of jobs' "$FIRN" build -j0 a.yaml c.yaml

# ---- a base that cannot be compiled: found out once ----
bad='config: {defines: {MICROPY_PY_CMATH: "+"}}'
manifest f.yaml f "$bad"
manifest g.yaml g "$bad"
exits 1 'a base that cannot be' "$FIRN" build --events=3 f.yaml g.yaml a.yaml 3>events.jsonl
is "$(event '"phase":"base","state":"begin"')" 1 'it is tried once'
like "$OUT" "g.yaml: the base of 'g.yaml' could not be compiled: 'f.yaml' is on the same one" 'the other says whose'
like "$OUT" '^1 of 3 products, 2 failed' 'the third is built'

# ---- an interrupt, and a kill ----
other='config: {make: {MICROPY_HEAP_SIZE: 70001}}'
manifest "$T/p/h.yaml" h "$other"
manifest "$T/p/i.yaml" i "$other"
compiling() { # in the background, until it compiles; its pid in $pid
    rm -f events.jsonl said
    setsid env --default-signal=INT "$FIRN" build --events=3 "$T/p/h.yaml" "$T/p/i.yaml" 3>events.jsonl >said 2>&1 &
    pid=$!
    for _ in $(seq 300); do
        grep -q '"phase":"base".*"state":"begin"' events.jsonl 2>/dev/null && return
        sleep 0.1
    done
}
compiling
kill -INT "$pid"
wait "$pid"
is $? 130 'an interrupt: exit status 130'
like "$(cat said)" 'interrupted when 0 of 2 products were built' 'an interrupt: says how far it was'
is "$(grep -c '^error' said)" 1 'an interrupt: once'
is "$(grep -c '"state":"begin"' events.jsonl)" "$(grep -c '"state":"end"' events.jsonl)" 'an interrupt: every phase ends'
ok 'an interrupt: nobody is left' gone
compiling
ok 'a kill: a child was there' pgrep -f -- "--jobs=.*$T/"
disown "$pid"
kill -KILL "$pid"
ok 'a kill: nobody is left' gone
exits 0 'and the next build is right' "$FIRN" build "$T/p/h.yaml" "$T/p/i.yaml"
done_testing
