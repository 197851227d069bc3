#!/bin/bash
# Sources and toolchains in real builds: nothing writes into a checkout, a compiler that is not good
# enough is named with what was found and where, and hosts that are not allowed are not asked.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../home.sh"
own_home "$T/home"
cd "$TOP" || exit 1

exits 0 "a build of the demo's product" "$FIRN" build manifests/greeter.yaml -o "$T/out"
commit=$(sed -n 's/.*"commit": "\([0-9a-f]\{40\}\)".*/\1/p' "$T/out/greeter-1.4.0.json" | head -n 1)
for mirror in "$FIRN_HOME"/git/micropython-*.git; do
    git --git-dir="$mirror" cat-file -e "$commit" 2>/dev/null && break
done
is "$(git --git-dir="$mirror" rev-parse 'v1.25.0^{commit}')" "$commit" "the sidecar has the commit of the tag"

# mpy-cross and the firmware were built from here: names, contents and permissions are the commit's.
tree=$(echo "$FIRN_HOME/src/$commit"-*/tree)
tree=${tree%% *}
git --git-dir="$mirror" ls-tree -r "$commit" | awk '$2 == "blob" { print $1, $3, $4 }' | LC_ALL=C sort -k3 >"$T/committed"
(cd "$tree" && find . -type f -printf '%P\n' | LC_ALL=C sort) >"$T/names"
(cd "$tree" && git --git-dir="$mirror" hash-object --no-filters --stdin-paths) <"$T/names" >"$T/hashes"
(cd "$tree" && xargs -d '\n' stat -c '%a') <"$T/names" | sed 's/^/100/' >"$T/modes"
paste -d ' ' "$T/modes" "$T/hashes" "$T/names" >"$T/there"
same "$T/there" "$T/committed" "the checkout is the commit, also after the builds"

# A manifest's own range, and a compiler that is older than its definition allows.
sed 's/^board:/toolchain: {name: arm-none-eabi, version: ">=99"}\nboard:/' manifests/greeter.yaml >"$T/new.yaml"
cp -r manifests/greeter "$T/greeter"
exits 2 "a range that nothing fits" "$FIRN" build "$T/new.yaml" -o "$T/bad"

like "$OUT" "new.yaml:[0-9]+:[0-9]+: toolchain 'arm-none-eabi' is version [0-9.]+ \(/.*/arm-none-eabi-gcc\), but the manifest asks for >=99" \
    "found version, place, wanted range"
mkdir "$T/bin"
cat >"$T/bin/arm-none-eabi-gcc" <<'END'
#!/bin/sh
case $1 in
-dumpfullversion) echo 4.8.1 ;;
*) exec /usr/bin/arm-none-eabi-gcc "$@" ;;
esac
END
chmod +x "$T/bin/arm-none-eabi-gcc"
exits 1 "an old compiler first on PATH" env PATH="$T/bin:$PATH" "$FIRN" build manifests/greeter.yaml -o "$T/bad"
like "$OUT" "is version 4.8.1 \($T/bin/arm-none-eabi-gcc\), but its definition asks for >=10" "is named, with its place"
ok "no image is written" test ! -e "$T/bad"
exits 0 "the right one again" "$FIRN" build manifests/greeter.yaml -o "$T/out"

# ---- which hosts are asked ----------------------------------------------------------------------
# Nothing answers under these names: what is not allowed is refused before it is looked up.
export FIRN_CONFIG=$T/config.yaml
cd "$T" || exit 1
# refused URL REGEX: the reason, at the URL's place
refused() {
    printf 'firn: 1\nproduct: p\nversion: 1.0.0\nfirmware: {git: "%s", ref: v1}\nboard: NETDUINO2\n' "$1" >p.yaml
    exits 3 "$1: exit status 3" "$FIRN" build p.yaml -o bad
    like "$OUT" "$2" "$1: says why"
}
echo 'allow: [github.com]' >config.yaml
refused https://evil.example/x.git 'p.yaml:4:17: .*https://evil.example/x.git is not allowed: its host is not listed'
like "$OUT" 'add "evil.example" to allow: in config.yaml$' 'and what to write'
refused git@evil.example:x.git 'add "ssh://evil.example" to allow:'
refused https://github.com@evil.example/x.git 'https://evil.example/x.git is not allowed'
refused /srv/x.git 'add "file://" to allow:'
refused git://github.com/x.git 'nothing is fetched by git://'
like "$OUT" "'git://github.com/: https://github.com/' below mirrors:" 'and what to write'
refused ftp://github.com/x.git 'nothing is fetched by ftp://'
echo "mirrors: {'https://github.com': 'https://mirror', 'http://': 'https://'}" >>config.yaml
refused https://github.com.evil.example/x.git 'https://github.com.evil.example/x.git is not allowed'
refused http://evil.example/x.git 'https://evil.example/x.git \(mirror of http://evil.example/x.git\) is not allowed: its host is not listed'
echo 'mirrors: {}' >config.yaml
refused http://evil.example/x.git 'http:// does not protect what it carries'
refused https://me:secret@evil.example/x.git 'https://evil.example/x.git has a password in it'
unlike "$OUT" secret 'and does not show it'

# Submodules: those of a repository that is allowed, which names others.
fake_port
cat >>"$FIRN_DATA/firmware-src/fake.yaml" <<'END'
    submodules: [lib/x]
    known_boards: [GOOD]
END
git init -q -b master src
git -C src config user.name A && git -C src config user.email a@localhost
mkdir -p src/port/boards/GOOD && touch src/port/Makefile src/port/config.h src/port/boards/GOOD/board.mk
printf 'firn: 1\nproduct: p\nversion: 1.0.0\nfirmware: {interpreter: fake, git: "https://github.com/x.git", ref: master}\nboard: GOOD\n' >s.yaml
printf 'allow: [github.com]\nmirrors: {"https://github.com/x.git": "%s/src"}\n' "$T" >config.yaml
# submodule NAME PATH URL REGEX: what a .gitmodules tries
submodule() {
    printf '[submodule "%s"]\n\tpath = %s\n\turl = %s\n' "$1" "$2" "$3" >src/.gitmodules
    git -C src add -A && git -C src update-index --add --cacheinfo 160000,1234567890123456789012345678901234567890,lib/x
    git -C src commit -qm "$1 $2 $3"
    exits 3 "submodule $1 $2 $3: exit status 3" "$FIRN" build --refresh s.yaml -o bad
    like "$OUT" "$4" "submodule $1 $2 $3: says why"
}
submodule x lib/x https://evil.example/x.git "submodule 'lib/x': https://evil.example/x.git is not allowed: its host is not listed"
submodule x lib/x git@evil.example:x.git 'add "ssh://evil.example" to allow:'
submodule x lib/x "ext::touch $T/run" 'nothing is fetched by ext::'
submodule x lib/x -ufoo:x 'is not the URL of a repository'
submodule x lib/x /etc "points to a local path, '/etc'"
submodule x lib/x http://127.0.0.1:1/x 'points to a local server'
submodule ../../x lib/x ../y.git "refusing the submodule name '../../x'"
ok 'and nothing is run' test ! -e "$T/run"
done_testing
