#!/bin/bash
# firn build --watch: one build for each save, however an editor saves; errors are waited out.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../home.sh"
own_home "$T/home" bases
mkdir -p "$T/p/lib/pkg"
cd "$T/p" || exit 1
cat >p.yaml <<'END'
firn: 1
product: p
version: 1.0
firmware: {git: "https://github.com/micropython/micropython.git", ref: v1.25.0}
board: {port: qemu, name: NETDUINO2}
frozen:
  - module: main.py
  - {package: pkg, base_path: lib}
  - include: more.py
qstrs: [{file: names.txt}]
END
echo 'MARK = "first_mark"' >main.py
echo 'A = 1' >lib/pkg/__init__.py
echo 'module("included.py")' >more.py
echo 'B = 1' >included.py
echo 'Q(some_name)' >names.txt
image=out/p/p-1.0.bin

built() { grep -c '"event":"watch".*"state":"built"' events.jsonl; }
last() { grep '"event":"watch".*"state":"built"' events.jsonl | tail -n 1; }
settled() { # WHAT COMMAND...: does it come true within 60 s?
    local i name=$1
    shift
    for i in $(seq 600); do
        if "$@"; then return; fi
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    fail "$name: not within 60 s, or it ended" "$(tail -n 5 events.jsonl; cat said)"
}
reached() { [ "$(built)" -ge "$1" ]; }
# one NAME: exactly one build since the last call, and a moment later still one. Its result is $LAST.
count=0
one() {
    count=$((count + 1))
    settled "$1" reached $count
    sleep 0.3
    is "$(built)" $count "$1: one build"
    count=$(built)
    LAST=$(last)
}
holds() { grep -qa "$1" $image; }
lacks() { ! holds "$1"; }
watching() { grep -q "^  watching $1 made of; Ctrl-C ends it" said; }
mtime() { stat -c %y $image; }

start() { # ARGUMENTS...: another one, from an empty record
    rm -f events.jsonl said
    touch events.jsonl said
    setsid env --default-signal=INT "$FIRN" "$@" --watch --events=3 3>events.jsonl >said 2>&1 &
    pid=$!
}
finish() {
    kill -INT "$pid"
    wait "$pid"
}

start build p.yaml
settled 'the first build' reached 1
count=$(($(built) - 1))
settled 'it says that it watches' watching '1 manifest and what it is'
one 'the first build'
like "$LAST" '"ok":true' 'the first build: good'
ok 'the first build: the image' holds first_mark

# ---- saves ----
echo 'MARK = "second_mark"' >main.py
one 'a save'
ok 'a save: it is in the image' holds second_mark
like "$(tail -n 1 said)" 'saved -> image in [0-9.]+ (s|ms): p 1.0 for NETDUINO2, [0-9.]+ KiB of flash$' 'a save: says how long it took'
like "$LAST" '"image":\{.*"unchanged":false.*"seconds":[0-9.]+' 'a save: so does the event'
like "$(grep '"state":"changed"' events.jsonl | tail -n 1)" '"job":"p","paths":\["main.py"\]' 'a save: the event names the file'

echo 'MARK = "third_mark"' >main.py.new
mv main.py main.py~
mv main.py.new main.py
one 'a save by rename'
ok 'a save by rename: it is in the image' holds third_mark

{ echo 'MARK = "fourth_mark"' >main.py; echo 'B = "in_included"' >included.py; echo 'A = "in_pkg"' >lib/pkg/__init__.py; }
one 'three files at once'
ok 'three files at once: the first' holds fourth_mark
ok 'three files at once: the second' holds in_included
ok 'three files at once: the third' holds in_pkg

before=$(mtime)
touch main.py
one 'a save without a change'
like "$(tail -n 1 said)" 'saved -> unchanged in ' 'a save without a change: says so'
is "$(mtime)" "$before" 'a save without a change: the image is left alone'

