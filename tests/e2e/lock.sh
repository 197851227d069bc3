#!/bin/bash
# firn lock and firn build --locked: the same bytes each time, and each thing that can differ is
# refused by name. The source is a repository of the test's own, imported from the shared mirror's
# commit, whose tag can be moved.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../home.sh"
own_home "$T/home" bases
# The compiler is hashed by the first lock and remembered for the next.
rm "$FIRN_HOME/toolchains"
mkdir "$FIRN_HOME/toolchains"
mkdir -p "$T/p"
cp -r "$TOP/manifests/greeter" "$TOP/manifests/greeter.yaml" "$T/p/"
mkdir -p "$T/p/c_modules/twice"
echo 'SRC_USERMOD += $(USERMOD_DIR)/twice.c' >"$T/p/c_modules/twice/micropython.mk"
echo '/* nothing */' >"$T/p/c_modules/twice/twice.c"
cd "$T/p" || exit 1
echo 'c_modules: [c_modules/twice]' >>greeter.yaml

refused() { # NAME REGEX: --locked does not build, and says what differs
    exits 3 "$1: --locked refuses" "$FIRN" -q build --locked --offline greeter.yaml -o "$T/out"
    like "$OUT" "$2" "$1: by name"
}

exits 3 'without a lock --locked builds nothing' "$FIRN" -q build --locked greeter.yaml -o "$T/out"
like "$OUT" 'there is no lock greeter.yaml.lock' 'it says which'
like "$OUT" 'firn lock greeter.yaml' 'and what makes it'
exits 0 'firn lock' "$FIRN" lock greeter.yaml
cp greeter.yaml.lock "$T/first"
rm greeter.yaml.lock
exits 0 'firn lock again' "$FIRN" -q lock greeter.yaml
same greeter.yaml.lock "$T/first" 'the same bytes'
ok 'no line depends on this machine' bash -c "! grep -nE '$T|$TOP|host|/usr' greeter.yaml.lock"
ok 'a commit' grep -qE '^- source commit: [0-9a-f]{40}$' greeter.yaml.lock
ok 'the compiler, file by file' grep -qE '^- toolchain file cc1: sha256 [0-9a-f]{64}$' greeter.yaml.lock
ok 'every frozen file' grep -qE '^- frozen snow/__init__.py: sha256 [0-9a-f]{64}$' greeter.yaml.lock
ok 'every file of a C module' grep -qE '^- c_modules/twice/twice.c: sha256 [0-9a-f]{64}$' greeter.yaml.lock

