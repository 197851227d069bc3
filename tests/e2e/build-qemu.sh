#!/bin/bash
# firn build for the qemu port's NETDUINO2: every kind of frozen module on the board, interrupted and
# concurrent builds, and what it says when something is wrong.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../home.sh"
own_home "$T/home"
cp -r "$TOP/tests/data/kinds" "$T/p"
mkdir "$T/p/vendor"
cp "$TOP/manifests/greeter/vendor/yeti.mpy" "$T/p/vendor/"
cd "$T/p" || exit 1
# A product may well have a json.py; our own Python must not import it.
echo 'raise SystemExit("json.py of the product")' >json.py

# Wait until the build in the background ($pid) compiles; false when it ended before.
until_compiling() {
    while kill -0 "$pid" 2>/dev/null; do
        grep -qs '^CC ' "$FIRN_HOME"/logs/*.log && return
        sleep 0.1
    done
    return 1
}

# ---- interrupted, killed, twice at once ----
"$FIRN" build kinds.yaml -o "$T/out" >"$T/interrupted" 2>&1 &
pid=$!
ok 'a build begins to compile' until_compiling
kill -INT $pid
wait $pid
is $? 130 'interrupted: exit status 130'
is "$(find "$FIRN_HOME/build" -mindepth 1 -type d)" '' 'interrupted: no build directory is left'
is "$(ls -A "$FIRN_HOME/images" "$T/out" 2>/dev/null)" '' 'interrupted: no image, no output'

rm -f "$FIRN_HOME"/logs/*
"$FIRN" build kinds.yaml -o "$T/out" >/dev/null 2>&1 &
pid=$!
disown # no word from the shell about its end
until_compiling
kill -KILL $pid
while kill -0 $pid 2>/dev/null; do sleep 0.1; done
is "$(ls -A "$FIRN_HOME/images" "$T/out" 2>/dev/null)" '' 'killed: no image, no output'

rm -f "$FIRN_HOME"/logs/*
"$FIRN" build kinds.yaml -o "$T/out" >"$T/first" 2>&1 &
pid=$!
until_compiling
exits 0 'a second build of the same, while the first compiles' "$FIRN" build kinds.yaml -o "$T/out2"
like "$OUT" 'another firn is building the same image' 'it waits for the first'
like "$OUT" 'unchanged' 'it takes what the first made'
wait $pid
is $? 0 'the build after an interrupt and a kill succeeds'
like "$(cat "$T/first")" 'kinds 0.9 for NETDUINO2' 'the summary names product and board'

# ---- what was built ----
for suffix in dfu hex bin elf map json; do
    ok "there is a .$suffix" test -s "$T/out/kinds-0.9.$suffix"
done
ok 'the other build has the same image' cmp "$T/out/kinds-0.9.dfu" "$T/out2/kinds-0.9.dfu"
cat >"$T/check.py" <<'END'
import sys, main, acme, words, yeti, extra, walked, beep, board_only, filter
print(sys.platform, sys.version.split("; ")[-1])
print(acme.read(), words.TEXT, extra.x, beep.beep(), beep.__version__, board_only.twice(4))
print(filter.step(2), walked.X)
END
exits 0 'it boots' "$FIRN" sim boot -q -e "$T/check.py" "$T/out/kinds-0.9.bin"
is "$OUT" 'main runs
acme kinds 0.9
acme read as source included beep 0.3.1 8
42 walked' 'modules of every kind run, config and C module count'
ok 'no path of this machine in the sidecar' bash -c "! grep -q '$TOP\|$T' '$T/out/kinds-0.9.json'"
like "$(cat "$T/out/kinds-0.9.json")" '"origin": "(Debian|upstream)' 'the sidecar says where the source is from'
like "$(cat "$T/out/kinds-0.9.json")" '"address": "0x08000000"' 'addresses are those of the flash'

# ---- its size ----
is "$("$TOP/tests/e2e/size_check" "$T/out/kinds-0.9" arm-none-eabi- 2>&1)" '' \
    'the parts of its size add up, as binutils and the map have them'
exits 0 'firn size' "$FIRN" size "$T/out/kinds-0.9.dfu"
like "$OUT" '^  C MODULE +FLASH +RAM$' 'firn size: C modules'
like "$OUT" '^  filter +[1-9][0-9]+ +-$' 'firn size: the C module takes flash'
like "$OUT" '^  words.py +[0-9]+ +- +- +- +[0-9]+ +13$' 'firn size: a module frozen as source'
like "$OUT" '^  \(lists and qstr pool\) +[0-9]+$' 'firn size: what belongs to no module'

# ---- flashed from the manifest ----
exits 0 'firn flash MANIFEST' "$FIRN" sim -b stm32f205 -d "$T/board" -- "$FIRN" flash kinds.yaml
like "$OUT" 'flashed and verified' 'builds (nothing to do) and flashes'
ok 'the board holds the image' cmp -n "$(stat -c %s "$T/out/kinds-0.9.bin")" "$T/out/kinds-0.9.bin" "$T/board/board-0.flash"

# ---- unchanged ----
best=999999
for _ in 1 2 3 4 5; do
    start=$(date +%s%N)
    exits 0 'unchanged' "$FIRN" build kinds.yaml -o "$T/out"
    ms=$((($(date +%s%N) - start) / 1000000))
    [ "$ms" -ge "$best" ] || best=$ms
done
like "$OUT" 'unchanged' 'unchanged: it says so'
limit=50
case $FIRN in */san/*) limit=200 ;; esac
ok "unchanged: $best ms, less than $limit" test "$best" -lt $limit
rm "$T/out/kinds-0.9.bin"
exits 0 'unchanged, with a file of the output removed' "$FIRN" build kinds.yaml -o "$T/out"
ok 'it is there again' cmp "$T/out/kinds-0.9.bin" "$T/out2/kinds-0.9.bin"

# ---- what is wrong in the manifest's files: told before anything is compiled ----
# refuse STATUS NAME REGEX: build the changed p; the message must match
refuse() {
    rm -f "$FIRN_HOME"/logs/*
    exits "$1" "$2" "$FIRN" build kinds.yaml -o "$T/bad"
    like "$OUT" "$3" "$2: says so"
    ok "$2: nothing was compiled" bash -c '! grep -qs "^CC " "$FIRN_HOME"/logs/*.log'
}
with() { # FILE SED-SCRIPT
    cp "$1" "$T/saved"
    sed -i "$2" "$1"
}
restore() { cp "$T/saved" "$1"; }

with src/acme/io.py 's/^def read.*/def read(:/'
refuse 2 'a syntax error' "error: src/acme/io.py:1:1: SyntaxError: invalid syntax"
like "$OUT" '1 \| def read\(:' 'a syntax error: shows the line'
restore src/acme/io.py

with src/main.py '$a\break'
refuse 2 'an error of the compiler' "error: src/main.py:2:1: SyntaxError: 'break'"
restore src/main.py

printf 'M\005\002\037\040\000' >vendor/old.mpy
with kinds.yaml 's,vendor/yeti.mpy,vendor/old.mpy,'
refuse 2 'a .mpy of another version' 'old.mpy is a .mpy file of version 5, this source needs version 6'
restore kinds.yaml

printf 'not one' >vendor/old.mpy
with kinds.yaml 's,vendor/yeti.mpy,vendor/old.mpy,'
refuse 2 'a .mpy that is none' 'old.mpy: not a .mpy file'
restore kinds.yaml

echo 'x = 1' >src/yeti.py
with kinds.yaml 's/module: main.py/module: yeti.py/'
refuse 2 'a module and a .mpy of one name' "'yeti(.py)?' is frozen twice"
restore kinds.yaml

echo 'x = 1' >src/acme_io.py
with kinds.yaml 's/module: main.py/module: acme_io.py/'
refuse 2 'names that are one in C' "'acme/io.py' and 'acme_io.py' cannot both be frozen"
restore kinds.yaml

echo 'x = 1' >src/my-mod.py
with kinds.yaml 's/module: main.py/module: my-mod.py/'
refuse 2 'a name that is none in C' 'only letters, digits and _'
restore kinds.yaml

with kinds.yaml 's/require: beep/require: aioble/'
refuse 3 'micropython-lib is not in the source' "kinds.yaml:[0-9]+:.*'aioble' needs micropython-lib"
like "$OUT" 'upstream or a full mirror' 'micropython-lib is not in the source: says what to do'
restore kinds.yaml

with other/manifest.py 's/module/modul/'
refuse 2 'an error in an included manifest.py' "name 'modul' is not defined"
restore other/manifest.py

echo 'def' >other/walked/new.py
refuse 2 'a file that came into a directory of an included manifest.py' 'other/walked/new.py:1:1: SyntaxError'
rm other/walked/new.py

with kinds.yaml 's,port: qemu.*},port: qemu\, name: NETDUINO3},'
refuse 2 'an unknown board' "unknown board 'NETDUINO3'"
like "$OUT" "did you mean 'NETDUINO2'" 'an unknown board: suggests'
restore kinds.yaml

with kinds.yaml 's/ref: v1.25.0/ref: v9.9.9/'
refuse 3 'an unknown ref' 'v9\.9\.9'
restore kinds.yaml

mkdir "$T/bin"
for tool in make python3 bash sh gcc ar ld nm objcopy size as bwrap; do
    ln -s "$(command -v $tool)" "$T/bin/"
done
exits 1 'the toolchain is not installed' env PATH="$T/bin" "$FIRN" build kinds.yaml -o "$T/bad"
like "$OUT" 'gcc-arm-none-eabi' 'the toolchain is not installed: names the package'

ln -s ../../src c_modules/filter/linked
refuse 2 'a C module with a link to a directory' "c_modules/filter/linked' is a symbolic link to a directory"
ln -sfn "$T/out/kinds-0.9.json" c_modules/filter/linked
refuse 2 'a C module with a link that leads out' 'linked. is a symbolic link that leads out of the manifest'
rm c_modules/filter/linked

# ---- what only the compiler and the linker find ----
with c_modules/filter/filter.c 's/FILTER_GAIN/gain/'
exits 1 'an error in a C module' "$FIRN" build kinds.yaml -o "$T/bad"
like "$OUT" "error: .*c_modules/filter/filter.c:[0-9]+:[0-9]+: .gain. undeclared" \
    'an error in a C module: at the file of the user'
like "$OUT" 'everything that make printed: .*\.log' 'an error in a C module: names the log'
restore c_modules/filter/filter.c

python3 -c 'print("DATA = 0\n" + "# %s\n" % ("." * 78) * 14000)' >texts/huge.py
exits 1 'too much for the flash' "$FIRN" build kinds.yaml -o "$T/bad"
like "$OUT" 'does not fit: region [A-Z]+ overflowed by [0-9]+ bytes' 'too much: the region and by how much'
like "$OUT" 'the largest frozen modules: huge.py 1.[0-9] MiB' 'too much: the largest module'
is "$(find "$FIRN_HOME/build" -mindepth 1 -type d)" '' 'after failures no build directory is left'
is "$(ls "$FIRN_HOME/images" | wc -l)" 1 'after failures there is the one image that was built'

# ---- places where it cannot work ----
mkdir "$T/with space"
exits 1 'a FIRN_HOME that make cannot name' env FIRN_HOME="$T/with space" "$FIRN" build kinds.yaml
like "$OUT" 'set FIRN_HOME to' 'a FIRN_HOME that make cannot name: says what to do'
full_disk() { # a home of 12 MB, with links to the sources
    unshare -m bash -c 'mkdir "$1" && mount -t tmpfs -o size=12m tmpfs "$1" && . "$2" &&
        own_home "$1/home" && exec "$FIRN" build kinds.yaml -o "$1/out"' - "$T/small" \
        "$TOP/tests/home.sh"
}
if unshare -m mount -t tmpfs tmpfs "$T/p" 2>/dev/null; then
    exits 1 'a full disk' full_disk
    like "$OUT" 'disk is full|No space left' 'a full disk: says so'
else
    skip 'a full disk: no privilege to mount a small one'
fi
done_testing