# ---- every kind of input ----
echo 'NEW = "in_new_module"' >lib/pkg/new.py
one 'a module that is new in a package'
ok 'a module that is new: it is in the image' holds in_new_module
rm lib/pkg/new.py
one 'a module that was removed'
ok 'a module that was removed: it is not' lacks in_new_module
printf 'module("included.py")\nmodule("also.py")\n' >more.py
one 'a manifest.py that names what is not there'
like "$LAST" '"ok":false' 'a manifest.py that names what is not there: fails'
echo 'C = "in_also"' >also.py
good() { last | grep -q '"ok":true'; } # the image is there before the event
settled 'what it names' good
ok 'what it names: is in the image' holds in_also
count=$(built)
pass 'what it names is there now: built'
echo 'Q(another_name_of_the_list)' >names.txt
one 'a list of qstrs'
ok 'a list of qstrs: it is in the image' holds another_name_of_the_list
sed -i 's/version: 1.0/version: 1.1/' p.yaml
one 'the manifest'
ok 'the manifest: another version' test -s out/p/p-1.1.dfu
image=out/p/p-1.1.bin

echo 'nothing reads this' >unrelated.txt
mkdir unrelated
echo 'nor this' >unrelated/file.py
sleep 0.5
is "$(built)" $count 'what does not go in builds nothing'

# ---- errors ----
echo 'def broken(:' >main.py
one 'a mistake'
like "$LAST" '"exit":2,.*"ok":false' 'a mistake: fails'
like "$(cat said)" 'error: main.py:1:1: SyntaxError' 'a mistake: is shown'
echo 'MARK = "mended_mark"' >main.py
one 'mended'
ok 'mended: it is in the image' holds mended_mark
mv main.py aside
one 'a module that is gone'
like "$(cat said)" "error: p.yaml:7:13: 'main.py' does not exist" 'a module that is gone: says so'
mv aside main.py
one 'it is back'
like "$LAST" '"ok":true' 'it is back: good'
mv lib gone
one 'a directory that is gone'
like "$LAST" '"ok":false' 'a directory that is gone: fails'
mv gone lib
one 'the directory is back'
like "$LAST" '"ok":true' 'the directory is back: good'
echo 'A = "in_pkg_again"' >lib/pkg/__init__.py
one 'a file in it'
ok 'a file in it: it is in the image' holds in_pkg_again
sed -i 's/^product/prodct/' p.yaml
one 'a manifest that is wrong'
sed -i 's/^prodct/product/' p.yaml
settled 'the manifest is right again' grep -q '"state":"built"' <(tail -n 3 events.jsonl)
sleep 0.5
like "$(last)" '"ok":true' 'the manifest is right again: good'
ok 'it went on all the time' kill -0 "$pid"

# ---- the end ----
finish
is $? 130 'Ctrl-C ends it: exit status 130'
like "$(tail -n 1 events.jsonl)" '"builds":[0-9]+,"event":"result","exit":130' 'the result comes last'
is "$(grep -c '"state":"begin"' events.jsonl)" "$(grep -c '"state":"end"' events.jsonl)" 'every phase ends'

# ---- with others, and with options ----
# Two: only the one that a file belongs to is built.
cp p.yaml q.yaml
sed -i 's/^product: p/product: q/; s/main.py/other.py/' q.yaml
echo 'MARK = "of_q"' >other.py
start build p.yaml q.yaml
settled 'two: it says that it watches' watching '2 manifests and what they are'
like "$(cat said)" '2 of 2 products' 'two: are built first'
echo 'MARK = "of_q_again"' >other.py
settled 'two: one of them' reached 1
ok 'two: it is in the image' grep -qa of_q_again out/q/q-1.1.bin
like "$(last)" '"job":"q"' 'two: its job'
is "$(built)" 1 'two: the other is not built'
finish

# The lock is read with --locked: it counts, too.
exits 0 'a lock' "$FIRN" -q lock p.yaml
start -q build --locked p.yaml
count=0
one 'locked'
like "$LAST" '"ok":true' 'locked: good'
echo 'MARK = "not_locked"' >main.py
one 'locked, a save'
like "$(cat said)" "'frozen main.py' is not what is locked" 'locked, a save: refused'
exits 0 'locked anew' "$FIRN" -q lock --update p.yaml
settled 'locked anew: built' good
ok 'locked anew: it is in the image' holds not_locked
sleep 0.5
count=$(built)
cp p.yaml.lock good.lock
echo 'spoilt' >>p.yaml.lock
one 'a lock that is spoilt'
like "$LAST" '"ok":false' 'a lock that is spoilt: is noticed'
mv good.lock p.yaml.lock
one 'a lock that is good again'
like "$LAST" '"ok":true' 'a lock that is good again: is noticed'
is "$(grep -vc '^error: \|^  ' said)" 0 'quiet: errors only'
finish

exits 2 '--watch --twice' "$FIRN" build --watch --twice p.yaml
done_testing