# ---- what --locked refuses ----
echo '# changed' >>greeter/greet.py
refused 'a changed module' "'frozen greet.py' is not what is locked"
cp "$TOP/manifests/greeter/greet.py" greeter/
echo 'new_name' >>greeter/qstrs.txt
refused 'a changed qstr list' 'qstr'
cp "$TOP/manifests/greeter/qstrs.txt" greeter/
echo '/* changed */' >>c_modules/twice/twice.c
refused 'a changed C module' 'c_modules/twice/twice.c'
echo '/* nothing */' >c_modules/twice/twice.c
touch c_modules/twice/more.c
refused 'a file that is new' "does not have 'c_modules/twice/more.c'"
rm c_modules/twice/more.c
rm greeter/source/*.py
echo 'x = 1' >greeter/source/other.py
refused 'a file that is gone' 'frozen (hello|other).py'
rm -r greeter && cp -r "$TOP/manifests/greeter" .
sed -i 's/version: 1.4.0/version: 1.4.1/' greeter.yaml
refused 'another version of the product' "'version' is not what is locked: .* has 1.4.0, it is 1.4.1 now"
sed -i 's/version: 1.4.1/version: 1.4.0/' greeter.yaml

mkdir "$T/bin"
for tool in gcc ar ld nm objcopy size; do
    cp "$(readlink -f "$(command -v arm-none-eabi-$tool)")" "$T/bin/arm-none-eabi-$tool"
done
echo >>"$T/bin/arm-none-eabi-gcc"
PATH=$T/bin:$PATH refused 'another compiler' "'toolchain file [a-z0-9.]+' is not what is locked"
like "$OUT" "firn lock --update='toolchain' greeter.yaml" 'another compiler: all of it is what to update'
cp greeter.yaml.lock "$T/lock"
PATH=$T/bin:$PATH exits 0 '--update toolchain' "$FIRN" -q lock --offline --update toolchain greeter.yaml
is "$(diff "$T/lock" greeter.yaml.lock | grep '^[<>]' | grep -vc '^[<>] - toolchain ')" 0 'no other line is another'
unlike "$(diff -q "$T/lock" greeter.yaml.lock || echo differs)" '^$' 'but the lock is'
cp "$T/lock" greeter.yaml.lock

cp -r "$TOP/firmware-src" "$TOP/toolchains" "$T/"
echo '# changed' >>"$T/firmware-src/micropython.yaml"
FIRN_DATA=$T refused 'another definition' "'interpreter definition' is not what is locked"
like "$("$FIRN" lock --offline greeter.yaml 2>/dev/null)" 'as it was' 'with all of it undone, the lock is as it was'

# ---- a tag that is moved, a branch that moves on ----
mirror=$(sed -n 's,.*micropython/: *\(/.*\)$,\1,p' "$FIRN_CONFIG")micropython.git
git clone -q --bare "file://$mirror" "$T/repo.git"
git() { command git -C "$T/repo.git" -c user.name=a -c user.email=a@b "$@"; }
commit=$(git rev-parse 'v1.25.0^{commit}')
other=$(git commit-tree -p "$commit" -m other "$commit^{tree}")
git branch -f line "$commit"
sed -i "s,git: .*,git: file://$T/repo.git," greeter.yaml
exits 3 'another URL is no reason to replace a lock' "$FIRN" -q lock greeter.yaml
exits 0 'but --update is' "$FIRN" -q lock --update greeter.yaml
cp greeter.yaml greeter.yaml.lock "$T/"
git tag -f v1.25.0 "$other" >/dev/null
mkdir "$T/fresh"
export FIRN_HOME=$T/fresh
exits 3 'a moved tag: --locked refuses' "$FIRN" -q build --locked greeter.yaml -o "$T/out"
like "$OUT" "the tag 'v1.25.0' was moved: the lock has commit $commit, now it is $other" 'a moved tag: by name'
sed -i 's/ref: v1.25.0/ref: line/' greeter.yaml
exits 0 'lock a branch' "$FIRN" -q lock --update source greeter.yaml
cp greeter.yaml.lock "$T/branch.lock"
git branch -f line "$other"
rm -rf "$T/fresh"
mkdir "$T/fresh"
# So that it stops before it compiles, something else differs.
sed -i 's/version: 1.4.0/version: 1.4.1/' greeter.yaml
sed -i 's/^- source version: .*/- source version: line-gbadc0ffee0/' greeter.yaml.lock
exits 3 'an edited version text' "$FIRN" -q build --locked greeter.yaml -o "$T/out"
like "$OUT" "'source version' is not what is locked: .* it is .*${commit:0:10} now" 'it does not get into the image'
cp "$T/branch.lock" greeter.yaml.lock
exits 3 'a branch that moved on: the locked commit is taken' "$FIRN" -q build --locked greeter.yaml -o "$T/out"
like "$OUT" "'version' is not what is locked" 'the branch is not what differs'
sed -i 's/version: 1.4.1/version: 1.4.0/' greeter.yaml
cp greeter.yaml.lock "$T/line.lock"
exits 0 'firn lock does not move it' "$FIRN" lock greeter.yaml
like "$OUT" "'line' is at ${other:0:10} now; commit ${commit:0:10} is built" 'and says so'
same greeter.yaml.lock "$T/line.lock" 'the lock is as it was'
exits 0 '--update of something else does not move it' "$FIRN" -q lock --update greet.py greeter.yaml
same greeter.yaml.lock "$T/line.lock" 'the lock is as it was, again'
exits 0 '--update source does' "$FIRN" lock --update source greeter.yaml
like "$OUT" "source commit: $commit -> $other" 'it says from where to where'
cp "$T/line.lock" greeter.yaml.lock
git update-ref -d refs/heads/line
git update-ref -d refs/tags/v1.25.0
git gc -q --prune=now
rm -rf "$T/fresh"
mkdir "$T/fresh"
exits 3 'a commit that is gone' "$FIRN" -q build --locked greeter.yaml -o "$T/out"
export FIRN_HOME=$T/home

# ---- updating a part ----
cp "$T/greeter.yaml" "$T/greeter.yaml.lock" .
echo '# changed' >>greeter/greet.py
echo '# changed' >>greeter/lib/snow/__init__.py
exits 3 '--update of one part, when others differ' "$FIRN" -q lock --offline --update greet.py greeter.yaml
like "$OUT" 'frozen snow/__init__.py' 'names the other'
same greeter.yaml.lock "$T/greeter.yaml.lock" 'and changes nothing'
cp "$TOP/manifests/greeter/lib/snow/__init__.py" greeter/lib/snow/
exits 0 '--update of what differs' "$FIRN" -q lock --offline --update greet.py greeter.yaml
is "$(diff greeter.yaml.lock "$T/greeter.yaml.lock" | grep -c '^[<>]')" 2 'one line of the lock is another'
echo '/* changed */' >>c_modules/twice/twice.c
exits 3 'a changed C module is no reason' "$FIRN" -q lock --offline greeter.yaml
exits 0 '--update of a name that is a file, too' "$FIRN" -q lock --offline --update c_modules/twice/twice.c greeter.yaml
is "$(diff greeter.yaml.lock "$T/greeter.yaml.lock" | grep -c '^[<>]')" 4 'two lines of the lock are others'
exits 2 '--update of what is not there' "$FIRN" -q lock --offline --update nothing greeter.yaml

echo '# more' >>greeter/greet.py
exits 0 'events' "$FIRN" --json lock --offline --update greeter.yaml
like "$(tail -1 <<<"$OUT")" '"changes":\["frozen greet.py: sha256 .* -> sha256 .*"\],"commit":"[0-9a-f]{40}","inputs":[0-9]+,"lock":"greeter.yaml.lock","manifest":"greeter.yaml","unchanged":false' 'events: what changed'

# ---- locks that are damaged ----
damaged() { # NAME SED-SCRIPT REGEX
    sed "$2" "$T/greeter.yaml.lock" >greeter.yaml.lock
    exits 2 "$1: refused" "$FIRN" -q build --locked --offline greeter.yaml -o "$T/out"
    like "$OUT" "$3" "$1: at its line"
}
damaged 'a merge conflict' '7i <<<<<<< HEAD' 'greeter.yaml.lock:7'
damaged 'no SHA-256' 's/\(frozen greet.py: sha256 \)./\1x/' 'greeter.yaml.lock:[0-9]*:[0-9]*: a SHA-256 has 64'
damaged 'no commit' 's/\(source commit: \)./\1x/' 'a commit has 40 hexadecimal digits'
damaged 'another format' 's/^lock: 1/lock: 9/' 'greeter.yaml.lock:2'
damaged 'an unknown key' 's/^inputs:/input:/' "did you mean 'inputs'"
damaged 'a list in a list' 's/^- port: .*/- [port]/' 'expected one'
damaged 'a file that is locked twice' 's/^- frozen greet.py: .*/&\n&/' "'frozen greet.py' is locked twice"
damaged 'no list' 's/^inputs:/inputs: x\nmore:/' 'greeter.yaml.lock:'
is "$(find "$T/out" -type f 2>/dev/null)" '' 'nothing was built in all this'

# ---- what CI runs ----
cat >host.yaml <<'EOF'
firn: 1
product: host
version: 1.0
firmware: {git: https://github.com/micropython/micropython.git, ref: v1.25.0}
board: {port: minimal, name: host}
EOF
exits 0 'a lock for a port without frozen modules' "$FIRN" -q lock host.yaml
exits 0 'build --locked --offline' "$FIRN" -q build --locked --offline host.yaml -o "$T/out"
ok 'builds' test -x "$T/out/host-1.0.elf"
exits 0 'and again' "$FIRN" build --locked --offline host.yaml -o "$T/out"
like "$OUT" 'unchanged' 'does nothing'
exits 0 'and without --locked' "$FIRN" build host.yaml -o "$T/out"
like "$OUT" 'unchanged' 'is the same build'

# ---- a working copy ----
tree=("$FIRN_HOME/src/$commit"-*/tree)
cp -r "${tree[0]}" "$T/p/tree"
sed 's/^firmware: .*/firmware: {path: tree}/' host.yaml >greeter.yaml
rm greeter.yaml.lock
exits 0 'a lock for a working copy' "$FIRN" -q lock greeter.yaml
ok 'says that it is one' grep -q '^- source with uncommitted changes: "yes"$' greeter.yaml.lock
echo >>tree/README.md
refused 'a working copy with another change' "'source commit' is not what is locked"
done_testing
